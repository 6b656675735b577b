//! Who runs when: no service waits beside a sleeping worker, and an idle node sleeps.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use common::{echo, inside, logged, quiet, receive, start, stop, until};
use skynet_core::{Context, Handle, Message, PTYPE_LUA, PTYPE_TEXT, Payload, Service};

/// A service that keeps a worker until the flag is raised, after it has woken `others`: they are behind it on its worker.
fn blocker(node: &skynet_core::Node, others: Vec<Handle>, release: Arc<AtomicBool>) -> Handle {
    let service = node
        .spawn(move |ctx: &Context, _: Message| {
            for other in &others {
                ctx.send(*other, PTYPE_TEXT, "run").expect("it is alive");
            }
            until("the others have run", || release.load(Ordering::SeqCst));
        })
        .expect("it starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "block").expect("it is alive");
    service
}

#[test]
fn services_behind_a_busy_one_run_on_a_sleeping_worker() {
    let node = start();
    let ((ran, result), release) = (channel(), Arc::new(AtomicBool::new(false)));
    let others = (0..10)
        .map(|_| {
            let ran = ran.clone();
            node.spawn(move |_: &Context, _: Message| {
                let _ = ran.send(());
            })
            .expect("it starts")
        })
        .collect();
    blocker(&node, others, release.clone());
    // The blocker waits for this: only another worker can bring it about.
    (0..10).for_each(|_| receive(&result));
    release.store(true, Ordering::SeqCst);
    stop(&node);
}

#[test]
fn services_behind_a_busy_one_run_though_the_other_worker_never_sleeps() {
    let node = start();
    let ((ran, result), release) = (channel(), Arc::new(AtomicBool::new(false)));
    let over = release.clone();
    let server = node.spawn(echo).expect("it starts");
    let busy = node
        .spawn(move |ctx: &Context, _: Message| {
            if !over.load(Ordering::SeqCst) {
                let session = ctx.new_session();
                ctx.send_from(Handle::NONE, server, PTYPE_LUA, session, Payload::empty())
                    .expect("it is alive");
            }
        })
        .expect("it starts");
    node.send(Handle::NONE, busy, PTYPE_TEXT, 0, "go").expect("it is alive");
    let other = node
        .spawn(move |_: &Context, _: Message| {
            let _ = ran.send(());
        })
        .expect("it starts");
    blocker(&node, vec![other], release.clone());
    receive(&result);
    release.store(true, Ordering::SeqCst);
    stop(&node);
}

#[test]
fn a_long_mailbox_does_not_starve_the_others() {
    let node = quiet().workers(1).start().expect("the node starts");
    let (seen, result) = channel();
    let mut handled = 0;
    let ask = seen.clone();
    let long = node
        .spawn(move |_: &Context, _: Message| {
            handled += 1;
            let _ = seen.send(handled);
        })
        .expect("it starts");
    let short = node
        .spawn(move |_: &Context, _: Message| {
            let _ = ask.send(0);
        })
        .expect("it starts");
    inside(&node, move |ctx| {
        for _ in 0..1000 {
            ctx.send(long, PTYPE_TEXT, "x").expect("it is alive");
        }
        ctx.send(short, PTYPE_TEXT, "x").expect("it is alive");
    });
    let order: Vec<i32> = (0..1001).map(|_| receive(&result)).collect();
    let turn = order.iter().position(|seen| *seen == 0).expect("the short one runs");
    assert!(turn < 10, "it ran after {turn} messages of the other");
    stop(&node);
}

#[test]
fn an_overloaded_mailbox_is_reported_at_each_doubling() {
    let (node, log) = logged(quiet().workers(1));
    let sink = node.spawn(|_: &Context, _: Message| {}).expect("it starts");
    inside(&node, move |ctx| {
        for _ in 0..5000 {
            ctx.send(sink, PTYPE_TEXT, "x").expect("it is alive");
        }
    });
    assert_eq!(log.next(), format!("{sink} error: May overload, message queue length = 4999"));
    stop(&node);
    assert!(log.rest().is_empty(), "one report for one length");
}

#[test]
fn accounting_counts_messages_and_time() {
    let node = start();
    let server = node
        .spawn(|ctx: &Context, msg: Message| {
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_millis(2) {}
            echo(ctx, msg);
        })
        .expect("it starts");
    (0..5).for_each(|_| drop(node.call(server, PTYPE_LUA, "x").wait().expect("it answers")));
    until("the last message is counted", || info(&node, server).messages == 5);
    let info = info(&node, server);
    assert!(info.cpu_time >= Duration::from_millis(9), "{info:?}");
    assert_eq!(info.mqlen, 0);
    stop(&node);
}

fn info(node: &skynet_core::Node, handle: Handle) -> skynet_core::ServiceInfo {
    node.services().into_iter().find(|info| info.handle == handle).expect("it is alive")
}

/// Notes which messages it has handled when its turns end.
struct Saver {
    handled: Vec<i32>,
    saved: std::sync::mpsc::Sender<Vec<i32>>,
    gate: std::sync::mpsc::Receiver<()>,
}

impl Service for Saver {
    fn on_message(&mut self, ctx: &Context, msg: Message) {
        self.handled.push(msg.session);
        match msg.session {
            // Asks for nothing.
            0 => {}
            1 => {
                self.gate.recv().expect("the test goes on");
                ctx.at_turn_end();
            }
            _ => {
                ctx.at_turn_end();
                ctx.at_turn_end();
            }
        }
    }

    fn on_turn_end(&mut self, _: &Context) {
        self.saved.send(std::mem::take(&mut self.handled)).expect("the test listens");
    }
}

#[test]
fn what_was_put_off_is_done_once_for_the_messages_of_a_turn() {
    let node = quiet().workers(1).start().expect("the node starts");
    let ((saved, result), (open, gate)) = (channel(), channel());
    let saver = node.spawn(Saver { handled: Vec::new(), saved, gate }).expect("it starts");
    let send = |session| node.send(Handle::NONE, saver, PTYPE_TEXT, session, "").expect("it is alive");
    (1..=10).for_each(send);
    open.send(()).expect("it waits");
    let mut seen = Vec::new();
    while seen.len() < 10 {
        let some = result.recv_timeout(common::DEADLINE).expect("a turn ends");
        assert!(!some.is_empty(), "nothing was put off");
        seen.extend(some);
    }
    assert!(seen.into_iter().eq(1..=10));
    // Who does not ask is not called.
    send(0);
    send(2);
    assert_eq!(result.recv_timeout(common::DEADLINE), Ok(vec![0, 2]));
    stop(&node);
}
