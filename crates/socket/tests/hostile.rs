//! Clients that misbehave, and a system that runs out of things.

mod common;

use std::net::TcpStream;

use common::*;
use skynet_socket::{Options, SocketEvent};

#[test]
fn those_who_connect_and_vanish_harm_nobody() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (listener, address) = bench.listen(&probe);
    let good = connect(address);
    let id = probe.accepted(listener);
    bench.sockets.start(probe.handle, id);
    probe.ready(id, "start");
    for number in 0..200 {
        let bad = connect(address);
        if number % 2 == 0 {
            reset(&bad);
        }
        drop(bad);
    }
    for _ in 0..200 {
        let gone = probe.accepted(listener);
        bench.sockets.start(probe.handle, gone);
        bench.sockets.close(gone);
    }
    write(&good, b"still here");
    assert_eq!(probe.read(id, 10), b"still here");
    until("only the good ones are left", || bench.sockets.netstat().len() == 2);
    bench.stop();
}

#[test]
fn a_reset_is_told_as_a_failure_and_then_closed() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    write(&client, b"half a pack");
    assert_eq!(probe.read(id, 11), b"half a pack");
    reset(&client);
    drop(client);
    assert_eq!(probe.failed(id), "Connection reset by peer");
    probe.closed(id);
    until("it is forgotten", || bench.sockets.stat(id).is_none());
    bench.stop();
}

#[test]
fn a_failed_write_is_told_once() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    drop(client);
    probe.closed(id);
    // The peer answers the first with a reset, so that a later one fails; then the socket is gone.
    until("it is forgotten", || bench.sockets.send(id, "x").is_err());
    let text = probe.failed(id);
    assert!(text == "Broken pipe" || text == "Connection reset by peer", "{text}");
    bench.stop();
    assert!(probe.rest().iter().all(|(from, _)| *from != id));
}

#[test]
fn a_thousand_connections_are_served() {
    let bench = Bench::with(Options::default().threads(2));
    let probe = bench.probe();
    let (listener, address) = bench.listen(&probe);
    let clients: Vec<TcpStream> = (0..1000).map(|_| connect(address)).collect();
    let mut accepted = Vec::new();
    while accepted.len() < clients.len() {
        accepted.push(probe.accepted(listener));
    }
    accepted.iter().for_each(|id| bench.sockets.start(probe.handle, *id));
    for (number, client) in clients.iter().enumerate() {
        write(client, format!("{number:04}").as_bytes());
    }
    let mut echoed = 0;
    while echoed < clients.len() {
        if let (id, SocketEvent::Data(data)) = probe.next() {
            bench.sockets.send(id, data).expect("it is open");
            echoed += 1;
        }
    }
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(read(client, 4), format!("{number:04}").as_bytes());
    }
    drop(clients);
    let mut closed = 0;
    while closed < accepted.len() {
        if let (id, SocketEvent::Closed) = probe.next() {
            bench.sockets.close(id);
            closed += 1;
        }
    }
    until("only the listener is left", || bench.sockets.netstat().len() == 1);
    assert_eq!(bench.sockets.stat(listener).expect("it is open").read, 1000);
    bench.stop();
}

#[test]
fn too_many_sockets_are_turned_away_with_the_known_text() {
    let bench = Bench::with(Options::default().max_sockets(256));
    let probe = bench.probe();
    let (listener, address) = bench.listen(&probe);
    let mut clients = Vec::new();
    let mut last = None;
    while clients.len() < 255 {
        clients.push(connect(address));
        last = Some(probe.accepted(listener));
    }
    let refused = connect(address);
    assert_eq!(probe.failed(listener), "reach skynet socket number limit");
    assert_eq!(drain(&refused), b"");
    let error = bench.sockets.connect(probe.handle, "127.0.0.1", 1).expect_err("there is no room");
    assert_eq!(error.to_string(), "reach skynet socket number limit");
    bench.sockets.shutdown(last.expect("there were some"));
    until("there is room", || bench.sockets.netstat().len() == 255);
    let _client = connect(address);
    probe.accepted(listener);
    bench.stop();
}
