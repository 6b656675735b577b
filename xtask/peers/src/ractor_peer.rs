//! ractor, on tokio's runtime with two workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::{Notify, oneshot};

use crate::tokio_peer::{on_worker, runtime};
use crate::{Peer, WARM_UP};

pub(crate) const PEER: Peer = Peer { name: "ractor", one_way, request, spawn };

enum Number {
    OneWay(u64),
    Request(u64, RpcReplyPort<u64>),
}

/// Answers each request, and tells when the last of a burst was handled.
struct Echo;

struct EchoState {
    left: u64,
    done: Option<oneshot::Sender<()>>,
    sum: u64,
}

impl Actor for Echo {
    type Msg = Number;
    type State = EchoState;
    type Arguments = (u64, Option<oneshot::Sender<()>>);

    async fn pre_start(
        &self,
        _me: ActorRef<Number>,
        (left, done): Self::Arguments,
    ) -> Result<EchoState, ActorProcessingErr> {
        Ok(EchoState { left, done, sum: 0 })
    }

    async fn handle(
        &self,
        _me: ActorRef<Number>,
        message: Number,
        state: &mut EchoState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Number::Request(number, answer) => answer.send(number)?,
            Number::OneWay(number) => {
                state.sum = state.sum.wrapping_add(number);
                state.left = state.left.wrapping_sub(1);
                if state.left == 0
                    && let Some(done) = state.done.take()
                {
                    let _ = done.send(());
                }
            }
        }
        Ok(())
    }
}

fn one_way(messages: u64) -> Result<Duration> {
    let runtime = runtime()?;
    on_worker(&runtime, async move {
        let mut time = Duration::ZERO;
        for count in [WARM_UP, messages] {
            let (done, all_done) = oneshot::channel();
            let (echo, _) = Actor::spawn(None, Echo, (count, Some(done))).await?;
            time = crate::timed(async {
                for number in 0..count {
                    echo.cast(Number::OneWay(number)).map_err(|error| anyhow::anyhow!("{error}"))?;
                }
                Ok(all_done.await?)
            })
            .await?;
            echo.stop(None);
        }
        Ok(time)
    })
}

fn request(pairs: u64, requests: u64) -> Result<Duration> {
    let runtime = runtime()?;
    on_worker(&runtime, async move {
        let mut time = Duration::ZERO;
        for count in [WARM_UP / pairs, requests] {
            let mut callees = Vec::new();
            for _ in 0..pairs {
                callees.push(Actor::spawn(None, Echo, (0, None)).await?.0);
            }
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

async fn call(callee: ActorRef<Number>, requests: u64) -> Result<()> {
    for number in 0..requests {
        match callee.call(|answer| Number::Request(number, answer), None).await {
            Ok(CallResult::Success(answer)) => drop(std::hint::black_box(answer)),
            Ok(_) => anyhow::bail!("no answer"),
            Err(error) => anyhow::bail!("{error}"),
        }
    }
    callee.stop(None);
    Ok(())
}

/// An actor that only tells that it has started.
struct Idle;

struct Started {
    left: AtomicU64,
    all: Notify,
}

impl Actor for Idle {
    type Msg = Number;
    type State = u64;
    type Arguments = Arc<Started>;

    async fn pre_start(
        &self,
        _me: ActorRef<Number>,
        started: Arc<Started>,
    ) -> Result<u64, ActorProcessingErr> {
        if started.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            started.all.notify_one();
        }
        Ok(0)
    }
}

fn spawn(actors: u64, settled: &mut dyn FnMut()) -> Result<Duration> {
    let runtime = runtime()?;
    let (references, time) = on_worker(&runtime, async move {
        let start = Instant::now();
        let started = Arc::new(Started { left: AtomicU64::new(actors), all: Notify::new() });
        let mut references = Vec::with_capacity(usize::try_from(actors)?);
        for _ in 0..actors {
            references.push(ractor::ActorRuntime::spawn_instant(None, Idle, Arc::clone(&started))?.0);
        }
        started.all.notified().await;
        Ok((references, start.elapsed()))
    })?;
    settled();
    drop(references);
    Ok(time)
}
