//! Actors as they are written on bare tokio: a task that loops over its channel.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use crate::{Peer, WARM_UP, WORKERS};

pub(crate) const PEER: Peer = Peer { name: "tokio", one_way, request, spawn };

/// The runtime that the other libraries built on tokio run on, too.
pub(crate) fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().context("cannot start tokio")
}

/// Runs `body` on a worker of the runtime, not on the thread that waits for it.
pub(crate) fn on_worker<T: Send + 'static>(
    runtime: &Runtime,
    body: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    runtime.block_on(runtime.spawn(body)).context("the benchmark panicked")?
}

fn one_way(messages: u64) -> Result<Duration> {
    let runtime = runtime()?;
    on_worker(&runtime, async move {
        one_way_once(WARM_UP).await?;
        one_way_once(messages).await
    })
}

async fn one_way_once(messages: u64) -> Result<Duration> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<u64>();
    let consumer = tokio::spawn(async move {
        let mut sum = 0u64;
        while let Some(message) = receiver.recv().await {
            sum = sum.wrapping_add(message);
        }
        sum
    });
    crate::timed(async {
        for message in 0..messages {
            sender.send(message)?;
        }
        drop(sender);
        std::hint::black_box(consumer.await?);
        Ok(())
    })
    .await
}

fn request(pairs: u64, requests: u64) -> Result<Duration> {
    let runtime = runtime()?;
    on_worker(&runtime, async move {
        request_once(pairs, WARM_UP / pairs).await?;
        request_once(pairs, requests).await
    })
}

async fn request_once(pairs: u64, requests: u64) -> Result<Duration> {
    let callees: Vec<_> = (0..pairs).map(|_| start_echo()).collect();
    crate::timed(async move {
        let callers = callees.into_iter().map(|callee| {
            tokio::spawn(async move {
                for number in 0..requests {
                    let (answer, answered) = oneshot::channel();
                    callee.send((number, answer))?;
                    std::hint::black_box(answered.await?);
                }
                anyhow::Ok(())
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await??;
        }
        Ok(())
    })
    .await
}

fn start_echo() -> mpsc::UnboundedSender<(u64, oneshot::Sender<u64>)> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(u64, oneshot::Sender<u64>)>();
    tokio::spawn(async move {
        while let Some((number, answer)) = receiver.recv().await {
            // The caller waits for it; if not, nobody misses the answer.
            let _ = answer.send(number);
        }
    });
    sender
}

fn spawn(actors: u64, settled: &mut dyn FnMut()) -> Result<Duration> {
    let runtime = runtime()?;
    let (mailboxes, time) = on_worker(&runtime, async move {
        let start = Instant::now();
        let (started, mut all_started) = mpsc::unbounded_channel::<()>();
        let mut mailboxes = Vec::with_capacity(usize::try_from(actors)?);
        for _ in 0..actors {
            let (mailbox, mut receiver) = mpsc::unbounded_channel::<u64>();
            let started = started.clone();
            tokio::spawn(async move {
                // Dropped when the actor runs: the channel closes when all have.
                drop(started);
                let mut sum = 0u64;
                while let Some(message) = receiver.recv().await {
                    sum = sum.wrapping_add(message);
                }
                sum
            });
            mailboxes.push(mailbox);
        }
        drop(started);
        let none = all_started.recv().await;
        anyhow::ensure!(none.is_none(), "nothing is ever sent there");
        Ok((mailboxes, start.elapsed()))
    })?;
    settled();
    drop(mailboxes);
    Ok(time)
}
