//! Sending: order, names, addresses, what comes back when it fails.

mod common;

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use common::{echo, inside, logged, probe, quiet, receive, start, stop};
use skynet_core::{
    CallError, Context, Handle, Message, Node, Outgoing, PTYPE_ERROR, PTYPE_LUA, PTYPE_SYSTEM, PTYPE_TEXT,
    Payload, RemoteDest, RemoteMessage, SendError,
};

#[test]
fn messages_of_one_sender_arrive_in_order() {
    const EACH: i32 = 20_000;
    let node = start();
    let (done, result) = channel();
    let mut last = [0; 4];
    let mut count = 0;
    let sink = node
        .spawn(move |_: &Context, msg: Message| {
            let sender = msg.source.raw() as usize;
            assert_eq!(msg.session, last[sender] + 1, "in order");
            last[sender] = msg.session;
            count += 1;
            if count == EACH * 4 {
                let _ = done.send(());
            }
        })
        .expect("the sink starts");
    thread::scope(|scope| {
        for sender in 0..4_u32 {
            let node = &node;
            scope.spawn(move || {
                for number in 1..=EACH {
                    node.send(Handle::from_raw(sender), sink, PTYPE_TEXT, number, Payload::empty())
                        .expect("the sink is alive");
                }
            });
        }
    });
    receive(&result);
    stop(&node);
}

#[test]
fn a_request_and_its_answer_go_back_and_forth() {
    let node = start();
    let server = node.spawn(echo).expect("the server starts");
    let (done, result) = channel();
    let mut left = 50_000;
    let client = node
        .spawn(move |ctx: &Context, _: Message| {
            left -= 1;
            if left == 0 {
                let _ = done.send(());
                return;
            }
            let session = ctx.new_session();
            ctx.send_from(Handle::NONE, server, PTYPE_LUA, session, Payload::from("ping"))
                .expect("it is alive");
        })
        .expect("the client starts");
    node.send(Handle::NONE, client, PTYPE_TEXT, 0, "go").expect("it is alive");
    receive(&result);
    stop(&node);
}

#[test]
fn a_failed_send_hands_the_payload_back() {
    let (node, log) = logged(quiet());
    let gone = Handle::from_raw(0x00ff_0000);
    let error = node.send(Handle::NONE, gone, PTYPE_TEXT, 0, "mine").expect_err("nobody is there");
    assert!(matches!(&error, SendError::DeadHandle { dest, .. } if *dest == gone));
    assert_eq!(&*error.into_payload(), b"mine");

    let error = node.send(Handle::NONE, Handle::NONE, PTYPE_TEXT, 0, "zero").expect_err("0 is nobody");
    assert_eq!(&*error.into_payload(), b"zero");
    assert_eq!(log.wait_for("address"), ":00000000 error: Destination address can't be 0");

    let error = inside(&node, |ctx| {
        ctx.send_name(Handle::NONE, b".nobody", PTYPE_TEXT, 0, Payload::from("name"))
            .expect_err("no such name")
    });
    assert!(matches!(&error, SendError::UnknownName { name, .. } if name == ".nobody"));
    stop(&node);
}

#[test]
fn names_lead_to_their_service() {
    let node = start();
    let (handle, messages) = probe(&node);
    assert!(node.name("probe", handle) && !node.name("probe", handle));
    assert_eq!(node.find_name("probe"), Some(handle));
    inside(&node, move |ctx| {
        let hex = format!(":{:X}", handle.raw());
        ctx.send_name(Handle::NONE, b".probe", PTYPE_TEXT, 0, Payload::from("a")).expect("it is named");
        ctx.send_name(Handle::from_raw(7), hex.as_bytes(), PTYPE_LUA, 5, Payload::from("b"))
            .expect("it is alive");
    });
    assert_eq!(receive(&messages).3, b"a");
    assert_eq!(receive(&messages), (PTYPE_LUA, 5, Handle::from_raw(7), b"b".to_vec()));
    node.kill(handle);
    assert_eq!(node.find_name("probe"), None, "a name goes with its service");
    stop(&node);
}

