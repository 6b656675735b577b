//! How groups and tunnels hear of ends on other nodes, and let themselves be watched from there.
//!
//! Lua services answer the debug request `LINK` never, and so it fails when they end, or when the connection to their node does. Both
//! sides of that are here: asking it of others, and keeping the requests of those who ask.

use std::collections::{HashMap, HashSet};

use crate::{Context, Handle, Message, PTYPE_DEBUG, PTYPE_ERROR, Payload, Request};

/// The text `LINK` in the pack format of Lua services: a short string of four bytes.
const LINK: &[u8; 5] = b"\x24LINK";

/// Those whose ends were asked for.
#[derive(Default)]
pub(super) struct Watching {
    /// By the session of the request.
    asked: HashMap<i32, Handle>,
    /// The same, so that nobody is asked twice.
    targets: HashSet<Handle>,
    /// Requests of others.
    kept: Vec<Request>,
}

impl Watching {
    /// Asks for the end of a service of another node. False if nothing can be sent there.
    pub(super) fn begin(&mut self, ctx: &Context, target: Handle) -> bool {
        if self.targets.contains(&target) {
            return true;
        }
        let session = ctx.new_session();
        let sent = ctx.send_from(Handle::NONE, target, PTYPE_DEBUG, session, Payload::from(LINK));
        if sent.is_ok() {
            self.asked.insert(session, target);
            self.targets.insert(target);
        }
        sent.is_ok()
    }

    /// Whose end a message tells of, if it is a failure. A service of this node is told of by session 0.
    pub(super) fn ended(&mut self, msg: &Message) -> Option<Handle> {
        if msg.kind != PTYPE_ERROR {
            return None;
        }
        let gone = if msg.session == 0 { Some(msg.source) } else { self.asked.remove(&msg.session) };
        if let Some(target) = gone {
            self.targets.remove(&target);
        }
        gone
    }

    /// Keeps a request that asks for our end; it is answered with that. Gives the message back if it is none.
    pub(super) fn keep(&mut self, ctx: &Context, msg: Message) -> Option<Message> {
        if msg.kind != PTYPE_DEBUG || &*msg.payload != LINK {
            return Some(msg);
        }
        match ctx.accept(msg) {
            // Each is kept, also of those who have asked before: one that failed now would tell of our end.
            Ok((request, _)) => self.kept.push(request),
            Err(msg) => return Some(msg),
        }
        None
    }
}
