//! A network of many nodes in one thread, with faults: links are cut, go silent or are refused, nodes freeze, die and come back.
//! Bytes arrive in any pieces, events in any order. Whatever happens:
//!
//! - every call of a service that lives is answered once, by an answer or by an error;
//! - what one service sends to another arrives in order, if it arrives;
//! - nothing that was for a service of a former life reaches one of the present;
//! - when the faults end, all nodes are linked again, and calls work.
//!
//! A failing seed is printed; `SKYNET_SIM_SEED=<seed> cargo test -p skynet-harbor --test sim` runs it alone, and
//! `SKYNET_SIM_SEEDS=<count>` more of them.

mod books;
mod dice;
mod faults;
mod network;
mod node;
mod traffic;
mod wire;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use world::World;

/// Seeds in a usual run.
const SEEDS: u64 = 1000;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text:?}")))
}

#[test]
fn every_call_is_answered_once_whatever_happens_to_nodes_and_links() {
    if let Some(seed) = number("SKYNET_SIM_SEED") {
        println!("{:?}", World::new(seed).run());
        return;
    }
    let mut totals = world::Totals::default();
    for seed in 0..number("SKYNET_SIM_SEEDS").unwrap_or(SEEDS) {
        match catch_unwind(AssertUnwindSafe(|| World::new(seed).run())) {
            Ok(run) => totals.add(run),
            Err(panic) => {
                eprintln!("the simulation fails with SKYNET_SIM_SEED={seed}");
                resume_unwind(panic);
            }
        }
    }
    println!("{totals:?}");
    // The faults were real, and so was the traffic between them.
    assert!(totals.answers > 0 && totals.errors > 0, "{totals:?}");
    assert!(totals.cuts > 0 && totals.silences > 0 && totals.deaths > 0 && totals.refused > 0, "{totals:?}");
    assert!(totals.late_answers > 0 && totals.unknown > 0 && totals.redirects > 0, "{totals:?}");
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in [1, 77, 4711] {
        assert_eq!(World::new(seed).run(), World::new(seed).run());
    }
}
