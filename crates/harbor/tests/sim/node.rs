//! A node: its table of peers, with services that know only how to answer.

use skynet_core::{Handle, Message};
use skynet_harbor::Limits;
use skynet_harbor::peers::Peers;

/// Services of each node.
pub(crate) const SERVICES: u32 = 3;

/// How long others may be silent, in 1/100 s.
pub(crate) const HEARTBEAT: u64 = 300;

pub(crate) struct Node {
    pub(crate) id: u8,
    pub(crate) life: u32,
    pub(crate) alive: bool,
    /// Until when nothing happens in it.
    pub(crate) frozen: u64,
    pub(crate) peers: Peers,
    pub(crate) session: i32,
    /// Requests that its services have accepted: (service, request).
    pub(crate) owed: Vec<(Handle, Message)>,
}

impl Node {
    pub(crate) fn new(id: u8, life: u32) -> Node {
        let mut limits = Limits::default();
        limits.messages = 20;
        limits.bytes = 12_000;
        limits.heartbeat = std::time::Duration::from_millis(HEARTBEAT * 10);
        let peers = Peers::new(id, limits);
        Node { id, life, alive: true, frozen: 0, peers, session: 0, owed: Vec::new() }
    }

    /// The handle of a service: each life has others.
    pub(crate) fn service(&self, index: u32) -> Handle {
        Handle::new(self.id, skynet_harbor::first_local_id(u64::from(self.life)) + index)
    }

    pub(crate) fn has(&self, handle: Handle) -> bool {
        self.alive && (0..SERVICES).any(|index| self.service(index) == handle)
    }

    pub(crate) fn runs(&self, now: u64) -> bool {
        self.alive && now >= self.frozen
    }
}
