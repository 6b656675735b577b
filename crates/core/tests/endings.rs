//! However a service ends, what it owes is answered.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{DEADLINE, echo, inside, logged, probe, quiet, receive, start, stop, until};
use skynet_core::{
    CallError, Context, Handle, LaunchError, Message, Node, PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE,
    PTYPE_TEXT, Payload, Request, Service, ServiceControl, ServiceError, WorkerThread,
};

/// A service that is inside its first message until it is let go.
fn stuck(node: &Node) -> (Handle, Receiver<()>, Sender<()>) {
    let (entered, inside) = channel();
    let (go, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let handle = node
        .spawn(move |_: &Context, _: Message| {
            let _ = entered.send(());
            // Ends also when the test drops its side.
            let _ = gate.lock().expect("one at a time").recv();
        })
        .expect("it starts");
    (handle, inside, go)
}

#[test]
fn killing_an_idle_service_ends_it() {
    let node = start();
    let dropped = Arc::new(AtomicUsize::new(0));
    let token = Guard(dropped.clone());
    let handle = node
        .spawn(move |_: &Context, _: Message| {
            let _ = &token;
        })
        .expect("it starts");
    assert!(node.kill(handle) && !node.kill(handle));
    assert!(!node.is_alive(handle));
    until("the service is dropped", || dropped.load(Ordering::SeqCst) == 1);
    stop(&node);
}

struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn killing_a_running_service_answers_its_mailbox_at_once() {
    let node = start();
    let (handle, entered, go) = stuck(&node);
    node.send(Handle::NONE, handle, PTYPE_TEXT, 0, "enter").expect("it is alive");
    receive(&entered);
    let calls: Vec<_> = (0..10).map(|_| node.call(handle, PTYPE_LUA, "x")).collect();
    assert!(node.kill(handle));
    // It has not come back yet.
    for call in calls {
        assert!(matches!(call.wait_timeout(DEADLINE), Err(CallError::Failed { dest, .. }) if dest == handle));
    }
    assert!(matches!(node.call(handle, PTYPE_LUA, "x").wait(), Err(CallError::Send(_))));
    drop(go);
    stop(&node);
}

#[test]
fn a_batch_that_was_taken_already_is_answered_too() {
    let node = start();
    let killer = node.clone();
    let mut first = true;
    let handle = node
        .spawn(move |ctx: &Context, _: Message| {
            if std::mem::take(&mut first) {
                until("the requests are queued", || ctx.mqlen() == 100);
            } else {
                killer.kill(ctx.handle());
            }
        })
        .expect("it starts");
    let calls: Vec<_> = (0..101).map(|_| node.call(handle, PTYPE_LUA, "x")).collect();
    // The first two were handled, and left unanswered by the service itself.
    for call in calls.into_iter().skip(2) {
        assert!(matches!(call.wait_timeout(DEADLINE), Err(CallError::Failed { .. })));
    }
    stop(&node);
}

#[test]
fn a_service_killed_during_init_never_comes_up() {
    struct Suicidal;
    impl Service for Suicidal {
        fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
            ctx.node().kill(ctx.handle());
            Ok(())
        }
        fn on_message(&mut self, _: &Context, _: Message) {}
    }
    let node = start();
    assert!(matches!(node.spawn(Suicidal), Err(LaunchError::Killed { .. })));
    stop(&node);
}

#[test]
fn a_failed_init_answers_what_has_come() {
    struct Failing(Handle);
    impl Service for Failing {
        fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
            // A request that this very service waits in vain for, in the name of the probe.
            ctx.send_from(self.0, ctx.handle(), PTYPE_LUA, 77, Payload::empty())
                .expect("it is alive, though held");
            Err("no luck".into())
        }
        fn on_message(&mut self, _: &Context, _: Message) {}
    }
    let (node, log) =
        logged(quiet().module("failing", |node: &Node, _: &[u8]| -> Result<Box<dyn Service>, _> {
            let probe = node.find_name("probe").ok_or("no probe")?;
            Ok(Box::new(Failing(probe)))
        }));
    let (probe, messages) = probe(&node);
    node.name("probe", probe);
    let error = node.launch("failing", b"").expect_err("its init fails");
    let LaunchError::Init { handle, cause } = error else { panic!("another error: {error}") };
    assert_eq!(cause.to_string(), "no luck");
    assert_eq!(
        receive(&messages),
        (PTYPE_ERROR, 77, handle, format!("service {handle} (failing) failed to start").into())
    );
    assert_eq!(log.next(), format!("{handle} error: launch failing FAILED"));
    stop(&node);
}

