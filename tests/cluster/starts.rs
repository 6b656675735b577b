//! How a cluster comes up.

use anyhow::Result;
use skynet_tests::cluster::Cluster;
use std::time::Duration;

/// All nodes start; each calls each for a while, and every call is answered.
pub(crate) fn calls_between_all_pairs(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let many = cluster.ids().len() > 10;
    cluster.storm(if many { 2 } else { 8 })?;
    cluster.answers(if many { 3 } else { 100 })?;
    cluster.calm()?.all_answered()
}

/// The master is first; the others come in any order, some at once, some when others are already talking.
pub(crate) fn in_any_order(cluster: &mut Cluster) -> Result<()> {
    cluster.start(1)?;
    let mut slaves = cluster.ids().split_off(1);
    cluster.random.shuffle(&mut slaves);
    cluster.storm(4)?;
    for id in &slaves {
        cluster.launch(*id)?;
        let pause = Duration::from_millis(u64::from(cluster.random.below(3) * 100));
        cluster.pass(pause)?;
    }
    for id in slaves {
        cluster.ready(id)?;
    }
    cluster.linked()?;
    cluster.answers(50)?;
    cluster.calm()?.all_answered()
}

/// The slaves are first, and wait for the master.
pub(crate) fn master_last(cluster: &mut Cluster) -> Result<()> {
    let mut ids = cluster.ids();
    ids.reverse();
    for id in &ids {
        cluster.launch(*id)?;
        cluster.pass(Duration::from_millis(100))?;
    }
    for id in ids {
        cluster.ready(id)?;
    }
    cluster.linked()?;
    cluster.storm(4)?;
    cluster.answers(20)?;
    cluster.calm()?.all_answered()
}
