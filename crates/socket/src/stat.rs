//! Figures of sockets.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use skynet_core::Handle;

use crate::outbox::Phase;
use crate::socket::{Kind, Reading, Socket};
use crate::sync::lock;
use crate::{SocketId, Sockets};

/// Figures of one socket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SocketInfo {
    /// Its id.
    pub id: SocketId,
    /// The service that gets its messages.
    pub owner: Handle,
    /// How it is used.
    pub kind: Kind,
    /// Whether its owner has closed it and it is still sending, or its peer has ended.
    pub closing: bool,
    /// Bytes read; connections taken, of a listener.
    pub read: u64,
    /// Bytes sent.
    pub written: u64,
    /// Bytes that wait to be sent.
    pub waiting: usize,
    /// When something was read or accepted last, in 1/100 s of [`Node::now`](skynet_core::Node::now); 0 for never.
    pub read_at: u64,
    /// When something was sent last, in the same unit.
    pub written_at: u64,
    /// Whether it reads (it was started and is not paused).
    pub reading: bool,
    /// Whether it waits until it can send.
    pub writing: bool,
    /// The other side; of listeners and UDP sockets the own one.
    pub address: Option<SocketAddr>,
}

impl Sockets {
    /// The figures of all sockets, in the order of their ids.
    #[must_use]
    pub fn netstat(&self) -> Vec<SocketInfo> {
        let mut infos: Vec<_> = self.inner().table.all().iter().map(|socket| info(socket)).collect();
        infos.sort_unstable_by_key(|info| info.id);
        infos
    }

    /// The figures of one socket.
    #[must_use]
    pub fn stat(&self, id: SocketId) -> Option<SocketInfo> {
        self.inner().table.get(id).map(|socket| info(&socket))
    }
}

fn info(socket: &Socket) -> SocketInfo {
    let address = socket.address();
    let out = lock(&socket.out);
    SocketInfo {
        id: socket.id,
        owner: socket.owner(),
        kind: socket.kind,
        closing: out.phase == Phase::Closing || socket.reading() == Reading::Ended,
        read: socket.read.load(Ordering::Relaxed),
        written: out.sent,
        waiting: out.waiting(),
        read_at: socket.read_at.load(Ordering::Relaxed),
        written_at: out.sent_at,
        reading: socket.reading() == Reading::On,
        writing: !out.is_empty(),
        address,
    }
}
