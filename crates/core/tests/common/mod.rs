//! What the tests share: nodes with a log that can be read, and waits with a deadline.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use skynet_core::{
    Context, Handle, LogTarget, Message, Node, NodeBuilder, PTYPE_RESPONSE, PTYPE_TEXT, Payload, Service,
    ServiceError,
};

/// How long a test waits for what must happen.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A builder of a node with two workers and no log.
pub fn quiet() -> NodeBuilder {
    Node::builder().workers(2).log(LogTarget::Null)
}

pub fn start() -> Node {
    quiet().start().expect("the node starts")
}

/// Stops a node, all of whose services must end.
pub fn stop(node: &Node) {
    node.stop(DEADLINE).expect("all services end");
}

/// A node whose log lines come out of a channel, as `source text`.
pub fn logged(builder: NodeBuilder) -> (Node, Log) {
    let (lines, log) = channel();
    let module = move |_: &Node, _: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
        let lines: Sender<String> = lines.clone();
        Ok(Box::new(move |_: &Context, msg: Message| {
            if msg.kind == PTYPE_TEXT {
                // The test may have read enough, and ended its side.
                let _ = lines.send(format!("{} {}", msg.source, String::from_utf8_lossy(&msg.payload)));
            }
        }))
    };
    let target = LogTarget::Module { name: "capture".to_owned(), args: String::new() };
    let node = builder.module("capture", module).log(target).start().expect("the node starts");
    (node, Log(log))
}

pub struct Log(Receiver<String>);

impl Log {
    pub fn next(&self) -> String {
        self.0.recv_timeout(DEADLINE).expect("a log line comes")
    }

    pub fn wait_for(&self, part: &str) -> String {
        loop {
            let line = self.next();
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Lines that have not been read, when no more can come.
    pub fn rest(&self) -> Vec<String> {
        self.0.try_iter().collect()
    }
}

/// A service that answers each request with its payload.
pub fn echo(ctx: &Context, msg: Message) {
    if let Ok((request, payload)) = ctx.accept(msg) {
        let _ = request.respond(payload);
    }
}

/// Runs `f` inside a new service, and gives its result.
pub fn inside<R: Send + 'static>(node: &Node, f: impl FnOnce(&Context) -> R + Send + 'static) -> R {
    let (done, result) = channel();
    let mut f = Some(f);
    let service = node
        .spawn(move |ctx: &Context, _: Message| {
            if let Some(f) = f.take() {
                let _ = done.send(f(ctx));
                ctx.exit();
            }
        })
        .expect("the service starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "go").expect("it is alive");
    result.recv_timeout(DEADLINE).expect("it runs")
}

/// A message: kind, session, source, bytes.
pub type Seen = (u8, i32, Handle, Vec<u8>);

/// A service that passes on what it gets as (kind, session, source, bytes).
pub fn probe(node: &Node) -> (Handle, Receiver<Seen>) {
    let (seen, messages) = channel();
    let handle = node
        .spawn(move |_: &Context, msg: Message| {
            let _ = seen.send((msg.kind, msg.session, msg.source, msg.payload.to_vec()));
        })
        .expect("the probe starts");
    (handle, messages)
}

pub fn receive<T>(messages: &Receiver<T>) -> T {
    messages.recv_timeout(DEADLINE).expect("a message comes")
}

/// Waits until `done`, which other threads bring about.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < DEADLINE, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

pub fn respond(ctx: &Context, msg: &Message, payload: impl Into<Payload>) {
    let _ = ctx.send_from(Handle::NONE, msg.source, PTYPE_RESPONSE, msg.session, payload.into());
}
