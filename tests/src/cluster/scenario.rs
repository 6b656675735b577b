//! What a scenario is, and one run of it.

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::layout::{Layout, Programs};
use super::nodes::Cluster;

/// Something that a cluster should live through.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its name, which filters look at.
    pub name: &'static str,
    /// The layouts that it holds for.
    pub layouts: &'static [Layout],
    /// The numbers of nodes that it is run with.
    pub sizes: &'static [u32],
    /// The least number of nodes that it makes sense with.
    pub least: u32,
    /// Whether `cargo test` runs it, with the first of its sizes on our nodes.
    pub quick: bool,
    /// What happens; the nodes do not run when it begins.
    pub run: fn(&mut Cluster) -> Result<()>,
}

/// One run of a scenario, to come.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// What happens.
    pub scenario: &'static Scenario,
    /// Who takes part.
    pub layout: Layout,
    /// How many.
    pub size: u32,
}

/// How a run went.
pub(super) struct Outcome {
    pub(super) took: Duration,
    /// Calls answered and failed, in its storms.
    pub(super) calls: (u64, u64),
    pub(super) failure: Option<Failure>,
}

pub(super) struct Failure {
    pub(super) error: anyhow::Error,
    pub(super) steps: Vec<String>,
    pub(super) logs: String,
}

impl Run {
    /// Its name: scenario, layout, nodes.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.scenario.name, self.layout.name(), self.size)
    }

    /// Runs it, with the nodes' files in `folder`. All nodes have ended when this returns, however it does.
    pub(super) fn execute(&self, seed: u64, programs: &Programs, folder: &Path, loud: bool) -> Outcome {
        let begun = Instant::now();
        let mut cluster = match Cluster::new(self.layout, self.size, seed, programs, folder) {
            Ok(cluster) => cluster,
            Err(error) => {
                let failure = Failure { error, steps: Vec::new(), logs: String::new() };
                return Outcome { took: begun.elapsed(), calls: (0, 0), failure: Some(failure) };
            }
        };
        cluster.loud = loud;
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            (self.scenario.run)(&mut cluster)?;
            cluster.finish()
        }));
        let result = result.unwrap_or_else(|_| Err(anyhow!("the scenario panicked")));
        let failure = result.err().map(|error| Failure {
            error,
            steps: std::mem::take(&mut cluster.steps),
            logs: cluster.tails(25),
        });
        let calls = cluster.calls;
        drop(cluster);
        Outcome { took: begun.elapsed(), calls, failure }
    }
}
