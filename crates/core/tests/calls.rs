//! Calls and tasks inside a service.

mod common;

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context as Waiting, Poll, Waker};

use common::{echo, probe, receive, start, stop};
use skynet_core::{
    CallError, Context, Handle, Message, PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE, PTYPE_TEXT, Payload,
};

#[test]
fn a_task_calls_one_after_another() {
    let node = start();
    let server = node.spawn(echo).expect("it starts");
    let (done, result) = channel();
    let client = node
        .spawn(move |ctx: &Context, msg: Message| {
            assert_eq!(msg.kind, PTYPE_TEXT, "answers of calls are not messages");
            let done = done.clone();
            ctx.spawn(async move {
                let mut sum = 0;
                for number in 0..100_u8 {
                    let call = Context::with(|ctx| ctx.map(|ctx| ctx.call(server, PTYPE_LUA, &[number])));
                    let answer = call.expect("a task runs in its service").await.expect("the server answers");
                    sum += usize::from(answer[0]);
                }
                let _ = done.send(sum);
            });
        })
        .expect("it starts");
    node.send(Handle::NONE, client, PTYPE_TEXT, 0, "go").expect("it is alive");
    assert_eq!(receive(&result), 4950);
    stop(&node);
}

#[test]
fn failures_reach_the_future() {
    let node = start();
    let refuses = node.spawn(|ctx: &Context, msg: Message| drop(ctx.accept(msg))).expect("it starts");
    let silent = node.spawn(|_: &Context, _: Message| {}).expect("it starts");
    let (done, result) = channel();
    let client = node
        .spawn(move |ctx: &Context, msg: Message| {
            if msg.kind == PTYPE_TEXT {
                for dest in [refuses, silent, Handle::from_raw(0x00ff_0000)] {
                    let (call, done) = (ctx.call(dest, PTYPE_LUA, "x"), done.clone());
                    ctx.spawn(async move {
                        let _ = done.send((dest, call.await));
                    });
                }
                // The news of a death, as it comes from another node.
                let me = ctx.handle();
                ctx.send_from(silent, me, PTYPE_ERROR, 0, Payload::empty()).expect("it is alive");
            }
        })
        .expect("it starts");
    node.send(Handle::NONE, client, PTYPE_TEXT, 0, "go").expect("it is alive");
    for _ in 0..3 {
        match receive(&result) {
            (dest, Err(CallError::Failed { dest: gone, .. })) => {
                assert!(dest == gone && dest != Handle::from_raw(0x00ff_0000));
            }
            (dest, Err(CallError::Send(_))) => assert_eq!(dest, Handle::from_raw(0x00ff_0000)),
            (dest, other) => panic!("{dest}: {other:?}"),
        }
    }
    stop(&node);
}

/// A future that another thread completes.
#[derive(Clone, Default)]
struct Flag(Arc<Mutex<(bool, Option<Waker>)>>);

impl Flag {
    fn raise(&self) {
        let mut state = self.0.lock().expect("nobody panics with it");
        state.0 = true;
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }
}

impl Future for Flag {
    type Output = ();

    fn poll(self: Pin<&mut Self>, waiting: &mut Waiting<'_>) -> Poll<()> {
        let mut state = self.0.lock().expect("nobody panics with it");
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(waiting.waker().clone());
        Poll::Pending
    }
}

#[test]
fn a_waker_of_another_thread_brings_the_task_back() {
    let node = start();
    let flag = Flag::default();
    let ((begun, waiting), (done, result)) = (channel(), channel());
    let raised = flag.clone();
    let service = node
        .spawn(move |ctx: &Context, _: Message| {
            let (flag, begun, done) = (flag.clone(), begun.clone(), done.clone());
            ctx.spawn(async move {
                let _ = begun.send(());
                flag.await;
                let _ = done.send(Context::with(|ctx| ctx.map(Context::handle)));
            });
        })
        .expect("it starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "go").expect("it is alive");
    receive(&waiting);
    raised.raise();
    assert_eq!(receive(&result), Some(service));
    stop(&node);
}

#[test]
fn a_task_ends_with_its_service() {
    struct Dropped(std::sync::mpsc::Sender<()>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let node = start();
    let (dropped, result) = channel();
    let service = node
        .spawn(move |ctx: &Context, _: Message| {
            let token = Dropped(dropped.clone());
            ctx.spawn(async move {
                std::future::pending::<()>().await;
                drop(token);
            });
            ctx.exit();
        })
        .expect("it starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "go").expect("it is alive");
    receive(&result);
    stop(&node);
}

#[test]
fn a_message_that_was_passed_on_is_no_longer_owed() {
    let node = start();
    let server = node.spawn(echo).expect("it starts");
    let passes_on = node
        .spawn(move |ctx: &Context, msg: Message| {
            let nobody = Handle::from_raw(0x00ff_0000);
            let (kind, session, source) = (msg.kind, msg.session, msg.source);
            let payload = ctx.forward(nobody, msg).expect_err("nobody is there").into_payload();
            ctx.forward(server, Message { kind, session, source, payload }).expect("it is alive");
            panic!("after it");
        })
        .expect("it starts");
    let (client, answers) = probe(&node);
    node.send(client, passes_on, PTYPE_LUA, 7, "whose").expect("it is alive");
    assert_eq!(receive(&answers), (PTYPE_RESPONSE, 7, server, b"whose".to_vec()));
    stop(&node);
    assert!(answers.try_recv().is_err(), "one answer, and no error after it");
}
