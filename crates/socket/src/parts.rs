//! Sending several blocks at once.

use std::sync::atomic::Ordering;

use skynet_core::Payload;

use crate::outbox::{Outbox, Phase, Priority};
use crate::socket::{Io, Kind, Socket};
use crate::sockets::Inner;
use crate::sync::lock;
use crate::write::write_all;
use crate::{SendError, SocketId, Sockets};

impl Sockets {
    /// Sends blocks one after the other on a connection, all of them before what others send later. If nothing waits they go
    /// to the system in one call, up to some dozens of them, and are not copied in any case; what has no room waits.
    ///
    /// It gives the number of bytes that wait on the connection now. As with [`Sockets::send`] there are connections on which
    /// bytes are lost.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`]: the id is unknown, its owner has closed it, or it is no connection. The blocks are dropped.
    ///
    /// ```
    /// # use skynet_core::{LogTarget, Node, Payload};
    /// # use skynet_socket::{Options, SocketId, Sockets};
    /// # let node = Node::builder().workers(1).log(LogTarget::Null).start()?;
    /// let sockets = Sockets::attach(&node, Options::default())?;
    /// let parts = vec![Payload::from("head"), Payload::from("body")];
    /// assert!(sockets.send_parts(SocketId::from_raw(1), parts).is_err(), "there is no such socket");
    /// # node.stop(std::time::Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_parts(&self, id: SocketId, mut parts: Vec<Payload>) -> Result<usize, SendError> {
        let closed = || SendError::Closed { id, data: Payload::empty() };
        let socket =
            self.inner().table.get(id).filter(|socket| matches!(socket.kind, Kind::Tcp | Kind::Bind));
        let socket = socket.ok_or_else(closed)?;
        parts.retain(|part| !part.is_empty());
        let mut out = lock(&socket.out);
        match out.phase {
            Phase::Closing | Phase::Closed => return Err(closed()),
            Phase::Unstarted | Phase::Broken => return Ok(0),
            Phase::Connecting | Phase::Open => {}
        }
        if !parts.is_empty() {
            self.inner().uncork(&socket, &mut out);
            self.inner().write_parts(&socket, &mut out, parts);
        }
        Ok(out.waiting())
    }

    /// The number of bytes that wait to be sent on a socket; 0 if there is none.
    #[must_use]
    pub fn waiting(&self, id: SocketId) -> usize {
        self.inner().table.get(id).map_or(0, |socket| lock(&socket.out).waiting())
    }
}

impl Inner {
    fn write_parts(&self, socket: &Socket, out: &mut Outbox, mut parts: Vec<Payload>) {
        let first = out.is_empty();
        let io = socket.io.get().filter(|_| first && out.phase == Phase::Open);
        let mut gone = 0;
        if let (Some(io), [part]) = (io, &*parts) {
            // The usual case: nothing has to be queued.
            if let Err(error) = write_all(socket, io, part, &mut gone) {
                return self.break_writing(socket, out, &error);
            }
            out.sent += gone as u64;
            out.sent_at = self.node.now_coarse();
            if gone == part.len() {
                return;
            }
        }
        // What was put off before may have broken it.
        if !matches!(out.phase, Phase::Open | Phase::Connecting) {
            return;
        }
        for part in parts.drain(..) {
            out.push(Priority::High, part, std::mem::take(&mut gone), None);
        }
        // From here on the poll sends when it is told of room; it waits for the lock that is held here.
        socket.queued.store(true, Ordering::SeqCst);
        if matches!(io, Some(Io::Stream(_) | Io::File(_))) {
            match self.flush(socket, out) {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => return self.break_writing(socket, out, &error),
            }
        }
        self.queued(socket, out, first);
    }
}
