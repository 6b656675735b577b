//! The service around the tables: it does what they say.

mod links;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use skynet_core::{
    Context, Handle, Message, Module, Node, Outgoing, PTYPE_ERROR, PTYPE_HARBOR, PTYPE_RESPONSE,
    PTYPE_SOCKET, PTYPE_SYSTEM, PTYPE_TEXT, Payload, RemoteDest, RemoteMessage, Service, ServiceError,
};
use skynet_socket::{SocketEvent, SocketId, Sockets};

use crate::args::Args;
use crate::command::Command;
use crate::frame::MAX_BODY;
use crate::names::{GlobalName, Lookup, NameTable};
use crate::peers::{Peers, Sent};
use crate::queue::Limits;

/// So many bytes go out at once, though more may follow in the same turn.
const ENOUGH: usize = 64 * 1024;

/// After this time nothing waits for others to go out with, but for the turn in hand.
const PATIENCE: Duration = Duration::from_micros(200);

/// The module `harbor`, with the default [`Limits`].
///
/// Its services are launched with `<id> <slave>`: the harbor id of the node, or 0 if it is to be alone, and the handle of the
/// slave in decimal. A node has one. A wrong parameter fails the launch with an error that names it.
#[must_use]
pub fn module() -> impl Module {
    module_with(Limits::default())
}

/// The module `harbor` with limits of its own.
#[must_use]
pub fn module_with(limits: Limits) -> impl Module {
    move |node: &Node, args: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
        Ok(Box::new(Harbor {
            args: args.to_vec(),
            slave: Handle::NONE,
            names: NameTable::new(limits),
            peers: Peers::new(node.harbor(), limits),
            sockets: Sockets::of(node),
            limits,
            leaving: HashSet::new(),
            timer: (0, u64::MAX),
            gathering_since: None,
            lost: Vec::new(),
        }))
    }
}

struct Harbor {
    /// What it was launched with; read by `init`.
    args: Vec<u8>,
    slave: Handle,
    names: NameTable,
    peers: Peers,
    sockets: Option<Sockets>,
    limits: Limits,
    /// Connections that are being closed: what they still say does not matter.
    leaving: HashSet<SocketId>,
    /// The session of the timer, and when it is over.
    timer: (i32, u64),
    /// When the first of what goes out next was sent, unless it went at once.
    gathering_since: Option<Instant>,
    /// Messages of other nodes that nobody took.
    lost: Vec<(Handle, Message)>,
}

impl Service for Harbor {
    fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        let args = Args::parse(&self.args, ctx.node().harbor()).map_err(ServiceError::new)?;
        self.slave = args.slave;
        self.peers = Peers::new(args.id, self.limits);
        if !ctx.node().set_harbor(ctx.handle()) {
            return Err("harbor: the service was ended while it started".into());
        }
        Ok(())
    }

    fn on_message(&mut self, ctx: &Context, mut msg: Message) {
        match (msg.kind, RemoteMessage::take(&mut msg)) {
            (PTYPE_SYSTEM, Some(outgoing)) => self.on_outgoing(ctx, &msg, outgoing),
            (PTYPE_SOCKET, None) => {
                if let Some((socket, event)) = SocketEvent::take(&mut msg) {
                    self.on_socket(ctx, socket, event);
                }
            }
            (PTYPE_HARBOR, None) => {
                let done = self.on_command(ctx, msg.source, &msg.payload);
                if done {
                    reply(ctx, &msg, PTYPE_RESPONSE, Payload::empty());
                } else {
                    fail(ctx, &msg, "the harbor service did not do it: the log says why");
                }
            }
            (PTYPE_RESPONSE, None) if msg.source.is_none() => {
                if msg.session == self.timer.0 {
                    self.timer.1 = u64::MAX;
                    self.peers.tick(ctx.node().now());
                    self.settle(ctx);
                }
            }
            _ => {
                ctx.log(format!("recv invalid message from {:x},  type = {}", msg.source.raw(), msg.kind));
                fail(ctx, &msg, "the harbor service does not take such messages");
            }
        }
        // What waits in the mailbox goes out together with this. When that is empty, or much has come together, it goes.
        if self.peers.has_output() {
            if self.peers.gathered() >= ENOUGH || ctx.mqlen() == 0 {
                self.flush(ctx);
            } else {
                self.gathering_since.get_or_insert_with(Instant::now);
                ctx.at_turn_end();
            }
        }
    }

    fn on_turn_end(&mut self, ctx: &Context) {
        // More is in the mailbox. Others have their turn first, and may take long.
        if self.gathering_since.is_some_and(|since| since.elapsed() > PATIENCE) {
            self.flush(ctx);
        }
    }

    fn on_exit(&mut self, ctx: &Context) {
        let (for_names, for_nodes) = (self.names.clear(), self.peers.clear());
        if !for_names.is_empty() || !for_nodes.is_empty() {
            let (names, nodes) = (for_names.len(), for_nodes.len());
            ctx.log(format!(
                "error: The harbor service ends: {names} messages for unknown global names and {nodes} for other \
                 nodes are lost"
            ));
        }
        for_names
            .iter()
            .chain(for_nodes.iter().map(|parcel| &parcel.message))
            .for_each(|msg| fail(ctx, msg, "the harbor service has ended"));
        self.flush(ctx);
        if let Some(sockets) = &self.sockets {
            // What was sent still goes out.
            self.peers.sockets().for_each(|socket| sockets.close(socket));
        }
    }
}