#[test]
fn a_panic_ends_one_service_and_answers_its_request() {
    let (node, log) = logged(quiet());
    let handle = node.spawn(|_: &Context, _: Message| panic!("out of luck")).expect("it starts");
    let other = node.spawn(echo).expect("it starts");
    assert!(matches!(node.call(handle, PTYPE_LUA, "x").wait(), Err(CallError::Failed { .. })));
    assert_eq!(log.next(), format!("{handle} error: service {handle} panicked: out of luck"));
    until("the handle is dead", || !node.is_alive(handle));
    assert!(node.call(other, PTYPE_LUA, "x").wait().is_ok());
    stop(&node);
}

#[test]
fn an_init_that_panics_is_an_error() {
    struct Panics;
    impl Service for Panics {
        fn init(&mut self, _: &Context) -> Result<(), ServiceError> {
            panic!("at once")
        }
        fn on_message(&mut self, _: &Context, _: Message) {}
    }
    let node = start();
    assert!(matches!(node.spawn(Panics), Err(LaunchError::Init { .. })));
    stop(&node);
}

#[test]
fn requests_that_were_kept_are_answered_at_the_end() {
    struct Keeper(Vec<Request>);
    impl Service for Keeper {
        fn on_message(&mut self, ctx: &Context, msg: Message) {
            match ctx.accept(msg) {
                Ok((request, _)) => self.0.push(request),
                Err(_) => ctx.exit(),
            }
        }
        fn on_exit(&mut self, _: &Context) {
            if let Some(request) = self.0.pop() {
                let _ = request.respond("last words");
            }
        }
    }
    let node = start();
    let handle = node.spawn(Keeper(Vec::new())).expect("it starts");
    let calls = [node.call(handle, PTYPE_LUA, "1"), node.call(handle, PTYPE_LUA, "2")];
    node.send(Handle::NONE, handle, PTYPE_TEXT, 0, "end").expect("it is alive");
    let [first, second] = calls.map(|call| call.wait_timeout(DEADLINE));
    assert!(matches!(first, Err(CallError::Failed { .. })));
    assert_eq!(second.ok().as_deref(), Some(&b"last words"[..]));
    stop(&node);
}

#[test]
fn queued_answers_and_one_way_messages_are_not_bounced() {
    let node = start();
    let (probe, messages) = probe(&node);
    let (handle, entered, go) = stuck(&node);
    node.send(Handle::NONE, handle, PTYPE_TEXT, 0, "enter").expect("it is alive");
    receive(&entered);
    for (kind, session) in
        [(PTYPE_RESPONSE, 5), (PTYPE_ERROR, 6), (PTYPE_LUA, 0), (PTYPE_ERROR, 0), (PTYPE_LUA, 8)]
    {
        node.send(probe, handle, kind, session, "x").expect("it is alive");
    }
    node.kill(handle);
    let (kind, session, source, text) = receive(&messages);
    assert_eq!((kind, session, source), (PTYPE_ERROR, 8, handle));
    let text = String::from_utf8_lossy(&text);
    assert!(text.starts_with(&format!("service {handle} (")) && text.ends_with(") was killed"), "{text}");
    drop(go);
    stop(&node);
    assert!(messages.try_recv().is_err(), "nothing else was bounced");
}

#[test]
fn a_failed_call_says_why_unless_the_node_keeps_it_to_itself() {
    for explain in [true, false] {
        let node = quiet().explain_errors(explain).start().expect("the node starts");
        let reason = |handle| match node.call(handle, PTYPE_LUA, "x").wait_timeout(DEADLINE) {
            Err(CallError::Failed { reason, dest, .. }) if dest == handle => reason,
            other => panic!("{other:?}"),
        };
        let refusing = node.spawn(|ctx: &Context, msg: Message| {
            if let Ok((request, _)) = ctx.accept(msg) {
                request.fail_with("out of tea");
            }
        });
        let dropping = node.spawn(|ctx: &Context, msg: Message| drop(ctx.accept(msg)));
        let ending = node.spawn(|ctx: &Context, msg: Message| {
            ctx.set_end("has gone home");
            if let Ok((request, _)) = ctx.accept(msg) {
                request.fail_with(&ctx.obituary());
            }
            ctx.exit();
        });
        let [refusing, dropping, ending] =
            [refusing, dropping, ending].map(|started| started.expect("it starts"));
        let gave_up = format!("service {dropping} gave the request up");
        for (handle, expected) in
            [(refusing, "out of tea"), (dropping, &gave_up), (ending, ") has gone home")]
        {
            let text = reason(handle);
            assert!(text.ends_with(expected) == explain && text.is_empty() != explain, "{text}");
        }
        let going = node.spawn(|ctx: &Context, msg: Message| {
            if let Ok((request, _)) = ctx.accept(msg) {
                request.fail_with(&ctx.obituary());
            }
            ctx.exit();
        });
        let text = reason(going.expect("it starts"));
        assert!(text.ends_with("has ended"), "a normal end is told from others: {text}");
        assert_eq!(text.starts_with("service"), explain, "{text}");
        stop(&node);
    }
}

