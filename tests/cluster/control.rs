//! What the control plane remembers and forgets: names, unique services, the secret.

use anyhow::{Result, ensure};
use skynet_tests::cluster::Cluster;

/// Calls the echo service behind a name until that works, for a name that is about to have another owner.
fn reach(name: &str) -> String {
    format!(
        "for _ = 1, 400 do
            local ok, _, body = pcall(skynet.call, '{name}', 'lua', 'echo', count(), 'reached')
            if ok then return body end
            skynet.sleep(5)
        end"
    )
}

/// A network with a secret works, also for a node that comes back; one with another secret does not get in.
pub(crate) fn secret(cluster: &mut Cluster) -> Result<()> {
    let last = cluster.ids().len() as u32;
    cluster.set_text("rs_harbor_secret", "open sesame");
    for id in 1..last {
        cluster.start(id)?;
    }
    cluster.storm(4)?;
    cluster.answers(20)?;
    cluster.kill(2)?;
    cluster.start(2)?;
    cluster.linked()?;
    cluster.answers(20)?;

    // Its cslave fails, as it should.
    cluster.allow_in_logs("stack traceback");
    cluster.set_text("rs_harbor_secret", "open barley");
    cluster.launch(last)?;
    cluster.logged(1, "its secret is another one: rs_harbor_secret differs")?;
    cluster.logged(last, "slave shakehand failed: the master can't be trusted")?;
    cluster.kill(last)?;
    cluster.calm().map(drop)
}

/// The standalone node dies and comes back: names that others had heard of lead to its new life, and services that were
/// unique there are started anew.
pub(crate) fn standalone_in_a_new_life(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let slaves = cluster.ids().split_off(1);
    cluster.at(1).run("harbor.globalname('HERE', echo)")?;
    let unique = "return skynet.uniqueservice(true, 'racer')";
    let mut old = Vec::new();
    for id in &slaves {
        ensure!(cluster.at(*id).run(reach("HERE"))? == "reached");
        old.push(cluster.at(*id).run(unique)?);
    }
    for _ in 0..2 {
        cluster.kill(1)?;
        for id in &slaves {
            cluster.at(*id).run("harbor.link(1)")?;
        }
        cluster.start(1)?;
        // The others may not have found the master yet, so they hear of this only when they ask.
        cluster.at(1).run("harbor.globalname('HERE', echo)")?;
        cluster.linked()?;
        let mut new = Vec::new();
        for id in &slaves {
            ensure!(
                cluster.at(*id).run(reach("HERE"))? == "reached",
                "node {id} has the name of a former life"
            );
            new.push(cluster.at(*id).run(unique)?);
        }
        new.dedup();
        ensure!(new.len() == 1 && !old.contains(&new[0]), "unique services {old:?} and then {new:?}");
        cluster.at(2).run("datacenter.set('life', 'again')")?;
        old = new;
    }
    Ok(())
}

/// A node that had a name dies, and another node takes the name over; the first one, back, is told that it is taken.
pub(crate) fn name_is_taken_over(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    // The refusal is an error in cslave, which nobody waits for.
    cluster.allow_in_logs("stack traceback");
    cluster.at(2).run("harbor.globalname('HOT', echo)")?;
    for id in [1, 3] {
        ensure!(cluster.at(id).run(reach("HOT"))? == "reached");
    }
    cluster.kill(2)?;
    for id in [1, 3] {
        cluster.at(id).run("harbor.link(2)")?;
    }
    cluster.at(3).run("harbor.globalname('HOT', echo)")?;
    let echo = cluster.at(3).echo()?;
    ensure!(cluster.at(1).run(reach("HOT"))? == "reached");
    cluster.start(2)?;
    cluster.linked()?;
    ensure!(cluster.at(2).run("return harbor.queryname('HOT')")? == echo.to_string());
    cluster.at(2).run("harbor.globalname('HOT', echo)")?;
    cluster.logged(2, &format!("the global name HOT is taken by :{echo:08x}"))
}
