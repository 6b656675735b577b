//! Who hears of whose end, on another node.

use anyhow::{Result, ensure};
use skynet_tests::cluster::Cluster;
use skynet_tests::cluster::proxy::Fault;
use std::time::Duration;

/// Starts a service, and gives its handle.
fn service(cluster: &Cluster, id: u32) -> Result<u32> {
    Ok(cluster.at(id).run("return skynet.newservice 'echo'")?.parse()?)
}

/// Runs code in a service of a node.
fn inside(cluster: &Cluster, id: u32, service: u32, code: &str) -> Result<String> {
    let answer = cluster.at(id).run(format!("return skynet.call({service}, 'debug', 'RUN', [[{code}]])"))?;
    ensure!(answer.starts_with("true"), "`{code}` in {service:#x}: {answer}");
    Ok(answer.trim_start_matches("true").trim().to_owned())
}

fn links(cluster: &Cluster, id: u32, service: u32) -> Result<String> {
    inside(cluster, id, service, "print(table.unpack(require 'skynet.link'.list()))")
}

/// A service on each of two nodes, which are linked.
fn linked(cluster: &Cluster, a: u32, b: u32) -> Result<(u32, u32)> {
    let (one, two) = (service(cluster, a)?, service(cluster, b)?);
    inside(cluster, a, one, &format!("assert(require 'skynet.link'.to({two}))"))?;
    ensure!(
        links(cluster, a, one)? == two.to_string() && links(cluster, b, two)? == one.to_string(),
        "linked"
    );
    Ok((one, two))
}

fn ends(cluster: &Cluster, id: u32, service: u32) -> Result<()> {
    let ask = format!("return skynet.watch({service})");
    cluster.eventually(&format!("{service:#x} has ended"), || Ok(cluster.at(id).run(&ask)? == "false"))
}

/// The exit monitor lives on another node: it hears of every end there, and tells those who asked it.
pub(crate) fn a_monitor_elsewhere(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let monitor = cluster.at(2).run("return skynet.monitor 'simplemonitor'")?;
    ensure!(monitor.parse::<u32>()? >> 24 == 1, "it runs where the global services are: {monitor}");
    let set = cluster.at(2).run("return require 'skynet.core'.addresscommand 'MONITOR'")?;
    ensure!(set == monitor, "{set} is the monitor of node 2");
    for how in ["skynet.kill({})", "skynet.send({}, 'debug', 'EXIT')"] {
        let victim = service(cluster, 2)?;
        let watch = format!("return skynet.call({monitor}, 'lua', 'WATCH', {victim})");
        ensure!(cluster.at(1).run(&watch)? == "true", "it is alive");
        let waiting = cluster.at(1).later(format!("skynet.call({victim}, 'lua', 'forget')"))?;
        ensure!(waiting.runs_after(Duration::from_millis(50))?, "it ended though nobody did");
        cluster.at(2).run(how.replace("{}", &victim.to_string()))?;
        let error = waiting.wait_error()?;
        ensure!(error.contains("call failed"), "it failed with `{error}`");
        ensure!(cluster.at(1).run(&watch)? == "false", "the monitor knows that it is dead");
    }
    Ok(())
}

/// Links hold across nodes, in either direction, and when a node is lost; an exit ends the one alone.
pub(crate) fn linked_services_end(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let (one, two) = linked(cluster, 1, 2)?;
    cluster.at(2).run(format!("skynet.kill({two})"))?;
    ends(cluster, 1, one)?;
    cluster.logged(1, &format!("ends with :{two:08x}: service :{two:08x} (snlua echo) was killed"))?;
    let (one, two) = linked(cluster, 1, 2)?;
    cluster.at(1).run(format!("skynet.kill({one})"))?;
    ends(cluster, 2, two)?;
    let (one, two) = linked(cluster, 1, 2)?;
    cluster.at(2).run(format!("skynet.send({two}, 'debug', 'EXIT')"))?;
    cluster.eventually("the link is gone", || Ok(links(cluster, 1, one)?.is_empty()))?;
    ensure!(cluster.at(1).run(format!("return skynet.watch({one})"))? == "true", "it lives on");
    let (one, two) = linked(cluster, 1, 2)?;
    inside(cluster, 1, one, &format!("require 'skynet.link'.cut({two})"))?;
    cluster.eventually("the link is cut", || Ok(links(cluster, 2, two)?.is_empty()))?;
    let (one, _) = linked(cluster, 1, 2)?;
    cluster.kill(2)?;
    ends(cluster, 1, one)
}

/// To both of two that are linked a link between their nodes that breaks is the end of the other.
pub(crate) fn linked_services_end_with_the_way(cluster: &mut Cluster) -> Result<()> {
    cluster.set("rs_harbor_heartbeat", 5);
    cluster.through_proxy()?;
    cluster.start_all()?;
    for fault in [Fault::Cut, Fault::Drop] {
        let (two, three) = linked(cluster, 2, 3)?;
        cluster.proxy()?.disturb(2, 3, fault);
        cluster.step(format!("the link of 2 and 3: {fault:?}"));
        ends(cluster, 2, two)?;
        ends(cluster, 3, three)?;
        cluster.proxy()?.heal();
        cluster.linked()?;
    }
    Ok(())
}

/// What a service keeps for those who watch it from another node is bounded by their number, also when that node is lost.
pub(crate) fn watchers_come_and_go(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let watched = service(cluster, 1)?;
    for round in 0..4 {
        cluster.at(2).run(format!(
            "for _ = 1, 60 do
                local watcher = skynet.newservice 'echo'
                skynet.call(watcher, 'debug', 'RUN', 'require \"skynet\".watch({watched})')
                if {round} % 2 == 0 then skynet.kill(watcher) end
            end"
        ))?;
        if round % 2 == 1 {
            cluster.kill(2)?;
            cluster.start(2)?;
            cluster.linked()?;
        }
    }
    let count = || inside(cluster, 1, watched, "print(require 'skynet.link.held'.count())");
    // The last ones make it look at those that are left over.
    let more = "for _ = 1, 20 do
        local watcher = skynet.newservice 'echo'
        skynet.call(watcher, 'debug', 'RUN', 'require \"skynet\".watch(WATCHED)')
        skynet.kill(watcher)
    end";
    cluster.eventually("few are kept", || {
        cluster.at(2).run(more.replace("WATCHED", &watched.to_string()))?;
        Ok(count()?.parse::<u32>()? < 70)
    })
}
