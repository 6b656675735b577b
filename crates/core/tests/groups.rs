//! Groups and tunnels: who gets what, and how members come and go.

mod common;

use std::sync::mpsc::{Receiver, Sender, channel};

use common::{DEADLINE as LONG, quiet};
use skynet_core::{
    Bound, CallError, Context, GroupError, Handle, Message, Node, PTYPE_DEBUG, PTYPE_ERROR, PTYPE_MULTICAST,
    PTYPE_RESPONSE, PTYPE_SYSTEM, PTYPE_TEXT, Payload, Policy, RemoteMessage, Service, group_module,
    tunnel_module,
};

/// A node that can launch what these tests are about.
fn node(workers: usize) -> Node {
    let builder = quiet().workers(workers);
    let builder = builder.module("group", group_module()).module("tunnel", tunnel_module());
    builder.start().expect("it starts")
}

type Seen = (Handle, Message);

/// A service that hands on all it gets.
fn member(node: &Node, seen: &Sender<Seen>) -> Handle {
    let seen = seen.clone();
    node.spawn(move |ctx: &Context, msg: Message| drop(seen.send((ctx.handle(), msg)))).expect("it starts")
}

fn group(node: &Node) -> Handle {
    node.launch("group", b"test").expect("it starts")
}

/// Waits until a group has so many members.
fn wait_for_count(node: &Node, group: Handle, count: usize) {
    let began = std::time::Instant::now();
    while node.group_count(group) != Some(count) {
        assert!(began.elapsed() < LONG, "{:?} members instead of {count}", node.group_count(group));
        std::thread::yield_now();
    }
}

fn next(seen: &Receiver<Seen>) -> Seen {
    seen.recv_timeout(LONG).expect("a message comes")
}

#[test]
fn of_two_that_would_close_a_circle_at_once_one_is_refused() {
    let node = node(2);
    for _ in 0..200 {
        let [one, two] = [group(&node), group(&node)];
        let other = {
            let node = node.clone();
            std::thread::spawn(move || node.group_join(two, one))
        };
        let mine = node.group_join(one, two);
        let theirs = other.join().expect("it does not panic");
        assert!(mine.is_ok() != theirs.is_ok(), "{mine:?} {theirs:?}");
        assert!([mine, theirs].iter().any(|end| matches!(end, Err(GroupError::Circle { .. }))));
        node.kill(one);
        node.kill(two);
    }
    node.stop(LONG).expect("it stops");
}

#[test]
fn every_member_gets_what_is_sent_to_the_group_with_its_source_and_kind() {
    let node = node(2);
    let (send, seen) = channel();
    let group = group(&node);
    let members: Vec<Handle> = (0..3).map(|_| member(&node, &send)).collect();
    for one in &members {
        assert_eq!(node.group_join(group, *one), Ok(true));
        assert_eq!(node.group_join(group, *one), Ok(false), "it is one already");
    }
    let source = members[0];
    for kind in [PTYPE_TEXT, 77] {
        node.send(source, group, kind, 0, "news").expect("the group is alive");
        let got: Vec<Seen> = (0..3).map(|_| next(&seen)).collect();
        let at = got[0].1.payload.as_ptr();
        for (_, msg) in &got {
            assert_eq!((msg.source, msg.kind, msg.session, &*msg.payload), (source, kind, 0, &b"news"[..]));
            assert!(msg.payload.is_shared() && msg.payload.as_ptr() == at);
        }
    }
    // The session of a publication is the number of a channel.
    node.send(source, group, PTYPE_MULTICAST, 512, "news").expect("the group is alive");
    assert!((0..3).all(|_| next(&seen).1.session == 512));
    assert_eq!(node.group_leave(group, members[2]), Ok(true));
    assert_eq!(node.group_leave(group, members[2]), Ok(false));
    node.send(source, group, PTYPE_TEXT, 0, "less").expect("the group is alive");
    node.send(Handle::NONE, members[2], PTYPE_TEXT, 0, "end").expect("it is alive");
    let mut who: Vec<Handle> =
        (0..3).map(|_| next(&seen)).filter(|(_, m)| &*m.payload == b"less").map(|s| s.0).collect();
    who.sort_by_key(|handle| handle.raw());
    assert_eq!(who, members[..2]);
    node.stop(LONG).expect("all end");
}

