//! Spawning, calling and killing at random: every call ends in an answer or an error.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use common::{DEADLINE, echo, receive, start, stop};
use skynet_core::{Context, Handle, Message, Node, PTYPE_LUA, PTYPE_TEXT, Request};

/// A small generator of numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Answers some requests, keeps some, drops some, ends at some, panics at few.
fn moody(seed: u64) -> impl FnMut(&Context, Message) + Send {
    let mut random = Random(seed);
    let mut kept: Vec<Request> = Vec::new();
    move |ctx: &Context, msg: Message| {
        let Ok((request, payload)) = ctx.accept(msg) else { return };
        match random.below(100) {
            0 => std::panic::resume_unwind(Box::new("a bad mood")),
            1..=3 => ctx.exit(),
            4..=20 => kept.push(request),
            21..=30 => drop(request),
            31..=35 => kept.clear(),
            _ => drop(request.respond(payload)),
        }
    }
}

fn play(node: &Node, seed: u64, rounds: usize) -> usize {
    let mut random = Random(seed);
    let mut services: Vec<Handle> = Vec::new();
    let mut calls = Vec::new();
    for round in 0..rounds {
        match random.below(10) {
            0 | 1 => services.push(node.spawn(moody(seed + round as u64)).expect("it starts")),
            2 if !services.is_empty() => {
                node.kill(services.swap_remove(random.below(services.len())));
            }
            _ if !services.is_empty() => {
                calls.push(node.call(services[random.below(services.len())], PTYPE_LUA, "x"));
            }
            _ => {}
        }
    }
    for service in services {
        node.kill(service);
    }
    let count = calls.len();
    for call in calls {
        let result = call.wait_timeout(DEADLINE);
        assert!(!matches!(result, Err(skynet_core::CallError::TimedOut { .. })), "a call was lost");
    }
    count
}

#[test]
fn every_call_from_outside_ends() {
    let node = start();
    let ended: usize = thread::scope(|scope| {
        let players: Vec<_> = (1..=4)
            .map(|seed| {
                let node = &node;
                scope.spawn(move || play(node, seed * 7919, 3000))
            })
            .collect();
        players.into_iter().map(|player| player.join().expect("no call is lost")).sum()
    });
    assert!(ended > 1000);
    stop(&node);
}

#[test]
fn every_call_between_services_ends() {
    const CALLS: usize = 2000;
    const CALLERS: usize = 8;
    let node = start();
    let ended = Arc::new(AtomicUsize::new(0));
    let (done, result) = channel();
    for caller in 0..CALLERS as u64 {
        let (ended, done) = (ended.clone(), done.clone());
        let service = node
            .spawn(move |ctx: &Context, msg: Message| {
                if msg.kind != PTYPE_TEXT {
                    return;
                }
                let (ended, done) = (ended.clone(), done.clone());
                ctx.spawn(async move {
                    let mut random = Random(caller + 1);
                    let mut victim = None;
                    for round in 0..CALLS as u64 {
                        let call = Context::with(|ctx| {
                            let ctx = ctx.expect("a task runs in its service");
                            let dest = *victim.get_or_insert_with(|| {
                                ctx.node().spawn(moody(round + 1)).expect("it starts")
                            });
                            let call = ctx.call(dest, PTYPE_LUA, "x");
                            if random.below(4) == 0 {
                                ctx.node().kill(dest);
                                victim = None;
                            }
                            call
                        });
                        // One that keeps its request would be waited for: kill it from its own queue.
                        if let Some(dest) = victim.filter(|_| random.below(2) == 0) {
                            Context::with(|ctx| ctx.map(|ctx| ctx.node().kill(dest)));
                            victim = None;
                        }
                        if victim.is_none() {
                            let _ = call.await;
                        }
                        ended.fetch_add(1, Ordering::Relaxed);
                    }
                    let _ = done.send(());
                });
            })
            .expect("it starts");
        node.send(Handle::NONE, service, PTYPE_TEXT, 0, "go").expect("it is alive");
    }
    (0..CALLERS).for_each(|_| receive(&result));
    assert_eq!(ended.load(Ordering::Relaxed), CALLS * CALLERS);
    stop(&node);
}

#[test]
fn handles_come_and_go_without_growth() {
    let node = start();
    for _ in 0..20_000 {
        let handle = node.spawn(echo).expect("it starts");
        assert!(node.kill(handle));
    }
    stop(&node);
}
