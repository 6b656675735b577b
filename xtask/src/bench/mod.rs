//! `cargo xtask bench`: measures, interleaved, and prints medians side by side.
//!
//! * [`rows`]: what is measured, and what we aim for
//! * [`node`]: one benchmark script in one process of a node
//! * [`peers`]: one shape of the core benchmark in one process
//! * [`net`]: servers under load
//! * [`harbor`]: two nodes
//! * [`c`]: services written in C
//! * [`report`]: the tables, for readers and as JSON
//!
//! Each measurement is a process of its own, so that none inherits another's heap, and the contestants take turns (ours,
//! C, ours, C, …), so that a machine that slows down slows all of them.

pub(crate) mod c;
pub(crate) mod harbor;
pub(crate) mod net;
pub(crate) mod node;
mod options;
mod peers;
mod report;
mod rows;
mod stats;

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::shell;
use node::{Contestant, Kind};
use options::Options;
use stats::{Samples, median};

/// The Lua benchmarks.
///
/// # Errors
///
/// When the arguments are wrong, something does not build, or a run fails; a missed aim is no error.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let scripts = rows::scripts(&options);
    if scripts.is_empty() {
        bail!("no benchmark is called like that; there are {}", rows::names());
    }
    let contestants = contestants(&options)?;

    let mut samples: BTreeMap<Kind, Samples> = BTreeMap::new();
    let mut failures = Vec::new();
    for script in scripts {
        for turn in 1..=options.runs {
            for contestant in &contestants {
                eprintln!("{script}: {} {turn}/{}", contestant.kind.name(), options.runs);
                match node::measure(contestant, script) {
                    Ok(values) => samples.entry(contestant.kind).or_default().add(values),
                    Err(error) => failures.push(format!("{script} on {}: {error:#}", contestant.kind.name())),
                }
            }
        }
    }

    let results = rows::results(&options, |kind, row| median(samples.get(&kind)?.of(row)));
    if options.json {
        println!("{}", report::json(&results));
    } else {
        println!("{}", report::table(&results));
    }
    finish(&failures)
}

/// The core without Lua, beside other actor libraries.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_core(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let shapes = peers::shapes(&options);
    if shapes.is_empty() {
        bail!("no shape is called like that; there are {}", peers::names());
    }
    let program = peers::build()?;

    let mut samples: BTreeMap<&str, Samples> = BTreeMap::new();
    let mut failures = Vec::new();
    for shape in shapes {
        for turn in 1..=options.runs {
            for peer in peers::PEERS {
                eprintln!("{shape}: {peer} {turn}/{}", options.runs);
                match peers::measure(&program, peer, shape) {
                    Ok(values) => samples.entry(peer).or_default().add(values),
                    Err(error) => failures.push(format!("{shape} on {peer}: {error:#}")),
                }
            }
        }
    }

    let results = peers::results(&options, |peer, row| median(samples.get(peer)?.of(row)));
    if options.json {
        println!("{}", report::core_json(&results));
    } else {
        println!("{}", report::core_table(&results));
    }
    finish(&failures)
}

fn contestants(options: &Options) -> Result<Vec<Contestant>> {
    let skynet_c = shell::skynet_c()?;
    if options.c_profile_off && skynet_c.is_none() {
        bail!("--c-profile-off needs SKYNET_C, the folder of a built C skynet");
    }
    let mut all = vec![Contestant { kind: Kind::Ours, program: shell::build_node()?, tree: None }];
    if let Some(tree) = skynet_c {
        let kinds: &[Kind] = if options.c_profile_off { &[Kind::C, Kind::CProfileOff] } else { &[Kind::C] };
        all.extend(kinds.iter().map(|kind| Contestant {
            kind: *kind,
            program: tree.join("skynet"),
            tree: Some(tree.clone()),
        }));
    }
    Ok(all)
}

fn finish(failures: &[String]) -> Result<()> {
    for failure in failures {
        eprintln!("{failure}");
    }
    match failures.len() {
        0 => Ok(()),
        count => bail!("{count} runs failed"),
    }
}