#[test]
fn members_that_end_leave_by_themselves() {
    let node = node(2);
    let (send, _seen) = channel();
    let group = group(&node);
    let members: Vec<Handle> = (0..20).map(|_| member(&node, &send)).collect();
    for one in &members {
        assert_eq!(node.group_join(group, *one), Ok(true));
    }
    assert!(node.kill(members[3]) && node.kill(members[4]));
    wait_for_count(&node, group, 18);
    assert_eq!(node.group_join(group, members[3]), Err(GroupError::NotAlive { member: members[3] }));
    assert_eq!(node.group_count(group), Some(18));
    // Dying in the middle of publications.
    for one in &members[5..] {
        node.send(Handle::NONE, group, PTYPE_TEXT, 0, "x").expect("the group is alive");
        assert!(node.kill(*one));
    }
    wait_for_count(&node, group, 3);
    let mut left = node.group_members(group).expect("it is a group");
    left.sort_by_key(|handle| handle.raw());
    assert_eq!(left, members[..3]);
    node.stop(LONG).expect("all end");
}

#[test]
fn a_group_answers_requests_with_an_error_and_hands_no_answers_on() {
    let node = node(1);
    let (send, seen) = channel();
    let group = group(&node);
    let one = member(&node, &send);
    assert_eq!(node.group_join(group, one), Ok(true));
    assert!(matches!(node.call(group, PTYPE_TEXT, "?").wait_timeout(LONG), Err(CallError::Failed { .. })));
    node.send(one, group, PTYPE_TEXT, 5, "?").expect("the group is alive");
    let (_, error) = next(&seen);
    let text = String::from_utf8_lossy(&error.payload).into_owned();
    assert_eq!((error.kind, error.session), (PTYPE_ERROR, 5));
    assert!(text.starts_with("a group does not answer: :"), "{text}");
    assert!(text.contains("(group test) has 1 members"), "{text}");
    for kind in [PTYPE_RESPONSE, PTYPE_ERROR] {
        node.send(one, group, kind, 9, "answer").expect("the group is alive");
    }
    node.send(one, group, PTYPE_TEXT, 0, "after").expect("the group is alive");
    assert_eq!(&*next(&seen).1.payload, b"after");
    node.stop(LONG).expect("all end");
}

#[test]
fn a_group_that_is_gone_or_none_is_named() {
    let node = node(1);
    let (send, _seen) = channel();
    let (group, one) = (group(&node), member(&node, &send));
    assert_eq!(node.group_join(one, group), Err(GroupError::NoGroup { group: one }));
    assert_eq!(node.group_join(group, group), Err(GroupError::Itself { group }));
    let info = node.groups_info();
    assert_eq!((info.len(), info[0].handle, &*info[0].label, info[0].members), (1, group, "test", 0));
    assert!(node.kill(group));
    let began = std::time::Instant::now();
    while !node.groups_info().is_empty() {
        assert!(began.elapsed() < LONG);
        std::thread::yield_now();
    }
    assert_eq!(node.group_join(group, one), Err(GroupError::NoGroup { group }));
    assert_eq!(node.group_leave(group, one), Err(GroupError::NoGroup { group }));
    assert_eq!((node.group_count(group), node.group_members(group)), (None, None));
    node.stop(LONG).expect("all end");
}

#[test]
fn a_circle_of_groups_and_tunnels_is_refused() {
    let node = node(2);
    let (send, seen) = channel();
    let [a, b, c] = [0; 3].map(|_| group(&node));
    let tunnel = node.launch("tunnel", a.to_string().as_bytes()).expect("it starts");
    let chain = node.launch("tunnel", tunnel.to_string().as_bytes()).expect("it starts");
    assert_eq!(node.group_join(a, b), Ok(true));
    assert_eq!(node.group_join(b, c), Ok(true));
    for member in [a, tunnel, chain] {
        assert_eq!(node.group_join(c, member), Err(GroupError::Circle { group: c, member }));
    }
    assert_eq!(node.group_count(c), Some(0));
    // Two ways to one end are no circle.
    assert_eq!(node.group_join(a, c), Ok(true));
    assert_eq!(node.group_join(c, member(&node, &send)), Ok(true));
    node.send(Handle::NONE, chain, PTYPE_TEXT, 0, "twice").expect("it is alive");
    assert!((0..2).all(|_| &*next(&seen).1.payload == b"twice"));
    // Where the circle is open it may be closed.
    assert_eq!(node.group_leave(b, c), Ok(true));
    assert_eq!(node.group_leave(a, c), Ok(true));
    assert_eq!(node.group_join(c, chain), Ok(true));
    assert_eq!(node.group_join(b, c), Err(GroupError::Circle { group: b, member: c }));
    assert!(node.kill(tunnel));
    common::until("the tunnel is gone", || node.group_join(b, c) == Ok(true));
    node.stop(LONG).expect("all end");
}

