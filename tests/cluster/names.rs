//! Global names, and messages that wait for them or for nodes.

use anyhow::{Result, ensure};
use skynet_tests::cluster::Cluster;

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
