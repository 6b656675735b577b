//! Taking connections.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use skynet_core::{SocketKind, SocketMessage};

use super::Poller;
use crate::SocketId;
use crate::error::{FULL, OpenError};
use crate::socket::{Io, Kind, Socket};
use crate::sys;

/// Connections of one listener before others have their turn.
const ROUNDS: usize = 64;

/// How soon taking connections is tried again when there is no descriptor at all.
const RETRY: Duration = Duration::from_millis(100);

/// A descriptor to give up when there is no other.
pub(super) fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

impl Poller {
    /// True if there may be more.
    pub(super) fn accept(&mut self, listener: &Socket, io: &TcpListener) -> bool {
        for _ in 0..ROUNDS {
            match io.accept() {
                Ok((stream, address)) => {
                    if !self.accepted(listener, stream.into(), address) {
                        return false;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) if sys::out_of_descriptors(&error) => {
                    if !self.turn_away(listener, io, &error) {
                        return false;
                    }
                }
                Err(error) if sys::out_of_memory(&error) => {
                    self.inner.tell_error(listener, &error);
                    self.starve(listener.id);
                    return false;
                }
                // The connection has gone before it was taken, or something of the kind.
                Err(_) => {}
            }
        }
        true
    }

    /// False if nobody is there to get it: then the listener has stopped.
    fn accepted(&mut self, listener: &Socket, stream: TcpStream, address: SocketAddr) -> bool {
        let owner = listener.owner();
        let made = self.inner.insert(|id| Socket::with_io(id, owner, Kind::Tcp, Io::Stream(stream)));
        let socket = match made {
            Ok(socket) => socket,
            Err(OpenError::Full) => {
                self.inner.tell(owner, SocketKind::Error, listener.id, 0, FULL);
                return true;
            }
            Err(_) => return false,
        };
        listener.count_read(1, self.inner.node.now_coarse());
        let peer = format!("{}:{}", address.ip(), address.port());
        let message =
            SocketMessage::with_text(SocketKind::Accept, listener.id.raw(), socket.id.raw(), peer.as_bytes());
        if self.inner.deliver(owner, message).is_ok() {
            return true;
        }
        self.destroy(&socket);
        self.orphaned(listener, None);
        false
    }

    /// There is no descriptor for a connection that waits: it is taken with the spare one and dropped, so that it does not
    /// wait for ever. False if none waits (without a descriptor the system does not look), or there is no spare one either.
    fn turn_away(&mut self, listener: &Socket, io: &TcpListener, error: &std::io::Error) -> bool {
        if self.spare.take().is_none() {
            self.spare = spare();
            if self.spare.take().is_none() {
                self.starve(listener.id);
                return false;
            }
        }
        let taken = io.accept();
        self.spare = spare();
        let (stream, address) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                if sys::out_of_descriptors(&error) {
                    // Somebody was faster with the descriptor.
                    self.starve(listener.id);
                }
                return false;
            }
        };
        if self.spare.is_some() {
            // There are descriptors again.
            return self.accepted(listener, stream.into(), address);
        }
        drop(stream);
        self.inner.tell_error(listener, error);
        self.spare = spare();
        if self.spare.is_none() {
            self.starve(listener.id);
        }
        self.spare.is_some()
    }

    /// Nothing reports that descriptors are back, so the listener tries again after a while.
    fn starve(&mut self, id: SocketId) {
        if self.starved.is_empty() {
            self.retry_at = Instant::now() + RETRY;
        }
        self.starved.push(id);
    }

    /// Listeners that had no descriptor at all try again.
    pub(super) fn retry_starved(&mut self) {
        if !self.starved.is_empty() && self.retry_at <= Instant::now() {
            self.spare = self.spare.take().or_else(spare);
            let starved = std::mem::take(&mut self.starved);
            self.ready.extend(starved);
        }
    }
}
