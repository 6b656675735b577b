//! Datagrams.

mod common;

use std::net::{SocketAddr, UdpSocket};

use common::*;
use skynet_socket::{Datagram, OpenError, SendError, SocketEvent, SocketId, UdpAddress};

impl Probe {
    fn datagram(&self, id: SocketId) -> Datagram {
        match self.of(id) {
            SocketEvent::Datagram(datagram) => datagram,
            other => panic!("no datagram: {other:?}"),
        }
    }
}

fn round_trip(host: &str) {
    let bench = Bench::new();
    let probe = bench.probe();
    let server = match bench.sockets.udp_listen(probe.handle, host, 0) {
        Ok(server) => server,
        // This machine has no IPv6.
        Err(_) if host == "::1" => return,
        Err(error) => panic!("{error}"),
    };
    let address = bench.sockets.local_address(server).expect("it is bound");
    let client = bench.sockets.udp_dial(probe.handle, host, address.port()).expect("loopback is there");
    bench.sockets.send(client, "question").expect("it has a peer");
    let question = probe.datagram(server);
    assert_eq!(question.data(), b"question");
    bench.sockets.udp_send(server, question.from(), b"answer").expect("it is open");
    let answer = probe.datagram(client);
    assert_eq!((answer.data(), SocketAddr::from(answer.from())), (&b"answer"[..], address));
    assert_eq!(answer.from().as_bytes().len(), if host == "::1" { 19 } else { 7 });
    bench.sockets.close(client);
    probe.closed(client);
    bench.stop();
}

#[test]
fn datagrams_go_both_ways_over_ipv4() {
    round_trip("127.0.0.1");
}

#[test]
fn datagrams_go_both_ways_over_ipv6() {
    round_trip("::1");
}

#[test]
fn an_empty_and_a_great_datagram_arrive_as_they_are() {
    let bench = Bench::new();
    let probe = bench.probe();
    let id = bench.sockets.udp_listen(probe.handle, "127.0.0.1", 0).expect("loopback is there");
    let address = bench.sockets.local_address(id).expect("it is bound");
    let peer = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    for size in [0, 1, 60_000] {
        peer.send_to(&pattern(size), address).expect("it goes");
        assert!(probe.datagram(id).data() == pattern(size));
    }
    bench.stop();
}

#[test]
fn a_peer_is_needed_and_can_be_changed() {
    let bench = Bench::new();
    let probe = bench.probe();
    let id = bench.sockets.udp(probe.handle).expect("the system has ports");
    assert!(matches!(bench.sockets.send(id, "x"), Err(SendError::NoAddress { .. })));
    for text in ["one", "two"] {
        let peer = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        peer.set_read_timeout(Some(DEADLINE)).expect("a time-out can be set");
        let port = peer.local_addr().expect("it is bound").port();
        bench.sockets.udp_connect(id, "127.0.0.1", port).expect("it is a UDP socket");
        bench.sockets.send(id, text).expect("it has a peer");
        let mut seen = [0; 8];
        let (size, _) = peer.recv_from(&mut seen).expect("it comes");
        assert_eq!(&seen[..size], text.as_bytes());
    }
    bench.stop();
}

#[test]
fn what_cannot_go_is_an_error() {
    let bench = Bench::new();
    let probe = bench.probe();
    let id = bench.sockets.udp(probe.handle).expect("the system has ports");
    let to = UdpAddress::from(SocketAddr::from(([127, 0, 0, 1], 9)));
    let error = bench.sockets.udp_send(id, to, &pattern(70_000)[..]).expect_err("it is too long");
    assert!(matches!(error, SendError::Datagram { .. }), "{error}");
    let (listener, _) = bench.listen(&probe);
    assert!(matches!(bench.sockets.udp_connect(listener, "127.0.0.1", 9), Err(OpenError::Unknown { .. })));
    let (stream, _client) = bench.pair(&probe);
    assert!(matches!(bench.sockets.udp_send(stream, to, "x"), Err(SendError::NoAddress { .. })));
    bench.stop();
}
