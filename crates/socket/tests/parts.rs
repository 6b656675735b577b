//! Several blocks in one go.

mod common;

use std::io::Read;
use std::time::Duration;

use common::{Bench, DEADLINE};
use skynet_core::Payload;
use skynet_socket::{SendError, SocketEvent, SocketId};

/// Blocks with known bytes; some empty, some long.
fn blocks(count: usize) -> (Vec<Payload>, Vec<u8>) {
    let lengths = (0..count).map(|at| match at % 5 {
        0 => 0,
        1 => 30_000,
        _ => at % 100,
    });
    let blocks: Vec<Vec<u8>> =
        lengths.enumerate().map(|(at, len)| (0..len).map(|byte| (byte * 7 + at) as u8).collect()).collect();
    (blocks.iter().map(|block| Payload::from(&block[..])).collect(), blocks.concat())
}

#[test]
fn blocks_arrive_in_order_behind_what_was_sent_before() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, mut client) = bench.pair(&probe);
    client.set_read_timeout(Some(DEADLINE)).expect("a time-out can be set");
    bench.sockets.send(id, "first").expect("it is open");
    let (parts, mut expected) = blocks(10);
    expected.splice(..0, *b"first");
    assert_eq!(bench.sockets.send_parts(id, parts).expect("it is open"), 0);
    assert_eq!(bench.sockets.send_parts(id, vec![Payload::from("one")]).expect("it is open"), 0);
    expected.extend_from_slice(b"one");
    bench.sockets.send(id, "last").expect("it is open");
    expected.extend_from_slice(b"last");
    let mut got = vec![0; expected.len()];
    client.read_exact(&mut got).expect("all comes");
    assert!(got == expected);
    bench.stop();
}

#[test]
fn what_has_no_room_waits_in_order_and_is_counted() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, mut client) = bench.pair(&probe);
    client.set_read_timeout(Some(DEADLINE)).expect("a time-out can be set");
    let (mut expected, mut waits) = (Vec::new(), 0);
    // More blocks than one call takes, until nothing goes out any more.
    while waits < 4 << 20 {
        for count in [1, 2, 300] {
            let (parts, bytes) = blocks(count);
            expected.extend(bytes);
            waits = bench.sockets.send_parts(id, parts).expect("it is open");
            assert!(bench.sockets.waiting(id) <= waits);
        }
    }
    let mut got = vec![0; expected.len()];
    client.read_exact(&mut got).expect("all comes");
    assert!(got == expected);
    common::until("nothing waits any more", || bench.sockets.waiting(id) == 0);
    assert!(matches!(probe.of(id), SocketEvent::Backlog { kib } if kib >= 1024));
    bench.stop();
}

#[test]
fn a_connection_that_is_being_made_keeps_blocks_until_it_is_there() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (server, port) = common::server();
    let id = bench.sockets.connect(probe.handle, "127.0.0.1", port).expect("there is room");
    let (parts, expected) = blocks(6);
    bench.sockets.send_parts(id, parts).expect("the id is there at once");
    let (mut stream, _) = server.accept().expect("it connects");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time-out can be set");
    let mut got = vec![0; expected.len()];
    stream.read_exact(&mut got).expect("all comes");
    assert!(got == expected);
    bench.stop();
}

#[test]
fn what_is_no_connection_takes_no_blocks() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (listener, _) = bench.listen(&probe);
    let (id, _client) = bench.pair(&probe);
    bench.sockets.close(id);
    for id in [listener, id, SocketId::from_raw(9999)] {
        let sent = bench.sockets.send_parts(id, vec![Payload::from("x")]);
        assert!(matches!(sent, Err(SendError::Closed { .. })), "{id}: {sent:?}");
        assert_eq!(bench.sockets.waiting(id), 0);
    }
    bench.stop();
}

#[test]
fn a_peer_that_is_gone_breaks_the_connection() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    common::reset(&client);
    drop(client);
    common::until("the connection is gone", || {
        let sent = bench.sockets.send_parts(id, blocks(3).0);
        assert!(!matches!(sent, Ok(waits) if waits > 0), "nothing waits for nobody");
        sent.is_err()
    });
    bench.stop();
}

#[test]
fn keep_alive_can_be_timed_on_connections_alone() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, _client) = bench.pair(&probe);
    let (listener, _) = bench.listen(&probe);
    for silence in [Duration::ZERO, Duration::from_secs(15), Duration::MAX] {
        assert!(bench.sockets.keepalive_after(id, silence), "{silence:?}");
        assert!(!bench.sockets.keepalive_after(listener, silence));
        assert!(!bench.sockets.keepalive_after(SocketId::from_raw(9999), silence));
    }
    bench.stop();
}
