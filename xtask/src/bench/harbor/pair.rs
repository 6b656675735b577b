//! Two nodes on loopback: the far one is the master and has the receiver, the near one measures.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use super::super::net::line_of;
use super::super::node::{Contestant, Kind, config_with, output, tail};
use super::super::stats::{self, Values};
use crate::shell;

/// Which node calls which.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) struct Pair {
    pub(in crate::bench) near: Kind,
    pub(in crate::bench) far: Kind,
}

impl Pair {
    pub(in crate::bench) const OURS: Pair = Pair { near: Kind::Ours, far: Kind::Ours };
    pub(in crate::bench) const C: Pair = Pair { near: Kind::C, far: Kind::C };

    pub(in crate::bench) const ALL: &[Pair] = &[
        Pair::OURS,
        Pair::C,
        Pair { near: Kind::CProfileOff, far: Kind::CProfileOff },
        Pair { near: Kind::Ours, far: Kind::C },
        Pair { near: Kind::C, far: Kind::Ours },
    ];

    pub(in crate::bench) fn name(self) -> String {
        if self.near == self.far {
            self.near.name().to_owned()
        } else {
            format!("{} to {}", self.near.name(), self.far.name())
        }
    }

    /// Starts both, and gives what the near one reports.
    ///
    /// # Errors
    ///
    /// When one does not start, fails, hangs or reports nothing; the last lines of both logs are in the error.
    pub(super) fn measure(self, nodes: &[Contestant], test: &str) -> Result<Values> {
        let folder = shell::target_dir()?.join("bench").join(format!("harbor-{}", std::process::id()));
        let measured = self.measure_in(&folder, nodes, test);
        let log = |node: &str| fs::read_to_string(folder.join(node).join("log")).unwrap_or_default();
        let logs = format!("logs ended with:\n{}\n{}", tail(&log("far"), 8), tail(&log("near"), 8));
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        measured.with_context(|| logs)
    }

    fn measure_in(self, folder: &Path, nodes: &[Contestant], test: &str) -> Result<Values> {
        let node = |kind: Kind| {
            let found = nodes.iter().find(|node| node.kind == kind);
            found.with_context(|| format!("{} does not take part", kind.name()))
        };
        let master = free_address()?;
        let network = |id: u32, rest: &str| -> Result<String> {
            let address = free_address()?;
            Ok(format!("harbor = {id}\naddress = \"{address}\"\nmaster = \"{master}\"\n{rest}"))
        };

        let standalone = network(1, &format!("standalone = \"{master}\"\n"))?;
        let mut far = prepare(node(self.far)?, "bench_harbor_server", &folder.join("far"), &standalone)?;
        let ready = folder.join("far").join("output");
        let sink = File::create(&ready).with_context(|| format!("cannot make {}", ready.display()))?;
        let far = far.stdin(Stdio::null()).stdout(sink).spawn().context("cannot start the far node")?;
        let mut far = Ended(far);
        line_of(&mut far.0, &ready, "LISTENING ")?;

        let slave = network(2, &format!("test = \"{test}\"\n"))?;
        let mut near = prepare(node(self.near)?, "bench_harbor", &folder.join("near"), &slave)?;
        stats::parse(&output(&mut near, &folder.join("near").join("output"))?)
    }
}

/// A far node, ended with the measurement.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only if it has ended already, which is what they are for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The command that runs a node on a script, in a folder of its own.
fn prepare(node: &Contestant, script: &str, folder: &Path, network: &str) -> Result<Command> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let config = folder.join("config");
    fs::write(&config, config_with(node, script, folder, network))
        .with_context(|| format!("cannot write {}", config.display()))?;
    let mut command = Command::new(&node.program);
    command.arg(config).current_dir(folder);
    Ok(command)
}

/// An address on loopback where nobody listens.
fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr()?.to_string())
}
