//! Tests that are the master of a real slave, or other slaves of its network.

use std::net::{Ipv4Addr, TcpListener};

use skynet_tests::services::Runtime;

use crate::common::on_both;
use crate::ours;
use crate::peer::{FEATURES, Peer, Slave, address, free_port, listen, port, text, values};

on_both! {
    a_slave_introduces_itself_and_is_ready,
    it_waits_for_as_many_as_the_master_says,
    names_are_registered_and_asked_for_with_the_master,
    it_connects_to_those_who_come_later_and_hears_of_their_end,
    watchers_of_the_master_wake_when_it_is_gone,
}

fn plain(runtime: &Runtime) -> Slave {
    Slave::start(runtime, |config| config)
}

fn a_slave_introduces_itself_and_is_ready(runtime: &Runtime) {
    let slave = plain(runtime);
    let mut master = slave.master();
    let values = master.next();
    assert_eq!(values[..3], values!["H", 1, address(slave.port)]);
    if matches!(runtime, Runtime::Ours(_)) {
        assert_eq!(values.len(), 4);
        assert!(text(&values[3]).starts_with("rs1 ") && text(&values[3]).ends_with(" 15"), "{values:?}");
    }
    master.send(&values!["W", 0]);
    let _ = slave.node.await_log("Waiting for 0 harbors");
    let _ = slave.node.await_log("Shakehand ready");
    let _ = slave.node.await_log("subject: ready");
}

fn it_waits_for_as_many_as_the_master_says(runtime: &Runtime) {
    let slave = plain(runtime);
    let _master = slave.joined(2);
    let _ = slave.node.await_log("Waiting for 2 harbors");
    let mut two = Peer::link(slave.port, 2);
    assert_eq!(two.bytes(1), [1]);
    let mut three = Peer::link(slave.port, 3);
    let _ = slave.node.await_log("Shakehand ready");
    assert_eq!(three.bytes(1), [1]);
    let _ = slave.node.await_log("Harbor 2 connected (fd = ");
    let _ = slave.node.await_log("Harbor 3 connected (fd = ");
}

fn names_are_registered_and_asked_for_with_the_master(runtime: &Runtime) {
    let slave = plain(runtime);
    let mut master = slave.joined(0);
    let registered = master.next();
    assert_eq!(registered[..2], values!["R", "SUBJECT"]);
    master.expect(&values!["Q", "ANSWER"]);
    master.send(&values!["N", "ANSWER", 0x0200_0042]);
    let _ = slave.node.await_log("ANSWER is :02000042");
}

fn it_connects_to_those_who_come_later_and_hears_of_their_end(runtime: &Runtime) {
    let slave = plain(runtime);
    let mut master = slave.joined(0);
    let two = listen();
    master.send(&values!["C", 2, address(port(&two))]);
    let mut link = Peer::accept(&two);
    assert_eq!(link.bytes(1), [1]);
    link.raw(&[2]);
    let _ = slave.node.await_log("subject: linked 2");
    master.send(&values!["D", 2]);
    drop(link);
    let _ = slave.node.await_log("subject: unlinked 2");
}

fn watchers_of_the_master_wake_when_it_is_gone(runtime: &Runtime) {
    let slave = plain(runtime);
    let master = slave.joined(0);
    let _ = slave.node.await_log("subject: ready");
    drop(master);
    let _ = slave.node.await_log("Master disconnect");
    let _ = slave.node.await_log("subject: the master is gone");
}

#[test]
fn a_refused_slave_says_why_and_ends() {
    let slave = plain(&ours());
    let mut master = slave.master();
    assert_eq!(master.next()[..2], values!["H", 1]);
    drop(master);
    let line = slave.node.await_log("slave shakehand failed: ");
    assert!(line.contains("the master refuses harbor 1") && line.contains("restart the master"), "{line}");
    let _ = slave.node.await_log("subject: no cslave");
}

#[test]
fn what_answers_nonsense_is_no_master() {
    let slave = plain(&ours());
    let mut master = slave.master();
    master.send(&values!["X", 1]);
    let _ = slave.node.await_log("slave shakehand failed: what answered is no master");
    master.end();
}

