//! Two things at once, and services that misbehave where nobody expects it.

mod common;

use std::future::poll_fn;
use std::panic::{panic_any, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use common::{DEADLINE, echo, logged, probe, quiet, receive, start, stop, until};
use skynet_core::{
    CallError, Context, Handle, LaunchError, Message, Node, PTYPE_ERROR, PTYPE_HARBOR, PTYPE_LUA,
    PTYPE_RESPONSE, PTYPE_TEXT, Payload, Service, ServiceControl, ServiceError, WorkerThread,
};

/// A service that stays inside its first message until the sender is dropped.
fn stuck(node: &Node) -> (Handle, Sender<()>) {
    let (entered, inside) = channel();
    let (go, gate) = channel::<()>();
    let handle = node
        .spawn(move |_: &Context, _: Message| {
            let _ = entered.send(());
            let _ = gate.recv();
        })
        .expect("it starts");
    node.send(Handle::NONE, handle, PTYPE_HARBOR, 0, "enter").expect("it is alive");
    receive(&inside);
    (handle, go)
}

#[test]
fn answers_for_other_nodes_are_not_bounced_by_a_harbor_that_ends() {
    let node = quiet().harbor(1).start().expect("the node starts");
    let (probe, messages) = probe(&node);
    let (harbor, go) = stuck(&node);
    assert!(node.set_harbor(harbor));
    for (kind, session) in [(PTYPE_RESPONSE, 5), (PTYPE_ERROR, 6), (PTYPE_LUA, 0), (PTYPE_LUA, 8)] {
        node.send(probe, Handle::new(2, 9), kind, session, "x").expect("the harbor takes it");
    }
    node.kill(harbor);
    let (kind, session, source, text) = receive(&messages);
    assert_eq!((kind, session, source), (PTYPE_ERROR, 8, harbor));
    let text = String::from_utf8_lossy(&text);
    assert!(text.starts_with(&format!("service {harbor} (")) && text.ends_with(") was killed"), "{text}");
    drop(go);
    stop(&node);
    assert!(messages.try_recv().is_err(), "nothing else was bounced");
}

#[test]
fn a_harbor_that_panics_answers_requests_alone() {
    for (kind, answered) in [(PTYPE_RESPONSE, false), (PTYPE_ERROR, false), (PTYPE_LUA, true)] {
        let node = quiet().harbor(1).start().expect("the node starts");
        let (probe, messages) = probe(&node);
        let harbor = node.spawn(|_: &Context, _: Message| panic!("no way")).expect("it starts");
        assert!(node.set_harbor(harbor));
        node.send(probe, Handle::new(2, 9), kind, 7, "x").expect("the harbor takes it");
        until("the harbor ends", || !node.is_alive(harbor));
        node.send(Handle::NONE, probe, PTYPE_TEXT, 0, "last").expect("it is alive");
        if answered {
            let (kind, session, source, text) = receive(&messages);
            assert_eq!((kind, session, source), (PTYPE_ERROR, 7, harbor));
            let text = String::from_utf8_lossy(&text);
            assert!(
                text.starts_with(&format!("service {harbor} (")) && text.ends_with(") panicked"),
                "{text}"
            );
        }
        assert_eq!(receive(&messages).0, PTYPE_TEXT, "kind {kind}");
        stop(&node);
    }
}

/// Gives the service so many names that whoever kills it is busy for a while between its first step and its last.
fn name_often(ctx: &Context) {
    for number in 0..100 {
        assert!(ctx.node().name(format!("name {number}"), ctx.handle()));
    }
}

#[test]
fn a_kill_beside_a_failing_init_loses_no_request() {
    struct Failing(Sender<Handle>);
    impl Service for Failing {
        fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
            name_often(ctx);
            let _ = self.0.send(ctx.handle());
            until("the request is here", || ctx.mqlen() == 1);
            Err("no luck".into())
        }
        fn on_message(&mut self, _: &Context, _: Message) {}
    }
    let node = start();
    let (handles, inits) = channel();
    let killer = node.clone();
    let asked = thread::spawn(move || {
        for handle in inits {
            let call = killer.call(handle, PTYPE_LUA, "x");
            killer.kill(handle);
            assert!(matches!(call.wait_timeout(DEADLINE), Err(CallError::Failed { .. })));
        }
    });
    for _ in 0..2000 {
        let Err(LaunchError::Init { handle, .. }) = node.spawn(Failing(handles.clone())) else {
            panic!("its init fails");
        };
        assert!(!node.is_alive(handle));
    }
    drop(handles);
    asked.join().expect("each request was answered");
    stop(&node);
}

