//! Sending: at once if nothing waits, later otherwise.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use skynet_core::{Payload, SocketKind};

use crate::cork::SMALL;
use crate::outbox::{GATHER, Outbox, Phase, Priority};
use crate::poll::Command;
use crate::socket::{Io, Kind, Reading, Socket};
use crate::sockets::Inner;
use crate::sync::lock;
use crate::{SendError, SocketId, Sockets, sys};

/// How the owner is told that too much waits for a peer that does not read.
pub(crate) const OVERFLOW: &str = "send buffer overflow";

/// Bytes to be sent. What is borrowed is copied only if it has to wait.
#[derive(Debug)]
#[non_exhaustive]
pub enum Data<'a> {
    /// Borrowed for the call.
    Bytes(&'a [u8]),
    /// Given away.
    Payload(Payload),
}

impl Data<'_> {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Data::Bytes(bytes) => bytes,
            Data::Payload(payload) => payload,
        }
    }

    /// What is to wait, and how much of it is gone already.
    fn rest(self, gone: usize) -> (Payload, usize) {
        match self {
            Data::Bytes(bytes) => (Payload::from(bytes.get(gone..).unwrap_or_default()), 0),
            Data::Payload(payload) => (payload, gone),
        }
    }

    /// What goes back with an error.
    fn back(self) -> Payload {
        match self {
            Data::Bytes(_) => Payload::empty(),
            Data::Payload(payload) => payload,
        }
    }
}

impl From<Payload> for Data<'_> {
    fn from(payload: Payload) -> Self {
        Data::Payload(payload)
    }
}

impl<'a> From<&'a [u8]> for Data<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Data::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Data<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Data::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Data<'a> {
    fn from(text: &'a str) -> Self {
        Data::Bytes(text.as_bytes())
    }
}

impl Sockets {
    /// Sends on a connection, an adopted descriptor, or a UDP socket that has a peer. What the system does not take at once
    /// waits; while a connection is being made everything waits.
    ///
    /// It succeeds on a connection that was accepted and not started, or whose writes have failed, and the bytes are lost.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands a payload back: the id is unknown or its owner has closed it, or a datagram cannot go.
    pub fn send<'a>(&self, id: SocketId, data: impl Into<Data<'a>>) -> Result<(), SendError> {
        self.inner().write(id, data.into(), Priority::High, None)
    }

    /// As [`Sockets::send`]; what has to wait goes out when nothing else waits.
    ///
    /// # Errors
    ///
    /// As [`Sockets::send`].
    pub fn send_low<'a>(&self, id: SocketId, data: impl Into<Data<'a>>) -> Result<(), SendError> {
        self.inner().write(id, data.into(), Priority::Low, None)
    }
}