#[test]
fn a_zero_harbor_byte_is_not_completed() {
    let node = quiet().harbor(1).start().expect("the node starts");
    let (handle, _messages) = probe(&node);
    assert_eq!(handle.harbor(), 1);
    assert!(node.send(Handle::NONE, Handle::from_raw(handle.local()), PTYPE_TEXT, 0, "x").is_err());
    stop(&node);
}

/// What the harbor service got: source, session, kind, and what was wrapped.
type Forwarded = (Handle, i32, u8, Option<Outgoing>);

fn harbor(node: &Node) -> (Handle, Receiver<Forwarded>) {
    let (seen, messages) = channel();
    let handle = node
        .spawn(move |_: &Context, mut msg: Message| {
            let outgoing = RemoteMessage::take(&mut msg);
            let _ = seen.send((msg.source, msg.session, msg.kind, outgoing));
        })
        .expect("the harbor starts");
    (handle, messages)
}

#[test]
fn messages_for_other_nodes_go_to_the_harbor_service() {
    let node = quiet().harbor(1).start().expect("the node starts");
    let remote = Handle::new(2, 9);
    let error = node.send(Handle::NONE, remote, PTYPE_LUA, 1, "early").expect_err("no harbor yet");
    assert!(matches!(&error, SendError::NoHarbor { .. }));
    assert_eq!(&*error.into_payload(), b"early");

    let (handle, messages) = harbor(&node);
    assert!(node.set_harbor(handle) && node.set_harbor(handle), "twice is once");
    node.send(Handle::from_raw(5), remote, PTYPE_LUA, 3, "out").expect("the harbor takes it");
    let (source, session, kind, outgoing) = receive(&messages);
    let outgoing = outgoing.expect("it is wrapped");
    assert_eq!((source, session, kind), (Handle::from_raw(5), 3, PTYPE_SYSTEM));
    assert_eq!(
        (outgoing.dest, outgoing.kind, &*outgoing.payload),
        (RemoteDest::Handle(remote), PTYPE_LUA, &b"out"[..])
    );

    inside(&node, |ctx| {
        ctx.send_name(Handle::NONE, b"GLOBAL", PTYPE_TEXT, 0, Payload::from("named"))
            .expect("the harbor takes it");
    });
    let outgoing = receive(&messages).3.expect("it is wrapped");
    assert!(matches!(outgoing.dest, RemoteDest::Name(name) if &name == b"GLOBAL\0\0\0\0\0\0\0\0\0\0"));

    let error = node.send(Handle::NONE, remote, PTYPE_SYSTEM, 0, "x").expect_err("it may not leave");
    assert!(matches!(error, SendError::NotForRemote { .. }));
    node.kill(handle);
    let error = node.send(Handle::NONE, remote, PTYPE_LUA, 0, "late").expect_err("the harbor is gone");
    assert_eq!(&*error.into_payload(), b"late");
    stop(&node);
}

#[test]
fn the_harbor_service_does_not_keep_the_node_alive() {
    let node = quiet().harbor(1).start().expect("the node starts");
    let (handle, _messages) = harbor(&node);
    assert!(node.set_harbor(handle));
    node.kill(node.find_name("logger").expect("it has a log service"));
    node.wait();
}

#[test]
fn calls_from_outside_are_answered_or_fail() {
    let node = start();
    let server = node.spawn(echo).expect("the server starts");
    let answer = node.call(server, PTYPE_LUA, "x").wait_timeout(common::DEADLINE).expect("it answers");
    assert_eq!(&*answer, b"x");
    let gone = Handle::from_raw(0x00ff_0000);
    assert!(matches!(node.call(gone, PTYPE_LUA, "x").wait(), Err(CallError::Send(_))));
    let silent = node.spawn(|_: &Context, _: Message| {}).expect("it starts");
    let result = node.call(silent, PTYPE_LUA, "x").wait_timeout(std::time::Duration::from_millis(1));
    assert!(matches!(result, Err(CallError::TimedOut { dest, .. }) if dest == silent));
    let dropping = node.spawn(|ctx: &Context, msg: Message| drop(ctx.accept(msg))).expect("it starts");
    assert!(matches!(node.call(dropping, PTYPE_LUA, "x").wait(), Err(CallError::Failed { .. })));
    stop(&node);
}