#[test]
fn a_service_that_panicked_sees_no_further_message_though_it_is_killed_just_then() {
    let node = start();
    for _ in 0..500 {
        let (entered, inside) = channel();
        let again = Arc::new(AtomicBool::new(false));
        let seen = again.clone();
        let mut first = true;
        let handle = node
            .spawn(move |ctx: &Context, _: Message| {
                if !std::mem::take(&mut first) {
                    return seen.store(true, Ordering::SeqCst);
                }
                until("all are queued", || ctx.mqlen() == 50);
                name_often(ctx);
                let _ = entered.send(());
                resume_unwind(Box::new("on purpose"));
            })
            .expect("it starts");
        let calls: Vec<_> = (0..51).map(|_| node.call(handle, PTYPE_LUA, "x")).collect();
        receive(&inside);
        node.kill(handle);
        for call in calls {
            assert!(matches!(call.wait_timeout(DEADLINE), Err(CallError::Failed { .. })));
        }
        assert!(!again.load(Ordering::SeqCst));
    }
    stop(&node);
}

#[test]
fn a_side_door_that_panics_harms_nobody_else() {
    struct NoDoor;
    impl Service for NoDoor {
        fn on_message(&mut self, _: &Context, _: Message) {}
        fn control(&self) -> Option<Arc<dyn ServiceControl>> {
            panic!("no door")
        }
    }
    struct Slams;
    impl ServiceControl for Slams {
        fn signal(&self, _: i32, _: Option<WorkerThread<'_>>) {}
        fn condemn(&self, _: WorkerThread<'_>) {
            panic!("slam")
        }
    }
    struct Runs(Sender<()>, Arc<AtomicBool>);
    impl Service for Runs {
        fn on_message(&mut self, _: &Context, _: Message) {
            let _ = self.0.send(());
            until("it may end", || self.1.load(Ordering::SeqCst));
        }
        fn control(&self) -> Option<Arc<dyn ServiceControl>> {
            Some(Arc::new(Slams))
        }
    }
    let (node, log) = logged(quiet());
    let Err(LaunchError::Init { cause, .. }) = node.spawn(NoDoor) else { panic!("it has no door") };
    assert_eq!(cause.to_string(), "its init panicked: no door");
    let ((entered, inside), over) = (channel(), Arc::new(AtomicBool::new(false)));
    let handle = node.spawn(Runs(entered, over.clone())).expect("it starts");
    node.send(Handle::NONE, handle, PTYPE_TEXT, 0, "run").expect("it is alive");
    receive(&inside);
    let call = node.call(handle, PTYPE_LUA, "x");
    assert!(node.kill(handle));
    assert!(matches!(call.wait_timeout(DEADLINE), Err(CallError::Failed { .. })));
    assert_eq!(log.next(), format!("{handle} error: the side door of {handle} panicked: slam"));
    over.store(true, Ordering::SeqCst);
    stop(&node);
}

#[test]
fn a_thrown_value_whose_drop_panics_leaves_the_workers_alone() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any("boom");
        }
    }
    let node = quiet().workers(1).start().expect("the node starts");
    let bomb = node.spawn(|_: &Context, _: Message| resume_unwind(Box::new(Bomb))).expect("it starts");
    let other = node.spawn(echo).expect("it starts");
    node.send(Handle::NONE, bomb, PTYPE_TEXT, 0, "go").expect("it is alive");
    until("it ends", || !node.is_alive(bomb));
    assert!(node.call(other, PTYPE_LUA, "x").wait_timeout(DEADLINE).is_ok());
    stop(&node);
}

