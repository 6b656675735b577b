//! Nodes that stop for a while without dying.

use anyhow::{Result, ensure};
use skynet_tests::cluster::Cluster;
use std::time::Duration;

/// Short enough to wait for, and longer than a busy machine keeps a process waiting.
const HEARTBEAT_S: u32 = 5;

/// Shorter than any heartbeat: calls wait, and are answered.
pub(crate) fn briefly(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    cluster.storm(4)?;
    cluster.answers(20)?;
    for id in cluster.ids() {
        cluster.freeze(id)?;
        cluster.pass(Duration::from_millis(500))?;
        cluster.thaw(id)?;
        cluster.answers(10)?;
    }
    cluster.calm()?.all_answered()
}

/// Longer than the heartbeat: it counts as dead, calls to it fail; thawed it is found again, with its services.
pub(crate) fn beyond_the_heartbeat(cluster: &mut Cluster) -> Result<()> {
    cluster.set("rs_harbor_heartbeat", HEARTBEAT_S);
    cluster.start_all()?;
    let frozen = cluster.ids().len() as u32;
    let echo = cluster.at(frozen).echo()?;
    cluster.storm(4)?;
    cluster.answers(20)?;
    let watcher = cluster.at(1).later(format!("harbor.link({frozen})"))?;
    cluster.freeze(frozen)?;
    watcher.wait()?;
    cluster.at(1).later(format!("skynet.call({echo}, 'lua', 'books')"))?.wait_error()?;
    cluster.answers(20)?;
    cluster.thaw(frozen)?;
    cluster.linked()?;
    ensure!(cluster.at(frozen).echo()? == echo);
    cluster.answers(20)?;
    cluster.calm()?.answered_but_for(&[frozen])
}

/// The node with the master, longer than the heartbeat: the others notice, go on, and find it again.
pub(crate) fn the_master(cluster: &mut Cluster) -> Result<()> {
    cluster.set("rs_harbor_heartbeat", HEARTBEAT_S);
    cluster.start_all()?;
    cluster.storm(4)?;
    cluster.answers(20)?;
    let watcher = cluster.at(2).later("harbor.linkmaster() harbor.link(1)")?;
    cluster.freeze(1)?;
    watcher.wait()?;
    cluster.answers(20)?;
    cluster.thaw(1)?;
    cluster.linked()?;
    cluster.answers(20)?;
    let last = *cluster.ids().last().unwrap_or(&2);
    cluster.at(2).run("harbor.globalname('THAWED', echo)")?;
    let handle = cluster.at(last).run("return harbor.queryname('THAWED')")?;
    ensure!(handle == cluster.at(2).echo()?.to_string());
    cluster.calm()?.answered_but_for(&[1])
}
