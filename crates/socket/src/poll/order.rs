//! What other threads want of a poll thread.

use std::net::SocketAddr;

use skynet_core::{Handle, Payload, SocketKind};

use super::Poller;
use crate::SocketId;
use crate::outbox::Phase;
use crate::socket::{Kind, Reading, Socket};
use crate::sync::lock;

/// An order to a poll thread.
pub(crate) enum Command {
    /// Read from a socket that is open already.
    Open(SocketId),
    /// Read for this owner.
    Start { id: SocketId, owner: Handle },
    /// Stop reading.
    Pause(SocketId),
    /// Stop reading while the mailbox of this service is full.
    Hold { id: SocketId, by: Handle },
    /// The mailbox of this service is full no more.
    Relieve(Handle),
    /// Make a connection to one of these addresses, or say why there are none.
    Connect { id: SocketId, addresses: Result<Vec<SocketAddr>, String> },
    /// Something waits on a socket that is not always watched for room.
    Watch(SocketId),
    /// Send what waits, then close.
    Close(SocketId),
    /// Close.
    Shutdown(SocketId),
    /// End, and close everything.
    Stop,
}

impl Poller {
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Open(id) => self.open(id),
            Command::Start { id, owner } => self.start(id, owner),
            Command::Pause(id) => self.pause(id),
            Command::Hold { id, by } => {
                if let Some(socket) = self.inner.table.get(id) {
                    self.hold_if_full(&socket, by);
                }
            }
            Command::Relieve(service) => self.relieve(service),
            Command::Connect { id, addresses } => self.connect(id, addresses),
            Command::Watch(id) => {
                if let Some(socket) = self.inner.table.get(id) {
                    self.watch(&socket);
                }
            }
            Command::Close(id) => self.close(id),
            Command::Shutdown(id) => self.shutdown(id),
            Command::Stop => self.stopped = true,
        }
    }

    fn open(&mut self, id: SocketId) {
        let Some(socket) = self.inner.table.get(id) else { return };
        {
            let mut out = lock(&socket.out);
            if out.phase == Phase::Unstarted {
                out.phase = Phase::Open;
            }
        }
        socket.set_reading(Reading::On);
        self.watch(&socket);
    }

    fn start(&mut self, id: SocketId, owner: Handle) {
        let socket = self.inner.table.get(id).filter(|socket| socket.io.get().is_some());
        let Some(socket) = socket else {
            self.inner.tell(owner, SocketKind::Error, id, 0, "invalid socket");
            return;
        };
        let mut out = lock(&socket.out);
        if matches!(out.phase, Phase::Closing | Phase::Closed) {
            // Its owner still hears of the end; whoever will not must not wait for ever.
            if out.close_told || socket.owner() != owner {
                self.inner.tell(owner, SocketKind::Error, id, 0, "socket closed");
            }
            return;
        }
        let before = socket.reading();
        if before == Reading::Ended {
            self.inner.tell(owner, SocketKind::Error, id, 0, "socket closed");
            return;
        }
        if out.phase == Phase::Unstarted && socket.kind != Kind::Listen {
            out.phase = Phase::Open;
        }
        socket.set_owner(owner);
        socket.set_reading(Reading::On);
        let text = if before == Reading::Fresh { "start" } else { "transfer" };
        self.inner.tell(owner, SocketKind::Connect, id, 0, text);
        if let Some(message) = out.stash.take()
            && let Err(message) = self.inner.deliver(owner, message)
        {
            out.stash = Some(message);
            socket.set_reading(Reading::Paused);
        }
        drop(out);
        self.watch(&socket);
    }

    fn pause(&mut self, id: SocketId) {
        let Some(socket) = self.inner.table.get(id) else { return };
        if matches!(socket.reading(), Reading::On | Reading::Held) {
            socket.set_reading(Reading::Paused);
            self.watch(&socket);
        }
    }

    /// Reads no more from a socket while the mailbox of a service that it feeds is full. True if that is so.
    pub(super) fn hold_if_full(&mut self, socket: &Socket, by: Handle) -> bool {
        if !self.inner.node.is_full(by) {
            return false;
        }
        // The order to relieve it comes after this, since the mailbox was full just now.
        if socket.reading() == Reading::On {
            socket.set_reading(Reading::Held);
            self.held.entry(by).or_default().push(socket.id);
            self.watch(socket);
        }
        true
    }

    fn relieve(&mut self, service: Handle) {
        for id in self.held.remove(&service).unwrap_or_default() {
            // Since then it may have been closed, paused, or given to another owner.
            let socket = self.inner.table.get(id);
            if let Some(socket) = socket.filter(|socket| socket.reading() == Reading::Held) {
                socket.set_reading(Reading::On);
                self.watch(&socket);
            }
        }
    }

    /// Keeps a message whose owner is gone for the next one, and reads no more until there is one.
    pub(super) fn orphaned(&mut self, socket: &Socket, message: Option<Payload>) {
        lock(&socket.out).stash = message;
        socket.set_reading(Reading::Paused);
        self.watch(socket);
    }
}
