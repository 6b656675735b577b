//! Bounds of mailboxes, for those who do not run the service: who sets them, and who feeds it.

use super::Node;
use crate::Handle;
use crate::cell::CellRef;
use crate::mailbox::{Bound, MailboxStat};

impl Node {
    /// Bounds the mailbox of a service of this node, or lifts the bound (`None`): see [`Policy`](crate::Policy). What waits already
    /// stays. False if the service is not alive.
    pub fn bound_mailbox(&self, service: Handle, bound: Option<Bound>) -> bool {
        let cell = self.cell_of(service);
        cell.is_some_and(|cell| self.bound_cell(service, cell, bound))
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

    pub(crate) fn bound_cell(&self, service: Handle, cell: CellRef, bound: Option<Bound>) -> bool {
        let set = cell.mailbox.set_bound(service, bound);
        if set == Some(true) {
            self.tell_relief(service);
        }
        set.is_some()
    }

    pub(crate) fn tell_relief(&self, service: Handle) {
        if let Some(hook) = self.0.relief.get() {
            hook(service);
        }
    }
}
