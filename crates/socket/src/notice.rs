//! What owners are told.

use std::io;

use skynet_core::{Handle, PTYPE_SOCKET, Payload, SocketKind, SocketMessage};

use crate::SocketId;
use crate::outbox::Outbox;
use crate::socket::Socket;
use crate::sockets::Inner;
use crate::sys::error_text;

impl Inner {
    /// Sends a socket message; the payload comes back if the service is gone.
    pub(crate) fn deliver(&self, owner: Handle, message: Payload) -> Result<(), Payload> {
        let sent = self.node.send(Handle::NONE, owner, PTYPE_SOCKET, 0, message);
        sent.map_err(skynet_core::SendError::into_payload)
    }

    /// A message that may be lost if nobody is there to get it.
    pub(crate) fn tell(&self, owner: Handle, kind: SocketKind, id: SocketId, ud: i32, text: &str) {
        let _ = self.deliver(owner, SocketMessage::with_text(kind, id.raw(), ud, text.as_bytes()));
    }

    pub(crate) fn tell_error(&self, socket: &Socket, error: &io::Error) {
        self.tell(socket.owner(), SocketKind::Error, socket.id, 0, &error_text(error));
    }

    /// Tells once that the socket is closed.
    pub(crate) fn tell_closed(&self, socket: &Socket, out: &mut Outbox) {
        if !out.close_told {
            out.close_told = true;
            self.tell(socket.owner(), SocketKind::Close, socket.id, 0, "");
        }
    }
}
