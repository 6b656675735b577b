//! Tests that are slaves of a real master.

use skynet_tests::services::Runtime;

use crate::common::on_both;
use crate::ours;
use crate::peer::{FEATURES, Master, address, free_port, listen, port, text, values};

on_both! {
    a_slave_is_introduced_in_the_bytes_of_the_protocol,
    names_go_to_all_and_the_first_address_is_kept,
    a_slave_that_leaves_is_reported,
    an_id_that_is_up_is_refused,
    a_type_that_nobody_knows_is_logged_and_no_more,
}

fn plain(runtime: &Runtime) -> Master {
    Master::start(runtime, |config| config).settled()
}

fn a_slave_is_introduced_in_the_bytes_of_the_protocol(runtime: &Runtime) {
    let master = plain(runtime);
    let own = listen();
    let mut two = master.slave(2, &address(port(&own)), None);
    assert_eq!(two.bytes(5), b"\x04\x0cW\x0a\x01");
    // The node that is there already connects.
    assert_eq!(crate::peer::Peer::accept(&own).bytes(1), [1]);
    let mut three = master.slave(3, "127.0.0.1:1", None);
    assert_eq!(two.bytes(17), b"\x10\x0cC\x0a\x03\x5c127.0.0.1:1");
    assert_eq!(three.bytes(5), b"\x04\x0cW\x0a\x02");
    let _ = master.node.await_log("report 127.0.0.1:1");
}

fn names_go_to_all_and_the_first_address_is_kept(runtime: &Runtime) {
    let master = plain(runtime);
    let mut two = master.slave(2, "127.0.0.1:1", None);
    two.expect(&values!["W", 1]);
    let mut three = master.slave(3, "127.0.0.1:1", None);
    three.expect(&values!["W", 2]);
    two.expect(&values!["C", 3, "127.0.0.1:1"]);

    // Nobody has this one: there is no answer. Then it comes to all.
    two.send(&values!["Q", "HONE"]);
    two.send(&values!["R", "HONE", 0x0200_0009]);
    assert_eq!(two.bytes(13), b"\x0c\x0cN\x24HONE\x22\x09\x00\x00\x02");
    three.expect(&values!["N", "HONE", 0x0200_0009]);

    three.send(&values!["R", "HONE", 0x0300_0009]);
    two.expect(&values!["N", "HONE", 0x0300_0009]);
    three.expect(&values!["N", "HONE", 0x0300_0009]);
    three.send(&values!["Q", "HONE"]);
    three.expect(&values!["N", "HONE", 0x0200_0009]);

    three.send(&values!["R", "A23456789012345", 0x0300_0001]);
    two.expect(&values!["N", "A23456789012345", 0x0300_0001]);
}

fn a_slave_that_leaves_is_reported(runtime: &Runtime) {
    let master = plain(runtime);
    let mut two = master.slave(2, "127.0.0.1:1", None);
    two.expect(&values!["W", 1]);
    let mut three = master.slave(3, "127.0.0.1:1", None);
    three.expect(&values!["W", 2]);
    two.expect(&values!["C", 3, "127.0.0.1:1"]);
    drop(three);
    assert_eq!(two.bytes(5), b"\x04\x0cD\x0a\x03");
    let _ = master.node.await_log("slave 3 is down");
}

fn an_id_that_is_up_is_refused(runtime: &Runtime) {
    let master = plain(runtime);
    let mut two = master.slave(2, "127.0.0.1:4", None);
    two.expect(&values!["W", 1]);
    assert!(master.slave(2, "127.0.0.1:5", None).end().is_empty());
    let _ = master.node.await_log("Slave 2 already register on 127.0.0.1:4");
    assert!(master.slave(1, "127.0.0.1:5", None).end().is_empty());
    let _ = master.node.await_log("Slave 1 already register on ");
    assert!(master.slave(0, "127.0.0.1:5", None).end().is_empty());
    let _ = master.node.await_log("Invalid slave id 0");
    two.send(&values!["Q", "SUBJECT"]);
    assert_eq!(two.next()[..2], values!["N", "SUBJECT"]);
}

fn a_type_that_nobody_knows_is_logged_and_no_more(runtime: &Runtime) {
    let master = plain(runtime);
    let mut two = master.slave(2, "127.0.0.1:4", None);
    two.expect(&values!["W", 1]);
    two.send(&values!["Z", 1]);
    two.send(&values!["H", 2, "127.0.0.1:4"]);
    let _ = master.node.await_log("Invalid slave message type Z");
    let _ = master.node.await_log("Invalid slave message type H");
    two.send(&values!["Q", "SUBJECT"]);
    assert_eq!(two.next()[..2], values!["N", "SUBJECT"]);
}

#[test]
fn features_are_told_to_those_who_have_announced_theirs() {
    let master = plain(&ours());
    let mut plain = master.slave(2, "127.0.0.1:1", None);
    plain.expect(&values!["W", 1]);
    let mut modern = master.slave(3, "127.0.0.1:1", Some(FEATURES));
    plain.expect(&values!["C", 3, "127.0.0.1:1"]);
    let welcome = modern.next();
    assert_eq!(welcome[..2], values!["W", 2]);
    assert!(text(&welcome[2]).starts_with("rs1 "), "{welcome:?}");
    assert_eq!(welcome[3], values![1][0]);
    assert!(text(&welcome[4]).starts_with("rs1 "), "{welcome:?}");
    assert_eq!(welcome[5..], values![2, ""]);

    let mut another = master.slave(4, "127.0.0.1:1", Some("rs1 123 15 and what is to come"));
    plain.expect(&values!["C", 4, "127.0.0.1:1"]);
    modern.expect(&values!["C", 4, "127.0.0.1:1", "rs1 123 15 and what is to come"]);
    assert_eq!(another.next()[..2], values!["W", 3]);
    // What is no announcement counts as none.
    let mut odd = master.slave(5, "127.0.0.1:1", Some("xy1 7 15"));
    odd.expect(&values!["W", 4]);
}