#[test]
fn nobody_of_another_node_joins_where_no_message_gets_there() {
    let node = node(1);
    let group = group(&node);
    assert_eq!(node.group_join(group, FAR), Err(GroupError::NotAlive { member: FAR }));
    assert_eq!(node.group_count(group), Some(0));
    node.stop(LONG).expect("all end");
}

#[test]
fn members_come_go_and_die_while_messages_are_sent() {
    const ROUNDS: usize = 300;
    let node = node(2);
    let group = group(&node);
    let (send, seen) = channel();
    let stays = member(&node, &send);
    assert_eq!(node.group_join(group, stays), Ok(true));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let one = node.spawn(|_: &Context, _: Message| ()).expect("it starts");
                    assert_eq!(node.group_join(group, one), Ok(true));
                    if round % 2 == 0 {
                        assert_eq!(node.group_leave(group, one), Ok(true));
                    }
                    assert!(node.kill(one));
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                node.send(Handle::NONE, group, PTYPE_TEXT, 0, "x").expect("the group is alive");
            }
        });
    });
    for _ in 0..ROUNDS {
        next(&seen);
    }
    wait_for_count(&node, group, 1);
    assert_eq!(node.group_members(group), Some(vec![stays]));
    node.stop(LONG).expect("all end");
}

/// Answers, and says who asked.
struct Echo;

impl Service for Echo {
    fn on_message(&mut self, ctx: &Context, msg: Message) {
        if let Ok((request, payload)) = ctx.accept(msg) {
            let _ = request.respond(payload);
        }
    }
}

#[test]
fn a_tunnel_leads_to_a_service_until_that_ends() {
    let node = node(2);
    let echo = node.spawn(Echo).expect("it starts");
    let tunnel = node.launch("tunnel", echo.to_string().as_bytes()).expect("it starts");
    let answer = node.call(tunnel, PTYPE_TEXT, "through").wait_timeout(LONG).expect("it is answered");
    assert_eq!(&*answer, b"through");
    // A chain of them, with one block all the way.
    let (send, seen) = channel();
    let end = member(&node, &send);
    let inner = node.launch("tunnel", end.to_string().as_bytes()).expect("it starts");
    let outer = node.launch("tunnel", inner.to_string().as_bytes()).expect("it starts");
    let payload = Payload::from("block");
    let at = payload.as_ptr().addr();
    node.send(echo, outer, 99, 0, payload).expect("it is alive");
    let (_, msg) = next(&seen);
    assert_eq!((msg.source, msg.kind, msg.payload.as_ptr().addr()), (echo, 99, at));
    assert!(node.kill(echo) && node.kill(end));
    let began = std::time::Instant::now();
    while [tunnel, inner, outer].iter().any(|handle| node.is_alive(*handle)) {
        assert!(began.elapsed() < LONG, "a tunnel without an end ends");
        std::thread::yield_now();
    }
    assert!(node.call(tunnel, PTYPE_TEXT, "?").wait_timeout(LONG).is_err());
    for args in [&b""[..], b"no handle", b":0", echo.to_string().as_bytes()] {
        assert!(node.launch("tunnel", args).is_err());
    }
    node.stop(LONG).expect("all end");
}

/// A node of a network, and what it has for other nodes: kind and session.
fn networked() -> (Node, Receiver<(u8, i32)>) {
    let builder = quiet().harbor(1).module("group", group_module()).module("tunnel", tunnel_module());
    let node = builder.start().expect("it starts");
    let (out, outgoing) = channel();
    let harbor = node.spawn(move |_: &Context, mut msg: Message| {
        if let Some(inner) = RemoteMessage::take(&mut msg) {
            let _ = out.send((inner.kind, msg.session));
        }
    });
    assert!(node.set_harbor(harbor.expect("it starts")));
    (node, outgoing)
}

#[test]
fn reasons_are_not_told_where_errors_are_not_explained() {
    let builder = quiet().explain_errors(false).module("group", group_module());
    let node = builder.module("tunnel", tunnel_module()).harbor(1).start().expect("it starts");
    let harbor = node.spawn(|_: &Context, _: Message| ()).expect("it starts");
    assert!(node.set_harbor(harbor));
    let (send, seen) = channel();
    let asker = member(&node, &send);
    let group = group(&node);
    let tunnel = node.launch("tunnel", FAR.to_string().as_bytes()).expect("it starts");
    for (dest, kind) in [(group, PTYPE_TEXT), (tunnel, PTYPE_SYSTEM)] {
        node.send(asker, dest, kind, 1, "?").expect("it is alive");
        let (_, error) = next(&seen);
        assert_eq!((error.kind, error.source, error.payload.len()), (PTYPE_ERROR, dest, 0));
    }
    node.stop(LONG).expect("all end");
}

const FAR: Handle = Handle::from_raw(0x0200_0007);