#[test]
fn a_master_may_start_a_little_later() {
    let later = free_port();
    let slave = Slave::start(&ours(), |config| config.text("master", address(later)));
    let line = slave.node.await_log(&format!("harbor 1 waits for its master {}: ", address(later)));
    assert!(line.contains("refused"), "{line}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, later)).unwrap();
    assert_eq!(Peer::accept(&listener).next()[..2], values!["H", 1]);
}

#[test]
fn a_master_that_does_not_come_is_given_up() {
    let nobody = free_port();
    let slave = Slave::start(&ours(), |config| config.text("master", address(nobody)));
    let _ = slave.node.await_log("Can't connect to master: ");
    let _ = slave.node.await_log("subject: no cslave");
}

#[test]
fn a_slave_finds_its_master_again_and_tells_it_its_names() {
    let slave = plain(&ours());
    let mut master = slave.joined(0);
    let registered = master.next();
    master.expect(&values!["Q", "ANSWER"]);
    drop(master);
    let mut master = slave.master();
    let first = master.next();
    drop(master);
    let mut master = slave.master();
    assert_eq!(master.next(), first, "the same life introduces itself in the same way");
    master.send(&values!["W", 0]);
    assert_eq!(master.next(), registered);
    master.expect(&values!["Q", "ANSWER"]);
    let _ = slave.node.await_log("slave is connected to master");
}

#[test]
fn another_owner_of_a_name_is_not_contested_after_the_master_returns() {
    let slave = plain(&ours());
    let mut master = slave.joined(0);
    let registered = master.next();
    assert_eq!(registered[..2], values!["R", "SUBJECT"]);
    master.expect(&values!["Q", "ANSWER"]);
    master.send(&values!["N", "SUBJECT", 0x0200_0001]);
    master.send(&values!["P", true]);
    assert_eq!(master.any(), values!["P"]);
    drop(master);
    // It asks for the name like any other that it knows.
    let mut master = slave.joined(0);
    let mut asked = [master.next(), master.next()];
    asked.sort_by_key(|values| text(&values[1]).to_owned());
    assert_eq!(asked, [values!["Q", "ANSWER"], values!["Q", "SUBJECT"]]);
}

#[test]
fn what_happened_to_names_while_there_was_no_master_is_asked_for() {
    let slave = plain(&ours());
    let mut master = slave.joined(0);
    let registered = master.next();
    master.expect(&values!["Q", "ANSWER"]);
    master.send(&values!["N", "ANSWER", 0x0200_0042]);
    let _ = slave.node.await_log("ANSWER is :02000042");
    drop(master);
    let mut master = slave.joined(0);
    assert_eq!(master.next(), registered);
    master.expect(&values!["Q", "ANSWER"]);
    master.send(&values!["N", "ANSWER", 0x0300_0042]);
    master.send(&values!["P", true]);
    assert_eq!(master.any(), values!["P"]);
}

#[test]
fn links_outlive_the_master() {
    let slave = plain(&ours());
    let mut master = slave.joined_ours(&[(2, FEATURES)]);
    let mut two = Peer::link(slave.port, 2);
    assert_eq!(two.bytes(1), [1]);
    let _ = slave.node.await_log("subject: ready");
    assert_eq!(master.next()[..2], values!["R", "SUBJECT"]);
    drop(master);
    let mut master = slave.joined_ours(&[]);
    // The new master introduces the other one, who is linked already.
    master.send(&values!["C", 2, "127.0.0.1:1", FEATURES]);
    let _ = slave.node.await_log("Slave 2 exist (fd =");
    // A call goes through the old link.
    two.raw(&call(10, 3, 8));
    let len = two.bytes(4);
    let answer = two.bytes(usize::from(len[3]));
    // For the one who called, and for that call.
    assert!(len[..3] == [0; 3] && answer.ends_with(&[0x63, 0, 0, 0, 3]), "{len:?} {answer:?}");
}

/// A call of `:02000063` without content, as it travels.
fn call(kind: u8, session: u8, local: u8) -> Vec<u8> {
    vec![0, 0, 0, 12, 2, 0, 0, 0x63, kind, 0, 0, local, 0, 0, 0, session]
}

#[test]
fn a_broken_link_is_made_again_by_the_side_that_made_it() {
    let slave = plain(&ours());
    let mut master = slave.joined_ours(&[]);
    let two = listen();
    master.send(&values!["C", 2, address(port(&two)), FEATURES]);
    for _ in 0..3 {
        let mut link = Peer::accept(&two);
        assert_eq!(link.bytes(1), [1]);
        link.raw(&[2]);
    }
    // Until the master says that it is gone.
    let mut link = Peer::accept(&two);
    assert_eq!(link.bytes(1), [1]);
    link.raw(&[2]);
    master.send(&values!["D", 2]);
    link.end();
    master.send(&values!["C", 3, address(port(&two)), FEATURES]);
    assert_eq!(Peer::accept(&two).bytes(1), [1], "the next one who is connected to is harbor 3");
    let _ = slave.node.await_log("Connect to harbor 3 (fd=");
}

#[test]
fn a_broken_link_is_taken_again_by_the_side_that_took_it() {
    let slave = plain(&ours());
    let _master = slave.joined_ours(&[(2, FEATURES)]);
    let mut two = Peer::link(slave.port, 2);
    assert_eq!(two.bytes(1), [1]);
    drop(two);
    // The node has to notice the end before it takes the next one.
    let _ = slave.node.await_log("subject: unlinked 2");
    let mut two = Peer::link(slave.port, 2);
    assert_eq!(two.bytes(1), [1]);
}

#[test]
fn a_new_life_of_a_node_gets_a_new_link() {
    let slave = plain(&ours());
    let mut master = slave.joined_ours(&[]);
    let (old, new) = (listen(), listen());
    master.send(&values!["C", 2, address(port(&old)), "rs1 1 0"]);
    let mut first = Peer::accept(&old);
    assert_eq!(first.bytes(1), [1]);
    first.raw(&[2]);
    let _ = slave.node.await_log("subject: linked 2");
    master.send(&values!["C", 2, address(port(&new)), "rs1 2 0"]);
    first.end();
    assert_eq!(Peer::accept(&new).bytes(1), [1]);
    let _ = slave.node.await_log("subject: unlinked 2");
}

#[test]
fn nobody_is_waited_for_who_is_gone() {
    let slave = plain(&ours());
    let mut master = slave.joined_ours(&[(2, FEATURES), (3, "")]);
    let _ = slave.node.await_log("Waiting for 2 harbors");
    let mut three = Peer::link(slave.port, 3);
    assert_eq!(three.bytes(1), [1]);
    master.send(&values!["D", 2]);
    let _ = slave.node.await_log("Shakehand ready");
}

#[test]
fn a_list_may_come_in_pieces() {
    let slave = plain(&ours());
    let mut master = slave.master();
    assert_eq!(master.next()[..2], values!["H", 1]);
    master.send(&values!["F", 9, "rs1 1 0"]);
    master.send(&values!["W", 1, FEATURES]);
    let mut nine = Peer::link(slave.port, 9);
    assert_eq!(nine.bytes(1), [1]);
    let _ = slave.node.await_log("Shakehand ready");
}

#[test]
fn the_announced_address_may_be_another_one() {
    let slave = Slave::start(&ours(), |config| config.text("rs_harbor_announce", "example.org:7"));
    assert_eq!(slave.master().next()[..3], values!["H", 1, "example.org:7"]);
}

#[test]
fn a_master_that_is_silent_is_given_up() {
    let slave = Slave::start(&ours(), |config| config.number("rs_harbor_heartbeat", 1));
    let mut master = slave.master();
    assert_eq!(text(&master.next()[3]).rsplit(' ').next(), Some("1"));
    master.send(&values!["W", 0, "rs1 5 1"]);
    let _ = slave.node.await_log("Master disconnect: it was silent for too long");
    let before = master.end();
    assert!(before.windows(3).filter(|bytes| *bytes == b"\x02\x0cP").count() >= 2, "{before:?}");
    let _ = slave.joined(0);
}
