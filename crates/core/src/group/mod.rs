//! Groups: services with one address for all of them; and tunnels, which forward what is sent to them.
//!
//! A group is a service of its own. Whoever may join is noted beside it, in the node, so that joining takes effect at once and needs no
//! message: every message that is handled by the group after that reaches the new member.

mod circle;
mod service;
mod set;
mod tunnel;
mod watching;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use service::group_module;
pub use set::HandleSet;
pub use tunnel::tunnel_module;

use crate::sync::lock;
use crate::{GroupError, Handle, Node};

/// The groups of a node.
#[derive(Default)]
pub(crate) struct Groups {
    all: RwLock<HashMap<Handle, Arc<Group>>>,
    /// Where the tunnels of this node lead to.
    tunnels: RwLock<HashMap<Handle, Handle>>,
    /// Held by whoever looks for circles and then makes a group or a tunnel a member.
    linking: Mutex<()>,
}

/// A group, as those see it who join.
pub(crate) struct Group {
    label: String,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    all: HandleSet,
    /// Members of other nodes that nobody watches yet.
    strangers: Vec<Handle>,
}

/// What [`Node::groups_info`] tells of a group.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GroupInfo {
    /// Its address.
    pub handle: Handle,
    /// The text that it was launched with.
    pub label: String,
    /// How many services are in it.
    pub members: usize,
}

impl Groups {
    fn get(&self, group: Handle) -> Option<Arc<Group>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(&group).map(Arc::clone)
    }

    fn add(&self, handle: Handle, group: Arc<Group>) {
        self.all.write().unwrap_or_else(PoisonError::into_inner).insert(handle, group);
    }

    fn remove(&self, handle: Handle) {
        self.all.write().unwrap_or_else(PoisonError::into_inner).remove(&handle);
    }
}

impl Node {
    /// A group that is alive: one that was killed may not have ended yet.
    fn find_group(&self, group: Handle) -> Option<Arc<Group>> {
        self.groups().get(group).filter(|_| self.is_alive(group))
    }

    /// Adds a service to a group of this node: from now on it gets what is sent to the group. It leaves when it ends. A service of
    /// another node may be a member, too. False if it is one already.
    ///
    /// # Errors
    ///
    /// [`GroupError`] if there is no such group, the service is not alive, or it is the group itself, or another group or a tunnel
    /// that leads back to it. Circles over other nodes are not noticed.
    pub fn group_join(&self, group: Handle, member: Handle) -> Result<bool, GroupError> {
        if group == member {
            return Err(GroupError::Itself { group });
        }
        let found = self.find_group(group).ok_or(GroupError::NoGroup { group })?;
        let linking = self.groups().passes_on(member).then(|| self.groups().link());
        if linking.is_some() && self.groups().lead_back(member, group) {
            return Err(GroupError::Circle { group, member });
        }
        let mut members = lock(&found.members);
        if !members.all.add(member) {
            return Ok(false);
        }
        // With the lock held: the notice of an end is looked at after this.
        let alive = if self.is_remote(member) {
            members.strangers.push(member);
            // The group watches it by a message of its own.
            self.has_harbor() && self.send(Handle::NONE, group, service::LOOK, 0, service::look()).is_ok()
        } else {
            self.watch(group, member)
        };
        if alive {
            return Ok(true);
        }
        members.all.remove(member);
        Err(if self.is_alive(group) {
            GroupError::NotAlive { member }
        } else {
            GroupError::NoGroup { group }
        })
    }

    /// Takes a service out of a group; messages that the group has not handled yet do not reach it any more. False if it is no member.
    ///
    /// # Errors
    ///
    /// [`GroupError::NoGroup`].
    pub fn group_leave(&self, group: Handle, member: Handle) -> Result<bool, GroupError> {
        let found = self.find_group(group).ok_or(GroupError::NoGroup { group })?;
        let mut members = lock(&found.members);
        let left = members.all.remove(member);
        if left {
            self.unwatch(group, member);
        }
        Ok(left)
    }

    /// The groups of this node, by their handles.
    #[must_use]
    pub fn groups_info(&self) -> Vec<GroupInfo> {
        let groups = self.groups().all.read().unwrap_or_else(PoisonError::into_inner);
        let mut infos: Vec<GroupInfo> = groups
            .iter()
            .filter(|(handle, _)| self.is_alive(**handle))
            .map(|(handle, group)| GroupInfo {
                handle: *handle,
                label: group.label.clone(),
                members: lock(&group.members).all.list().len(),
            })
            .collect();
        infos.sort_unstable_by_key(|info| info.handle.raw());
        infos
    }

    /// The members of a group, in no order; `None` if there is no such group.
    #[must_use]
    pub fn group_members(&self, group: Handle) -> Option<Vec<Handle>> {
        let found = self.find_group(group)?;
        let members = lock(&found.members).all.list().to_vec();
        Some(members)
    }

    /// The text that a group was launched with; `None` if there is no such group.
    #[must_use]
    pub fn group_label(&self, group: Handle) -> Option<String> {
        Some(self.find_group(group)?.label.clone())
    }

    /// How many members a group has; `None` if there is no such group.
    #[must_use]
    pub fn group_count(&self, group: Handle) -> Option<usize> {
        let found = self.find_group(group)?;
        let count = lock(&found.members).all.list().len();
        Some(count)
    }
}
