//! What nodes share: unique services and the datacenter.

use anyhow::{Result, ensure};
use skynet_tests::cluster::Cluster;

/// All nodes ask for a global unique service at once, some wait for it: there is one.
pub(crate) fn unique_service_is_raced(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let mut handles = Vec::new();
    for round in 1..=3 {
        let mut waiting = Vec::new();
        let mut ids = cluster.ids();
        cluster.random.shuffle(&mut ids);
        for id in &ids {
            // The name of a file, so the service is another one in each round: the argument tells nothing apart.
            let service = ["echo", "storm", "racer"][round - 1];
            waiting.push(cluster.at(*id).later(format!("return skynet.queryservice(true, '{service}')"))?);
            waiting.push(cluster.at(*id).later(format!("return skynet.uniqueservice(true, '{service}')"))?);
        }
        let mut found = waiting.into_iter().map(|pending| pending.wait()).collect::<Result<Vec<_>>>()?;
        found.dedup();
        ensure!(found.len() == 1, "one service was started several times: {found:?}");
        handles.extend(found);
    }
    handles.sort();
    handles.dedup();
    ensure!(handles.len() == 3, "two services are the same: {handles:?}");
    Ok(())
}

/// Each node waits for values that another node sets.
pub(crate) fn datacenter_waits(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let ids = cluster.ids();
    let mut waiting = Vec::new();
    for id in &ids {
        for key in &ids {
            waiting
                .push((*key, cluster.at(*id).later(format!("return datacenter.wait('hall', 'key{key}')"))?));
        }
    }
    for id in &ids {
        cluster.at(*id).run(format!("datacenter.set('hall', 'key{id}', 'from {id}')"))?;
    }
    for (key, pending) in waiting {
        let value = pending.wait()?;
        ensure!(value == format!("from {key}"), "key{key} is `{value}`");
    }
    for id in &ids {
        let value =
            cluster.at(*id).run("return datacenter.get('hall', 'key1'), datacenter.get('hall', 'none')")?;
        ensure!(value == "from 1 nil", "node {id} got `{value}`");
    }
    Ok(())
}

/// The node with the datacenter and the manager of unique services dies: who waits for them gets an error. It comes back,
/// and both work again for all nodes.
pub(crate) fn shared_things_come_back(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let slaves = cluster.ids().split_off(1);
    let mut waiting = Vec::new();
    for id in &slaves {
        cluster.at(*id).run("datacenter.set('here', 1)")?;
        waiting.push(cluster.at(*id).later("return datacenter.wait('never')")?);
        waiting.push(cluster.at(*id).later("return skynet.queryservice(true, 'echo')")?);
    }
    // An answer to these says that those have arrived.
    for id in &slaves {
        cluster.at(*id).run("datacenter.get('here') skynet.call('SERVICE', 'lua', 'LIST')")?;
    }
    cluster.kill(1)?;
    for pending in waiting {
        pending.wait_error()?;
    }
    cluster.start(1)?;
    cluster.linked()?;
    let mut handles = Vec::new();
    for id in &slaves {
        // A name's new handle comes from the master, and may come a little later than the link.
        cluster.eventually(&format!("node {id} to reach the datacenter"), || {
            Ok(cluster.at(*id).later("return datacenter.get('here')")?.wait().is_ok())
        })?;
        let value =
            cluster.at(*id).run(format!("datacenter.set('again', {id}) return datacenter.get('again')"))?;
        ensure!(value == id.to_string(), "node {id} set {id} and got `{value}`");
        handles.push(cluster.at(*id).run("return skynet.uniqueservice(true, 'echo')")?);
    }
    handles.dedup();
    ensure!(handles.len() == 1, "one service was started several times: {handles:?}");
    Ok(())
}
