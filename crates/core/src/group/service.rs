//! The service that a group is.

use std::sync::{Arc, Mutex};

use super::watching::Watching;
use super::{Group, Members};
use crate::sync::lock;
use crate::{
    Context, Handle, Message, Module, Node, PTYPE_ERROR, PTYPE_RESPONSE, PTYPE_SYSTEM, Payload, Service,
    ServiceError,
};

/// The kind of the message by which a node has a group look at its new members.
pub(super) const LOOK: u8 = PTYPE_SYSTEM;

/// Its content: an order, as no service can send it.
pub(super) fn look() -> Payload {
    Payload::order(crate::scheduler::order::LOOK)
}

/// The module of groups, to be launched as `group` with a text that lists show. Each message that a group gets goes to all members, with
/// one payload that they share; source and kind stay. A request is answered with an error: a group has no answer
/// but to `PING`.
#[must_use]
pub fn group_module() -> impl Module {
    |_: &Node, args: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
        let label = String::from_utf8_lossy(args).into_owned();
        let group = Arc::new(Group { label, members: Mutex::new(Members::default()) });
        Ok(Box::new(GroupService { group, watching: Watching::default() }))
    }
}

struct GroupService {
    group: Arc<Group>,
    watching: Watching,
}

impl Service for GroupService {
    fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        ctx.node().groups().add(ctx.handle(), Arc::clone(&self.group));
        Ok(())
    }

    fn on_message(&mut self, ctx: &Context, msg: Message) {
        if msg.payload.order_code() == Some(crate::scheduler::order::LOOK) {
            self.watch_strangers(ctx);
            return;
        }
        if msg.kind == PTYPE_ERROR || msg.kind == PTYPE_RESPONSE {
            // Answers are for the group itself. Their sessions would hit what members wait for.
            if let Some(dead) = self.watching.ended(&msg) {
                lock(&self.group.members).all.remove(dead);
            }
            return;
        }
        let msg = self.watching.keep(ctx, msg).and_then(|msg| Watching::answer_ping(ctx, msg));
        let Some(msg) = msg else { return };
        if msg.wants_answer() {
            self.refuse(ctx, &msg);
            return;
        }
        let Message { kind, session, source, payload } = msg;
        let payload = payload.share();
        let mut members = lock(&self.group.members);
        for gone in ctx.node().send_to_many(source, members.all.list(), kind, session, &payload) {
            members.all.remove(gone);
        }
    }

    fn on_exit(&mut self, ctx: &Context) {
        ctx.node().groups().remove(ctx.handle());
    }
}

impl GroupService {
    fn watch_strangers(&mut self, ctx: &Context) {
        let mut members = lock(&self.group.members);
        for stranger in std::mem::take(&mut members.strangers) {
            if members.all.contains(stranger) && !self.watching.begin(ctx, stranger) {
                members.all.remove(stranger);
            }
        }
    }

    fn refuse(&self, ctx: &Context, msg: &Message) {
        let text = format!(
            "a group does not answer: {} (group {}) has {} members; send to it without a session",
            ctx.handle(),
            self.group.label,
            lock(&self.group.members).all.list().len()
        );
        // If the one who asked is gone, nobody waits.
        let _ = ctx.send_from(Handle::NONE, msg.source, PTYPE_ERROR, msg.session, ctx.node().reason(text));
    }
}