#[test]
fn a_list_that_does_not_fit_goes_ahead_in_pieces() {
    let master = plain(&ours());
    let at = address(free_port());
    let slaves: Vec<_> = (2..42).map(|id| master.slave(id, &at, Some("rs1 1234567890123 15"))).collect();
    for id in 2..42 {
        let _ = master.node.await_log(&format!("Harbor {id} (fd="));
    }
    let mut last = master.slave(200, &at, Some(FEATURES));
    let mut ids = Vec::new();
    let mut packages = 0;
    loop {
        let values = last.next();
        packages += 1;
        let skip = if text(&values[0]) == "F" { 1 } else { 3 };
        for pair in values[skip..].chunks(2) {
            let skynet_seri::Value::Integer(id) = pair[0] else { panic!("{pair:?}") };
            assert!(text(&pair[1]).starts_with("rs1 "), "{pair:?}");
            ids.push(id);
        }
        if text(&values[0]) == "W" {
            assert_eq!(values[1], values![41][0]);
            break;
        }
    }
    assert_eq!(ids, (1..42).collect::<Vec<i64>>());
    assert!(packages > 3, "{packages}");
    drop(slaves);
}

#[test]
fn an_id_comes_back_when_its_node_is_gone() {
    let master = plain(&ours());
    let mut two = master.slave(2, "127.0.0.1:1", None);
    two.expect(&values!["W", 1]);
    let mut three = master.slave(3, "127.0.0.1:1", None);
    three.expect(&values!["W", 2]);
    two.expect(&values!["C", 3, "127.0.0.1:1"]);
    three.send(&values!["R", "HTHREE", 0x0300_0009]);
    two.expect(&values!["N", "HTHREE", 0x0300_0009]);
    drop(three);
    two.expect(&values!["D", 3]);

    // The names of the dead are nobody's; in its next life the node has others.
    two.send(&values!["Q", "HTHREE"]);
    let mut three = master.slave(3, "127.0.0.1:2", None);
    two.expect(&values!["C", 3, "127.0.0.1:2"]);
    three.expect(&values!["W", 2]);
    three.send(&values!["R", "HTHREE", 0x0300_5555]);
    two.expect(&values!["N", "HTHREE", 0x0300_5555]);
    two.send(&values!["Q", "HTHREE"]);
    two.expect(&values!["N", "HTHREE", 0x0300_5555]);
}

#[test]
fn a_new_life_replaces_one_that_does_not_answer() {
    let master = plain(&ours());
    let mut two = master.slave(2, "127.0.0.1:1", None);
    two.expect(&values!["W", 1]);
    let mut old = master.slave(3, "127.0.0.1:1", Some("rs1 1 0"));
    two.expect(&values!["C", 3, "127.0.0.1:1"]);
    assert_eq!(old.next()[..2], values!["W", 2]);
    let mut new = master.slave(3, "127.0.0.1:2", Some("rs1 2 0"));
    two.expect(&values!["D", 3]);
    two.expect(&values!["C", 3, "127.0.0.1:2"]);
    assert_eq!(new.next()[..2], values!["W", 2]);
    old.expect(&values!["P", true]);
    old.end();
    let _ = master.node.await_log("slave 3 comes back in a new life");
}

#[test]
fn a_node_that_lives_keeps_its_id() {
    let master = plain(&ours());
    let mut old = master.slave(3, "127.0.0.1:1", Some("rs1 1 0"));
    assert_eq!(old.next()[..2], values!["W", 1]);
    let mut new = master.slave(3, "127.0.0.1:2", Some("rs1 2 0"));
    old.expect(&values!["P", true]);
    old.send(&values!["P"]);
    assert!(new.end().is_empty());
    let _ = master.node.await_log("Slave 3 already register on 127.0.0.1:1");
    old.send(&values!["Q", "SUBJECT"]);
    assert_eq!(old.next()[..2], values!["N", "SUBJECT"]);
}

#[test]
fn a_silent_slave_is_dead_and_one_that_pings_is_not() {
    let master = Master::start(&ours(), |config| config.number("rs_harbor_heartbeat", 2)).settled();
    let mut lively = master.slave(2, "127.0.0.1:1", Some("rs1 1 2"));
    assert_eq!(lively.next()[..2], values!["W", 1]);
    let mut silent = master.slave(3, "127.0.0.1:1", Some("rs1 2 2"));
    lively.expect(&values!["C", 3, "127.0.0.1:1", "rs1 2 2"]);
    // A C slave says nothing of itself.
    let mut plain = master.slave(4, "127.0.0.1:1", None);
    lively.expect(&values!["C", 4, "127.0.0.1:1"]);
    let mut pings = 0;
    loop {
        let values = lively.any();
        if values == values!["P"] {
            pings += 1;
            lively.send(&values!["P"]);
        } else {
            assert_eq!(values, values!["D", 3]);
            break;
        }
    }
    assert!(pings >= 2, "{pings}");
    silent.end();
    let _ = master.node.await_log("error = it was silent for too long");
    plain.expect(&values!["W", 3]);
    plain.expect(&values!["D", 3]);
    plain.send(&values!["Q", "SUBJECT"]);
    assert_eq!(plain.next()[..2], values!["N", "SUBJECT"]);
}
