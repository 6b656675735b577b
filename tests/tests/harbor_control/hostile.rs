//! Bytes of strangers on both ports cost their own connection and nothing else.

use std::thread;
use std::time::{Duration, Instant};

use crate::ours;
use crate::peer::{DEADLINE, FEATURES, Master, Peer, Slave, package, values};

/// Tries until there is room again after a flood.
#[track_caller]
fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < end, "there is no room in all that time");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The master serves somebody who behaves.
fn master_is_well(master: &Master) {
    let mut good = eventually(|| {
        let mut good = master.slave(100, "127.0.0.1:1", None);
        good.is_answered().then_some(good)
    });
    assert_eq!(good.next()[..1], values!["W"]);
    good.send(&values!["Q", "SUBJECT"]);
    loop {
        let values = good.next();
        if values[..1] == values!["N"] {
            break;
        }
    }
}

#[test]
fn wrong_introductions_to_the_master_are_closed_and_logged() {
    let master = Master::start(&ours(), |config| config).settled();
    let wrong = [
        (values!["H", 0, "127.0.0.1:1"].to_vec(), "Invalid slave id 0"),
        (values!["H", 300, "127.0.0.1:1"].to_vec(), "Invalid slave id 300"),
        (values!["H", -1, "127.0.0.1:1"].to_vec(), "Invalid slave id -1"),
        (values!["H", "2", "127.0.0.1:1"].to_vec(), "Invalid slave id 2"),
        (values!["H"].to_vec(), "Invalid slave id nil"),
        (values!["H", 2].to_vec(), "Invalid address of slave 2"),
        (values!["H", 2, ""].to_vec(), "Invalid address of slave 2"),
        (values!["H", 2, "a".repeat(200)].to_vec(), "Invalid address of slave 2"),
        (values!["R", "NAME", 0x0200_0001].to_vec(), "Invalid handshake type R"),
        (values![7].to_vec(), "what was sent is no package"),
        (Vec::new(), "what was sent is no package"),
    ];
    for (values, reason) in wrong {
        let mut peer = master.stranger();
        peer.raw(&package(&values));
        assert!(peer.end().is_empty(), "{reason}");
        let _ = master.node.await_log(&format!("error = {reason}"));
    }
    for bytes in [
        &[0][..],
        &[255; 256],
        b"GET / HTTP/1.1\r\nHost: a-name-that-makes-it-long-enough-for-a-package\r\n\r\n",
    ] {
        let mut peer = master.stranger();
        peer.raw(bytes);
        assert!(peer.end().is_empty(), "{bytes:?}");
    }
    master_is_well(&master);
}

#[test]
fn who_says_half_a_package_and_no_more_is_sent_away() {
    let master = Master::start(&ours(), |config| config).settled();
    let (mut half, mut silent, mut slow) = (master.stranger(), master.stranger(), master.stranger());
    half.raw(&[200, 1, 2, 3]);
    slow.raw(&[200]);
    assert!(half.end().is_empty() && silent.end().is_empty() && slow.end().is_empty());
    let _ = master.node.await_log("error = what was expected did not come within 5 s");
    master_is_well(&master);
}

#[test]
fn nonsense_of_a_slave_is_borne_for_a_while() {
    let master = Master::start(&ours(), |config| config).settled();
    let mut two = master.slave(2, "127.0.0.1:1", None);
    two.expect(&values!["W", 1]);
    for values in
        [values!["R", "", 0x0200_0001], values!["R", "A234567890123456", 0x0200_0001], values!["R", "N", 5]]
    {
        two.send(&values);
    }
    two.send(&values!["Q", "SUBJECT"]);
    assert_eq!(two.next()[..2], values!["N", "SUBJECT"]);
    for _ in 0..20 {
        two.send(&values!["R", "N", "no handle"]);
    }
    two.end();
    let _ = master.node.await_log("error = it sends nonsense");
    let _ = master.node.await_log("slave 2 is down");
    master_is_well(&master);
}

#[test]
fn a_flood_of_strangers_is_turned_away() {
    let master = Master::start(&ours(), |config| config).settled();
    let strangers: Vec<Peer> = (0..300).map(|_| master.stranger()).collect();
    let _ = master.node.await_log("error = too many connections introduce themselves");
    drop(strangers);
    master_is_well(&master);
}

