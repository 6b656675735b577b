//! Back-pressure: pausing, priorities, warnings, limits, transfer.

mod common;

use common::*;
use skynet_core::Payload;
use skynet_socket::{SocketEvent, SocketId, SocketInfo};

fn stat(bench: &Bench, id: SocketId) -> SocketInfo {
    bench.sockets.stat(id).expect("it is open")
}

/// Fills the system's buffers, so that what is sent next has to wait.
fn clog(bench: &Bench, id: SocketId) -> usize {
    let piece = pattern(256 * 1024);
    let mut sent = 0;
    while stat(bench, id).waiting == 0 {
        bench.sockets.send(id, &piece[..]).expect("it is open");
        sent += piece.len();
        assert!(sent < 4 * LOTS, "the system takes everything");
    }
    sent
}

#[test]
fn a_paused_socket_reads_nothing_until_it_is_started() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    bench.sockets.pause(id);
    until("it is paused", || !stat(&bench, id).reading);
    let bytes = pattern(LOTS);
    let expected = bytes.clone();
    let sender = std::thread::spawn(move || {
        // It cannot end before somebody reads.
        write(&client, &bytes);
        client
    });
    assert_eq!(stat(&bench, id).read, 0);
    bench.sockets.start(probe.handle, id);
    probe.ready(id, "transfer");
    assert!(probe.read(id, LOTS) == expected);
    drop(sender.join().expect("all is written"));
    probe.closed(id);
    bench.stop();
}

#[test]
fn what_is_a_little_longer_than_the_first_block_comes_in_one_message() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let bytes = pattern(66);
    write(&client, &bytes);
    assert_eq!(probe.read(id, bytes.len()), bytes, "in however many");
    for _ in 0..10 {
        write(&client, &bytes);
        match probe.of(id) {
            SocketEvent::Data(data) => assert_eq!(&*data, &bytes[..]),
            other => panic!("no data: {other:?}"),
        }
    }
    bench.stop();
}

#[test]
fn a_paused_listener_takes_nobody() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (listener, address) = bench.listen(&probe);
    bench.sockets.pause(listener);
    until("it is paused", || !stat(&bench, listener).reading);
    let _client = connect(address);
    assert_eq!(stat(&bench, listener).read, 0);
    bench.sockets.start(probe.handle, listener);
    probe.ready(listener, "transfer");
    probe.accepted(listener);
    assert_eq!(stat(&bench, listener).read, 1);
    bench.stop();
}

#[test]
fn high_priority_overtakes_low_but_not_what_was_begun() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let clogged = clog(&bench, id);
    for text in ["low1.", "low2."] {
        bench.sockets.send_low(id, text).expect("it is open");
    }
    for text in ["high1.", "high2."] {
        bench.sockets.send(id, text).expect("it is open");
    }
    bench.sockets.close(id);
    let got = drain(&client);
    let piece = pattern(256 * 1024);
    assert!(got.len() > clogged && got[..clogged].chunks(piece.len()).all(|part| part == piece));
    assert_eq!(String::from_utf8_lossy(&got[clogged..]), "high1.high2.low1.low2.");
    bench.stop();
}

#[test]
fn the_owner_is_warned_at_doublings_and_when_all_is_sent() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let clogged = clog(&bench, id);
    let mib = pattern(1024 * 1024);
    for _ in 0..9 {
        bench.sockets.send(id, &mib[..]).expect("it is open");
    }
    let total = clogged + 9 * mib.len();
    assert_eq!(read(&client, total).len(), total);
    let mut warnings = Vec::new();
    while warnings.last() != Some(&0) {
        match probe.of(id) {
            SocketEvent::Backlog { kib } => warnings.push(kib),
            other => panic!("no warning: {other:?}"),
        }
    }
    warnings.pop();
    assert_eq!(warnings.len(), 4, "at 1, 2, 4 and 8 MiB: {warnings:?}");
    for (number, kib) in warnings.iter().enumerate() {
        assert!((1024 << number..1024 << (number + 1)).contains(kib), "{warnings:?}");
    }
    assert_eq!(stat(&bench, id).waiting, 0);
    bench.stop();
}

#[test]
fn a_peer_that_does_not_read_is_closed_at_the_limit() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    bench.sockets.limit(id, Some(64 * 1024));
    bench.sockets.send(id, Payload::from(pattern(LOTS))).expect("it is open until then");
    let text = probe.failed(id);
    assert!(text.starts_with("send buffer overflow: ") && text.ends_with("the limit is 65536"), "{text}");
    probe.closed(id);
    until("it is forgotten", || bench.sockets.stat(id).is_none());
    assert!(drain(&client).len() < LOTS);
    bench.stop();
}

#[test]
fn a_socket_goes_from_one_service_to_another() {
    let bench = Bench::new();
    let (first, second) = (bench.probe(), bench.probe());
    let (id, client) = bench.pair(&first);
    write(&client, b"one");
    assert_eq!(first.read(id, 3), b"one");
    bench.sockets.start(second.handle, id);
    second.ready(id, "transfer");
    write(&client, b"two");
    assert_eq!(second.read(id, 3), b"two");
    assert_eq!(stat(&bench, id).owner, second.handle);
    bench.stop();
    assert!(first.rest().is_empty());
}

#[test]
fn what_answers_a_write_after_the_transfer_comes_to_the_new_owner() {
    let bench = Bench::new();
    let probes = [bench.probe(), bench.probe()];
    let (id, mut client) = bench.pair(&probes[1]);
    let echo = std::thread::spawn(move || {
        let mut copy = client.try_clone().expect("a second handle");
        std::io::copy(&mut copy, &mut client).expect("an echo")
    });
    for round in 0..2000_u32 {
        let owner = &probes[round as usize % 2];
        bench.sockets.start(owner.handle, id);
        bench.sockets.send(id, &round.to_le_bytes()[..]).expect("it is open");
        owner.ready(id, "transfer");
        assert_eq!(owner.read(id, 4), round.to_le_bytes());
    }
    bench.sockets.shutdown(id);
    assert_eq!(echo.join().expect("the echo ends"), 8000);
    bench.stop();
}

#[test]
fn nothing_is_lost_when_the_owner_ends_before_the_next_one_starts() {
    let bench = Bench::new();
    let (first, second) = (bench.probe(), bench.probe());
    let (id, client) = bench.pair(&first);
    assert!(bench.node.kill(first.handle));
    write(&client, b"while nobody owns it");
    until("it stops reading", || !stat(&bench, id).reading);
    write(&client, b", and more");
    bench.sockets.start(second.handle, id);
    second.ready(id, "transfer");
    assert_eq!(second.read(id, 30), b"while nobody owns it, and more");
    bench.stop();
}

#[test]
fn a_socket_that_nobody_owns_goes_with_its_peer() {
    let bench = Bench::new();
    let first = bench.probe();
    let (id, client) = bench.pair(&first);
    let (other, silent) = bench.pair(&first);
    assert!(bench.node.kill(first.handle));
    write(&client, b"to nobody");
    drop((client, silent));
    until("both are forgotten", || [id, other].iter().all(|id| bench.sockets.stat(*id).is_none()));
    bench.stop();
}