#[test]
fn a_task_that_only_yields_lets_the_messages_through() {
    let node = quiet().workers(1).start().expect("the node starts");
    let (done, result) = channel();
    let raised = Arc::new(AtomicBool::new(false));
    let service = node
        .spawn(move |ctx: &Context, msg: Message| {
            if &*msg.payload == b"raise" {
                return raised.store(true, Ordering::SeqCst);
            }
            let (flag, done) = (raised.clone(), done.clone());
            ctx.spawn(async move {
                poll_fn(|waiting| {
                    waiting.waker().wake_by_ref();
                    if flag.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                let _ = done.send(());
            });
        })
        .expect("it starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "spin").expect("it is alive");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "raise").expect("it is alive");
    receive(&result);
    stop(&node);
}

#[test]
fn calls_from_outside_survive_the_death_of_their_address() {
    let node = start();
    let server = node.spawn(echo).expect("it starts");
    assert!(node.call(server, PTYPE_LUA, "x").wait().is_ok());
    let (silent, go) = stuck(&node);
    let waiting = node.call(silent, PTYPE_LUA, "x");
    let client = node.services().into_iter().find(|info| info.name == "calls from outside");
    node.kill(client.expect("there were calls").handle);
    assert!(matches!(waiting.wait_timeout(DEADLINE), Err(CallError::Stopped)));
    assert!(node.call(server, PTYPE_LUA, "x").wait_timeout(DEADLINE).is_ok());
    drop(go);
    stop(&node);
}

#[test]
fn an_overload_is_reported_again_once_the_mailbox_was_empty() {
    let (node, log) = logged(quiet().workers(1));
    let other = node.spawn(echo).expect("it starts");
    let ((entered, inside), (go, gate)) = (channel(), channel::<()>());
    let gate = Mutex::new(gate);
    let service = node
        .spawn(move |_: &Context, msg: Message| {
            if msg.kind == PTYPE_TEXT {
                let _ = entered.send(());
                let _ = gate.lock().expect("one at a time").recv();
            }
        })
        .expect("it starts");
    for _ in 0..2 {
        node.send(Handle::NONE, service, PTYPE_TEXT, 0, "wait").expect("it is alive");
        receive(&inside);
        for _ in 0..1500 {
            node.send(Handle::NONE, service, PTYPE_LUA, 0, Payload::empty()).expect("it is alive");
        }
        go.send(()).expect("it waits");
        assert_eq!(log.next(), format!("{service} error: May overload, message queue length = 1499"));
        // The one worker comes to the other service after it has found the mailbox empty.
        until("all are taken", || node.services().iter().all(|info| info.mqlen == 0));
        assert!(node.call(other, PTYPE_LUA, "x").wait_timeout(DEADLINE).is_ok());
    }
    drop(go);
    stop(&node);
}

#[test]
fn stop_names_the_log_service_where_nobody_else_is_to_blame() {
    let (go, gate) = channel::<()>();
    let gate = Mutex::new(Some(gate));
    let module = move |_: &Node, _: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
        let gate = gate.lock().expect("one at a time").take().ok_or("one log service")?;
        Ok(Box::new(move |_: &Context, _: Message| {
            let _ = gate.recv();
        }))
    };
    let node = quiet().module("slow", module);
    let target = skynet_core::LogTarget::Module { name: "slow".to_owned(), args: String::new() };
    let node = node.log(target).start().expect("the node starts");
    let server = node.spawn(echo).expect("it starts");
    assert!(node.call(server, PTYPE_LUA, "x").wait().is_ok());
    let logger = node.find_name("logger").expect("it has one");
    node.log(Handle::NONE, "a line that is never written");
    // On a busy machine others may not be done at once, either.
    while node
        .stop(Duration::from_millis(20))
        .expect_err("the log hangs")
        .stuck
        .iter()
        .any(|(handle, _)| *handle == server)
    {}
    let error = node.stop(Duration::from_millis(20)).expect_err("the log hangs");
    assert_eq!(error.stuck.iter().map(|(handle, _)| *handle).collect::<Vec<_>>(), [logger]);
    drop(go);
    stop(&node);
}