impl Harbor {
    /// A message of this node for another, or for a global name. `wrapper` has its session and source.
    fn on_outgoing(&mut self, ctx: &Context, wrapper: &Message, outgoing: Outgoing) {
        let Outgoing { dest, kind, payload } = outgoing;
        let msg = Message { kind, session: wrapper.session, source: wrapper.source, payload };
        match dest {
            RemoteDest::Handle(dest) => self.forward(ctx, dest, msg),
            RemoteDest::Name(field) => match GlobalName::from_field(&field) {
                Some(name) => self.send_to_name(ctx, name, msg),
                None => {
                    let text = String::from_utf8_lossy(&field);
                    let text = text.trim_end_matches('\0');
                    let source = msg.source;
                    ctx.log(format!(
                        "Invalid global name {text} in a message from {source}: it has 1 to 15 bytes"
                    ));
                    fail(ctx, &msg, &format!("{text} is no global name: it has 1 to 15 bytes"));
                }
            },
        }
    }

    fn send_to_name(&mut self, ctx: &Context, name: GlobalName, msg: Message) {
        match self.names.send(name, msg) {
            Lookup::Bound(dest, msg) => self.forward(ctx, dest, msg),
            Lookup::Waits => self.ask_for(ctx, name),
            Lookup::Refused(refused) => {
                if let Some(bound) = refused.report {
                    ctx.log(format!(
                        "error: Messages to the unknown global name {name} are refused: {bound}"
                    ));
                }
                let text = format!("the global name {name} is not known, and as much waits for names as may");
                fail(ctx, &refused.item, &text);
            }
        }
    }

    /// Asks the slave whose a name is.
    fn ask_for(&mut self, ctx: &Context, name: GlobalName) {
        let text = [b"Q ", name.as_bytes()].concat();
        if ctx.send(self.slave, PTYPE_TEXT, text).is_err() {
            let slave = self.slave;
            ctx.log(format!("error: Global name {name} cannot be looked up: the slave {slave} is gone"));
            let text = format!("the global name {name} cannot be looked up: the slave is gone");
            self.names.forget(name).iter().for_each(|msg| fail(ctx, msg, &text));
        }
    }

    /// Passes a message on to a handle, of this node or another.
    fn forward(&mut self, ctx: &Context, dest: Handle, msg: Message) {
        if !ctx.node().is_remote(dest) {
            return deliver(ctx, dest, msg);
        }
        match self.peers.send(dest, msg) {
            Sent::Out | Sent::Waits => {}
            Sent::Down { message, first } => {
                if first {
                    let Message { session, source, payload, .. } = &message;
                    let (harbor, from, to, size) = (dest.harbor(), source.raw(), dest.raw(), payload.len());
                    ctx.log(format!(
                        "Drop message to harbor {harbor} from {from:x} to {to:x} (session = {session}, msgsz = {size})"
                    ));
                }
                fail(ctx, &message, &format!("there is no link to node {}", dest.harbor()));
            }
            Sent::Refused { message, report } => self.refused(ctx, dest, message, report),
            Sent::TooLong(message) => {
                let (size, from) = (message.payload.len(), message.source.raw());
                ctx.log(format!(
                    "error: A message of {size} bytes from {from:x} to {:x} is longer than the {MAX_BODY} bytes that \
                     can go to another node",
                    dest.raw()
                ));
                let text =
                    format!("a message of {size} bytes is too long for another node: {MAX_BODY} at most");
                fail(ctx, &message, &text);
            }
        }
    }

