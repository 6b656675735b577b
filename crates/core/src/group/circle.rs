//! Circles of groups and tunnels on one node: a message in one would go round for ever, and with two ways round become more and more.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use super::Groups;
use crate::Handle;
use crate::sync::lock;

impl Groups {
    pub(super) fn add_tunnel(&self, tunnel: Handle, target: Handle) {
        self.tunnels.write().unwrap_or_else(PoisonError::into_inner).insert(tunnel, target);
    }

    pub(super) fn remove_tunnel(&self, tunnel: Handle) {
        self.tunnels.write().unwrap_or_else(PoisonError::into_inner).remove(&tunnel);
    }

    fn target_of(&self, tunnel: Handle) -> Option<Handle> {
        self.tunnels.read().unwrap_or_else(PoisonError::into_inner).get(&tunnel).copied()
    }

    /// Whether a service is a group or a tunnel of this node.
    pub(super) fn passes_on(&self, service: Handle) -> bool {
        self.target_of(service).is_some() || self.get(service).is_some()
    }

    /// Keeps others from closing a circle meanwhile.
    pub(super) fn link(&self) -> MutexGuard<'_, ()> {
        lock(&self.linking)
    }

    /// Whether what is sent to `from` comes to `to`.
    pub(super) fn lead_back(&self, from: Handle, to: Handle) -> bool {
        let (mut seen, mut ahead) = (HashSet::from([from]), vec![from]);
        while let Some(next) = ahead.pop() {
            if next == to {
                return true;
            }
            let members = self.get(next).map(|group| lock(&group.members).all.list().to_vec());
            let onward = members.into_iter().flatten().chain(self.target_of(next));
            ahead.extend(onward.filter(|handle| seen.insert(*handle)));
        }
        false
    }
}
