//! Nodes that die, and come back.

use anyhow::{Result, ensure};
use skynet_tests::cluster::Cluster;
use std::time::Duration;

/// `harbor.link` of every other node returns when one dies.
pub(crate) fn watchers_wake(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let victim = cluster.ids().len() as u32;
    let watchers: Vec<_> = (1..victim)
        .map(|id| cluster.at(id).later(format!("harbor.link({victim})")))
        .collect::<Result<_>>()?;
    for pending in &watchers {
        ensure!(pending.runs_after(Duration::from_millis(50))?, "a watcher woke though nobody died");
    }
    cluster.kill(victim)?;
    watchers.into_iter().try_for_each(|pending| pending.wait().map(drop))
}

/// Any node but the master's dies during a storm: every call to it ends, those between others are answered. It comes
/// back, and is called again.
pub(crate) fn killed_in_a_storm_and_back(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let slaves = cluster.ids().split_off(1);
    cluster.storm(8)?;
    cluster.answers(20)?;
    let victim = cluster.random.pick(&slaves).unwrap_or(2);
    cluster.kill(victim)?;
    cluster.answers(50)?;
    cluster.start(victim)?;
    cluster.answers(50)?;
    cluster.calm()?.answered_but_for(&[victim])
}

/// Calls and watchers that wait for a node end when it dies, and so do later calls.
pub(crate) fn waiting_calls_fail_at_once(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let victim = cluster.ids().len() as u32;
    let echo = cluster.at(victim).echo()?;
    let mut waiting = Vec::new();
    for id in 1..victim {
        for _ in 0..20 {
            waiting.push(cluster.at(id).later(format!("skynet.call({echo}, 'lua', 'slow', 100000)"))?);
        }
        // An answer to this says that those have arrived.
        cluster.at(id).run(format!("skynet.call({echo}, 'lua', 'books')"))?;
    }
    cluster.kill(victim)?;
    for pending in waiting {
        let error = pending.wait_error()?;
        ensure!(error.contains(&format!("call failed: node {victim} is gone")), "it failed with `{error}`");
    }
    for id in 1..victim {
        let error = cluster.at(id).later(format!("skynet.call({echo}, 'lua', 'books')"))?.wait_error()?;
        ensure!(
            error.contains(&format!("call failed: there is no link to node {victim}")),
            "it failed with `{error}`"
        );
        cluster.at(id).run(format!("harbor.link({victim})"))?;
    }
    Ok(())
}

/// A request that its callee gave up fails when the callee ends, if its caller watches: for a service that ends by itself,
/// and with its node.
pub(crate) fn watched_services_end(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    for with_node in [false, true] {
        let echo = cluster.at(2).echo()?;
        let watch = format!("return skynet.watch({echo})");
        ensure!(cluster.at(1).run(&watch)? == "true", "{echo:#x} is alive");
        let waiting = cluster.at(1).later(format!("skynet.call({echo}, 'lua', 'forget')"))?;
        ensure!(waiting.runs_after(Duration::from_millis(50))?, "it ended though nobody did");
        if with_node {
            cluster.kill(2)?;
        } else {
            cluster.at(2).run("skynet.kill(echo)")?;
        }
        let error = waiting.wait_error()?;
        let reason = if with_node { "node 2 is gone" } else { "was killed" };
        ensure!(error.contains("call failed: ") && error.contains(reason), "it failed with `{error}`");
        ensure!(cluster.at(1).run(&watch)? == "false", "{echo:#x} is dead");
        if !with_node {
            cluster.kill(2)?;
            cluster.start(2)?;
            cluster.linked()?;
        }
    }
    Ok(())
}

/// A handle of a former life of a node finds nobody in the next.
pub(crate) fn old_handles_find_nobody(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    for _ in 0..3 {
        let old = cluster.at(2).echo()?;
        cluster.kill(2)?;
        cluster.start(2)?;
        cluster.linked()?;
        ensure!(cluster.at(2).echo()? != old, "the handle {old:#x} is used again");
        let error =
            cluster.at(1).later(format!("return skynet.call({old}, 'lua', 'books')"))?.wait_error()?;
        let reason = format!("call failed: service :{old:08x} does not exist");
        ensure!(error.contains(&reason), "it failed with `{error}`");
        let new = cluster.at(2).echo()?;
        cluster.at(1).run(format!("return skynet.call({new}, 'lua', 'books')"))?;
    }
    Ok(())
}