#[test]
fn a_worker_refuses_to_block_on_a_call() {
    let node = start();
    let server = node.spawn(echo).expect("the server starts");
    let result = inside(&node, move |ctx| ctx.node().call(server, PTYPE_LUA, "x").wait());
    assert!(matches!(result, Err(CallError::OnWorker)));
    stop(&node);
}

#[test]
fn answers_and_one_way_messages_are_not_accepted_as_requests() {
    let node = start();
    let refused = inside(&node, |ctx| {
        let message =
            |kind, session| Message { kind, session, source: Handle::from_raw(1), payload: Payload::empty() };
        [message(PTYPE_LUA, 0), message(1, 4), message(PTYPE_ERROR, 4)].map(|msg| ctx.accept(msg).is_err())
    });
    assert_eq!(refused, [true; 3]);
    stop(&node);
}

#[test]
fn sessions_wrap_to_one() {
    let node = start();
    let sessions = inside(&node, |ctx| {
        ctx.set_next_session(i32::MAX);
        [ctx.new_session(), ctx.new_session(), ctx.new_session()]
    });
    assert_eq!(sessions, [i32::MAX, 1, 2]);
    stop(&node);
}

#[test]
fn handles_wrap_without_meeting_the_living() {
    let node = quiet().harbor(7).first_local_id(Handle::MAX_LOCAL - 1).start().expect("the node starts");
    let logger = node.find_name("logger").expect("it has a log service");
    assert_eq!(logger, Handle::new(7, Handle::MAX_LOCAL - 1));
    let [last, first] = [(); 2].map(|()| node.spawn(echo).expect("it starts"));
    assert_eq!((last, first), (Handle::new(7, Handle::MAX_LOCAL), Handle::new(7, 1)));
    assert!(node.call(first, PTYPE_LUA, "x").wait().is_ok());
    stop(&node);
}

#[test]
fn what_is_sent_at_once_is_there_at_once_and_in_order() {
    const ROUNDS: usize = 200;
    const AT_ONCE: u32 = 32;
    let node = start();
    let (seen, counts) = channel();
    let mut next = 0_u32;
    let sink = node.spawn(move |ctx: &Context, msg: Message| {
        assert_eq!(msg.payload[..], next.to_le_bytes(), "in order");
        next = (next + 1) % (AT_ONCE * 3 + 1);
        if next == 1 {
            // A receiver that runs meanwhile on another worker finds the first dozens complete.
            let _ = seen.send(ctx.mqlen());
        }
    });
    let sink = sink.expect("the sink starts");
    inside(&node, move |ctx| {
        for _ in 0..ROUNDS {
            let payloads = (0..=AT_ONCE * 3).map(|number| Payload::from(&number.to_le_bytes()));
            ctx.send_all(Handle::NONE, sink, PTYPE_TEXT, 0, payloads).expect("the sink is alive");
        }
    });
    for _ in 0..ROUNDS {
        assert!(receive(&counts) >= AT_ONCE as usize - 1);
    }
    stop(&node);
}

#[test]
fn the_first_that_could_not_be_sent_comes_back() {
    let node = start();
    inside(&node, |ctx| {
        let nobody = Handle::from_raw(0x00ff_fff0);
        for count in [1, 2, 100] {
            let payloads = (0..count).map(|number: u8| Payload::from(&[number]));
            let error =
                ctx.send_all(Handle::NONE, nobody, PTYPE_TEXT, 0, payloads).expect_err("nobody is there");
            assert!(matches!(&error, SendError::DeadHandle { .. }) && *error.into_payload() == [0]);
        }
        assert!(ctx.send_all(Handle::NONE, nobody, PTYPE_TEXT, 0, []).is_ok(), "there was nothing to send");
    });
    stop(&node);
}
