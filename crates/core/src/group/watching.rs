//! How groups and tunnels hear of ends on other nodes, and let themselves be watched from there.
//!
//! Lua services answer the debug request `LINK` never, and so it fails when they end, or when the connection to their node does. Both
//! sides of that are here: asking it of others, and keeping the requests of those who ask. A service that keeps many such requests asks
//! by `PING` who of the askers still lives.

use std::collections::{HashMap, HashSet};

use crate::{Context, Handle, Message, PTYPE_DEBUG, PTYPE_ERROR, Payload, Request};

/// The text `LINK` in the pack format of Lua services: a short string of four bytes.
const LINK: &[u8; 5] = b"\x24LINK";
/// The same of `PING`.
const PING: &[u8; 5] = b"\x24PING";

/// Requests that are kept before those of dead services are looked for.
const FIRST_SWEEP: usize = 64;

/// Those whose ends were asked for.
#[derive(Default)]
pub(super) struct Watching {
    /// By the session of the request.
    asked: HashMap<i32, Handle>,
    /// The same, so that nobody is asked twice.
    targets: HashSet<Handle>,
    /// Requests of others.
    kept: Vec<Request>,
    /// The length at which those of dead services are taken out.
    sweep_at: usize,
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
        if self.kept.len() >= self.sweep_at.max(FIRST_SWEEP) {
            let node = ctx.node();
            self.kept.retain(|request| node.is_remote(request.source()) || node.is_alive(request.source()));
            self.sweep_at = self.kept.len() * 2;
        }
        None
    }

    /// Answers a request that asks whether we are alive. Gives the message back if it is none.
    pub(super) fn answer_ping(ctx: &Context, msg: Message) -> Option<Message> {
        if msg.kind != PTYPE_DEBUG || &*msg.payload != PING {
            return Some(msg);
        }
        match ctx.accept(msg) {
            // If the one who asked is gone, nobody waits.
            Ok((request, _)) => drop(request.respond(Payload::empty())),
            Err(msg) => return Some(msg),
        }
        None
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;
    use crate::{LogTarget, Node};

    #[test]
    fn requests_of_the_dead_are_not_kept_for_ever() {
        const LONG: Duration = Duration::from_secs(20);
        let node = Node::builder().workers(1).log(LogTarget::Null).start().expect("it starts");
        let (count, counts) = channel();
        let mut watching = Watching::default();
        let keeper = node.spawn(move |ctx: &Context, msg: Message| {
            assert!(watching.keep(ctx, msg).is_none());
            let _ = count.send(watching.kept.len());
        });
        let keeper = keeper.expect("it starts");
        let ask = |source| {
            node.send(source, keeper, PTYPE_DEBUG, 1, LINK).expect("it is alive");
            counts.recv_timeout(LONG).expect("it is kept")
        };
        let far = Handle::from_raw(0x0200_0001);
        let alive = node.spawn(|_: &Context, _: Message| ()).expect("it starts");
        assert_eq!((ask(alive), ask(far)), (1, 2));
        let mut most = 0;
        for _ in 0..1000 {
            let asker = node.spawn(|_: &Context, _: Message| ()).expect("it starts");
            most = most.max(ask(asker));
            assert!(node.kill(asker));
        }
        assert!(most <= FIRST_SWEEP, "{most} were kept");
        assert!((0..FIRST_SWEEP).all(|kept| ask(alive) > kept), "those of the living stay");
        node.stop(LONG).expect("all end");
    }
}