    /// As much waits for that node as may.
    fn refused(&mut self, ctx: &Context, dest: Handle, message: Message, report: Option<String>) {
        let id = dest.harbor();
        if let (Some(socket), Some(sockets)) = (self.peers.clogged(id), &self.sockets)
            && sockets.waiting(socket) <= self.limits.bytes / 2
        {
            self.peers.unclog(id);
            return self.forward(ctx, dest, message);
        }
        if let Some(report) = report {
            ctx.log(format!("error: Messages to harbor {id} are refused: {report}"));
        }
        fail(ctx, &message, &format!("as much waits for node {id} as may"));
    }

    /// Does what a command says. False if it was wrong.
    fn on_command(&mut self, ctx: &Context, source: Handle, text: &[u8]) -> bool {
        match Command::parse(text) {
            Ok(Command::Name(name)) => match GlobalName::new(name) {
                Some(name) if !source.is_none() => {
                    self.bind(ctx, name, source);
                    true
                }
                Some(name) => {
                    ctx.log(format!("error: Global name {name} needs a handle: the source of the command"));
                    false
                }
                None => {
                    ctx.log([b"Invalid global name ", name].concat());
                    false
                }
            },
            Ok(Command::Link { side, socket, id, heartbeat_s }) => {
                if self.sockets.is_none() {
                    ctx.log("harbor: the node has no sockets, so there are no links to others");
                    return false;
                }
                let heartbeat = u64::from(heartbeat_s) * 100;
                let linked = self.peers.link(id, socket, side, heartbeat, ctx.node().now());
                self.settle(ctx);
                linked
            }
            Ok(Command::Gone(id)) => {
                self.peers.gone(id);
                self.settle(ctx);
                true
            }
            Err(error) => {
                ctx.log(error.to_string());
                false
            }
        }
    }

    /// A name is known now: what has been waiting for it goes first.
    fn bind(&mut self, ctx: &Context, name: GlobalName, handle: Handle) {
        let waiting = self.names.bind(name, handle);
        let down = ctx.node().is_remote(handle) && self.peers.is_down(handle.harbor());
        if down && !waiting.is_empty() {
            ctx.log(format!("Drop message to {name} (in harbor {})", handle.harbor()));
            return waiting.iter().for_each(|msg| fail(ctx, msg, &gone(handle.harbor())));
        }
        waiting.into_iter().for_each(|msg| self.forward(ctx, handle, msg));
    }
}

/// Passes a message on to a service of this node, as if its source had sent it directly.
fn deliver(ctx: &Context, dest: Handle, msg: Message) {
    let Message { kind, session, source, payload } = msg;
    if let Err(error) = ctx.node().send(source, dest, kind, session, payload) {
        let (to, from) = (dest.raw(), source.raw());
        ctx.log(format!("Unknown destination :{to:x} from :{from:x} type({kind})"));
        fail(ctx, &Message { kind, session, source, payload: error.into_payload() }, &nobody(dest));
    }
}

/// Why a message to another node goes nowhere.
fn gone(node: u8) -> String {
    format!("node {node} is gone")
}

/// Why a message goes nowhere at its node.
fn nobody(dest: Handle) -> String {
    format!("service {dest} does not exist")
}

/// Tells the sender of a message that goes nowhere why, if it waits for an answer.
fn fail(ctx: &Context, msg: &Message, why: &str) {
    reply(ctx, msg, PTYPE_ERROR, ctx.node().reason(why));
}

fn reply(ctx: &Context, msg: &Message, kind: u8, payload: Payload) {
    if msg.wants_answer() {
        // If the one who asked is gone, nobody waits.
        let _ = ctx.send_from(Handle::NONE, msg.source, kind, msg.session, payload);
    }
}
