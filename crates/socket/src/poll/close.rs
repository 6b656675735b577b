//! Sending what waits, and closing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use skynet_core::SocketKind;

use super::Poller;
use crate::SocketId;
use crate::outbox::Phase;
use crate::socket::{Kind, Reading, Socket};
use crate::sync::lock;

/// A closed socket that still sends.
pub(super) struct Lingering {
    pub(super) until: Instant,
    id: SocketId,
    /// What it had sent when its time began.
    sent: u64,
}

impl Poller {
    /// There is room to write.
    pub(super) fn send_waiting(&mut self, socket: &Socket) {
        let mut out = lock(&socket.out);
        let done = match self.inner.flush(socket, &mut out) {
            Ok(done) => done,
            Err(error) => {
                self.inner.break_writing(socket, &mut out, &error);
                socket.queued.store(false, Ordering::SeqCst);
                true
            }
        };
        let over = done && out.phase == Phase::Closing;
        if over {
            // The order to close it may still be on its way.
            self.inner.tell_closed(socket, &mut out);
        }
        drop(out);
        if over {
            self.destroy(socket);
        } else if done && socket.kind != Kind::Tcp {
            self.watch(socket);
        }
    }

    pub(super) fn close(&mut self, id: SocketId) {
        let Some(socket) = self.inner.table.get(id) else { return };
        let mut out = lock(&socket.out);
        let (waits, sent) = (!out.is_empty(), out.sent);
        if !waits || socket.io.get().is_none() {
            drop(out);
            self.destroy_and_tell(socket);
            return;
        }
        self.inner.tell_closed(&socket, &mut out);
        drop(out);
        socket.set_reading(Reading::Ended);
        self.watch(&socket);
        self.linger(id, sent);
    }

    fn linger(&mut self, id: SocketId, sent: u64) {
        let until = self.inner.options.close_timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        if let Some(until) = until {
            self.lingering.push_back(Lingering { until, id, sent });
        }
    }

    /// Gives up those that had their time and got rid of nothing.
    pub(super) fn end_lingering(&mut self, now: Instant) {
        while self.lingering.front().is_some_and(|first| first.until <= now) {
            let Some(Lingering { id, sent, .. }) = self.lingering.pop_front() else { return };
            let Some(socket) = self.inner.table.get(id) else { continue };
            let sent_now = lock(&socket.out).sent;
            if sent_now == sent {
                self.destroy(&socket);
            } else {
                self.linger(id, sent_now);
            }
        }
    }

    pub(super) fn shutdown(&mut self, id: SocketId) {
        let Some(socket) = self.inner.table.get(id) else { return };
        self.destroy_and_tell(socket);
    }

    /// Forgets a socket and then tells its owner: who hears that a listener is closed may listen on its port again.
    fn destroy_and_tell(&mut self, socket: Arc<Socket>) {
        let told = std::mem::replace(&mut lock(&socket.out).close_told, true);
        let (owner, id) = (socket.owner(), socket.id);
        self.destroy(&socket);
        drop(socket);
        if !told {
            self.inner.tell(owner, SocketKind::Close, id, 0, "");
        }
    }

    /// The system refuses to watch a socket or to give memory for it.
    pub(super) fn fail(&mut self, socket: &Socket, error: &io::Error) {
        self.inner.tell_error(socket, error);
        self.inner.tell_closed(socket, &mut lock(&socket.out));
        self.destroy(socket);
    }

    /// Forgets a socket. Its descriptor is closed when nobody writes to it any more.
    pub(super) fn destroy(&mut self, socket: &Socket) {
        self.attempts.remove(&socket.id);
        if socket.kind == Kind::Bind {
            // Another copy of the descriptor may stay open; the others are forgotten by the system when they are closed, and
            // what it still reports of them finds nobody.
            self.unwatch(socket);
        }
        {
            let mut out = lock(&socket.out);
            out.phase = Phase::Closed;
            out.clear();
            out.stash = None;
        }
        socket.queued.store(false, Ordering::SeqCst);
        socket.set_reading(Reading::Ended);
        self.inner.table.remove(socket.id);
    }

    /// The end of the thread: its share of the sockets is closed.
    pub(super) fn close_all(&mut self) {
        let threads = self.inner.options.threads.max(1);
        for socket in self.inner.table.all() {
            if socket.id.raw().unsigned_abs() as usize % threads == self.index {
                self.destroy(&socket);
            }
        }
    }
}
