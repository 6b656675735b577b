//! actix: actors on the thread of the system, or half of them on a second arbiter.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix::{Actor, Addr, Arbiter, ArbiterHandle, Context, Handler, Message, System};
use anyhow::Result;
use tokio::sync::oneshot;

use crate::{Peer, WARM_UP};

pub(crate) const ONE_THREAD: Peer = Peer {
    name: "actix",
    one_way: |messages| run(one_way(messages, false)),
    request: |pairs, requests| run(request(pairs, requests, false)),
    spawn: |actors, settled| run(spawn(actors, false, settled)),
};

/// The second actor of each pair, or half of the actors, live on a second thread.
pub(crate) const TWO_THREADS: Peer = Peer {
    name: "actix-2",
    one_way: |messages| run(one_way(messages, true)),
    request: |pairs, requests| run(request(pairs, requests, true)),
    spawn: |actors, settled| run(spawn(actors, true, settled)),
};

fn run(body: impl Future<Output = Result<Duration>>) -> Result<Duration> {
    System::new().block_on(body)
}

struct Number(u64);

impl Message for Number {
    type Result = u64;
}

/// Answers each number, and tells when the last of a burst was handled.
struct Echo {
    left: u64,
    done: Option<oneshot::Sender<()>>,
}

impl Actor for Echo {
    type Context = Context<Self>;
}

impl Handler<Number> for Echo {
    type Result = u64;

    fn handle(&mut self, message: Number, _context: &mut Context<Self>) -> u64 {
        self.left = self.left.wrapping_sub(1);
        if self.left == 0
            && let Some(done) = self.done.take()
        {
            let _ = done.send(());
        }
        message.0
    }
}

/// Starts it here, or on the arbiter given.
fn start_echo(arbiter: Option<&ArbiterHandle>, left: u64, done: Option<oneshot::Sender<()>>) -> Addr<Echo> {
    let echo = Echo { left, done };
    match arbiter {
        Some(arbiter) => Echo::start_in_arbiter(arbiter, |_| echo),
        None => echo.start(),
    }
}

async fn one_way(messages: u64, two_threads: bool) -> Result<Duration> {
    let arbiter = two_threads.then(|| Arbiter::new().handle());
    let mut time = Duration::ZERO;
    for count in [WARM_UP, messages] {
        let (done, all_done) = oneshot::channel();
        let echo = start_echo(arbiter.as_ref(), count, Some(done));
        time = crate::timed(async {
            for number in 0..count {
                echo.do_send(Number(number));
            }
            Ok(all_done.await?)
        })
        .await?;
    }
    Ok(time)
}

async fn request(pairs: u64, requests: u64, two_threads: bool) -> Result<Duration> {
    let second = two_threads.then(|| Arbiter::new().handle());
    // One pair is cut by the threads; of many, each keeps to one thread.
    let cut = pairs == 1;
    let mut time = Duration::ZERO;
    for count in [WARM_UP / pairs, requests] {
        time = crate::timed(async {
            let mut callers = Vec::new();
            for pair in 0..pairs {
                let second = second.as_ref().filter(|_| cut || pair % 2 == 1);
                let callee = start_echo(second, 0, None);
                let (done, caller) = oneshot::channel();
                let calls = async move {
                    let outcome = call(callee, count).await;
                    let _ = done.send(outcome);
                };
                match second.filter(|_| !cut) {
                    Some(second) => anyhow::ensure!(second.spawn(calls), "the arbiter has ended"),
                    None => drop(actix::spawn(calls)),
                }
                callers.push(caller);
            }
            for caller in callers {
                caller.await??;
            }
            Ok(())
        })
        .await?;
    }
    Ok(time)
}

async fn call(callee: Addr<Echo>, requests: u64) -> Result<()> {
    for number in 0..requests {
        std::hint::black_box(callee.send(Number(number)).await?);
    }
    Ok(())
}

/// An actor that only tells that it has started.
struct Idle(Arc<Started>);

struct Started {
    left: AtomicU64,
    all: tokio::sync::Notify,
}

impl Actor for Idle {
    type Context = Context<Self>;

    fn started(&mut self, _context: &mut Context<Self>) {
        if self.0.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.all.notify_one();
        }
    }
}

impl Handler<Number> for Idle {
    type Result = u64;

    fn handle(&mut self, message: Number, _context: &mut Context<Self>) -> u64 {
        message.0
    }
}

async fn spawn(actors: u64, two_threads: bool, settled: &mut dyn FnMut()) -> Result<Duration> {
    let second = two_threads.then(|| Arbiter::new().handle());
    let start = Instant::now();
    let started = Arc::new(Started { left: AtomicU64::new(actors), all: tokio::sync::Notify::new() });
    let mut addresses = Vec::with_capacity(usize::try_from(actors)?);
    for number in 0..actors {
        let idle = Idle(Arc::clone(&started));
        addresses.push(match second.as_ref().filter(|_| number % 2 == 1) {
            Some(second) => Idle::start_in_arbiter(second, |_| idle),
            None => idle.start(),
        });
    }
    started.all.notified().await;
    let time = start.elapsed();
    settled();
    drop(addresses);
    Ok(time)
}
