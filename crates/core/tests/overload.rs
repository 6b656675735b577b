//! Mailboxes with a bound, and messages that go before the rest.

mod common;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use common::{DEADLINE, Seen, inside, logged, quiet, receive, start, stop, until};
use skynet_core::{
    Bound, CallError, Context, Handle, Message, Node, PTYPE_DEBUG, PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE,
    PTYPE_TEXT, Payload, Policy, SendError, Service, ServiceControl, WorkerThread,
};

const FROM: Handle = Handle::from_raw(0xff_0000);

/// A service that is inside of its first message until the test lets it go on. Then it passes on what it gets, but for further
/// messages that block it.
struct Slow {
    handle: Handle,
    begins: Receiver<()>,
    go_on: Sender<()>,
    got: Receiver<Seen>,
}

struct Side;

impl ServiceControl for Side {
    fn signal(&self, _: i32, _: Option<WorkerThread<'_>>) {}

    fn condemn(&self, _: WorkerThread<'_>) {}

    fn is_urgent(&self, msg: &Message) -> bool {
        !msg.payload.starts_with(b"PING")
    }
}

struct Body {
    bound: Option<Bound>,
    entered: Sender<()>,
    gate: Mutex<Receiver<()>>,
    seen: Sender<Seen>,
}

impl Service for Body {
    fn init(&mut self, ctx: &Context) -> Result<(), skynet_core::ServiceError> {
        ctx.bound_mailbox(self.bound);
        Ok(())
    }

    fn on_message(&mut self, _: &Context, msg: Message) {
        if &*msg.payload == b"block" {
            let _ = self.entered.send(());
            let _ = self.gate.lock().expect("one at a time").recv();
            return;
        }
        let _ = self.seen.send((msg.kind, msg.session, msg.source, msg.payload.to_vec()));
    }

    fn control(&self) -> Option<Arc<dyn ServiceControl>> {
        Some(Arc::new(Side))
    }
}

impl Slow {
    fn new(node: &Node, bound: Option<Bound>) -> Slow {
        let ((entered, begins), (go_on, gate), (seen, got)) = (channel(), channel(), channel());
        let body = Body { bound, entered, gate: Mutex::new(gate), seen };
        let handle = node.spawn(body).expect("it starts");
        node.send(FROM, handle, PTYPE_TEXT, 0, "block").expect("it is alive");
        receive(&begins);
        Slow { handle, begins, go_on, got }
    }

    fn with(node: &Node, limit: usize, policy: Policy) -> Slow {
        Slow::new(node, Some(Bound { limit, policy }))
    }

    /// Lets it go on. The sessions of so many messages, one-way ones as less than zero by their sizes.
    fn sessions(&self, count: usize) -> Vec<i32> {
        self.go_on.send(()).expect("it waits");
        let one = |(_, session, _, bytes): Seen| if session == 0 { -(bytes.len() as i32) } else { session };
        (0..count).map(|_| one(receive(&self.got))).collect()
    }
}

fn one_way(node: &Node, to: Handle, size: usize) -> Result<(), SendError> {
    node.send(FROM, to, PTYPE_TEXT, 0, vec![0; size])
}

fn request(node: &Node, to: Handle, session: i32) -> Result<(), SendError> {
    node.send(FROM, to, PTYPE_LUA, session, "")
}

fn is_overloaded(sent: Result<(), SendError>) -> Option<(usize, Payload)> {
    match sent {
        Err(SendError::Overloaded { waiting, payload, .. }) => Some((waiting, payload)),
        other => panic!("it is not refused: {other:?}"),
    }
}

#[test]
fn a_full_mailbox_refuses_requests_and_hands_them_back() {
    let node = start();
    let slow = Slow::with(&node, 3, Policy::Reject);
    for session in 1..=3 {
        request(&node, slow.handle, session).expect("there is room");
    }
    let refused = node.send(FROM, slow.handle, PTYPE_LUA, 4, "kept");
    let error = refused.expect_err("it is full");
    assert_eq!(error.to_string(), format!("service {} is overloaded: 3 messages wait", slow.handle));
    assert_eq!(&*error.into_payload(), b"kept");
    let answer = node.call(slow.handle, PTYPE_LUA, "?").wait_timeout(DEADLINE);
    assert!(matches!(answer, Err(CallError::Send(SendError::Overloaded { waiting: 3, .. }))), "{answer:?}");
    // These always get in.
    node.send(FROM, slow.handle, PTYPE_RESPONSE, 5, "").expect("an answer");
    node.send(FROM, slow.handle, PTYPE_ERROR, 6, "").expect("an error");
    assert_eq!(slow.sessions(5), [1, 2, 3, 5, 6]);
    let stat = node.mailbox_stat(slow.handle).expect("it is alive");
    assert_eq!((stat.rejected, stat.dropped, stat.paused), (2, 0, 0));
    until("it is empty", || node.mailbox_stat(slow.handle).is_some_and(|stat| stat.waiting == 0));
    request(&node, slow.handle, 7).expect("there is room again");
    assert_eq!(receive(&slow.got).1, 7);
    stop(&node);
}

#[test]
fn one_way_messages_have_twice_the_room_where_requests_are_refused() {
    let node = start();
    let slow = Slow::with(&node, 2, Policy::Reject);
    for size in 1..=4 {
        one_way(&node, slow.handle, size).expect("there is room");
    }
    assert_eq!(is_overloaded(one_way(&node, slow.handle, 5)).map(|(waiting, _)| waiting), Some(4));
    assert_eq!(slow.sessions(4), [-1, -2, -3, -4]);
    let info = node.services().into_iter().find(|info| info.handle == slow.handle).expect("it is alive");
    assert_eq!((info.mailbox.rejected, info.mailbox.dropped), (0, 1));
    stop(&node);
}

#[test]
fn the_oldest_one_way_message_makes_room_and_order_is_kept() {
    let node = start();
    let slow = Slow::with(&node, 4, Policy::DropOldest);
    request(&node, slow.handle, 1).expect("there is room");
    one_way(&node, slow.handle, 1).expect("there is room");
    request(&node, slow.handle, 2).expect("there is room");
    one_way(&node, slow.handle, 2).expect("there is room");
    one_way(&node, slow.handle, 3).expect("the first goes");
    request(&node, slow.handle, 3).expect("the second goes");
    request(&node, slow.handle, 4).expect("the third goes");
    assert!(is_overloaded(request(&node, slow.handle, 5)).is_some(), "none is left");
    assert!(is_overloaded(one_way(&node, slow.handle, 5)).is_some(), "it is the oldest itself");
    assert_eq!(slow.sessions(4), [1, 2, 3, 4]);
    let stat = node.mailbox_stat(slow.handle).expect("it is alive");
    assert_eq!((stat.rejected, stat.dropped), (1, 4));
    stop(&node);
}

#[test]
fn a_bound_can_be_changed_and_lifted_and_nothing_in_the_mailbox_is_lost() {
    let node = start();
    let slow = Slow::new(&node, None);
    let bound = |limit, policy| assert!(node.bound_mailbox(slow.handle, Some(Bound { limit, policy })));
    request(&node, slow.handle, 1).expect("no bound");
    bound(2, Policy::DropOldest);
    request(&node, slow.handle, 2).expect("there is room");
    assert!(is_overloaded(request(&node, slow.handle, 9)).is_some());
    assert!(node.bound_mailbox(slow.handle, None));
    request(&node, slow.handle, 3).expect("no bound");
    bound(1, Policy::Reject);
    assert!(is_overloaded(request(&node, slow.handle, 9)).is_some());
    bound(5, Policy::DropOldest);
    request(&node, slow.handle, 4).expect("there is room");
    one_way(&node, slow.handle, 1).expect("there is room");
    one_way(&node, slow.handle, 2).expect("the first goes");
    assert!(node.bound_mailbox(slow.handle, None));
    request(&node, slow.handle, 5).expect("no bound");
    assert_eq!(slow.sessions(6), [1, 2, 3, 4, -2, 5]);
    assert!(!node.bound_mailbox(Handle::from_raw(0xfffe), None), "nobody is there");
    stop(&node);
}

#[test]
fn what_waits_beside_the_queue_is_answered_when_the_service_ends() {
    let node = start();
    let slow = Slow::with(&node, 10, Policy::DropOldest);
    let (asker, answers) = common::probe(&node);
    for session in 1..=3 {
        node.send(asker, slow.handle, PTYPE_LUA, session, "").expect("there is room");
    }
    node.send(asker, slow.handle, PTYPE_DEBUG, 4, "STAT").expect("there is room");
    assert!(node.kill(slow.handle));
    let mut sessions: Vec<i32> = (0..4).map(|_| receive(&answers)).map(|(_, session, ..)| session).collect();
    sessions.sort_unstable();
    assert_eq!(sessions, [1, 2, 3, 4]);
    drop(slow);
    stop(&node);
}

/// The node's relief calls.
fn reliefs(node: &Node) -> Receiver<Handle> {
    let (tell, told) = channel();
    assert!(node.on_relief(move |service| {
        let _ = tell.send(service);
    }));
    told
}

#[test]
fn who_feeds_a_full_mailbox_is_told_when_half_is_left() {
    let node = start();
    let told = reliefs(&node);
    let slow = Slow::with(&node, 4, Policy::PauseSockets);
    (1..=3).for_each(|size| one_way(&node, slow.handle, size).expect("no message is refused"));
    assert!(!node.is_full(slow.handle));
    (4..=9).for_each(|size| one_way(&node, slow.handle, size).expect("no message is refused"));
    assert!(node.is_full(slow.handle) && told.try_recv().is_err());
    assert_eq!(slow.sessions(9), (1..=9).map(|size| -size).collect::<Vec<_>>());
    assert_eq!(receive(&told), slow.handle);
    assert!(!node.is_full(slow.handle));
    assert_eq!(node.mailbox_stat(slow.handle).map(|stat| stat.paused), Some(1));
    stop(&node);
}

#[test]
fn who_feeds_a_full_mailbox_is_told_when_it_ends_or_is_bounded_no_more() {
    let node = start();
    let told = reliefs(&node);
    for lift in [true, false] {
        let slow = Slow::with(&node, 1, Policy::PauseSockets);
        one_way(&node, slow.handle, 1).expect("no message is refused");
        assert!(node.is_full(slow.handle));
        if lift {
            assert!(node.bound_mailbox(slow.handle, None));
        } else {
            assert!(node.kill(slow.handle));
        }
        assert_eq!(receive(&told), slow.handle);
        assert!(!node.is_full(slow.handle));
    }
    stop(&node);
}

#[test]
fn debug_messages_go_before_the_rest_in_their_order() {
    for workers in [1, 2, 8] {
        let node = quiet().workers(workers).start().expect("it starts");
        let slow = Slow::new(&node, None);
        for session in 1..=1000 {
            request(&node, slow.handle, session).expect("it is alive");
        }
        let debug =
            |session, text| node.send(FROM, slow.handle, PTYPE_DEBUG, session, text).expect("it is alive");
        debug(2001, "PING");
        debug(2002, "STAT");
        debug(2003, "MEM");
        let expected: Vec<i32> = [2002, 2003].into_iter().chain(1..=1000).chain([2001]).collect();
        assert_eq!(slow.sessions(1003), expected);
        stop(&node);
    }
}

#[test]
fn a_debug_message_goes_before_messages_that_its_service_has_taken_already() {
    for workers in [1, 2] {
        let node = quiet().workers(workers).start().expect("it starts");
        let slow = Slow::new(&node, None);
        (1..=100).for_each(|session| request(&node, slow.handle, session).expect("it is alive"));
        node.send(FROM, slow.handle, PTYPE_TEXT, 0, "block").expect("it is alive");
        (101..=200).for_each(|session| request(&node, slow.handle, session).expect("it is alive"));
        slow.go_on.send(()).expect("it waits");
        receive(&slow.begins);
        // What follows has been taken with the message that the service is inside of.
        node.send(FROM, slow.handle, PTYPE_DEBUG, 2000, "STAT").expect("it is alive");
        let expected: Vec<i32> = (1..=100).chain([2000]).chain(101..=200).collect();
        assert_eq!(slow.sessions(201), expected);
        stop(&node);
    }
}

#[test]
fn debug_messages_keep_their_place_while_few_wait() {
    let node = start();
    let slow = Slow::new(&node, None);
    (1..=64).for_each(|session| request(&node, slow.handle, session).expect("it is alive"));
    node.send(FROM, slow.handle, PTYPE_DEBUG, 65, "STAT").expect("it is alive");
    node.send(FROM, slow.handle, PTYPE_DEBUG, 66, "STAT").expect("it is alive");
    let expected: Vec<i32> = [66].into_iter().chain(1..=65).collect();
    assert_eq!(slow.sessions(66), expected);
    stop(&node);
}

#[test]
fn a_service_asks_for_the_bound_itself_and_reads_its_figures() {
    let node = start();
    let figures = inside(&node, |ctx| {
        ctx.bound_mailbox(Some(Bound { limit: 0, policy: Policy::Reject }));
        let own = ctx.handle();
        ctx.send(own, PTYPE_TEXT, "1").expect("there is room");
        let refused = ctx.send_from(Handle::NONE, own, PTYPE_LUA, 1, Payload::empty());
        let texts = ["rejected", "dropped", "paused"].map(|what| ctx.command("STAT", what.as_bytes()));
        (ctx.mailbox_stat(), refused.is_err(), texts)
    });
    let (stat, refused, texts) = figures;
    assert_eq!((stat.waiting, stat.bound.map(|bound| bound.limit), stat.rejected), (1, Some(1), 1));
    assert!(refused);
    assert_eq!(texts.map(Option::unwrap_or_default), [b"1", b"0", b"0"].map(|text| text.to_vec()));
    stop(&node);
}

#[test]
fn senders_that_cannot_look_at_the_error_have_it_sent_to_whoever_asked() {
    let node = start();
    let slow = Slow::with(&node, 1, Policy::Reject);
    let (asker, answers) = common::probe(&node);
    request(&node, slow.handle, 1).expect("there is room");
    let error = node.send(asker, slow.handle, PTYPE_LUA, 7, "").expect_err("it is full");
    assert!(node.answer_refused(&error, asker, 7));
    let (kind, session, source, text) = receive(&answers);
    assert_eq!((kind, session, source), (PTYPE_ERROR, 7, slow.handle));
    let text = String::from_utf8(text).expect("it is text");
    let name = text.split(['(', ')']).nth(1).expect("it is named");
    assert!(name.ends_with("Body"), "{text}");
    assert_eq!(text, format!("service {} ({name}) is overloaded: 1 messages wait", slow.handle));
    let dead = node.send(asker, Handle::from_raw(0xfffe), PTYPE_LUA, 8, "").expect_err("nobody is there");
    assert!(!node.answer_refused(&dead, asker, 8));
    drop(slow);
    stop(&node);
}

#[test]
fn who_is_refused_by_an_error_is_not_told_why_where_errors_are_not_explained() {
    let node = quiet().explain_errors(false).start().expect("it starts");
    let slow = Slow::with(&node, 1, Policy::Reject);
    let (asker, answers) = common::probe(&node);
    request(&node, slow.handle, 1).expect("there is room");
    let error = node.send(asker, slow.handle, PTYPE_LUA, 7, "").expect_err("it is full");
    assert!(node.answer_refused(&error, asker, 7));
    assert_eq!(receive(&answers), (PTYPE_ERROR, 7, slow.handle, Vec::new()));
    drop(slow);
    stop(&node);
}

#[test]
fn an_overload_is_reported_while_a_slow_service_works_on_what_it_took_before() {
    let (node, log) = logged(quiet());
    let ((entered, begins), (go_on, gate)) = (channel(), channel::<()>());
    let gate = Mutex::new(gate);
    let service = node
        .spawn(move |_: &Context, _: Message| {
            let _ = entered.send(());
            let _ = gate.lock().expect("one at a time").recv();
        })
        .expect("it starts");
    let send = |count: usize| (0..count).for_each(|_| one_way(&node, service, 0).expect("it is alive"));
    // It takes all three at once, and is inside of the second.
    send(1);
    receive(&begins);
    send(3);
    go_on.send(()).expect("it waits");
    receive(&begins);
    send(1100);
    go_on.send(()).expect("it waits");
    receive(&begins);
    assert_eq!(log.next(), format!("{service} error: May overload, message queue length = 1101"));
    send(2000);
    go_on.send(()).expect("it waits");
    receive(&begins);
    assert_eq!(log.next(), format!("{service} error: May overload, message queue length = 3100"));
    drop(go_on);
    stop(&node);
    assert!(log.rest().is_empty(), "one report a doubling");
}
