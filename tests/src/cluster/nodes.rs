//! What a scenario does with its nodes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::control::Hub;
use super::layout::{Kind, Layout, Programs};
use super::logs;
use super::node::{Node, Place};
use super::patience::{self, PATIENCE};
use super::ports::Ports;
use super::proxy::Proxy;
use super::random::Random;
use crate::node::Config;

/// Nodes with the ids from 1 up; node 1 is the master. All are ended when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    /// Choices, by the seed of the run.
    pub random: Random,
    nodes: BTreeMap<u32, Node>,
    programs: Programs,
    ports: Ports,
    hub: Hub,
    standalone: String,
    proxy: Option<Proxy>,
    /// Config keys of our nodes, by name.
    keys: BTreeMap<String, Key>,
    allowed: Vec<&'static str>,
    begun: Instant,
    pub(super) steps: Vec<String>,
    pub(super) loud: bool,
    pub(super) storming: bool,
    /// Calls that were answered and that failed, for the table.
    pub(super) calls: (u64, u64),
}

#[derive(Debug, Clone)]
enum Key {
    Number(u32),
    Text(String),
}

impl Cluster {
    /// So many nodes, none of them running, with their files in `folder`.
    pub(super) fn new(
        layout: Layout,
        size: u32,
        seed: u64,
        programs: &Programs,
        folder: &Path,
    ) -> Result<Self> {
        let mut ports = Ports::new();
        let mut nodes = BTreeMap::new();
        for id in 1..=size {
            let place = folder.join(format!("node{id}"));
            nodes.insert(id, Node::new(id, layout.kind(id), ports.address()?, place));
        }
        Ok(Self {
            random: Random::new(seed),
            nodes,
            programs: programs.clone(),
            standalone: ports.address()?,
            ports,
            hub: Hub::open()?,
            proxy: None,
            keys: BTreeMap::new(),
            allowed: Vec::new(),
            begun: Instant::now(),
            steps: Vec::new(),
            loud: false,
            storming: false,
            calls: (0, 0),
        })
    }

