//! What a service gets: the messages of its sockets, read.

use std::net::SocketAddr;

use skynet_core::{Message, PTYPE_SOCKET, Payload, SocketKind, SocketMessage};

use crate::{SocketId, UdpAddress};

/// What happened to a socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum SocketEvent {
    /// Bytes came.
    Data(Payload),
    /// The socket is ready. The text tells what this was: the local address of a new listener, the peer's of a connection,
    /// `start`, `transfer`, or `binding`.
    Ready {
        /// The port of a new listener; 0 otherwise.
        port: u16,
        /// What this was.
        text: String,
    },
    /// The peer has ended, or the owner has closed it. It comes once. After the peer's end the socket can be written to until it
    /// is closed.
    Closed,
    /// A listener took a connection. It waits for [`Sockets::start`](crate::Sockets::start).
    Accepted {
        /// Its id.
        id: SocketId,
        /// The other side, as `ip:port`.
        peer: String,
    },
    /// Something failed.
    Failed(String),
    /// A datagram came.
    Datagram(Datagram),
    /// So many KiB wait to be sent; 0 if nothing does any more.
    Backlog {
        /// KiB, rounded up.
        kib: usize,
    },
}

/// A datagram and where it came from.
#[derive(Debug)]
pub struct Datagram {
    buffer: Payload,
    size: usize,
}

impl Datagram {
    /// Its bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.buffer.get(..self.size).unwrap_or_default()
    }

    /// Who sent it: where an answer goes.
    #[must_use]
    pub fn from(&self) -> UdpAddress {
        let blob = self.buffer.get(self.size..).and_then(UdpAddress::from_bytes);
        blob.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)).into())
    }
}

impl SocketEvent {
    /// Reads a message of a socket, and takes the bytes that it owns. `None` if it is another kind of message.
    #[must_use]
    pub fn take(msg: &mut Message) -> Option<(SocketId, SocketEvent)> {
        if msg.kind != PTYPE_SOCKET {
            return None;
        }
        let (kind, id, ud) = SocketMessage::head(&msg.payload)?;
        let text = || String::from_utf8_lossy(SocketMessage::text(&msg.payload)).into_owned();
        let event = match kind {
            SocketKind::Data => SocketEvent::Data(SocketMessage::take_buffer(&mut msg.payload)?),
            SocketKind::Connect => SocketEvent::Ready { port: u16::try_from(ud).unwrap_or(0), text: text() },
            SocketKind::Close => SocketEvent::Closed,
            SocketKind::Accept => SocketEvent::Accepted { id: SocketId::from_raw(ud), peer: text() },
            SocketKind::Error => SocketEvent::Failed(text()),
            SocketKind::Udp => {
                let buffer = SocketMessage::take_buffer(&mut msg.payload)?;
                SocketEvent::Datagram(Datagram { buffer, size: usize::try_from(ud).ok()? })
            }
            SocketKind::Warning => SocketEvent::Backlog { kib: usize::try_from(ud).unwrap_or(0) },
        };
        Some((SocketId::from_raw(id), event))
    }
}
