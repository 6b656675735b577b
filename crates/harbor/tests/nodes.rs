//! Messages for other nodes, and the service itself, on a real node.

mod lab;

use lab::{Lab, Probe};
use skynet_core::{
    Handle, LaunchError, LogTarget, Node, PTYPE_ERROR, PTYPE_HARBOR, PTYPE_LUA, PTYPE_RESPONSE, PTYPE_SYSTEM,
};
use skynet_harbor::Limits;

#[test]
fn on_a_node_that_is_alone_messages_for_others_are_dropped_and_calls_fail() {
    let lab = Lab::new(0);
    let dest = Handle::new(2, 0xabcd);
    lab.probe.send(dest, PTYPE_LUA, 0, "one way");
    lab.probe.send(dest, PTYPE_RESPONSE, 8, "");
    lab.probe.send(dest, PTYPE_LUA, 9, "call");
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 9, lab.harbor));
    let from = lab.probe.handle.raw();
    for (session, size) in [(0, 7), (8, 0), (9, 4)] {
        assert_eq!(
            lab.logged("Drop"),
            format!(
                "Drop message to harbor 2 from {from:x} to 200abcd (session = {session}, msgsz = {size})"
            )
        );
    }
}

#[test]
fn on_a_node_that_is_alone_a_name_of_another_node_is_nobody() {
    let lab = Lab::new(0);
    lab.probe.send_name("FAR", PTYPE_LUA, 1, "waits");
    lab.slave.next();
    lab.command(Handle::new(2, 9), "N FAR");
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 1, lab.harbor));
    assert_eq!(lab.logged("Drop"), "Drop message to FAR (in harbor 2)");
    lab.probe.send_name("FAR", PTYPE_LUA, 2, "late");
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 2, lab.harbor));
    lab.logged("Drop message to harbor 2");
}

#[test]
fn without_a_link_messages_wait_and_calls_fail_when_the_harbor_service_ends() {
    let lab = Lab::new(1);
    lab.probe.send(Handle::new(2, 9), PTYPE_LUA, 1, "by handle");
    lab.probe.send_name("FAR", PTYPE_LUA, 2, "by name");
    lab.slave.next();
    lab.command(Handle::new(2, 9), "N FAR");
    lab.probe.send_name("FAR", PTYPE_LUA, 3, "by a known name");
    // Behind all of them.
    lab.probe.send_name("FENCE", PTYPE_LUA, 0, "");
    assert_eq!(lab.slave.next_text(), "Q FENCE");
    assert!(lab.node.kill(lab.harbor));
    for session in 1..=3 {
        assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, session, lab.harbor));
    }
    lab.logged("1 messages for unknown global names and 3 for other nodes are lost");
}

#[test]
fn what_waits_for_a_link_is_bounded() {
    let mut limits = Limits::default();
    limits.messages = 1;
    let lab = Lab::with_limits(1, limits);
    for session in 1..=3 {
        lab.probe.send(Handle::new(2, 9), PTYPE_LUA, session, "x");
    }
    for session in 2..=3 {
        assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, session, lab.harbor));
    }
    lab.logged("error: Messages to harbor 2 are refused: the limit of 1 waiting messages is reached");
}

#[test]
fn a_node_without_sockets_says_that_there_are_no_links() {
    let node = Node::builder().workers(1).harbor(1).log(LogTarget::Null);
    let node = node.module("harbor", skynet_harbor::module()).start().expect("the node starts");
    let slave = Probe::new(&node);
    let harbor = node.launch("harbor", format!("1 {}", slave.handle.raw()).as_bytes()).expect("it starts");
    slave.send(harbor, PTYPE_HARBOR, 3, "S 3 2");
    assert_eq!(slave.next_head(), (PTYPE_ERROR, 3, harbor));
    node.stop(std::time::Duration::from_secs(20)).expect("the node stops");
}

#[test]
fn wrong_commands_are_refused_and_logged() {
    let lab = Lab::new(1);
    for (session, text) in [(1, "S x"), (2, "A 1"), (3, "D 300"), (4, "X")] {
        lab.slave.send(lab.harbor, PTYPE_HARBOR, session, text);
        assert_eq!(lab.slave.next_head(), (PTYPE_ERROR, session, lab.harbor));
    }
    let lines = lab.lines_until("Unknown command X");
    let lines: Vec<_> = lines.iter().filter(|line| !line.starts_with("LAUNCH")).collect();
    assert_eq!(
        lines,
        ["Invalid command S x", "Invalid command A 1", "Invalid command D 300", "Unknown command X"]
    );
}

#[test]
fn other_messages_are_logged_and_calls_fail() {
    let lab = Lab::new(1);
    let from = lab.probe.handle.raw();
    for (session, kind) in [(1, PTYPE_LUA), (2, PTYPE_SYSTEM)] {
        lab.probe.send(lab.harbor, kind, session, "x");
        assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, session, lab.harbor));
        lab.logged(&format!("recv invalid message from {from:x},  type = {kind}"));
    }
}

#[test]
fn wrong_parameters_fail_the_launch_with_a_reason() {
    let node = Node::builder().workers(1).harbor(1).log(LogTarget::Null);
    let node = node.module("harbor", skynet_harbor::module()).start().expect("the node starts");
    for (args, reason) in [
        ("", "the first parameter is the harbor id"),
        ("1 0", "the second parameter is the handle of the slave service"),
        ("2 9", "harbor id 2, but the node was started with 1"),
    ] {
        match node.launch("harbor", args.as_bytes()) {
            Err(LaunchError::Init { cause, .. }) => assert!(cause.to_string().contains(reason), "{cause}"),
            other => panic!("{args:?}: {other:?}"),
        }
    }
    // None of them has become the harbor service.
    assert!(node.send(Handle::NONE, Handle::new(2, 1), PTYPE_LUA, 0, "x").is_err());
    node.stop(std::time::Duration::from_secs(20)).expect("the node stops");
}

#[test]
fn a_node_with_an_id_may_be_alone_too() {
    let node = Node::builder().workers(1).harbor(1).log(LogTarget::Null);
    let node = node.module("harbor", skynet_harbor::module()).start().expect("the node starts");
    let slave = Probe::new(&node);
    let harbor = node.launch("harbor", format!("0 {}", slave.handle.raw()).as_bytes()).expect("it starts");
    slave.send(Handle::new(2, 9), PTYPE_LUA, 5, "x");
    assert_eq!(slave.next_head(), (PTYPE_ERROR, 5, harbor));
    node.stop(std::time::Duration::from_secs(20)).expect("the node stops");
}

#[test]
fn the_harbor_service_does_not_keep_its_node_alive() {
    let lab = Lab::new(1);
    let last = Probe::new(&lab.node);
    last.send_name("DB", PTYPE_LUA, 1, "x");
    lab.slave.next();
    for service in lab.node.services() {
        if service.handle != lab.harbor {
            lab.node.kill(service.handle);
        }
    }
    lab.node.wait();
    assert!(!lab.node.is_alive(lab.harbor));
}
