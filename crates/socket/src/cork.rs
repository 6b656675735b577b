//! Small writes of one turn go out together.
//!
//! A service that answers sixteen requests which came in one read writes sixteen times; each write would be a system call, by far the
//! dearest part of the answer. So a small write to a socket on which nothing waits is kept in the socket's [`Outbox`], and the
//! worker notes which socket that is. It goes out when the worker's turn ends, when the worker writes to another socket, when there is
//! much of it, or before anything else happens to the socket. If the turn takes long, the core does not wait for its end.

use std::sync::{Arc, Mutex};

use crate::outbox::{Outbox, Phase, Priority};
use crate::socket::{Io, Socket};
use crate::sockets::Inner;
use crate::sync::lock;
use crate::write::write_all;
use crate::{SocketId, Sockets};

/// Longer writes are system calls of their own.
pub(crate) const SMALL: usize = 4 * 1024;

/// So much goes out at once at the latest.
const ENOUGH: usize = 16 * 1024;

/// What is put off. Boxed, since nearly all sockets have none.
#[derive(Default)]
pub(crate) struct Cork {
    bytes: Vec<u8>,
}

/// A place for each worker.
pub(crate) struct Corks(Box<[Mutex<Place>]>);

#[derive(Default)]
struct Place {
    /// The socket that this worker has put something off for.
    socket: Option<Arc<Socket>>,
    /// A buffer for the next one.
    spare: Option<Box<Cork>>,
}

impl Corks {
    pub(crate) fn new(workers: usize) -> Corks {
        Corks((0..workers).map(|_| Mutex::default()).collect())
    }
}

impl Sockets {
    /// Sends what services have put off to the ends of their turns: for those who end the process in the middle of one.
    pub fn flush(&self) {
        let inner = self.inner();
        (0..inner.corks.0.len()).for_each(|worker| inner.uncork_worker(worker));
    }
}

impl Inner {
    /// The turn of a worker has ended, or takes long.
    pub(crate) fn uncork_worker(&self, worker: usize) {
        self.uncork_unless(worker, None);
    }

    /// Sends what the worker has put off, unless that is for this socket.
    pub(crate) fn uncork_unless(&self, worker: usize, id: Option<SocketId>) {
        let Some(place) = self.corks.0.get(worker) else { return };
        let socket = {
            let mut place = lock(place);
            if place.socket.as_ref().is_none_or(|socket| Some(socket.id) == id) {
                return;
            }
            place.socket.take()
        };
        let Some(socket) = socket else { return };
        let buffer = self.uncork(&socket, &mut lock(&socket.out));
        if let Some(buffer) = buffer {
            lock(place).spare = Some(buffer);
        }
    }

    /// Puts a write off if others were, or may be. Nothing waits on the socket. False if it has to go out now.
    pub(crate) fn cork(
        &self,
        socket: &Arc<Socket>,
        out: &mut Outbox,
        worker: Option<usize>,
        bytes: &[u8],
    ) -> bool {
        if let Some(corked) = &mut out.corked {
            if corked.bytes.len() + bytes.len() <= ENOUGH {
                corked.bytes.extend_from_slice(bytes);
                return true;
            }
            self.uncork(socket, out);
            if !out.is_empty() || out.phase != Phase::Open {
                return false;
            }
        }
        let place = worker.and_then(|worker| self.corks.0.get(worker));
        let Some(place) =
            place.filter(|_| bytes.len() <= SMALL && matches!(socket.io.get(), Some(Io::Stream(_))))
        else {
            return false;
        };
        let mut place = lock(place);
        let mut buffer = place.spare.take().unwrap_or_default();
        place.socket = Some(Arc::clone(socket));
        drop(place);
        buffer.bytes.extend_from_slice(bytes);
        out.corked = Some(buffer);
        // Once more, now that the place is filled: since the writer asked, the end of a long turn may have come, and found it empty.
        let _ = self.node.defer();
        true
    }

    /// Sends what was put off. The buffer comes back empty, for the next time.
    pub(crate) fn uncork(&self, socket: &Socket, out: &mut Outbox) -> Option<Box<Cork>> {
        let mut corked = out.corked.take()?;
        if let Some(io) = socket.io.get() {
            let mut gone = 0;
            match write_all(socket, io, &corked.bytes, &mut gone) {
                Ok(()) => {
                    out.sent += gone as u64;
                    out.sent_at = self.node.now_coarse();
                    if let Some(rest) = corked.bytes.get(gone..).filter(|rest| !rest.is_empty()) {
                        out.push(Priority::High, rest.into(), 0, None);
                        self.queued(socket, out, true);
                    }
                }
                Err(error) => self.break_writing(socket, out, &error),
            }
        }
        corked.bytes.clear();
        Some(corked)
    }
}
