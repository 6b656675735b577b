//! The same message shapes on skynet-core and on other actor libraries: `peers PEER SHAPE` runs one, and prints
//! `BENCH <row> <number> <unit>` lines.
//!
//! A message carries one `u64`. Mailboxes are unbounded everywhere, as skynet's are. Each library runs on two worker
//! threads; actix, whose actors live on one thread, also on one alone (`actix`), where it is faster for some shapes.
//!
//! * `one-way`: one actor sends [`ONE_WAY`] messages to another; the clock stops when the last was handled
//! * `request`: one asks, the other answers, [`REQUESTS`] times, one after another
//! * `pairs`: the same by [`PAIRS`] pairs at once, [`PAIR_REQUESTS`] times each
//! * `spawn`: one actor starts [`ACTORS`] others; the clock stops when all have started. Then their memory is measured
#![forbid(unsafe_code)]

mod actix_peer;
mod kameo_peer;
mod ractor_peer;
mod resident;
mod skynet_peer;
mod tokio_peer;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WORKERS: usize = 2;
const ONE_WAY: u64 = 10_000_000;
const REQUESTS: u64 = 2_000_000;
const PAIRS: u64 = 64;
const PAIR_REQUESTS: u64 = 100_000;
const ACTORS: u64 = 200_000;

/// Runs one shape before it is measured, so that threads are up and memory is there.
const WARM_UP: u64 = 10_000;

/// What each library can do. Each function returns the time from the first message (or start) to the last.
struct Peer {
    name: &'static str,
    one_way: fn(messages: u64) -> Result<Duration>,
    /// Pairs at once, and requests of each.
    request: fn(pairs: u64, requests: u64) -> Result<Duration>,
    /// Starts that many actors, then calls `settled` while all of them live.
    spawn: fn(actors: u64, settled: &mut dyn FnMut()) -> Result<Duration>,
}

const PEERS: &[Peer] = &[
    skynet_peer::PEER,
    tokio_peer::PEER,
    actix_peer::ONE_THREAD,
    actix_peer::TWO_THREADS,
    kameo_peer::PEER,
    ractor_peer::PEER,
];

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(shape), None) = (args.next(), args.next(), args.next()) else {
        bail!("usage: peers PEER SHAPE");
    };
    let Some(peer) = PEERS.iter().find(|peer| peer.name == name) else {
        bail!(
            "no peer `{name}`; there are {}",
            PEERS.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ")
        );
    };
    match shape.as_str() {
        "one-way" => report("one-way", ONE_WAY, (peer.one_way)(ONE_WAY)?),
        "request" => report("request", REQUESTS, (peer.request)(1, REQUESTS)?),
        "pairs" => report("pairs", PAIRS * PAIR_REQUESTS, (peer.request)(PAIRS, PAIR_REQUESTS)?),
        "spawn" => spawn(peer)?,
        shape => bail!("no shape `{shape}`; there are one-way, request, pairs, spawn"),
    }
    Ok(())
}

fn report(row: &str, operations: u64, time: Duration) {
    println!("BENCH {row} {:.0} /s", operations as f64 / time.as_secs_f64());
}

fn spawn(peer: &Peer) -> Result<()> {
    let before = resident::kib()?;
    let mut after = Ok(before);
    let time = (peer.spawn)(ACTORS, &mut || {
        // Whatever still runs in the background of a library may come to rest.
        std::thread::sleep(Duration::from_millis(300));
        after = resident::kib();
    })?;
    report("spawn", ACTORS, time);
    println!("BENCH memory {:.3} KiB", after?.saturating_sub(before) as f64 / ACTORS as f64);
    Ok(())
}

/// Tells the time of `body`, a future.
async fn timed(body: impl Future<Output = Result<()>>) -> Result<Duration> {
    let start = Instant::now();
    body.await?;
    Ok(start.elapsed())
}
