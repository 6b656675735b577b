//! Connections that are slow, silent or broken, by a proxy between the nodes.

use anyhow::Result;
use skynet_tests::cluster::Cluster;
use skynet_tests::cluster::proxy::{Fault, MASTER};
use std::time::Duration;

/// All that is sent arrives late.
pub(crate) fn delayed(cluster: &mut Cluster) -> Result<()> {
    cluster.through_proxy()?;
    cluster.start_all()?;
    for (a, b) in pairs(cluster) {
        cluster.proxy()?.disturb(a, b, Fault::Delay(Duration::from_millis(20)));
    }
    cluster.step("every link is slow");
    cluster.storm(8)?;
    cluster.answers(20)?;
    cluster.calm()?.all_answered()
}

/// Nothing arrives for a while, then all of it.
pub(crate) fn held(cluster: &mut Cluster) -> Result<()> {
    cluster.through_proxy()?;
    cluster.start_all()?;
    cluster.storm(8)?;
    cluster.answers(10)?;
    for _ in 0..3 {
        for (a, b) in pairs(cluster) {
            cluster.proxy()?.disturb(a, b, Fault::Hold);
        }
        cluster.step("every link is held");
        cluster.pass(Duration::from_millis(300))?;
        cluster.proxy()?.heal();
        cluster.answers(10)?;
    }
    cluster.calm()?.all_answered()
}

/// The link of two nodes is cut, and possible again: calls fail meanwhile, and work again.
pub(crate) fn cut(cluster: &mut Cluster) -> Result<()> {
    disturbed(cluster, Fault::Cut)
}

/// What two nodes send one another disappears: both notice by the silence.
pub(crate) fn dropped(cluster: &mut Cluster) -> Result<()> {
    disturbed(cluster, Fault::Drop)
}

/// The link of two nodes ends in the middle of a message, again and again.
pub(crate) fn truncated(cluster: &mut Cluster) -> Result<()> {
    disturbed(cluster, Fault::Truncate)
}

fn disturbed(cluster: &mut Cluster, fault: Fault) -> Result<()> {
    // Short enough to wait for, and longer than a busy machine keeps a process waiting.
    cluster.set("rs_harbor_heartbeat", 5);
    cluster.through_proxy()?;
    cluster.start_all()?;
    let last = cluster.ids().len() as u32;
    let (a, b) = (last - 1, last);
    cluster.storm(8)?;
    cluster.answers(20)?;
    let watchers = [
        cluster.at(a).later(format!("harbor.link({b})"))?,
        cluster.at(b).later(format!("harbor.link({a})"))?,
    ];
    cluster.proxy()?.disturb(a, b, fault);
    cluster.step(format!("the link of {a} and {b}: {fault:?}"));
    for watcher in watchers {
        watcher.wait()?;
    }
    cluster.step("both have noticed");
    cluster.proxy()?.heal();
    cluster.linked()?;
    cluster.answers(20)?;
    // Only these two may have lost calls of one another, so the books are looked at pair by pair.
    let mut books = cluster.calm()?;
    books.0.retain(|book| (book.from, book.to) != (a, b) && (book.from, book.to) != (b, a));
    books.all_answered()
}

/// A slave loses the master for a while.
pub(crate) fn cut_from_the_master(cluster: &mut Cluster) -> Result<()> {
    away_from_the_master(cluster, Fault::Cut)
}

/// What a slave and the master send one another disappears: both notice by the silence.
pub(crate) fn master_out_of_earshot(cluster: &mut Cluster) -> Result<()> {
    away_from_the_master(cluster, Fault::Drop)
}

/// The connection of a slave with the master ends in the middle of a package, again and again.
pub(crate) fn master_mumbles(cluster: &mut Cluster) -> Result<()> {
    away_from_the_master(cluster, Fault::Truncate)
}

/// The slave finds the master again; a name of the time without becomes known afterwards.
fn away_from_the_master(cluster: &mut Cluster, fault: Fault) -> Result<()> {
    cluster.set("rs_harbor_heartbeat", 5);
    cluster.through_proxy()?;
    cluster.start_all()?;
    let last = cluster.ids().len() as u32;
    cluster.storm(4)?;
    cluster.answers(20)?;
    let watcher = cluster.at(last).later("harbor.linkmaster()")?;
    cluster.proxy()?.disturb(MASTER, last, fault);
    cluster.step(format!("node {last} and the master: {fault:?}"));
    watcher.wait()?;
    cluster.at(last).run("harbor.globalname('AWAY', echo)")?;
    let asking = cluster.at(2).later("return harbor.queryname('AWAY')")?;
    cluster.proxy()?.heal();
    asking.wait()?;
    cluster.step("a name of that time is known");
    cluster.linked()?;
    cluster.answers(20)?;
    // The master took the node for dead, and so did the others.
    cluster.calm()?.answered_but_for(&[last])
}

fn pairs(cluster: &Cluster) -> Vec<(u32, u32)> {
    let ids = cluster.ids();
    ids.iter().flat_map(|a| ids.iter().map(|b| (*a, *b))).filter(|(a, b)| a < b).collect()
}
