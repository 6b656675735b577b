//! Services of two nodes call one another in every way, while many of them are ended, and a node is.

use anyhow::{Result, ensure};
use skynet_tests::cluster::Cluster;
use std::time::Duration;

const STEADY: u32 = 10;
const VICTIMS: u32 = 25;
const WAVES: u32 = 12;

/// A node's id, and its service `churn`.
type Part = (u32, u32);

/// Asks the service `churn` of a node.
fn ask(cluster: &Cluster, id: u32, service: u32, words: &str) -> Result<String> {
    cluster.at(id).run(format!("return skynet.call({service}, 'lua', {words})"))
}

/// Waves of deaths; each node's victims are known to all. The order is that of `nodes`: ids, and their services `churn`.
fn waves(cluster: &mut Cluster, nodes: &[Part], steady: &[String]) -> Result<()> {
    for _ in 0..WAVES {
        let hits = cluster.random.below(VICTIMS / 2);
        let mut victims = Vec::new();
        for (id, service) in nodes {
            victims.push(ask(cluster, *id, *service, &format!("'wave', {VICTIMS}, {hits}"))?);
        }
        let victims = victims.join(",");
        let all = format!("{},{victims}", steady.join(","));
        for (id, service) in nodes {
            ask(cluster, *id, *service, &format!("'peers', '{all}', '{victims}'"))?;
            ask(cluster, *id, *service, "'go'")?;
        }
        let pause = 20 + cluster.random.below(60);
        cluster.pass(Duration::from_millis(pause.into()))?;
    }
    Ok(())
}

/// Nobody asks any more, and what is left of the books of a node's survivors is right.
fn settled(cluster: &mut Cluster, nodes: &[Part]) -> Result<()> {
    for (id, service) in nodes {
        ask(cluster, *id, *service, "'stop'")?;
    }
    for (id, service) in nodes {
        let mut last = String::new();
        let quiet = cluster.eventually(&format!("node {id} is quiet"), || {
            last = ask(cluster, *id, *service, "'complaint'")?;
            Ok(last.starts_with(' '))
        });
        ensure!(quiet.is_ok(), "node {id}: {last}");
        let counts: Vec<u64> = last.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        ensure!(counts.len() == 2 && !counts.contains(&0), "some were answered and some failed: {last}");
        cluster.step(format!("node {id}: answered and failed: {last}"));
    }
    Ok(())
}

fn begin(cluster: &mut Cluster) -> Result<(Vec<Part>, Vec<String>)> {
    // Handlers and main chunks fail on purpose.
    cluster.allow_in_logs("stack traceback");
    cluster.allow_in_logs("lua loader error");
    cluster.start_all()?;
    let mut nodes = Vec::new();
    let mut steady = Vec::new();
    for id in cluster.ids() {
        let service: u32 = cluster.at(id).run("return skynet.newservice 'churn'")?.parse()?;
        let seed = cluster.random.below(1 << 30);
        steady.push(ask(cluster, id, service, &format!("'begin', {seed}, {STEADY}"))?);
        nodes.push((id, service));
    }
    Ok((nodes, steady))
}

/// Each request has one outcome, whichever side its callee was on and however that ended.
pub(crate) fn services_end(cluster: &mut Cluster) -> Result<()> {
    let (nodes, steady) = begin(cluster)?;
    waves(cluster, &nodes, &steady)?;
    settled(cluster, &nodes)
}

/// So it is for those whose peer node dies.
pub(crate) fn a_node_ends(cluster: &mut Cluster) -> Result<()> {
    let (nodes, steady) = begin(cluster)?;
    waves(cluster, &nodes, &steady)?;
    cluster.kill(2)?;
    settled(cluster, nodes.get(..1).unwrap_or_default())
}
