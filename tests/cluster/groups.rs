//! Multicast channels, groups and tunnels between nodes.

use anyhow::{Result, ensure};
use skynet_tests::cluster::Cluster;
use skynet_tests::cluster::proxy::Fault;

/// A subscriber of channel `number`, whose publications go to the list `got`.
fn subscribe(cluster: &Cluster, id: u32, number: &str) -> Result<()> {
    let code = format!(
        "got = {{}}
        channel = require('skynet.multicast').new {{
            channel = {number},
            dispatch = function(_, source, ...) got[#got + 1] = table.concat({{ source >> 24, ... }}, ' ') end,
        }}
        channel:subscribe()"
    );
    cluster.at(id).run(code).map(drop)
}

/// Waits until `got` of a node has exactly these, in any order.
fn got(cluster: &Cluster, id: u32, expected: &[String]) -> Result<()> {
    let mut expected = expected.to_vec();
    expected.sort();
    let expected = expected.join(",");
    let mut last = String::new();
    let found = cluster.eventually("the publications come", || {
        last = cluster.at(id).run("table.sort(got) return table.concat(got, ',')")?;
        Ok(last == expected)
    });
    found.map_err(|error| error.context(format!("node {id} has `{last}` instead of `{expected}`")))
}

/// Each node publishes on the channel of one, and each hears all of it, once. Who unsubscribes hears no more; the channel of a node ends
/// for all.
pub(crate) fn channels(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let ids = cluster.ids();
    let owner = *ids.last().unwrap_or(&1);
    subscribe(cluster, owner, "nil")?;
    let number = cluster.at(owner).run("return channel.channel")?;
    ensure!(number == owner.to_string(), "the first channel of node {owner} is {number}");
    for id in &ids {
        if *id != owner {
            subscribe(cluster, *id, &number)?;
        }
    }
    let mut expected = Vec::new();
    for round in 0..3 {
        for id in &ids {
            cluster.at(*id).run(format!("channel:publish('from', {id}, {round})"))?;
            expected.push(format!("{id} from {id} {round}"));
        }
    }
    ids.iter().try_for_each(|id| got(cluster, *id, &expected))?;
    let leaver = ids[0];
    cluster.at(leaver).run("channel:unsubscribe()")?;
    // The answer to the call says that the node has heard it.
    cluster.at(leaver).run("skynet.call(skynet.uniqueservice 'multicastd', 'debug', 'PING')")?;
    cluster.at(owner).run("channel:publish('late')")?;
    let late = format!("{owner} late");
    for id in &ids[1..] {
        let mut expected = expected.clone();
        expected.push(late.clone());
        got(cluster, *id, &expected)?;
    }
    got(cluster, leaver, &expected)?;
    cluster.at(leaver).run("channel:subscribe() channel:delete()")?;
    Ok(())
}

/// A publication of a megabyte, and one of nothing.
pub(crate) fn channels_of_any_size(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    cluster.at(1).run(
        "sizes = {}
        channel = require('skynet.multicast').new {
            dispatch = function(_, _, text) sizes[#sizes + 1] = text and #text or -1 end }
        channel:subscribe()",
    )?;
    let number = cluster.at(1).run("return channel.channel")?;
    cluster.at(2).run(format!("channel = require('skynet.multicast').new {{ channel = {number} }}"))?;
    cluster
        .at(2)
        .run("for _, size in ipairs { 0, 1, 70000, 1 << 20 } do channel:publish(('x'):rep(size)) end")?;
    cluster.at(2).run("channel:publish()")?;
    cluster.eventually("all have come", || {
        Ok(cluster.at(1).run("return table.concat(sizes, ' ')")? == "0 1 70000 1048576 -1")
    })
}

/// A subscriber's node dies: the others hear the channel still. It comes back and subscribes again.
pub(crate) fn a_subscriber_dies_and_comes_back(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let victim = cluster.ids().len() as u32;
    subscribe(cluster, 1, "nil")?;
    subscribe(cluster, 2, "1")?;
    subscribe(cluster, victim, "1")?;
    cluster.kill(victim)?;
    cluster.at(1).run("channel:publish('alone')")?;
    cluster.start(victim)?;
    cluster.linked()?;
    subscribe(cluster, victim, "1")?;
    cluster.at(victim).run("channel:publish('back')")?;
    let back = format!("{victim} back");
    got(cluster, victim, std::slice::from_ref(&back))?;
    got(cluster, 2, &["1 alone".to_owned(), back.clone()])?;
    got(cluster, 1, &["1 alone".to_owned(), back])
}

/// The owner of a channel dies: who publishes on it gets an error or nothing, and nothing hangs. In a new life its channels are new.
pub(crate) fn an_owner_dies_and_comes_back(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let owner = cluster.ids().len() as u32;
    subscribe(cluster, owner, "nil")?;
    subscribe(cluster, 2, &owner.to_string())?;
    cluster.kill(owner)?;
    cluster.at(2).run("harbor.link(3)")?;
    cluster.at(2).run("pcall(channel.publish, channel, 'nobody')")?;
    cluster.start(owner)?;
    cluster.linked()?;
    subscribe(cluster, owner, "nil")?;
    subscribe(cluster, 2, &owner.to_string())?;
    cluster.at(1).run(format!("require('skynet.multicast').new {{ channel = {owner} }}:publish('again')"))?;
    let again = ["1 again".to_owned()];
    got(cluster, owner, &again)?;
    got(cluster, 2, &again)
}

/// A member of this node's part of the global group `hall`, with what comes in `got`.
fn enter(cluster: &Cluster, id: u32) -> Result<()> {
    let code = "got = got or {}
        if not skynet.hall then
            skynet.hall = require('skynet.group').global 'hall'
            skynet.register_protocol { name = 'news', id = 100, pack = skynet.pack, unpack = skynet.unpack,
                dispatch = function(_, source, ...) got[#got + 1] = table.concat({ source >> 24, ... }, ' ') end }
        end
        skynet.hall:join()";
    cluster.at(id).run(code).map(drop)
}

/// How many nodes a node's part of the group leads to.
fn leads_to(cluster: &Cluster, id: u32, nodes: &str) -> Result<()> {
    let code = "local info = skynet.call(skynet.uniqueservice 'groupd', 'debug', 'INFO')
        return info.hall and table.concat(info.hall.nodes, ' ')";
    let mut last = String::new();
    let found = cluster.eventually("the parts of the group find one another", || {
        last = cluster.at(id).run(code)?;
        Ok(last == nodes)
    });
    found.map_err(|error| error.context(format!("node {id} leads to `{last}` instead of `{nodes}`")))
}

/// A global group: nodes that come join, each message reaches all once, nodes that die leave, and come back.
pub(crate) fn a_global_group(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let ids = cluster.ids();
    // All at once.
    let waiting: Vec<_> = ids
        .iter()
        .map(|id| cluster.at(*id).later("return require('skynet.group').global('hall').handle"))
        .collect::<Result<_>>()?;
    waiting.into_iter().try_for_each(|pending| pending.wait().map(drop))?;
    ids.iter().try_for_each(|id| enter(cluster, *id))?;
    leads_to(cluster, 1, "2 3")?;
    leads_to(cluster, 2, "1 3")?;
    leads_to(cluster, 3, "1 2")?;
    let mut expected = Vec::new();
    for id in &ids {
        cluster.at(*id).run("skynet.send(skynet.hall.handle, 'news', 'hello')")?;
        expected.push(format!("{id} hello"));
    }
    ids.iter().try_for_each(|id| got(cluster, *id, &expected))?;
    cluster.step("a node dies");
    cluster.kill(3)?;
    leads_to(cluster, 1, "2")?;
    leads_to(cluster, 2, "1")?;
    cluster.at(2).run("skynet.hall:send('news', 'without')")?;
    cluster.start(3)?;
    cluster.linked()?;
    enter(cluster, 3)?;
    for (id, nodes) in [(1, "2 3"), (2, "1 3"), (3, "1 2")] {
        leads_to(cluster, id, nodes)?;
    }
    cluster.at(3).run("skynet.hall:send('news', 'back')")?;
    expected.extend(["2 without".to_owned(), "3 back".to_owned()]);
    got(cluster, 1, &expected)?;
    got(cluster, 2, &expected)?;
    got(cluster, 3, &["3 back".to_owned()])?;
    cluster.step("a node leaves the group");
    cluster.at(2).run("skynet.hall:delete()")?;
    cluster.at(1).run("skynet.hall:send('news', 'two')")?;
    expected.push("1 two".to_owned());
    got(cluster, 1, &expected)?;
    got(cluster, 3, &["3 back".to_owned(), "1 two".to_owned()])
}

/// A tunnel to a service of another node: calls work through it. Its end, and that of its node, end it. A group drops a member there.
pub(crate) fn tunnels_and_members_elsewhere(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    let echo = cluster.at(2).echo()?;
    cluster.at(1).run(format!(
        "group = require 'skynet.group'
        tunnel = group.tunnel({echo})
        there = group.new()
        there:join({echo})"
    ))?;
    let back = cluster.at(1).run("return skynet.call(tunnel, 'lua', 'echo', count(), 'through')")?;
    ensure!(back.ends_with("through"), "the answer is `{back}`");
    let count = "return there:count()";
    ensure!(cluster.at(1).run(count)? == "1", "the member is in");
    cluster.at(1).run("there:send('lua', 'note', count())")?;
    cluster.kill(2)?;
    cluster.eventually("the member leaves", || Ok(cluster.at(1).run(count)? == "0"))?;
    let error =
        cluster.at(1).later("return skynet.call(tunnel, 'lua', 'echo', count(), '')")?.wait_error()?;
    // The tunnel has ended, or does now.
    ensure!(error.contains("call failed") || error.contains("invalid address"), "it failed with `{error}`");
    Ok(())
}

/// C skynet's `testmulticast` on one node and `testmulticast2` on the other, unmodified: ten subscribers on each hear both messages. A
/// C node that owns the channel may forget its own subscribers, also when the other node is one of C.
pub(crate) fn the_scripts_of_c_skynet(cluster: &mut Cluster) -> Result<()> {
    if !cluster.has_scripts() {
        cluster.step("skipped: no C skynet is there to take them from");
        return Ok(());
    }
    // The console that the second one starts finds no terminal.
    for text in ["console", "stack traceback", "assertion failed"] {
        cluster.allow_in_logs(text);
    }
    cluster.start_all()?;
    cluster.at(1).run("skynet.newservice('testmulticast')")?;
    // By the texts, and not by lines: what C nodes print at a time is mixed.
    let count = |cluster: &Cluster, id: u32, text: &str| cluster.at(id).log().matches(text).count();
    cluster.eventually("the first message", || Ok(count(cluster, 1, "Hello World") == 10))?;
    cluster.at(2).run("skynet.launch('snlua', 'testmulticast2')")?;
    let expected = if cluster.at(1).is_c() { &[2][..] } else { &[1, 2] };
    for &id in expected {
        // Each stands in the other one, too.
        for (text, times) in [("Remote message", 20), ("Remote message2", 10)] {
            cluster.eventually("messages from the other node", || {
                // What the subscribers print stays in a buffer of a C node until it logs something.
                cluster.at(id).run("skynet.error('what was printed is written')")?;
                Ok(count(cluster, id, text) >= times)
            })?;
        }
    }
    Ok(())
}

/// The link of two nodes is cut and comes back: subscriptions and the parts of a global group find one another without the
/// program's help.
pub(crate) fn cut_and_healed(cluster: &mut Cluster) -> Result<()> {
    cluster.through_proxy()?;
    cluster.start_all()?;
    let (a, b) = (2, 3);
    subscribe(cluster, a, "nil")?;
    let number = cluster.at(a).run("return channel.channel")?;
    subscribe(cluster, b, &number)?;
    for id in cluster.ids() {
        cluster.at(id).run("got = got or {}")?;
        enter(cluster, id)?;
    }
    leads_to(cluster, a, "1 3")?;
    leads_to(cluster, b, "1 2")?;
    let watchers = [
        cluster.at(a).later(format!("harbor.link({b})"))?,
        cluster.at(b).later(format!("harbor.link({a})"))?,
    ];
    cluster.proxy()?.disturb(a, b, Fault::Cut);
    cluster.step("the link is cut");
    for watcher in watchers {
        watcher.wait()?;
    }
    leads_to(cluster, a, "1")?;
    leads_to(cluster, b, "1")?;
    cluster.proxy()?.heal();
    cluster.step("the link may come back");
    leads_to(cluster, a, "1 3")?;
    leads_to(cluster, b, "1 2")?;
    let mut round = 0;
    cluster.eventually("the subscription is taken up again", || {
        round += 1;
        cluster.at(a).run(format!("channel:publish('round', {round})"))?;
        Ok(cluster.at(b).run("return #got > 0")? == "true")
    })?;
    for id in cluster.ids() {
        cluster.at(id).run("got = {}")?;
    }
    cluster.at(a).run("skynet.hall:send('news', 'whole again')")?;
    let expected = [format!("{a} whole again")];
    cluster.ids().iter().try_for_each(|id| got(cluster, *id, &expected))
}
