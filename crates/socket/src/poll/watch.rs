//! What the system is asked to report of a socket.

use std::io;
use std::sync::atomic::Ordering;

use mio::unix::SourceFd;
use mio::{Interest, Token};

use super::Poller;
use crate::SocketId;
use crate::socket::{Kind, Reading, Socket};

pub(super) fn token(id: SocketId) -> Token {
    Token(usize::try_from(id.raw()).unwrap_or(usize::MAX))
}

impl Poller {
    /// Brings the registration in line with the state of a socket. Whatever is the case already is reported again.
    ///
    /// A connection is always watched for room to write, so that nobody has to come here when bytes begin to wait. Other
    /// descriptors would wake the thread with every write, so they are watched for room only while something waits.
    pub(super) fn watch(&mut self, socket: &Socket) {
        if let Err(error) = self.try_watch(socket) {
            if error.raw_os_error() == Some(libc::EPERM) && socket.kind == Kind::Bind {
                // A file, which is never waited for.
                if socket.reading() == Reading::On {
                    self.ready.push(socket.id);
                }
            } else {
                self.fail(socket, &error);
            }
        }
    }

    fn try_watch(&self, socket: &Socket) -> io::Result<()> {
        let Some(io) = socket.io.get() else { return Ok(()) };
        let read = match socket.reading() {
            Reading::On => true,
            // A connection that nobody owns is watched for its end.
            Reading::Paused => socket.kind == Kind::Tcp && !self.inner.node.is_alive(socket.owner()),
            Reading::Held | Reading::Fresh | Reading::Ended => false,
        };
        let read = read.then_some(Interest::READABLE);
        let write = socket.kind == Kind::Tcp || socket.queued.load(Ordering::SeqCst);
        let write = write.then_some(Interest::WRITABLE);
        let interest = match (read, write) {
            (Some(read), Some(write)) => Some(read | write),
            (one, other) => one.or(other),
        };
        let raw = io.raw();
        let mut source = SourceFd(&raw);
        let registered = socket.registered.load(Ordering::Relaxed);
        let registry = self.poll.registry();
        match (interest, registered) {
            (Some(interest), true) => {
                mio::event::Source::reregister(&mut source, registry, token(socket.id), interest)?;
            }
            (Some(interest), false) => {
                mio::event::Source::register(&mut source, registry, token(socket.id), interest)?;
            }
            (None, true) => registry.deregister(&mut source)?,
            (None, false) => {}
        }
        socket.registered.store(interest.is_some(), Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn unwatch(&self, socket: &Socket) {
        if socket.registered.swap(false, Ordering::Relaxed)
            && let Some(io) = socket.io.get()
        {
            // It was registered here and is still open, so the system has no reason to refuse.
            let _ = self.poll.registry().deregister(&mut SourceFd(&io.raw()));
        }
    }
}