/// A node that ends by itself is noticed like one that is killed.
pub(crate) fn a_node_leaves(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let leaver = cluster.ids().len() as u32;
    // A service may be in the middle of something when its node ends.
    cluster.allow_in_logs("stack traceback");
    cluster.storm(4)?;
    cluster.answers(20)?;
    cluster.leave(leaver)?;
    cluster.answers(20)?;
    cluster.start(leaver)?;
    cluster.answers(20)?;
    cluster.calm()?.answered_but_for(&[leaver])
}

/// Every node in turn, the master's among them, dies and comes back, while the others call one another.
pub(crate) fn each_is_killed_in_turn(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    cluster.storm(4)?;
    let mut order = cluster.ids();
    cluster.random.shuffle(&mut order);
    for id in order {
        cluster.kill(id)?;
        cluster.answers(20)?;
        cluster.start(id)?;
        cluster.linked()?;
        cluster.answers(20)?;
    }
    cluster.calm().map(drop)
}

/// The master dies: slaves go on calling one another. It comes back: they find it again, old names are known, new ones
/// become so.
pub(crate) fn master_dies_and_comes_back(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let slaves = cluster.ids().split_off(1);
    cluster.at(2).run("harbor.globalname('OLD', echo)")?;
    for id in &slaves {
        cluster.at(*id).run("return harbor.queryname('OLD')")?;
    }
    cluster.storm(4)?;
    cluster.answers(20)?;
    let watchers: Vec<_> =
        slaves.iter().map(|id| cluster.at(*id).later("harbor.linkmaster()")).collect::<Result<_>>()?;
    cluster.kill(1)?;
    for pending in watchers {
        pending.wait()?;
    }
    cluster.answers(50)?;
    cluster.at(2).run("harbor.globalname('MEANWHILE', echo)")?;
    let last = *slaves.last().unwrap_or(&2);
    let asking = cluster.at(last).later("return harbor.queryname('MEANWHILE')")?;
    cluster.start(1)?;
    cluster.linked()?;
    cluster.answers(20)?;
    let echo = cluster.at(2).echo()?.to_string();
    ensure!(asking.wait()? == echo, "a name of the time without a master");
    for name in ["OLD", "MEANWHILE"] {
        let handle = cluster.at(1).run(format!("return harbor.queryname('{name}')"))?;
        ensure!(handle == echo, "{name} is {handle} for the master's node, not {echo}");
    }
    cluster.calm()?.answered_but_for(&[1])
}

/// A node that starts for the first time after the master has come back links with all.
pub(crate) fn newcomer_after_the_master_came_back(cluster: &mut Cluster) -> Result<()> {
    let newcomer = cluster.ids().len() as u32;
    for id in 1..newcomer {
        cluster.start(id)?;
    }
    cluster.linked()?;
    cluster.kill(1)?;
    cluster.start(1)?;
    cluster.linked()?;
    cluster.start(newcomer)?;
    cluster.linked()?;
    cluster.storm(4)?;
    cluster.answers(20)?;
    cluster.calm()?.all_answered()
}

/// Things happen to nodes by chance, during a storm; in the end all is well again, and no call hangs.
pub(crate) fn chaos(cluster: &mut Cluster) -> Result<()> {
    cluster.set("rs_harbor_heartbeat", 3);
    cluster.start_all()?;
    cluster.storm(4)?;
    let ids = cluster.ids();
    for _ in 0..12 {
        let up = cluster.up();
        let down: Vec<u32> = ids.iter().copied().filter(|id| !up.contains(id)).collect();
        let chosen = cluster.random.pick(&up).unwrap_or(1);
        match cluster.random.below(4) {
            0 if up.len() > 2 => cluster.kill(chosen)?,
            1 if up.len() > 2 => {
                cluster.freeze(chosen)?;
                let time = u64::from(cluster.random.below(5000));
                cluster.pass(Duration::from_millis(time))?;
                cluster.thaw(chosen)?;
            }
            // A slave that starts without a master fails.
            2 | 3 if !down.is_empty() => {
                let chosen = if down.contains(&1) { 1 } else { cluster.random.pick(&down).unwrap_or(1) };
                cluster.start(chosen)?;
            }
            _ => cluster.pass(Duration::from_millis(300))?,
        }
    }
    cluster.start_all()?;
    cluster.linked()?;
    cluster.answers(20)?;
    cluster.calm().map(drop)
}