impl Inner {
    pub(crate) fn write(
        &self,
        id: SocketId,
        data: Data<'_>,
        priority: Priority,
        to: Option<SocketAddr>,
    ) -> Result<(), SendError> {
        let Some(socket) = self.table.get(id) else {
            return Err(SendError::Closed { id, data: data.back() });
        };
        // Before any lock is held: this may be a write to another socket.
        let small = data.as_bytes().len() <= SMALL && socket.kind == Kind::Tcp;
        let worker = if small { self.node.defer() } else { None };
        if let Some(worker) = worker {
            self.uncork_unless(worker, Some(id));
        }
        let mut out = lock(&socket.out);
        match out.phase {
            Phase::Closing | Phase::Closed => return Err(SendError::Closed { id, data: data.back() }),
            Phase::Unstarted | Phase::Broken => return Ok(()),
            Phase::Connecting | Phase::Open => {}
        }
        if let Some(Io::Udp(udp)) = socket.io.get() {
            return self.write_datagram(&socket, &mut out, udp, data, priority, to);
        }
        if to.is_some() {
            return Err(SendError::NoAddress { id, data: data.back() });
        }
        if data.as_bytes().is_empty() {
            return Ok(());
        }
        if out.is_empty() {
            if priority == Priority::High && self.cork(&socket, &mut out, worker, data.as_bytes()) {
                return Ok(());
            }
            // What was put off goes first.
            self.uncork(&socket, &mut out);
            // A failure, or too much that waits: nothing may follow what was lost.
            if matches!(out.phase, Phase::Broken | Phase::Closing) {
                return Ok(());
            }
        }
        let mut gone = 0;
        if out.is_empty()
            && let Some(io) = socket.io.get()
        {
            match write_all(&socket, io, data.as_bytes(), &mut gone) {
                Ok(()) => {
                    out.sent += gone as u64;
                    out.sent_at = self.node.now_coarse();
                    if gone == data.as_bytes().len() {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.break_writing(&socket, &mut out, &error);
                    return Ok(());
                }
            }
        }
        let (rest, begun) = data.rest(gone);
        let first = out.is_empty();
        out.push(priority, rest, begun, None);
        self.queued(&socket, &mut out, first);
        Ok(())
    }

    fn write_datagram(
        &self,
        socket: &Socket,
        out: &mut Outbox,
        udp: &UdpSocket,
        data: Data<'_>,
        priority: Priority,
        to: Option<SocketAddr>,
    ) -> Result<(), SendError> {
        let id = socket.id;
        let Some(to) = to.or(out.peer.as_deref().copied()) else {
            return Err(SendError::NoAddress { id, data: data.back() });
        };
        if out.is_empty() {
            match udp.send_to(data.as_bytes(), to) {
                Ok(sent) => {
                    out.sent += sent as u64;
                    out.sent_at = self.node.now_coarse();
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(cause) => return Err(SendError::Datagram { id, cause, data: data.back() }),
            }
        }
        let first = out.is_empty();
        let (rest, _) = data.rest(0);
        out.push(priority, rest, 0, Some(to));
        self.queued(socket, out, first);
        Ok(())
    }

    /// More waits than before: somebody must send it, and the owner may have to know.
    pub(crate) fn queued(&self, socket: &Socket, out: &mut Outbox, first: bool) {
        socket.queued.store(true, Ordering::SeqCst);
        if out.waiting() > out.limit {
            let text = format!("{OVERFLOW}: {} bytes wait, the limit is {}", out.waiting(), out.limit);
            self.tell(socket.owner(), SocketKind::Error, socket.id, 0, &text);
            out.clear();
            out.phase = Phase::Closing;
            self.post(socket.id, Command::Shutdown(socket.id));
            return;
        }
        if let Some(kib) = out.take_warning() {
            self.tell(socket.owner(), SocketKind::Warning, socket.id, kib, "");
        }
        // A connection always waits for room, the others only when they need it.
        if socket.kind != Kind::Tcp && first {
            self.post(socket.id, Command::Watch(socket.id));
        }
    }

    /// A write has failed: nothing can be sent any more. What the peer has sent may still be read.
    pub(crate) fn break_writing(&self, socket: &Socket, out: &mut Outbox, error: &io::Error) {
        out.clear();
        if out.phase == Phase::Open {
            out.phase = Phase::Broken;
            self.tell_error(socket, error);
        }
        if socket.reading() == Reading::Ended {
            self.post(socket.id, Command::Shutdown(socket.id));
        }
    }

    /// Sends what waits, as far as there is room. True if nothing waits any more.
    pub(crate) fn flush(&self, socket: &Socket, out: &mut Outbox) -> io::Result<bool> {
        let Some(io) = socket.io.get() else { return Ok(false) };
        let before = out.waiting();
        let result = match io {
            Io::Udp(udp) => flush_datagrams(udp, out),
            _ => flush_stream(io, out),
        };
        let sent = before - out.waiting();
        if sent > 0 {
            out.sent += sent as u64;
            out.sent_at = self.node.now_coarse();
        }
        if out.is_empty() {
            socket.queued.store(false, Ordering::SeqCst);
            if out.take_all_clear() {
                self.tell(socket.owner(), SocketKind::Warning, socket.id, 0, "");
            }
        }
        result.map(|()| out.is_empty())
    }
}

/// Writes until all is gone or there is no room, and says in `gone` how much went.
///
/// When room comes, the poll thread looks at the mark that something waits, without the lock that is held here. So the mark is set
/// before the last attempt: either that succeeds, or the news of room comes after the mark.
pub(crate) fn write_all(socket: &Socket, io: &Io, bytes: &[u8], gone: &mut usize) -> io::Result<()> {
    let mut marked = false;
    loop {
        let rest = bytes.get(*gone..).unwrap_or_default();
        let written = match io {
            Io::Stream(stream) => (&mut &*stream).write(rest),
            Io::File(file) => (&mut &*file).write(rest),
            Io::Listener(_) | Io::Udp(_) => Err(ErrorKind::Unsupported.into()),
        };
        match written {
            Ok(count) => {
                *gone += count;
                if *gone == bytes.len() {
                    if marked {
                        socket.queued.store(false, Ordering::SeqCst);
                    }
                    return Ok(());
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if marked {
                    return Ok(());
                }
                marked = true;
                socket.queued.store(true, Ordering::SeqCst);
            }
            Err(error) => return Err(error),
        }
    }
}

fn flush_stream(io: &Io, out: &mut Outbox) -> io::Result<()> {
    while !out.is_empty() {
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(GATHER);
        out.slices(&mut slices);
        let written = match io {
            Io::Stream(stream) => sys::send_vectored(stream.as_fd(), &mut slices),
            Io::File(file) => (&mut &*file).write_vectored(&slices),
            Io::Listener(_) | Io::Udp(_) => Err(ErrorKind::Unsupported.into()),
        };
        drop(slices);
        match written {
            Ok(count) => out.advance(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn flush_datagrams(udp: &UdpSocket, out: &mut Outbox) -> io::Result<()> {
    while let Some((data, to)) = out.datagram() {
        let sent = to.map_or(Ok(0), |to| udp.send_to(data, to));
        match sent {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // A datagram that cannot go is lost, as any may be.
            _ => out.drop_datagram(),
        }
    }
    Ok(())
}
