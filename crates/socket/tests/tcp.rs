//! Connections: making, taking, echoing, closing.

mod common;

use std::io::Write;
use std::net::{Shutdown, TcpListener};

use common::*;
use skynet_core::{Context, Handle, LogTarget, Message, Node, Payload};
use skynet_socket::{OpenError, Options, SendError, SocketEvent, SocketId, Sockets, StartError};

#[test]
fn bytes_go_both_ways_on_an_accepted_connection() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    write(&client, b"ping");
    assert_eq!(probe.read(id, 4), b"ping");
    bench.sockets.send(id, Payload::from("po")).expect("it is open");
    bench.sockets.send(id, b"ng").expect("it is open");
    assert_eq!(read(&client, 4), b"pong");
    let stat = bench.sockets.stat(id).expect("it is open");
    assert_eq!((stat.read, stat.written, stat.waiting, stat.owner), (4, 4, 0, probe.handle));
    assert_eq!(stat.address, client.local_addr().ok());
    bench.stop();
}

#[test]
fn big_blocks_arrive_whole_and_in_order() {
    let bench = Bench::with(Options::default().threads(3));
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let bytes = pattern(LOTS);
    let expected = bytes.clone();
    let sender = std::thread::spawn(move || {
        write(&client, &bytes);
        client
    });
    assert!(probe.read(id, LOTS) == expected);
    let client = sender.join().expect("all is written");
    expected.chunks(100_000).for_each(|part| bench.sockets.send(id, part).expect("it is open"));
    assert!(read(&client, LOTS) == expected);
    bench.stop();
}

#[test]
fn a_connection_of_ours_sends_what_was_written_before_it_was_there() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (server, port) = server();
    let id = bench.sockets.connect(probe.handle, "localhost", port).expect("there is room");
    bench.sockets.nodelay(id);
    bench.sockets.send(id, "early").expect("it will be open");
    let (stream, _) = server.accept().expect("it connects");
    assert_eq!(read(&stream, 5), b"early");
    probe.ready(id, "127.0.0.1");
    write(&stream, b"late");
    assert_eq!(probe.read(id, 4), b"late");
    assert!(bench.sockets.keepalive(id, false));
    bench.stop();
}

#[test]
fn a_refused_connection_says_so_and_is_gone() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (server, port) = server();
    drop(server);
    let id = bench.sockets.connect(probe.handle, "127.0.0.1", port).expect("there is room");
    assert_eq!(probe.failed(id), "Connection refused");
    until("it is forgotten", || bench.sockets.stat(id).is_none());
    assert!(matches!(bench.sockets.send(id, "x"), Err(SendError::Closed { .. })));
    bench.stop();
}

#[test]
fn an_unknown_host_is_told_in_the_words_of_the_resolver() {
    let bench = Bench::new();
    let probe = bench.probe();
    // No name of a host has a space in it, so no server is asked.
    let id = bench.sockets.connect(probe.handle, "not a host", 80).expect("there is room");
    assert_eq!(probe.failed(id), "Name or service not known");
    let error = bench.sockets.listen(probe.handle, "not a host", 0, 1).expect_err("it has no address");
    assert!(error.to_string().contains("`not a host`: Name or service not known"), "{error}");
    bench.stop();
}

#[test]
fn a_port_in_use_is_named() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (_, address) = bench.listen(&probe);
    let error = bench.sockets.listen(probe.handle, "127.0.0.1", address.port(), 1).expect_err("it is in use");
    assert!(matches!(error, OpenError::Address { .. }));
    assert_eq!(error.to_string(), format!("cannot use {address}: Address already in use"));
    bench.stop();
}

#[test]
fn ipv6_connections_work() {
    let bench = Bench::new();
    let probe = bench.probe();
    if TcpListener::bind("[::1]:0").is_err() {
        // This machine has no IPv6.
        return;
    }
    let listener = bench.sockets.listen(probe.handle, "::1", 0, 8).expect("loopback can be listened on");
    let SocketEvent::Ready { port, text } = probe.of(listener) else { panic!("not ready") };
    assert_eq!(text, "::1");
    bench.sockets.start(probe.handle, listener);
    let id = bench.sockets.connect(probe.handle, "::1", port).expect("there is room");
    probe.ready(listener, "start");
    let accepted = probe.accepted(listener);
    bench.sockets.start(probe.handle, accepted);
    bench.sockets.send(id, "six").expect("it is open");
    probe.ready(accepted, "start");
    assert_eq!(probe.read(accepted, 3), b"six");
    bench.stop();
}

