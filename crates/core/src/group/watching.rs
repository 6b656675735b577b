//! How groups and tunnels hear of ends on other nodes, and let themselves be watched from there.
//!
//! Lua services answer the debug request `LINK` never, and so it fails when they end, or when the connection to their node does. Both
//! sides of that are here: asking it of others, and keeping the requests of those who ask.

use std::collections::{HashMap, HashSet};

use crate::{Context, Handle, Message, Node, PTYPE_DEBUG, PTYPE_ERROR, Payload, Request};

/// The text `LINK` in the pack format of Lua services: a short string of four bytes.
const LINK: &[u8; 5] = b"\x24LINK";

/// Those whose ends were asked for.
#[derive(Default)]
pub(super) struct Watching {
    /// By the session of the request.
    asked: HashMap<i32, Handle>,
    /// The same, so that nobody is asked twice.
    targets: HashSet<Handle>,
    /// Requests of others, with who asked.
    kept: Vec<(Handle, Request)>,
    /// The number of them at which those of the dead are looked for.
    look_at: usize,
}

/// So many are kept without a look.
const FEW: usize = 64;

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
        let source = msg.source;
        match ctx.accept(msg) {
            // Each is kept, also of those who have asked before: one that failed now would tell of our end.
            Ok((request, _)) => {
                self.kept.push((source, request));
                self.look_for_dead(ctx.node());
            }
            Err(msg) => return Some(msg),
        }
        None
    }

    /// Forgets those of this node who have asked and ended, once there are a lot.
    fn look_for_dead(&mut self, node: &Node) {
        if self.kept.len() < self.look_at.max(FEW) {
            return;
        }
        self.kept.retain(|(source, _)| node.is_remote(*source) || node.is_alive(*source));
        self.look_at = self.kept.len() * 2;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::{LogTarget, PTYPE_TEXT, Service};

    #[derive(Default)]
    struct Keeps(Watching, Option<Sender<usize>>);

    impl Service for Keeps {
        fn on_message(&mut self, ctx: &Context, msg: Message) {
            if self.0.keep(ctx, msg).is_some() {
                let told = self.1.as_ref().map(|count| count.send(self.0.kept.len()));
                assert!(told.is_some_and(|sent| sent.is_ok()), "the test listens");
            }
        }
    }

    #[test]
    fn requests_of_those_who_have_ended_are_forgotten() {
        let node = Node::builder().workers(1).log(LogTarget::Null).start().expect("it starts");
        let (send, count) = channel();
        let keeper = node.spawn(Keeps(Watching::default(), Some(send))).expect("it starts");
        for session in 1..1000 {
            let asker = node.spawn(|_: &Context, _: Message| {}).expect("it starts");
            node.send(asker, keeper, PTYPE_DEBUG, session, Payload::from(LINK)).expect("it is alive");
            node.kill(asker);
        }
        node.send(Handle::NONE, keeper, PTYPE_TEXT, 0, Payload::empty()).expect("it is alive");
        let kept = count.recv_timeout(Duration::from_secs(20)).expect("it counts");
        assert!(kept <= FEW, "{kept}");
        node.stop(Duration::from_secs(20)).expect("it stops");
    }
}
