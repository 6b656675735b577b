//! `cargo xtask bench harbor`: calls and messages between two nodes on loopback, of one kind and of both.
//!
//! * [`rows`]: what is measured, and what we aim for
//! * [`pair`]: two nodes, one of which measures

mod pair;
mod rows;

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::node::Kind;
use super::options::Options;
use super::stats::{Samples, median};
use super::{contestants, finish, report};
use pair::Pair;
pub(super) use rows::HarborRow;

/// The benchmarks of two nodes.
///
/// # Errors
///
/// When the arguments are wrong, something does not build, or a run fails; a missed aim is no error.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let tests = rows::tests(&options);
    if tests.is_empty() {
        bail!("no benchmark of two nodes is called like that; there are {}", rows::names());
    }
    let nodes = contestants(&options)?;
    let pairs: Vec<Pair> = Pair::ALL
        .iter()
        .copied()
        .filter(|pair| nodes.iter().any(|node| node.kind == pair.near))
        .filter(|pair| nodes.iter().any(|node| node.kind == pair.far))
        .collect();

    let mut samples: BTreeMap<(Kind, Kind), Samples> = BTreeMap::new();
    let mut failures = Vec::new();
    for test in tests {
        for turn in 1..=options.runs {
            for pair in &pairs {
                eprintln!("{}: {} {turn}/{}", test.name, pair.name(), options.runs);
                match pair.measure(&nodes, test.name) {
                    Ok(values) => samples.entry((pair.near, pair.far)).or_default().add(values),
                    Err(error) => failures.push(format!("{} on {}: {error:#}", test.name, pair.name())),
                }
            }
        }
    }

    let results = rows::results(&options, |pair, row| median(samples.get(&(pair.near, pair.far))?.of(row)));
    if options.json {
        println!("{}", report::harbor_json(&results));
    } else {
        println!("{}", report::harbor_table(&results));
    }
    finish(&failures)
}