#[test]
fn after_the_peers_end_it_can_still_be_written_to() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    write(&client, b"last");
    client.shutdown(Shutdown::Write).expect("it is open");
    assert_eq!(probe.read(id, 4), b"last");
    probe.closed(id);
    bench.sockets.send(id, "answer").expect("one half is open");
    assert_eq!(read(&client, 6), b"answer");
    bench.sockets.close(id);
    assert_eq!(drain(&client), b"");
    until("it is forgotten", || bench.sockets.stat(id).is_none());
    bench.stop_and_expect_no_more(&probe, id);
}

#[test]
fn close_sends_what_waits_first() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let bytes = pattern(LOTS);
    bench.sockets.send(id, Payload::from(&bytes[..])).expect("it is open");
    bench.sockets.close(id);
    loop {
        match probe.of(id) {
            SocketEvent::Closed => break,
            SocketEvent::Backlog { .. } => {}
            other => panic!("not closed: {other:?}"),
        }
    }
    assert!(matches!(bench.sockets.send(id, "late"), Err(SendError::Closed { .. })));
    assert!(drain(&client) == bytes);
    until("it is forgotten", || bench.sockets.stat(id).is_none());
    bench.stop();
}

#[test]
fn a_closed_socket_whose_peer_never_reads_is_given_up() {
    let bench = Bench::with(Options::default().close_timeout(Some(std::time::Duration::from_millis(50))));
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    bench.sockets.send(id, Payload::from(pattern(LOTS))).expect("it is open");
    bench.sockets.close(id);
    until("it is given up", || bench.sockets.stat(id).is_none());
    assert!(drain(&client).len() < LOTS);
    bench.stop();
}

#[test]
fn connections_that_a_service_has_not_heard_of_end_with_it() {
    let bench = Bench::new();
    let (go_on, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let busy = bench.node.spawn(move |_: &Context, _: Message| {
        let _ = gate.lock().expect("it does not panic").recv_timeout(DEADLINE);
    });
    let busy = busy.expect("it starts");
    // The message about the listener keeps it busy.
    let listener = bench.sockets.listen(busy, "127.0.0.1", 0, 32).expect("a port is free");
    let address = bench.sockets.stat(listener).and_then(|stat| stat.address).expect("it is open");
    bench.sockets.start(busy, listener);
    let clients: Vec<_> = (0..3).map(|_| connect(address)).collect();
    until("they are taken", || bench.sockets.stat(listener).is_some_and(|stat| stat.read == 3));
    bench.node.kill(busy);
    go_on.send(()).expect("it waits");
    clients.iter().for_each(|client| assert_eq!(drain(client), b""));
    bench.sockets.close(listener);
    until("all are forgotten", || bench.sockets.netstat().is_empty());
    bench.stop();
}

#[test]
fn nobody_can_start_a_socket_that_is_being_closed() {
    let bench = Bench::new();
    let (probe, other) = (bench.probe(), bench.probe());
    let (id, client) = bench.pair(&probe);
    bench.sockets.send(id, Payload::from(pattern(LOTS))).expect("it is open");
    bench.sockets.close(id);
    // It sends still, to nobody who reads.
    for probe in [&other, &probe] {
        bench.sockets.start(probe.handle, id);
        let failure = loop {
            match probe.of(id) {
                SocketEvent::Failed(reason) => break reason,
                SocketEvent::Closed | SocketEvent::Backlog { .. } => {}
                event => panic!("not failed: {event:?}"),
            }
        };
        assert_eq!(failure, "socket closed");
    }
    assert!(drain(&client) == pattern(LOTS));
    bench.stop();
}

#[test]
fn shutdown_does_not_wait() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    bench.sockets.send(id, Payload::from(pattern(LOTS))).expect("it is open");
    bench.sockets.shutdown(id);
    until("it is forgotten", || bench.sockets.stat(id).is_none());
    assert!(drain(&client).len() < LOTS);
    bench.stop();
}

#[test]
fn closed_comes_once_however_often_one_closes() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    bench.sockets.close(id);
    bench.sockets.close(id);
    bench.sockets.shutdown(id);
    probe.closed(id);
    drain(&client);
    bench.sockets.close(SocketId::from_raw(-3));
    bench.stop_and_expect_no_more(&probe, id);
}

#[test]
fn what_is_written_right_behind_the_start_arrives() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (listener, address) = bench.listen(&probe);
    for round in 0..200_u32 {
        let client = connect(address);
        let id = probe.accepted(listener);
        bench.sockets.start(probe.handle, id);
        bench.sockets.send(id, &round.to_le_bytes()).expect("it is open");
        assert_eq!(read(&client, 4), round.to_le_bytes());
        probe.ready(id, "start");
    }
    bench.stop();
}

#[test]
fn what_is_written_to_an_unstarted_connection_is_lost() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (listener, address) = bench.listen(&probe);
    let client = connect(address);
    let id = probe.accepted(listener);
    bench.sockets.send(id, "lost").expect("it reports success");
    bench.sockets.start(probe.handle, id);
    probe.ready(id, "start");
    bench.sockets.send(id, "kept").expect("it is open");
    bench.sockets.close(id);
    assert_eq!(drain(&client), b"kept");
    bench.stop();
}

