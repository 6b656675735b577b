//! What both kinds of nodes do alike.

use anyhow::{Result, bail, ensure};
use skynet_tests::cluster::Cluster;

/// Calls with bodies of up to 10 MiB, both ways.
pub(crate) fn big_messages(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    for size in [0, 1, 63 * 1024, 64 * 1024, 1 << 20, 10 << 20] {
        for (from, to) in [(1, 2), (2, 1)] {
            let echo = cluster.at(to).echo()?;
            let same = cluster.at(from).run(format!(
                "local body = ('0123456789abcdef'):rep({size} // 16 + 1):sub(1, {size})
                local number = count()
                local same, back = skynet.call({echo}, 'lua', 'echo', number, body)
                return same == number and back == body"
            ))?;
            ensure!(same == "true", "{size} bytes from {from} to {to} came back as something else");
        }
        cluster.step(format!("{size} bytes"));
    }
    Ok(())
}

/// A call to a service that a living node does not have fails at once.
pub(crate) fn calls_to_dead_services(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    for (from, to) in [(1, 2), (2, 1)] {
        let gone =
            cluster.at(to).run("local gone = skynet.newservice('echo') skynet.kill(gone) return gone")?;
        let error =
            cluster.at(from).later(format!("return skynet.call({gone}, 'lua', 'echo', count(), '')"))?;
        let error = error.wait_error()?;
        ensure!(error.contains("call failed"), "it failed with `{error}`");
    }
    Ok(())
}

/// A C node dies among ours: calls of ours that wait for it fail, its watchers wake, the others go on.
pub(crate) fn a_c_node_is_killed(cluster: &mut Cluster) -> Result<()> {
    let (watcher, victim) = (1, 2);
    cluster.start_all()?;
    let echo = cluster.at(victim).echo()?;
    let link = cluster.at(watcher).later(format!("harbor.link({victim})"))?;
    let call = cluster.at(watcher).later(format!("return skynet.call({echo}, 'lua', 'slow', 100000)"))?;
    // What is sent after the call has arrived says that the call has.
    cluster.at(watcher).run(format!("skynet.call({echo}, 'lua', 'echo', count(), '')"))?;
    cluster.kill(victim)?;
    link.wait()?;
    call.wait_error()?;
    let late =
        cluster.at(watcher).later(format!("return skynet.call({echo}, 'lua', 'echo', count(), '')"))?;
    late.wait_error()?;
    let Some(other) = cluster.up().into_iter().find(|id| *id != watcher) else { bail!("nobody is left") };
    let echo = cluster.at(other).echo()?;
    cluster.at(watcher).run(format!("return skynet.call({echo}, 'lua', 'echo', count(), '')"))?;
    Ok(())
}

/// The C node among three dies during a storm: every call of ours to it ends, those between ours are answered.
pub(crate) fn a_c_node_is_killed_in_a_storm(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    cluster.storm(8)?;
    cluster.answers(20)?;
    cluster.kill(2)?;
    cluster.answers(50)?;
    cluster.calm()?.answered_but_for(&[2])
}

/// A C slave that our master knew dies and comes back: our nodes find it again. (Other C nodes never do.)
pub(crate) fn a_c_node_comes_back(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let ours = [1, 3];
    cluster.kill(2)?;
    cluster.start(2)?;
    cluster.linked()?;
    let echo = cluster.at(2).echo()?;
    for id in ours {
        cluster.at(id).run(format!("return skynet.call({echo}, 'lua', 'echo', count(), '')"))?;
        let back = cluster.at(id).echo()?;
        cluster.at(2).run(format!("return skynet.call({back}, 'lua', 'echo', count(), '')"))?;
    }
    Ok(())
}

/// A C master takes no id back: our slave says so and gives up; the others go on.
pub(crate) fn a_c_master_takes_nobody_back(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let victim = cluster.ids().len() as u32;
    // How a node fails that cannot join.
    cluster.allow_in_logs("stack traceback");
    cluster.kill(victim)?;
    cluster.launch(victim)?;
    cluster.fails(victim)?;
    cluster.logged(victim, &format!("the master refuses harbor {victim}"))?;
    let echo = cluster.at(1).echo()?;
    cluster.at(2).run(format!("return skynet.call({echo}, 'lua', 'echo', count(), '')"))?;
    Ok(())
}