#[test]
fn a_tunnel_stays_when_its_end_is_overloaded_and_says_so() {
    let node = node(2);
    let (entered, begins) = channel();
    let (go_on, gate) = channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let busy = node.spawn(move |_: &Context, _: Message| {
        let _ = entered.send(());
        let _ = gate.lock().expect("one at a time").recv();
    });
    let busy = busy.expect("it starts");
    let tunnel = node.launch("tunnel", busy.to_string().as_bytes()).expect("it starts");
    assert!(node.bound_mailbox(busy, Some(Bound { limit: 1, policy: Policy::Reject })));
    node.send(tunnel, busy, PTYPE_TEXT, 0, "block").expect("it is alive");
    begins.recv_timeout(LONG).expect("it blocks");
    node.send(tunnel, busy, PTYPE_TEXT, 0, "fills it").expect("there is room");
    let refused = node.call(tunnel, PTYPE_TEXT, "?").wait_timeout(LONG).expect_err("it is refused");
    let text = refused.to_string();
    assert!(text.ends_with(&format!("service {busy} is overloaded: 1 messages wait")), "{text}");
    assert!(node.is_alive(tunnel));
    drop(go_on);
    node.stop(LONG).expect("all end");
}

#[test]
fn a_tunnel_to_another_node_names_what_cannot_go_there() {
    let (node, outgoing) = networked();
    let tunnel = node.launch("tunnel", FAR.to_string().as_bytes()).expect("it starts");
    assert_eq!(outgoing.recv_timeout(LONG).expect("it is watched").0, PTYPE_DEBUG);
    let refused = node.call(tunnel, PTYPE_SYSTEM, "?").wait_timeout(LONG).expect_err("it is refused");
    assert!(refused.to_string().contains("cannot leave the node"), "{refused}");
    assert!(node.is_alive(tunnel));
    node.stop(LONG).expect("all end");
}

#[test]
fn who_asks_twice_for_the_end_of_a_group_is_told_of_it_twice_and_not_before() {
    let node = node(2);
    let (send, seen) = channel();
    let (group, asker) = (group(&node), member(&node, &send));
    assert_eq!(node.group_join(group, asker), Ok(true));
    for session in [1, 2] {
        node.send(asker, group, PTYPE_DEBUG, session, b"\x24LINK").expect("the group is alive");
    }
    node.send(asker, group, PTYPE_TEXT, 0, "alive").expect("the group is alive");
    let (_, msg) = next(&seen);
    assert_eq!((msg.kind, msg.session), (PTYPE_TEXT, 0));
    assert!(node.kill(group));
    let mut ends: Vec<(u8, i32)> = (0..2).map(|_| next(&seen).1).map(|msg| (msg.kind, msg.session)).collect();
    ends.sort_unstable();
    assert_eq!(ends, [(PTYPE_ERROR, 1), (PTYPE_ERROR, 2)]);
    node.stop(LONG).expect("all end");
}

#[test]
fn a_group_answers_who_asks_whether_it_is_alive() {
    let node = node(1);
    let (send, seen) = channel();
    let (group, asker) = (group(&node), member(&node, &send));
    assert_eq!(node.group_join(group, asker), Ok(true));
    node.send(asker, group, PTYPE_DEBUG, 3, b"\x24PING").expect("the group is alive");
    let (_, msg) = next(&seen);
    assert_eq!((msg.kind, msg.session, msg.payload.len()), (PTYPE_RESPONSE, 3, 0));
    node.stop(LONG).expect("all end");
}

#[test]
fn a_member_of_another_node_that_comes_and_goes_is_watched_once() {
    let (node, outgoing) = networked();
    let group = node.launch("group", b"test").expect("it starts");
    for _ in 0..50 {
        assert_eq!(node.group_join(group, FAR), Ok(true));
        node.send(Handle::NONE, group, PTYPE_TEXT, 0, "news").expect("the group is alive");
        let watched = std::iter::repeat_with(|| outgoing.recv_timeout(LONG).expect("the news come"));
        let _ = watched.take_while(|(kind, _)| *kind != PTYPE_TEXT).collect::<Vec<_>>();
        assert_eq!(node.group_leave(group, FAR), Ok(true));
    }
    assert_eq!(node.group_join(group, FAR), Ok(true));
    node.send(FAR, group, PTYPE_ERROR, 1, "it is gone").expect("the group is alive");
    wait_for_count(&node, group, 0);
    // Who is back is watched anew.
    assert_eq!(node.group_join(group, FAR), Ok(true));
    assert_eq!(outgoing.recv_timeout(LONG).expect("it is watched"), (PTYPE_DEBUG, 2));
    node.stop(LONG).expect("all end");
}
