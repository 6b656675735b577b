//! skynet-core: services on a node with two workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use skynet_core::{Context, Handle, LogTarget, Message, Node, PTYPE_RESPONSE, PTYPE_TEXT, Payload, Service};

use crate::{Peer, WARM_UP, WORKERS};

pub(crate) const PEER: Peer = Peer { name: "skynet", one_way, request, spawn };

/// Longer than any shape takes.
const DEADLINE: Duration = Duration::from_secs(100);

fn node() -> Result<Node> {
    Node::builder().workers(WORKERS).log(LogTarget::Null).start().context("cannot start the node")
}

fn stop(node: &Node) -> Result<()> {
    node.stop(Duration::from_secs(10)).context("the node does not stop")
}

/// Sends the message that sets a service going.
fn begin(node: &Node, service: Handle) -> Result<()> {
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, Payload::empty())
        .map_err(|error| anyhow::anyhow!("cannot set {service} going: {error}"))
}

fn number(message: &Message) -> u64 {
    message.payload.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn payload(number: u64) -> Payload {
    Payload::copy_from(&number.to_le_bytes())
}

fn one_way(messages: u64) -> Result<Duration> {
    let node = node()?;
    one_way_once(&node, WARM_UP)?;
    let time = one_way_once(&node, messages)?;
    stop(&node)?;
    Ok(time)
}

fn one_way_once(node: &Node, messages: u64) -> Result<Duration> {
    let (done, all_done) = mpsc::channel();
    let (mut left, mut sum) = (messages, 0u64);
    let consumer = node.spawn(move |_: &Context, message: Message| {
        sum = sum.wrapping_add(number(&message));
        left = left.wrapping_sub(1);
        if left == 0 {
            let _ = done.send(std::hint::black_box(sum));
        }
    })?;
    let producer = node.spawn(move |context: &Context, _: Message| {
        for number in 0..messages {
            if context.send(consumer, PTYPE_TEXT, payload(number)).is_err() {
                return;
            }
        }
    })?;
    let start = Instant::now();
    begin(node, producer)?;
    all_done.recv_timeout(DEADLINE).context("not all messages arrived")?;
    Ok(start.elapsed())
}

/// Answers each request with its own payload, a block that is handed on.
fn echo(context: &Context, message: Message) {
    // A caller that is gone misses nothing.
    let _ = context.send_from(Handle::NONE, message.source, PTYPE_RESPONSE, message.session, message.payload);
}

/// Asks again with each answer, until it has asked often enough.
struct Caller {
    callee: Handle,
    left: u64,
    done: mpsc::Sender<()>,
}

impl Service for Caller {
    fn on_message(&mut self, context: &Context, message: Message) {
        if self.left == 0 {
            std::hint::black_box(number(&message));
            let _ = self.done.send(());
            return;
        }
        self.left -= 1;
        let session = context.new_session();
        let asked = context.send_from(Handle::NONE, self.callee, PTYPE_TEXT, session, payload(self.left));
        debug_assert!(asked.is_ok(), "the callee lives as long as the node");
    }
}

fn request(pairs: u64, requests: u64) -> Result<Duration> {
    let node = node()?;
    request_once(&node, pairs, WARM_UP / pairs)?;
    let time = request_once(&node, pairs, requests)?;
    stop(&node)?;
    Ok(time)
}

fn request_once(node: &Node, pairs: u64, requests: u64) -> Result<Duration> {
    let (done, all_done) = mpsc::channel();
    let mut callers = Vec::new();
    for _ in 0..pairs {
        let callee = node.spawn(echo)?;
        callers.push(node.spawn(Caller { callee, left: requests, done: done.clone() })?);
    }
    let start = Instant::now();
    for caller in callers {
        begin(node, caller)?;
    }
    for _ in 0..pairs {
        all_done.recv_timeout(DEADLINE).context("a request got no answer")?;
    }
    Ok(start.elapsed())
}

/// A service that only tells that it has started.
struct Idle(Arc<AtomicU64>);

impl Service for Idle {
    fn init(&mut self, _context: &Context) -> Result<(), skynet_core::ServiceError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn on_message(&mut self, _context: &Context, message: Message) {
        std::hint::black_box(number(&message));
    }
}

fn spawn(actors: u64, settled: &mut dyn FnMut()) -> Result<Duration> {
    let node = node()?;
    let (done, all_done) = mpsc::channel();
    let started = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&started);
    let parent = node.spawn(move |context: &Context, _: Message| {
        let start = Instant::now();
        let failed = (0..actors).find_map(|_| context.node().spawn(Idle(Arc::clone(&count))).err());
        let _ = done.send(failed.map_or_else(|| Ok(start.elapsed()), Err));
    })?;
    begin(&node, parent)?;
    let time = all_done.recv_timeout(DEADLINE).context("not all services were started")??;
    anyhow::ensure!(started.load(Ordering::Relaxed) == actors, "not all services have started");
    settled();
    stop(&node)?;
    Ok(time)
}
