//! `cargo xtask bench net`: servers under the load of `xtask/netload`, a process beside them on the same machine.
//!
//! * [`cases`]: what is measured, and what we aim for
//! * [`server`]: a server in a process of its own; [`load`]: what is done to it
//! * [`rows`]: the lines of the table

mod cases;
mod load;
mod rows;
mod server;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::node::{Contestant, Kind};
use super::options::Options;
use super::stats::{Samples, Values, median};
use super::{contestants, finish, report};
use crate::shell::{self, cargo};
use cases::{TESTS, Test};
pub(super) use rows::NetRow;
use server::Server;
pub(super) use server::line_of;

/// Who serves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// A Lua service on a node.
    Node(Kind),
    /// A service in Rust.
    Rust,
    /// A loop around epoll.
    Epoll,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Who::Node(kind) => kind.name(),
            Who::Rust => "Rust",
            Who::Epoll => "epoll",
        }
    }
}

/// The programs that take part.
struct Programs {
    nodes: Vec<Contestant>,
    netload: PathBuf,
}

/// The network benchmarks.
///
/// # Errors
///
/// When the arguments are wrong, something does not build, or a run fails; a missed aim is no error.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let wanted: Vec<&Test> = TESTS.iter().filter(|test| options.wants(test.name)).collect();
    if wanted.is_empty() {
        bail!("no network benchmark is called like that; there are {}", cases::names());
    }
    let programs = Programs { nodes: contestants(&options)?, netload: build()? };

    let mut samples: BTreeMap<Who, Samples> = BTreeMap::new();
    let mut failures = Vec::new();
    for test in &wanted {
        for turn in 1..=options.runs {
            for who in contestants_of(test, &programs) {
                eprintln!("{}: {} {turn}/{}", test.name, who.name(), options.runs);
                match measure(test, who, &programs, &options) {
                    Ok(values) => samples.entry(who).or_default().add(values),
                    Err(error) => failures.push(format!("{} on {}: {error:#}", test.name, who.name())),
                }
            }
        }
    }

    let results = rows::results(&wanted, |who, row| median(samples.get(&who)?.of(row)));
    if options.json {
        println!("{}", report::net_json(&results));
    } else {
        println!("{}", report::net_table(&results));
    }
    finish(&failures)
}

fn contestants_of(test: &Test, programs: &Programs) -> Vec<Who> {
    let nodes = programs.nodes.iter().map(|contestant| Who::Node(contestant.kind));
    nodes.chain(test.beside.iter().copied()).collect()
}

fn measure(test: &Test, who: Who, programs: &Programs, options: &Options) -> Result<Values> {
    let mut server = Server::start(test, who, programs)?;
    let measured = load::put(test, &programs.netload, &server, options);
    measured.map_err(|error| server.explain(error))
}

/// Builds the load generator and tells where it lies.
fn build() -> Result<PathBuf> {
    shell::run(&mut cargo(&["build", "--release", "--package", "netload"]))?;
    let program =
        shell::target_dir()?.join("release").join(format!("netload{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        bail!("the build made no {}", program.display());
    }
    Ok(program)
}
