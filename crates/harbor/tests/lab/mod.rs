//! A node with a harbor service, a slave and a probe, all of whose messages a test sees.

#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use skynet_core::{
    Context, Handle, LogTarget, Message, Node, PTYPE_CLIENT, PTYPE_HARBOR, Service, ServiceError,
};
use skynet_harbor::{Limits, module_with};
use skynet_socket::{Options, Sockets};

/// No test waits longer than this for what must come.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) mod peer;

pub(crate) struct Lab {
    pub(crate) node: Node,
    pub(crate) harbor: Handle,
    /// What the slave gets.
    pub(crate) slave: Probe,
    /// A service that sends what the test tells it to.
    pub(crate) probe: Probe,
    log: mpsc::Receiver<String>,
}

/// A service that hands out the messages that it gets, and runs the work that it is given.
pub(crate) struct Probe {
    pub(crate) handle: Handle,
    inbox: mpsc::Receiver<Message>,
    work: Arc<Mutex<Vec<Work>>>,
    node: Node,
}

type Work = Box<dyn FnOnce(&Context) + Send>;

impl Lab {
    pub(crate) fn new(id: u8) -> Lab {
        Lab::with_limits(id, Limits::default())
    }

    pub(crate) fn with_limits(id: u8, limits: Limits) -> Lab {
        let (lines, log) = mpsc::channel();
        let logger = move |_: &Node, _: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
            let lines = lines.clone();
            Ok(Box::new(move |_: &Context, msg: Message| {
                // A test that has ended reads no more.
                let _ = lines.send(String::from_utf8_lossy(&msg.payload).into_owned());
            }))
        };
        let node = Node::builder()
            .workers(2)
            .harbor(id)
            .module("lines", logger)
            .module("harbor", module_with(limits))
            .setup(|node| Sockets::attach(node, Options::default()).map(drop))
            .log(LogTarget::Module { name: "lines".into(), args: String::new() })
            .start()
            .expect("the node starts");
        let (slave, probe) = (Probe::new(&node), Probe::new(&node));
        let args = format!("{id} {}", slave.handle.raw());
        let harbor = node.launch("harbor", args.as_bytes()).expect("the harbor service starts");
        Lab { node, harbor, slave, probe, log }
    }

    /// Gives a command in the name of `source`.
    pub(crate) fn command(&self, source: Handle, text: &str) {
        self.node.send(source, self.harbor, PTYPE_HARBOR, 0, text).expect("the harbor service is alive");
    }

    /// Waits for a line of the log that contains this, and returns it.
    pub(crate) fn logged(&self, part: &str) -> String {
        self.lines_until(part).pop().expect("the line that was waited for")
    }

    /// The lines of the log up to the first one that contains this.
    pub(crate) fn lines_until(&self, part: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.log.recv_timeout(LIMIT);
            lines.push(line.unwrap_or_else(|_| panic!("no line with {part:?} after {lines:?}")));
            if lines.last().is_some_and(|line| line.contains(part)) {
                return lines;
            }
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let stopped = self.node.stop(LIMIT);
        if !std::thread::panicking() {
            stopped.expect("the node stops");
        }
    }
}

impl Probe {
    pub(crate) fn new(node: &Node) -> Probe {
        let (sender, inbox) = mpsc::channel();
        let work: Arc<Mutex<Vec<Work>>> = Arc::default();
        let todo = Arc::clone(&work);
        let service = move |ctx: &Context, msg: Message| {
            if msg.kind != PTYPE_CLIENT {
                let _ = sender.send(msg);
                return;
            }
            let work = std::mem::take(&mut *todo.lock().expect("no work panicked"));
            work.into_iter().for_each(|work| work(ctx));
        };
        let handle = node.spawn(service).expect("a probe starts");
        Probe { handle, inbox, work, node: node.clone() }
    }

    /// Runs this in the service.
    pub(crate) fn run(&self, work: impl FnOnce(&Context) + Send + 'static) {
        self.work.lock().expect("no work panicked").push(Box::new(work));
        self.node.send(Handle::NONE, self.handle, PTYPE_CLIENT, 0, "").expect("the probe is alive");
    }

    /// Sends a message to a global name.
    pub(crate) fn send_name(&self, name: &'static str, kind: u8, session: i32, text: &'static str) {
        self.run(move |ctx| {
            ctx.send_name(Handle::NONE, name.as_bytes(), kind, session, text.into())
                .expect("there is a harbor");
        });
    }

    /// Sends a message to a handle.
    pub(crate) fn send(&self, dest: Handle, kind: u8, session: i32, text: &'static str) {
        self.run(move |ctx| {
            ctx.send_from(Handle::NONE, dest, kind, session, text.into()).expect("it is delivered");
        });
    }

    /// The next message that it gets.
    pub(crate) fn next(&self) -> Message {
        self.inbox.recv_timeout(LIMIT).expect("a message comes")
    }

    /// The kind, session and source of the next message.
    pub(crate) fn next_head(&self) -> (u8, i32, Handle) {
        let msg = self.next();
        (msg.kind, msg.session, msg.source)
    }

    /// The content of the next message.
    pub(crate) fn next_text(&self) -> String {
        String::from_utf8_lossy(&self.next().payload).into_owned()
    }
}
