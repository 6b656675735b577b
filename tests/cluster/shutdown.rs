//! A whole network is shut down: phase by phase on all nodes, past those that do not answer.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use skynet_tests::cluster::Cluster;
use skynet_tests::node::Scratch;

/// What the nodes of a scenario have done, in the order of time.
struct Diary(Scratch);

impl Diary {
    fn new() -> Result<Diary> {
        Ok(Diary(Scratch::new("diary")?))
    }

    /// Has a node write into the diary when a phase of a shutdown comes, `cs` hundredths of a second after its beginning.
    fn step(&self, cluster: &Cluster, id: u32, phase: u32, cs: u32) -> Result<()> {
        let path = self.0.path().join("diary");
        let code = format!(
            "local file <close> = io.open({path:?}, 'a')
            require 'skynet.shutdown'.register {{ phase = {phase}, handler = function()
                skynet.sleep({cs})
                local file <close> = io.open({path:?}, 'a')
                file:write('{phase} on {id}\\n')
            end }}"
        );
        cluster.at(id).run(code).map(drop)
    }

    fn lines(&self) -> Result<Vec<String>> {
        let text = fs::read_to_string(self.0.path().join("diary")).context("nobody wrote into the diary")?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

const ORDER: &str = "return skynet.shutdown('the end of the scenario', { network = true })";

/// A slave has the network shut down: no node begins a phase before all are through with the one before. The master goes last.
pub(crate) fn all_nodes_go_phase_by_phase(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let diary = Diary::new()?;
    // Who is slow in a phase is the first of the next one.
    diary.step(cluster, 1, 20, 30)?;
    diary.step(cluster, 2, 20, 0)?;
    diary.step(cluster, 2, 30, 20)?;
    diary.step(cluster, 3, 35, 10)?;
    diary.step(cluster, 1, 40, 0)?;
    diary.step(cluster, 3, 40, 10)?;
    cluster.step("node 3 orders a shutdown of the network");
    ensure!(cluster.at(3).run(ORDER)? == "true", "the order does not count");
    for id in [3, 2, 1] {
        let status = cluster.ends(id)?;
        ensure!(status == Some(0), "node {id} ended with {status:?}");
    }
    let lines = diary.lines()?;
    let expected = ["20 on 2", "20 on 1", "30 on 2", "35 on 3", "40 on 1", "40 on 3"];
    ensure!(lines == expected, "in the diary: {lines:?}");
    for (id, text) in [(1, "this node leads 2 others"), (2, "node 1 leads"), (3, "node 1 leads")] {
        ensure!(cluster.at(id).log().contains(text), "node {id} does not log {text:?}");
    }
    Ok(())
}

/// A signal to the master ends all, where the config says so. One node does not answer, and is passed by.
pub(crate) fn a_frozen_node_is_passed_by(cluster: &mut Cluster) -> Result<()> {
    cluster.set_text("rs_shutdown_network", "true");
    cluster.start_all()?;
    let diary = Diary::new()?;
    diary.step(cluster, 1, 40, 0)?;
    diary.step(cluster, 2, 20, 0)?;
    diary.step(cluster, 3, 30, 0)?;
    cluster.freeze(3)?;
    cluster.terminate(1)?;
    ensure!(cluster.ends(2)? == Some(0), "node 2 has done all that it had to");
    ensure!(cluster.ends(1)? == Some(3), "the master has passed one by");
    ensure!(cluster.at(1).log().contains("node 3 does not report and is passed by"), "it is not said");
    let lines = diary.lines()?;
    ensure!(lines == ["20 on 2", "40 on 1"], "in the diary: {lines:?}");
    Ok(())
}

/// The node that leads dies in the middle of a phase: the others go on alone.
pub(crate) fn the_leader_dies(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let diary = Diary::new()?;
    diary.step(cluster, 1, 20, 100_000)?;
    diary.step(cluster, 2, 20, 0)?;
    diary.step(cluster, 2, 30, 0)?;
    ensure!(cluster.at(1).run(ORDER)? == "true", "the order does not count");
    cluster.logged(2, "phase \"clients\" is over")?;
    cluster.kill(1)?;
    ensure!(cluster.ends(2)? == Some(0), "node 2 has done all that it had to");
    ensure!(cluster.at(2).log().contains("this one goes on alone"), "it is not said");
    let lines = diary.lines()?;
    ensure!(lines == ["20 on 2", "30 on 2"], "in the diary: {lines:?}");
    Ok(())
}

/// Nodes of C skynet have no part in it: they live on.
pub(crate) fn c_nodes_live_on(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let diary = Diary::new()?;
    diary.step(cluster, 1, 40, 0)?;
    diary.step(cluster, 3, 20, 0)?;
    ensure!(cluster.at(3).run(ORDER)? == "true", "the order does not count");
    ensure!(cluster.ends(3)? == Some(0) && cluster.ends(1)? == Some(0), "all went well");
    ensure!(diary.lines()? == ["20 on 3", "40 on 1"], "in the diary: {:?}", diary.lines()?);
    cluster.at(2).run("return skynet.call(echo, 'lua', 'echo', count(), 'still there')").map(drop)
}