#[test]
fn a_slave_that_does_not_read_is_given_up() {
    let master = Master::start(&ours(), |config| config).settled();
    let mut deaf = master.slave(2, "127.0.0.1:1", None);
    let question = package(&values!["Q", "SUBJECT"]).repeat(10_000);
    // The system holds megabytes of answers before any wait in the node: that is much work on a busy machine. It may also give the
    // connection up by itself, if it has not moved for long enough by then.
    let end = Instant::now() + 4 * DEADLINE;
    while !master.node.log().contains("slave 2 is down") {
        assert!(Instant::now() < end, "the master goes on for ever:\n{}", master.node.log());
        deaf.raw(&question);
    }
    assert!(!master.node.log().contains("Master disconnect"), "others were not heard meanwhile");
    master_is_well(&master);
}

#[test]
fn wrong_ids_on_the_port_of_a_slave_are_closed_and_logged() {
    let slave = Slave::start(&ours(), |config| config);
    let _master = slave.joined_ours(&[(2, FEATURES)]);
    let mut two = Peer::link(slave.port, 2);
    assert_eq!(two.bytes(1), [1]);
    for (id, reason) in [
        (0, "harbor 0 can't connect here"),
        (1, "harbor 1 can't connect here"),
        (9, "harbor 9 is not expected"),
        (255, "harbor 255 is not expected"),
        (2, "Harbor 2 is already connected"),
    ] {
        assert!(Peer::link(slave.port, id).end().is_empty(), "{id}");
        let _ = slave.node.await_log(&format!("is closed: {reason}"));
    }
    let mut silent = Peer::connect(slave.port);
    assert!(silent.end().is_empty());
    // The link that there was has suffered nothing.
    two.raw(&[0, 0, 0, 12, 2, 0, 0, 0x63, 10, 0, 0, 99, 0, 0, 0, 3]);
    let why = b"service :01000063 does not exist";
    let frame = [&[0, 0, 0, 44], why.as_slice(), &[1, 0, 0, 99, 7, 0, 0, 0x63, 0, 0, 0, 3]].concat();
    assert_eq!(two.bytes(48), frame);
}

#[test]
fn a_wrong_id_on_a_link_that_was_made_costs_that_link() {
    let slave = Slave::start(&ours(), |config| config);
    let mut master = slave.joined_ours(&[]);
    let two = crate::peer::listen();
    let at = crate::peer::address(crate::peer::port(&two));
    master.send(&values!["C", 2, at, FEATURES]);
    let mut link = Peer::accept(&two);
    assert_eq!(link.bytes(1), [1]);
    link.raw(&[3]);
    link.end();
    // It is tried again.
    let mut link = Peer::accept(&two);
    assert_eq!(link.bytes(1), [1]);
    link.raw(&[2]);
    link.raw(&[0, 0, 0, 12, 2, 0, 0, 0x63, 10, 0, 0, 99, 0, 0, 0, 3]);
    assert_eq!(link.bytes(36)[4..], *b"service :01000063 does not exist");
}

#[test]
fn packages_of_a_master_without_sense_are_ignored() {
    let slave = Slave::start(&ours(), |config| config);
    let mut master = slave.joined(0);
    let _ = slave.node.await_log("subject: ready");
    for values in [
        values!["C", 0, "127.0.0.1:1"].to_vec(),
        values!["C", 300, 5].to_vec(),
        values!["C", 1, "127.0.0.1:1"].to_vec(),
        values!["C", 7, "no address"].to_vec(),
        values!["N", "", 5].to_vec(),
        values!["N", "NAME", "text"].to_vec(),
        values!["D", "x"].to_vec(),
        values!["D", 1].to_vec(),
        values!["D", 77].to_vec(),
        values!["Y", 1].to_vec(),
    ] {
        master.send(&values);
    }
    master.send(&values!["N", "ANSWER", 0x0200_0042]);
    let _ = slave.node.await_log("ANSWER is :02000042");
    let _ = slave.node.await_log("Invalid master message type Y");
    let _ = slave.node.await_log("Can't connect to harbor 7 at no address");
}

#[test]
fn a_flood_on_the_port_of_a_slave_is_turned_away() {
    let slave = Slave::start(&ours(), |config| config);
    let _master = slave.joined_ours(&[(2, FEATURES)]);
    let strangers: Vec<Peer> = (0..300).map(|_| Peer::connect(slave.port)).collect();
    let _ = slave.node.await_log("is closed: too many introduce themselves");
    drop(strangers);
    // Those that are gone make room.
    let mut two = eventually(|| {
        let mut two = Peer::link(slave.port, 2);
        two.is_answered().then_some(two)
    });
    assert_eq!(two.bytes(1), [1]);
    let _ = slave.node.await_log("Shakehand ready");
}
