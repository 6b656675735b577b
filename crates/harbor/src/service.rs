//! The service around the tables: it does what they say.

use skynet_core::{
    Context, Handle, Message, Module, Node, Outgoing, PTYPE_ERROR, PTYPE_HARBOR, PTYPE_RESPONSE,
    PTYPE_SYSTEM, PTYPE_TEXT, Payload, RemoteDest, RemoteMessage, Service, ServiceError,
};

use crate::args::Args;
use crate::command::Command;
use crate::names::{GlobalName, Lookup, NameTable};
use crate::peers::{Dispatch, Parcel, Peers};
use crate::queue::Limits;

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
            limits,
            refused_link: false,
        }))
    }
}

struct Harbor {
    /// What it was launched with; read by `init`.
    args: Vec<u8>,
    slave: Handle,
    names: NameTable,
    peers: Peers,
    limits: Limits,
    /// That there are no links was logged.
    refused_link: bool,
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
            (PTYPE_HARBOR, None) => {
                let done = self.on_command(ctx, msg.source, &msg.payload);
                reply(ctx, &msg, if done { PTYPE_RESPONSE } else { PTYPE_ERROR });
            }
            _ => {
                ctx.log(format!("recv invalid message from {:x},  type = {}", msg.source.raw(), msg.kind));
                fail(ctx, &msg);
            }
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
        for_names.iter().chain(for_nodes.iter().map(|parcel| &parcel.message)).for_each(|msg| fail(ctx, msg));
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
                    fail(ctx, &msg);
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
                fail(ctx, &refused.item);
            }
        }
    }

    /// Asks the slave whose a name is.
    fn ask_for(&mut self, ctx: &Context, name: GlobalName) {
        let text = [b"Q ", name.as_bytes()].concat();
        if ctx.send(self.slave, PTYPE_TEXT, text).is_err() {
            let slave = self.slave;
            ctx.log(format!("error: Global name {name} cannot be looked up: the slave {slave} is gone"));
            self.names.forget(name).iter().for_each(|msg| fail(ctx, msg));
        }
    }

    /// Passes a message on to a handle, of this node or another.
    fn forward(&mut self, ctx: &Context, dest: Handle, msg: Message) {
        if !ctx.node().is_remote(dest) {
            return deliver(ctx, dest, msg);
        }
        match self.peers.send(dest, msg) {
            Dispatch::Waits => {}
            Dispatch::Down(Parcel { dest, message }) => {
                let Message { session, source, payload, .. } = &message;
                let (harbor, from, to, size) = (dest.harbor(), source.raw(), dest.raw(), payload.len());
                ctx.log(format!(
                    "Drop message to harbor {harbor} from {from:x} to {to:x} (session = {session}, msgsz = {size})"
                ));
                fail(ctx, &message);
            }
            Dispatch::Refused(refused) => {
                if let Some(bound) = refused.report {
                    ctx.log(format!("error: Messages to harbor {} are refused: {bound}", dest.harbor()));
                }
                fail(ctx, &refused.item.message);
            }
        }
    }

    /// Does what a command says. False if it was wrong.
    fn on_command(&mut self, ctx: &Context, source: Handle, text: &[u8]) -> bool {
        match Command::parse(text) {
            Ok(Command::Name(name)) => match GlobalName::new(name) {
                Some(name) if !source.is_none() => self.bind(ctx, name, source),
                Some(name) => {
                    ctx.log(format!("error: Global name {name} needs a handle: the source of the command"));
                    return false;
                }
                None => {
                    ctx.log([b"Invalid global name ", name].concat());
                    return false;
                }
            },
            Ok(Command::Link) => {
                if !std::mem::replace(&mut self.refused_link, true) {
                    ctx.log("harbor: links are not available in this build");
                }
                return false;
            }
            Err(error) => {
                ctx.log(error.to_string());
                return false;
            }
        }
        true
    }

    /// A name is known now: what has been waiting for it goes first.
    fn bind(&mut self, ctx: &Context, name: GlobalName, handle: Handle) {
        let waiting = self.names.bind(name, handle);
        if ctx.node().is_remote(handle) && self.peers.are_down() && !waiting.is_empty() {
            ctx.log(format!("Drop message to {name} (in harbor {})", handle.harbor()));
            return waiting.iter().for_each(|msg| fail(ctx, msg));
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
        fail(ctx, &Message { kind, session, source, payload: error.into_payload() });
    }
}

/// Tells the sender of a message that goes nowhere, if it waits for an answer.
fn fail(ctx: &Context, msg: &Message) {
    reply(ctx, msg, PTYPE_ERROR);
}

fn reply(ctx: &Context, msg: &Message, kind: u8) {
    if msg.wants_answer() {
        // If the one who asked is gone, nobody waits.
        let _ = ctx.send_from(Handle::NONE, msg.source, kind, msg.session, Payload::empty());
    }
}