    /// The ids of all nodes.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.nodes.keys().copied().collect()
    }

    /// The ids of the nodes that are up.
    #[must_use]
    pub fn up(&self) -> Vec<u32> {
        self.nodes.values().filter(|node| node.is_up()).map(Node::id).collect()
    }

    /// A node.
    ///
    /// # Panics
    /// When there is no node of this id.
    #[must_use]
    pub fn at(&self, id: u32) -> &Node {
        self.nodes.get(&id).unwrap_or_else(|| panic!("the cluster has no node {id}"))
    }

    /// Where the master listens.
    #[must_use]
    pub fn master_address(&self) -> &str {
        &self.standalone
    }

    /// Sets a config key of our nodes that start from now on to a number.
    pub fn set(&mut self, key: &str, value: u32) {
        self.keys.insert(key.to_owned(), Key::Number(value));
    }

    /// As [`set`](Self::set), to a text.
    pub fn set_text(&mut self, key: &str, value: &str) {
        self.keys.insert(key.to_owned(), Key::Text(value.to_owned()));
    }

    /// Has nodes that start from now on take the default of a config key.
    pub fn unset(&mut self, key: &str) {
        self.keys.remove(key);
    }

    /// Lets logs hold lines with this text, though they look like a failure.
    pub fn allow_in_logs(&mut self, text: &'static str) {
        self.allowed.push(text);
    }

    /// Whether nodes find the scripts that come with C skynet.
    #[must_use]
    pub fn has_scripts(&self) -> bool {
        self.programs.scripts().is_some()
    }

    /// Tells what is being done.
    pub fn step(&mut self, text: impl AsRef<str>) {
        let line = format!("{:6.1} s  {}", self.begun.elapsed().as_secs_f64(), text.as_ref());
        if self.loud {
            println!("    {line}");
        }
        self.steps.push(line);
    }

    /// Puts a proxy between the nodes: it stands between slaves and the master, and has them connect to one another
    /// through itself. To be called before any node is started.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn through_proxy(&mut self) -> Result<()> {
        self.proxy = Some(Proxy::open(&self.standalone)?);
        Ok(())
    }

    /// The proxy.
    ///
    /// # Errors
    /// When [`through_proxy`](Self::through_proxy) was not called.
    pub fn proxy(&self) -> Result<&Proxy> {
        self.proxy.as_ref().context("the cluster has no proxy")
    }

    /// Starts the process of a node, without waiting for it.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn launch(&mut self, id: u32) -> Result<()> {
        self.step(format!("node {id} starts"));
        let control = self.hub.address().to_string();
        let master = match &self.proxy {
            Some(proxy) => proxy.master_address(),
            None => self.standalone.clone(),
        };
        let standalone = (id == 1).then_some(self.standalone.as_str());
        let mut extra = Config::new();
        let node = self.nodes.get_mut(&id).with_context(|| format!("the cluster has no node {id}"))?;
        if node.kind != Kind::C {
            for (key, value) in &self.keys {
                extra = match value {
                    Key::Number(number) => extra.number(key, *number),
                    Key::Text(text) => extra.text(key, text),
                };
            }
        }
        node.launch(&self.programs, extra, &Place { master: &master, standalone, control: &control })
    }

    /// Waits until a node that was launched is up: its links to the nodes of before are there, and its services run.
    ///
    /// # Errors
    /// When it ends or takes too long.
    pub fn ready(&mut self, id: u32) -> Result<()> {
        let node = self.nodes.get_mut(&id).with_context(|| format!("the cluster has no node {id}"))?;
        let hub = &self.hub;
        let channel = patience::until(&format!("node {id} to be up"), PATIENCE, || {
            let ended = node.process.as_mut().map(|process| process.ended()).transpose()?.flatten();
            if let Some(status) = ended {
                bail!("node {id} ended with {status} while it was starting");
            }
            hub.channel(id, node.life, Duration::from_millis(100))
        })?;
        node.channel = Some(channel);
        self.step(format!("node {id} is up"));
        if self.storming { self.join_storm(id) } else { Ok(()) }
    }

    /// Starts a node and waits until it is up.
    ///
    /// # Errors
    /// As [`launch`](Self::launch) and [`ready`](Self::ready).
    pub fn start(&mut self, id: u32) -> Result<()> {
        self.launch(id)?;
        self.ready(id)
    }

    /// Starts all nodes that do not run: the master first, then the others at once; waits until each is linked to each.
    ///
    /// # Errors
    /// As [`launch`](Self::launch) and [`ready`](Self::ready).
    pub fn start_all(&mut self) -> Result<()> {
        let (masters, mut slaves): (Vec<u32>, Vec<u32>) =
            self.nodes.values().filter(|node| node.process.is_none()).map(Node::id).partition(|id| *id == 1);
        for id in masters {
            self.start(id)?;
        }
        self.random.shuffle(&mut slaves);
        for id in &slaves {
            self.launch(*id)?;
        }
        for id in &slaves {
            self.ready(*id)?;
        }
        self.linked()
    }

    /// Waits until each node that is up is linked to each other one.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn linked(&mut self) -> Result<()> {
        let up = self.up();
        let mut waiting = Vec::new();
        for a in &up {
            for b in up.iter().filter(|b| *b != a) {
                waiting.push(self.at(*a).later(format!("harbor.connect({b})"))?);
            }
        }
        for pending in waiting {
            pending.wait()?;
        }
        self.step(format!("{} nodes are linked", up.len()));
        Ok(())
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When the node does not run.
    pub fn kill(&mut self, id: u32) -> Result<()> {
        self.step(format!("node {id} is killed"));
        let node = self.nodes.get_mut(&id).with_context(|| format!("the cluster has no node {id}"))?;
        node.channel = None;
        node.frozen = false;
        node.process.take().with_context(|| format!("node {id} does not run"))?.kill()
    }

    /// Has a node end itself, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub fn leave(&mut self, id: u32) -> Result<()> {
        self.step(format!("node {id} leaves"));
        // Its answer may get lost with it.
        drop(self.at(id).later("require 'skynet.manager' skynet.abort()")?);
        self.fails(id)
    }

    /// Waits until the process of a node has ended by itself.
    ///
    /// # Errors
    /// When it does not.
    pub fn fails(&mut self, id: u32) -> Result<()> {
        self.ends(id).map(drop)
    }

    /// The same; its exit status, `None` if a signal ended it.
    ///
    /// # Errors
    /// As [`Cluster::fails`].
    pub fn ends(&mut self, id: u32) -> Result<Option<i32>> {
        let node = self.nodes.get_mut(&id).with_context(|| format!("the cluster has no node {id}"))?;
        let process = node.process.as_mut().with_context(|| format!("node {id} does not run"))?;
        let status = patience::until(&format!("node {id} to end"), PATIENCE, || process.ended())?;
        node.process = None;
        node.channel = None;
        self.step(format!("node {id} has ended with {status}"));
        Ok(status.code())
    }

    /// Asks a node to end (`SIGTERM`).
    ///
    /// # Errors
    /// When the node does not run.
    pub fn terminate(&mut self, id: u32) -> Result<()> {
        self.step(format!("node {id} is told to end"));
        let node = self.at(id);
        node.process.as_ref().with_context(|| format!("node {id} does not run"))?.terminate()
    }

    /// Stops a node where it is.
    ///
    /// # Errors
    /// When the node does not run.
    pub fn freeze(&mut self, id: u32) -> Result<()> {
        self.step(format!("node {id} is frozen"));
        self.set_frozen(id, true)
    }

    /// Lets a frozen node go on.
    ///
    /// # Errors
    /// When the node does not run.
    pub fn thaw(&mut self, id: u32) -> Result<()> {
        self.step(format!("node {id} is thawed"));
        self.set_frozen(id, false)
    }

    fn set_frozen(&mut self, id: u32, frozen: bool) -> Result<()> {
        let node = self.nodes.get_mut(&id).with_context(|| format!("the cluster has no node {id}"))?;
        let process = node.process.as_ref().with_context(|| format!("node {id} does not run"))?;
        node.frozen = frozen;
        if frozen { process.freeze() } else { process.thaw() }
    }

    /// Waits.
    ///
    /// # Errors
    /// When the user has pressed Ctrl-C.
    pub fn pass(&self, time: Duration) -> Result<()> {
        patience::pause(time)
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// What `look` fails with, or when it takes too long.
    pub fn eventually(&self, what: &str, mut look: impl FnMut() -> Result<bool>) -> Result<()> {
        patience::until(what, PATIENCE, || Ok(look()?.then_some(())))
    }

    /// Waits until the log of a node has a line with this text.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn logged(&self, id: u32, text: &str) -> Result<()> {
        patience::until(&format!("node {id} to log `{text}`"), PATIENCE, || {
            Ok(self.at(id).log().contains(text).then_some(()))
        })
    }

    /// An address on which nobody listens.
    ///
    /// # Errors
    /// When there is none.
    pub fn free_address(&mut self) -> Result<String> {
        self.ports.address()
    }

    /// The end of a scenario: no node has ended by itself, no log has what it should not.
    pub(super) fn finish(&mut self) -> Result<()> {
        for node in self.nodes.values_mut() {
            let ended = node.process.as_mut().map(|process| process.ended()).transpose()?.flatten();
            if let Some(status) = ended {
                bail!("node {} ended by itself, with {status}", node.id);
            }
        }
        for node in self.nodes.values() {
            if let Some(line) = logs::complaint(&node.log(), &self.allowed) {
                bail!("node {} logged: {line}", node.id);
            }
        }
        Ok(())
    }

    /// The last lines of each node's log.
    pub(super) fn tails(&self, lines: usize) -> String {
        let tail =
            |node: &Node| format!("--- log of node {} ---\n{}", node.id, logs::tail(&node.log(), lines));
        self.nodes.values().filter(|node| node.life > 0).map(tail).collect::<Vec<_>>().join("\n")
    }
}