#[test]
fn a_condemned_service_is_told_through_its_side_door() {
    struct Door(Mutex<Sender<Option<i32>>>);
    impl ServiceControl for Door {
        fn signal(&self, sig: i32, _: Option<WorkerThread<'_>>) {
            let _ = self.0.lock().expect("one at a time").send(Some(sig));
        }
        fn condemn(&self, running: WorkerThread<'_>) {
            running.interrupt();
            let _ = self.0.lock().expect("one at a time").send(None);
        }
    }
    struct Runs(Arc<Door>, Receiver<Option<i32>>, Sender<Option<i32>>);
    impl Service for Runs {
        fn on_message(&mut self, _: &Context, _: Message) {
            loop {
                let told = self.1.recv_timeout(DEADLINE).expect("it is told");
                let _ = self.2.send(told);
                if told.is_none() {
                    return;
                }
            }
        }
        fn control(&self) -> Option<Arc<dyn ServiceControl>> {
            Some(self.0.clone())
        }
    }
    let node = start();
    let ((orders, inbox), (seen, told)) = (channel(), channel());
    let handle = node.spawn(Runs(Arc::new(Door(Mutex::new(orders))), inbox, seen)).expect("it starts");
    node.send(Handle::NONE, handle, PTYPE_TEXT, 0, "run").expect("it is alive");
    node.command("SIGNAL", format!("{handle} 0x10").as_bytes());
    assert_eq!(receive(&told), Some(16));
    assert!(node.kill(handle));
    assert_eq!(receive(&told), None);
    stop(&node);
}

#[test]
fn stop_names_those_who_do_not_come_back() {
    let node = start();
    let (handle, entered, go) = stuck(&node);
    node.send(Handle::NONE, handle, PTYPE_TEXT, 0, "enter").expect("it is alive");
    receive(&entered);
    let error = node.stop(Duration::from_millis(20)).expect_err("it is stuck");
    assert_eq!(error.stuck.iter().map(|(handle, _)| *handle).collect::<Vec<_>>(), [handle]);
    assert!(matches!(node.spawn(echo), Err(LaunchError::Stopped)));
    drop(go);
    stop(&node);
}

#[test]
fn the_node_ends_with_its_last_service() {
    let node = start();
    let logger = node.find_name("logger").expect("it has a log service");
    inside(&node, |_| ());
    node.kill(logger);
    node.wait();
}

#[test]
fn pending_calls_end_with_the_node() {
    let node = start();
    let silent = node.spawn(|_: &Context, _: Message| {}).expect("it starts");
    let call = node.call(silent, PTYPE_LUA, "x");
    stop(&node);
    assert!(call.wait_timeout(DEADLINE).is_err());
    assert!(node.call(silent, PTYPE_LUA, "x").wait().is_err());
}

#[test]
fn the_last_words_of_services_reach_the_log() {
    struct Talks;
    impl Service for Talks {
        fn on_message(&mut self, _: &Context, _: Message) {}
        fn on_exit(&mut self, ctx: &Context) {
            ctx.log("farewell");
        }
    }
    let (node, log) = logged(quiet());
    for _ in 0..100 {
        node.spawn(Talks).expect("it starts");
    }
    stop(&node);
    assert_eq!(log.rest().iter().filter(|line| line.ends_with("farewell")).count(), 100);
}

#[test]
fn several_nodes_live_side_by_side() {
    let nodes: Vec<Node> = (0..3).map(|_| start()).collect();
    let servers: Vec<Handle> = nodes.iter().map(|node| node.spawn(echo).expect("it starts")).collect();
    for (node, server) in nodes.iter().zip(servers) {
        assert!(node.call(server, PTYPE_LUA, "x").wait().is_ok());
    }
    nodes.iter().for_each(stop);
}
