//! kameo, on tokio's runtime with two workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use kameo::message::{Context, Message};
use tokio::sync::{Notify, oneshot};

use crate::tokio_peer::{on_worker, runtime};
use crate::{Peer, WARM_UP};

pub(crate) const PEER: Peer = Peer { name: "kameo", one_way, request, spawn };

struct Number(u64);

/// Answers each number, and tells when the last of a burst was handled.
#[derive(Actor)]
struct Echo {
    left: u64,
    done: Option<oneshot::Sender<()>>,
}

impl Message<Number> for Echo {
    type Reply = u64;

    async fn handle(&mut self, message: Number, _context: &mut Context<Self, u64>) -> u64 {
        self.left = self.left.wrapping_sub(1);
        if self.left == 0
            && let Some(done) = self.done.take()
        {
            let _ = done.send(());
        }
        message.0
    }
}

fn start_echo(left: u64, done: Option<oneshot::Sender<()>>) -> ActorRef<Echo> {
    Echo::spawn_with_mailbox(Echo { left, done }, mailbox::unbounded())
}

fn one_way(messages: u64) -> Result<Duration> {
    let runtime = runtime()?;
    on_worker(&runtime, async move {
        let mut time = Duration::ZERO;
        for count in [WARM_UP, messages] {
            let (done, all_done) = oneshot::channel();
            let echo = start_echo(count, Some(done));
            time = crate::timed(async {
                for number in 0..count {
                    echo.tell(Number(number)).try_send().map_err(|error| anyhow::anyhow!("{error}"))?;
                }
                Ok(all_done.await?)
            })
            .await?;
        }
        Ok(time)
    })
}

fn request(pairs: u64, requests: u64) -> Result<Duration> {
    let runtime = runtime()?;
    on_worker(&runtime, async move {
        let mut time = Duration::ZERO;
        for count in [WARM_UP / pairs, requests] {
            let callees: Vec<_> = (0..pairs).map(|_| start_echo(0, None)).collect();
            time = crate::timed(async {
                let callers = callees.into_iter().map(|callee| tokio::spawn(call(callee, count)));
                for caller in callers.collect::<Vec<_>>() {
                    caller.await??;
                }
                Ok(())
            })
            .await?;
        }
        Ok(time)
    })
}

async fn call(callee: ActorRef<Echo>, requests: u64) -> Result<()> {
    for number in 0..requests {
        let answer = callee.ask(Number(number)).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        std::hint::black_box(answer);
    }
    Ok(())
}

/// An actor that only tells that it has started.
struct Idle;

struct Started {
    left: AtomicU64,
    all: Notify,
}

impl Actor for Idle {
    type Args = Arc<Started>;
    type Error = kameo::error::Infallible;

    async fn on_start(started: Arc<Started>, _me: ActorRef<Self>) -> Result<Self, Self::Error> {
        if started.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            started.all.notify_one();
        }
        Ok(Idle)
    }
}

impl Message<Number> for Idle {
    type Reply = u64;

    async fn handle(&mut self, message: Number, _context: &mut Context<Self, u64>) -> u64 {
        message.0
    }
}

fn spawn(actors: u64, settled: &mut dyn FnMut()) -> Result<Duration> {
    let runtime = runtime()?;
    let (references, time) = on_worker(&runtime, async move {
        let start = Instant::now();
        let started = Arc::new(Started { left: AtomicU64::new(actors), all: Notify::new() });
        let mut references = Vec::with_capacity(usize::try_from(actors)?);
        for _ in 0..actors {
            references.push(Idle::spawn_with_mailbox(Arc::clone(&started), mailbox::unbounded()));
        }
        started.all.notified().await;
        Ok((references, start.elapsed()))
    })?;
    settled();
    drop(references);
    Ok(time)
}
