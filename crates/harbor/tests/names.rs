//! Messages to global names, on a real node.

mod lab;

use lab::{Lab, Probe};
use skynet_core::{Handle, PTYPE_ERROR, PTYPE_HARBOR, PTYPE_LUA, PTYPE_RESPONSE, PTYPE_TEXT, Payload};
use skynet_harbor::Limits;

#[test]
fn a_message_to_a_known_name_keeps_its_kind_session_source_and_content() {
    let lab = Lab::new(1);
    let db = Probe::new(&lab.node);
    lab.command(db.handle, "N DB");
    lab.probe.send_name("DB", PTYPE_LUA, 7, "query");
    let msg = db.next();
    assert_eq!((msg.kind, msg.session, msg.source), (PTYPE_LUA, 7, lab.probe.handle));
    assert_eq!(&*msg.payload, b"query");
    // The answer finds its way back without the harbor.
    db.send(lab.probe.handle, PTYPE_RESPONSE, 7, "row");
    assert_eq!(lab.probe.next_head(), (PTYPE_RESPONSE, 7, db.handle));
}

#[test]
fn messages_to_an_unknown_name_wait_and_the_slave_is_asked_for_each() {
    let lab = Lab::new(1);
    let db = Probe::new(&lab.node);
    for (session, text) in [(0, "one"), (1, "two"), (0, "three")] {
        lab.probe.send_name("DB", PTYPE_LUA, session, text);
    }
    for _ in 0..3 {
        let asked = lab.slave.next();
        assert_eq!((asked.kind, asked.session, asked.source), (PTYPE_TEXT, 0, lab.harbor));
        assert_eq!(&*asked.payload, b"Q DB");
    }
    lab.command(db.handle, "N DB");
    assert_eq!([db.next_text(), db.next_text(), db.next_text()], ["one", "two", "three"]);
}

#[test]
fn the_order_holds_across_the_moment_when_a_name_becomes_known() {
    const COUNT: i32 = 20_000;
    let lab = Lab::new(0);
    let db = Probe::new(&lab.node);
    lab.probe.run(|ctx| {
        for session in 1..=COUNT {
            ctx.send_name(Handle::NONE, b"DB", PTYPE_LUA, session, Payload::empty())
                .expect("there is a harbor");
        }
    });
    // The first has reached the harbor service; the others are on their way while the name is bound.
    assert_eq!(lab.slave.next_text(), "Q DB");
    lab.command(db.handle, "N DB");
    for session in 1..=COUNT {
        assert_eq!(db.next_head(), (PTYPE_LUA, session, lab.probe.handle));
    }
}

#[test]
fn a_name_bound_anew_belongs_to_the_last_one() {
    let lab = Lab::new(1);
    let (first, second) = (Probe::new(&lab.node), Probe::new(&lab.node));
    lab.command(first.handle, "N DB");
    lab.command(second.handle, "N DB");
    lab.probe.send_name("DB", PTYPE_LUA, 0, "x");
    assert_eq!(second.next_text(), "x");
}

#[test]
fn calls_to_unknown_names_fail_when_the_harbor_service_ends() {
    let lab = Lab::new(1);
    for session in 1..=3 {
        lab.probe.send_name("DB", PTYPE_LUA, session, "x");
    }
    lab.probe.send_name("LOG", PTYPE_LUA, 0, "x");
    for _ in 0..4 {
        lab.slave.next();
    }
    assert!(lab.node.kill(lab.harbor));
    for session in 1..=3 {
        assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, session, lab.harbor));
    }
    lab.logged("4 messages for unknown global names and 0 for other nodes are lost");
}

#[test]
fn a_waiting_answer_is_not_answered() {
    let lab = Lab::new(1);
    lab.probe.send_name("DB", PTYPE_RESPONSE, 5, "an answer");
    lab.probe.send_name("DB", PTYPE_ERROR, 6, "");
    lab.probe.send_name("DB", PTYPE_LUA, 7, "a request");
    for _ in 0..3 {
        lab.slave.next();
    }
    assert!(lab.node.kill(lab.harbor));
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 7, lab.harbor));
}

#[test]
fn a_name_whose_service_has_ended_fails_calls_and_says_so() {
    let lab = Lab::new(1);
    let db = Probe::new(&lab.node);
    lab.command(db.handle, "N DB");
    assert!(lab.node.kill(db.handle));
    lab.probe.send_name("DB", PTYPE_LUA, 3, "x");
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 3, lab.harbor));
    let (to, from) = (db.handle.raw(), lab.probe.handle.raw());
    lab.logged(&format!("Unknown destination :{to:x} from :{from:x} type(10)"));
}

#[test]
fn a_full_queue_fails_calls_and_logs_one_line() {
    let mut limits = Limits::default();
    limits.messages = 2;
    let lab = Lab::with_limits(1, limits);
    let db = Probe::new(&lab.node);
    for session in 1..=5 {
        lab.probe.send_name("DB", PTYPE_LUA, session, "x");
    }
    for session in 3..=5 {
        assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, session, lab.harbor));
    }
    lab.command(db.handle, "N DB");
    assert_eq!([db.next_head().1, db.next_head().1], [1, 2]);
    lab.command(db.handle, "X end");
    let lines = lab.lines_until("Unknown command X end");
    let refused: Vec<_> = lines.iter().filter(|line| line.contains("refused")).collect();
    assert_eq!(
        refused,
        [
            "error: Messages to the unknown global name DB are refused: the limit of 2 waiting messages is reached"
        ]
    );
}

#[test]
fn names_that_are_too_long_or_empty_fail_at_once() {
    let lab = Lab::new(1);
    for (session, name) in [(1, "SIXTEEN_BYTES_AB"), (2, "MUCH_LONGER_THAN_THAT"), (3, "")] {
        lab.probe.send_name(name, PTYPE_LUA, session, "x");
        assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, session, lab.harbor));
    }
    lab.logged("Invalid global name SIXTEEN_BYTES_AB in a message from");
    lab.command(lab.probe.handle, "N SIXTEEN_BYTES_AB");
    assert_eq!(lab.logged("SIXTEEN_BYTES_AB"), "Invalid global name SIXTEEN_BYTES_AB");
    lab.command(Handle::NONE, "N DB");
    lab.logged("Global name DB needs a handle");
}

#[test]
fn without_a_slave_unknown_names_fail() {
    let lab = Lab::new(1);
    lab.probe.send_name("DB", PTYPE_LUA, 1, "x");
    lab.slave.next();
    assert!(lab.node.kill(lab.slave.handle));
    lab.probe.send_name("DB", PTYPE_LUA, 2, "x");
    for session in 1..=2 {
        assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, session, lab.harbor));
    }
    lab.logged("Global name DB cannot be looked up: the slave");
}

#[test]
fn a_command_that_is_called_is_answered() {
    let lab = Lab::new(1);
    lab.probe.send(lab.harbor, PTYPE_HARBOR, 1, "N PROBE");
    assert_eq!(lab.probe.next_head(), (PTYPE_RESPONSE, 1, lab.harbor));
    lab.probe.send(lab.harbor, PTYPE_HARBOR, 2, "X foo");
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 2, lab.harbor));
    lab.logged("Unknown command X foo");
}
