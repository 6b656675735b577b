//! Global names, and messages that wait for them or for nodes.

use anyhow::{Result, ensure};
use skynet_tests::cluster::Cluster;
use std::time::Duration;

/// A call of the echo service behind a name.
fn call(name: &str) -> String {
    format!("return (select(2, skynet.call('{name}', 'lua', 'echo', count(), '{name}')))")
}

/// Names are registered when no other node is there, while others link up, and afterwards; each node reaches each, and
/// asking for a name waits until somebody has it.
pub(crate) fn before_while_and_after_links(cluster: &mut Cluster) -> Result<()> {
    cluster.start(1)?;
    cluster.at(1).run("harbor.globalname('EARLY', echo)")?;
    // A call to a name that nobody has yet waits.
    let waiting = cluster.at(1).later(call("LATER"))?;
    let asking = cluster.at(1).later("return harbor.queryname('LATER')")?;
    let last = cluster.ids().len() as u32;
    for id in 2..=last {
        cluster.launch(id)?;
    }
    cluster.at(1).run("harbor.globalname('MEANWHILE', echo)")?;
    for id in 2..=last {
        cluster.ready(id)?;
        cluster.at(id).run(format!("harbor.globalname('NODE{id}', echo)"))?;
    }
    cluster.at(last).run("harbor.globalname('LATER', echo)")?;
    ensure!(waiting.wait()? == "LATER");
    ensure!(asking.wait()? == cluster.at(last).echo()?.to_string());
    cluster.linked()?;
    for id in cluster.ids() {
        let mut names = vec!["EARLY".to_owned(), "MEANWHILE".to_owned(), "LATER".to_owned()];
        names.extend((2..=last).map(|id| format!("NODE{id}")));
        for name in names {
            let answer = cluster.at(id).run(call(&name))?;
            ensure!(answer == name, "node {id} called {name} and got {answer}");
        }
    }
    cluster.step("every node has reached every name");
    Ok(())
}

/// Messages to a node that has not started yet arrive in order when it is there.
pub(crate) fn messages_wait_for_a_node(cluster: &mut Cluster) -> Result<()> {
    cluster.start(1)?;
    cluster.at(1).run("for _ = 1, 100 do skynet.send('WAITED', 'lua', 'note', count()) end")?;
    let call = cluster.at(1).later("return skynet.call('WAITED', 'lua', 'echo', count(), 'waited')")?;
    let last = cluster.ids().len() as u32;
    cluster.start(last)?;
    cluster.at(last).run("harbor.globalname('WAITED', echo)")?;
    ensure!(call.wait()? == "101 waited");
    let books = cluster.at(last).run("return skynet.call(echo, 'lua', 'books')")?;
    ensure!(books == "0 101", "{books}: the order or some messages are lost");
    Ok(())
}

/// A name whose node died fails, and is good again when that node has come back and registered it anew, on every node.
pub(crate) fn names_follow_a_new_life(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let (owner, ids) = (cluster.ids().len() as u32, cluster.ids());
    cluster.at(owner).run("harbor.globalname('HERO', echo)")?;
    for id in &ids {
        ensure!(cluster.at(*id).run(call("HERO"))? == "HERO");
    }
    for _ in 0..3 {
        let watcher = cluster.at(1).later(format!("harbor.link({owner})"))?;
        cluster.kill(owner)?;
        watcher.wait()?;
        let error = cluster.at(1).later(call("HERO"))?.wait_error()?;
        ensure!(error.contains("call failed"), "it failed with `{error}`");
        cluster.start(owner)?;
        cluster.at(owner).run("harbor.globalname('HERO', echo)")?;
        cluster.linked()?;
        let echo = cluster.at(owner).echo()?.to_string();
        for id in &ids {
            // News of a name overtakes nothing, but nor does anything wait for it.
            cluster.eventually("the name to have its new handle", || {
                Ok(cluster.at(*id).run("return harbor.queryname('HERO')")? == echo)
            })?;
            ensure!(cluster.at(*id).run(call("HERO"))? == "HERO");
        }
    }
    Ok(())
}

/// More messages wait for a name than may: the calls among them that are too many fail, the others are answered.
pub(crate) fn what_waits_is_bounded(cluster: &mut Cluster) -> Result<()> {
    cluster.set("rs_harbor_queue", 50);
    cluster.start(1)?;
    let waiting = (0..80).map(|_| cluster.at(1).later(call("CROWD"))).collect::<Result<Vec<_>>>()?;
    let failed =
        || waiting.iter().filter(|call| matches!(call.runs_after(Duration::ZERO), Ok(false))).count();
    cluster.eventually("30 calls of 80 to fail, where 50 may wait", || Ok(failed() >= 30))?;
    cluster.start(2)?;
    cluster.at(2).run("harbor.globalname('CROWD', echo)")?;
    let answered = waiting.into_iter().filter_map(|pending| pending.wait().ok()).count();
    ensure!(answered == 50, "{answered} calls were answered, not 50");
    Ok(())
}