#[test]
fn ids_climb_and_a_dead_id_names_nobody() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (listener, address) = bench.listen(&probe);
    let mut last = listener;
    for _ in 0..50 {
        let client = connect(address);
        let id = probe.accepted(listener);
        assert!(id > last);
        last = id;
        bench.sockets.close(id);
        probe.closed(id);
        assert_eq!(drain(&client), b"");
        bench.sockets.start(probe.handle, id);
        assert_eq!(probe.failed(id), "invalid socket");
    }
    bench.stop();
}

#[test]
fn an_adopted_descriptor_is_read_and_written_and_stays_open() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a pair can be made");
    let id = bench.sockets.bind(probe.handle, &theirs).expect("it can be copied");
    probe.ready(id, "binding");
    ours.write_all(b"typed\n").expect("it is open");
    assert_eq!(probe.read(id, 6), b"typed\n");
    bench.sockets.send(id, "echo").expect("it is open");
    let mut seen = [0; 4];
    std::io::Read::read_exact(&mut ours, &mut seen).expect("it comes");
    assert_eq!(&seen, b"echo");
    bench.sockets.close(id);
    probe.closed(id);
    until("it is forgotten", || bench.sockets.stat(id).is_none());
    (&theirs).write_all(b"!").expect("the original is open");
    bench.stop();
}

#[test]
fn an_adopted_file_is_read_to_its_end() {
    let bench = Bench::new();
    let probe = bench.probe();
    let null = std::fs::File::open("/dev/null").expect("it is there");
    let id = bench.sockets.bind(probe.handle, &null).expect("it can be copied");
    probe.ready(id, "binding");
    probe.closed(id);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let file = std::fs::File::open(path).expect("the package has one");
    let len = file.metadata().expect("it has a length").len() as usize;
    let id = bench.sockets.bind(probe.handle, &file).expect("it can be copied");
    probe.ready(id, "binding");
    assert_eq!(probe.read(id, len).len(), len);
    probe.closed(id);
    bench.stop();
}

#[test]
fn a_node_that_stops_closes_everything() {
    let bench = Bench::with(Options::default().threads(2));
    let probe = bench.probe();
    let (listener, address) = bench.listen(&probe);
    let clients: Vec<_> = (0..10).map(|_| connect(address)).collect();
    for number in 0..10 {
        let id = probe.accepted(listener);
        if number % 2 == 0 {
            bench.sockets.start(probe.handle, id);
        }
    }
    let sockets = bench.sockets.clone();
    bench.stop();
    assert!(sockets.netstat().is_empty());
    clients.iter().for_each(|client| assert_eq!(drain(client), b""));
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(matches!(sockets.listen(probe.handle, "127.0.0.1", 0, 1), Err(OpenError::Stopped)));
    assert!(matches!(sockets.connect(probe.handle, "127.0.0.1", 1), Err(OpenError::Stopped)));
}

#[test]
fn a_node_that_has_ended_has_no_use_for_sockets() {
    let node = Node::builder().workers(1).log(LogTarget::Null).start().expect("it starts");
    node.stop(DEADLINE).expect("all ends");
    let sockets = Sockets::attach(&node, Options::default()).expect("threads can be started");
    let error = sockets.udp(Handle::NONE).expect_err("nobody could use it");
    assert_eq!(error.to_string(), "the node has ended, and its sockets with it");
    // It waits for the thread that stands by, which ends at once.
    node.wait();
    assert!(matches!(Sockets::attach(&node, Options::default()), Err(StartError::Attached)));
    let many = Options::default().threads(65);
    assert!(matches!(Sockets::attach(&node, many), Err(StartError::Threads { count: 65 })));
}

impl Bench {
    /// Stops, after which nothing more of this socket may have come.
    fn stop_and_expect_no_more(self, probe: &Probe, id: SocketId) {
        self.stop();
        let rest = probe.rest();
        assert!(rest.iter().all(|(from, _)| *from != id), "{rest:?}");
    }
}

#[test]
fn who_hears_that_a_listener_is_closed_may_listen_on_its_port() {
    for threads in [0, 2] {
        let bench = Bench::with(Options::default().threads(threads));
        let probe = bench.probe();
        let (mut id, address) = bench.listen(&probe);
        for _ in 0..200 {
            bench.sockets.close(id);
            probe.closed(id);
            id =
                bench.sockets.listen(probe.handle, "127.0.0.1", address.port(), 8).expect("the port is free");
            probe.ready(id, "127.0.0.1");
        }
        bench.stop();
    }
}
