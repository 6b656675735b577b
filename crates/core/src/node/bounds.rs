//! Bounds of mailboxes: who sets them, and who feeds the service.

use super::Node;
use crate::mailbox::{Bound, MailboxStat};
use crate::{Context, Handle};

impl Context {
    /// Bounds the own mailbox, or lifts the bound (`None`): see [`Policy`](crate::Policy). What waits already stays. It may be
    /// changed at any time, also by [`Node::bound_mailbox`].
    pub fn bound_mailbox(&self, bound: Option<Bound>) {
        // Once the service is ending there is no mailbox to bound.
        self.node().bound_mailbox(self.handle(), bound);
    }

    /// The bound of the own mailbox, and what it has cost others.
    #[must_use]
    pub fn mailbox_stat(&self) -> MailboxStat {
        self.node().mailbox_stat(self.handle()).unwrap_or_default()
    }
}

impl Node {
    /// Bounds the mailbox of a service of this node, or lifts the bound (`None`): see [`Policy`](crate::Policy). What waits already
    /// stays. False if the service is not alive.
    pub fn bound_mailbox(&self, service: Handle, bound: Option<Bound>) -> bool {
        let set = self.cell_of(service).and_then(|cell| cell.mailbox.set_bound(service, bound));
        if set == Some(true) {
            self.tell_relief(service);
        }
        set.is_some()
    }

    /// The bound of a mailbox, and what it has cost others. `None` if the service is not alive.
    #[must_use]
    pub fn mailbox_stat(&self, service: Handle) -> Option<MailboxStat> {
        self.cell_of(service)?.mailbox.stat(service)
    }

    /// Whether what feeds a service is to pause: its mailbox is bounded by [`Policy::PauseSockets`](crate::Policy::PauseSockets), and
    /// was full and is not half empty since. Each true is followed by a call of the function of [`Node::on_relief`].
    #[inline]
    #[must_use]
    pub fn is_full(&self, service: Handle) -> bool {
        self.0.table.find(service).is_some_and(|cell| cell.mailbox.is_full(service))
    }

    /// Names the function that is called with a service whose feeders may go on: see [`Node::is_full`]. The service may have ended.
    /// It may be called on any thread. False if the node has one already.
    pub fn on_relief(&self, hook: impl Fn(Handle) + Send + Sync + 'static) -> bool {
        self.0.relief.set(Box::new(hook)).is_ok()
    }

    pub(crate) fn tell_relief(&self, service: Handle) {
        if let Some(hook) = self.0.relief.get() {
            hook(service);
        }
    }
}
