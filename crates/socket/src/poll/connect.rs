//! Making connections.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mio::event::Source;
use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Interest, Token};
use skynet_core::SocketKind;

use super::Poller;
use super::watch::token;
use crate::SocketId;
use crate::outbox::Phase;
use crate::socket::{Io, Reading, Socket};
use crate::sync::lock;
use crate::sys;

/// A connection that is being made.
pub(super) struct Attempt {
    stream: TcpStream,
    /// Addresses to try after this one.
    others: std::vec::IntoIter<SocketAddr>,
}

impl Poller {
    pub(super) fn connect(&mut self, id: SocketId, addresses: Result<Vec<SocketAddr>, String>) {
        // It may have been closed while the host was looked up.
        let Some(socket) = self.inner.table.get(id) else { return };
        match addresses {
            Ok(addresses) => {
                self.attempt(&socket, addresses.into_iter(), "the host has no address".to_owned());
            }
            Err(reason) => self.not_connected(&socket, &reason),
        }
    }

    /// Tries addresses until one does not fail at once.
    fn attempt(&mut self, socket: &Socket, mut others: std::vec::IntoIter<SocketAddr>, mut reason: String) {
        while let Some(address) = others.next() {
            let begun = TcpStream::connect(address).and_then(|stream| {
                self.register(&stream, token(socket.id))?;
                Ok(stream)
            });
            match begun {
                Ok(stream) => {
                    self.attempts.insert(socket.id, Attempt { stream, others });
                    return;
                }
                Err(error) => reason = sys::error_text(&error),
            }
        }
        self.not_connected(socket, &reason);
    }

    fn register(&self, stream: &TcpStream, token: Token) -> std::io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        SourceFd(&stream.as_raw_fd()).register(self.poll.registry(), token, interest)
    }

    fn not_connected(&mut self, socket: &Socket, reason: &str) {
        self.inner.tell(socket.owner(), SocketKind::Error, socket.id, 0, reason);
        self.destroy(socket);
    }

    /// The system has news of a connection that is being made.
    pub(super) fn attempt_changed(&mut self, id: SocketId) {
        let Some(Attempt { stream, others }) = self.attempts.remove(&id) else { return };
        // Its stream is closed with it.
        let Some(socket) = self.inner.table.get(id) else { return };
        let failure = match stream.take_error() {
            Ok(None) => match stream.peer_addr() {
                Ok(peer) => return self.connected(&socket, stream, peer),
                Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) => {
                    self.attempts.insert(id, Attempt { stream, others });
                    return;
                }
                Err(error) => error,
            },
            Ok(Some(error)) | Err(error) => error,
        };
        drop(stream);
        self.attempt(&socket, others, sys::error_text(&failure));
    }

    fn connected(&mut self, socket: &Arc<Socket>, stream: TcpStream, peer: SocketAddr) {
        // Neither fails on a connection that has just been made, and both are wishes.
        let _ = sys::keep_alive(stream.as_fd(), true);
        let stream = std::net::TcpStream::from(stream);
        socket.registered.store(true, Ordering::Relaxed);
        let mut out = lock(&socket.out);
        // An attempt sets it once.
        let _ = socket.io.set(Io::Stream(stream));
        if socket.no_delay.load(Ordering::SeqCst)
            && let Some(Io::Stream(stream)) = socket.io.get()
        {
            let _ = stream.set_nodelay(true);
        }
        if out.phase == Phase::Connecting {
            out.phase = Phase::Open;
        }
        socket.set_reading(Reading::On);
        self.inner.tell(socket.owner(), SocketKind::Connect, socket.id, 0, &peer.ip().to_string());
        let waiting = !out.is_empty();
        drop(out);
        if waiting {
            self.send_waiting(socket);
        }
        // The first bytes, or the end, may have come with the same event.
        self.ready.push(socket.id);
    }
}
