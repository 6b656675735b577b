//! What goes out: to a link, to wait for one, or back.

use skynet_core::{Handle, Message, PTYPE_ERROR, PTYPE_RESPONSE, Payload};
use skynet_socket::SocketId;

use super::{Node, Parcel, Peers, Sent, at};
use crate::frame::MAX_BODY;
use crate::queue::{Bound, Refused};

impl Peers {
    /// Sends, or keeps for later. An answer that is refused or too long becomes an error for whoever waits for it, which is
    /// small and always finds room.
    #[inline]
    pub fn send(&mut self, dest: Handle, message: Message) -> Sent {
        let len = message.payload.len();
        let id = dest.harbor();
        if let Some(Node { link: Some(link), .. }) = self.nodes.get_mut(usize::from(id))
            && link.is_up()
            && !link.clogged
            && len <= MAX_BODY
        {
            if message.wants_answer() && message.source.harbor() == self.own {
                self.calls.note(message.source, message.session, id);
            }
            self.gathered += len;
            if link.send(dest, message) {
                self.dirty.push(id);
            }
            return Sent::Out;
        }
        self.send_slowly(dest, message)
    }

    fn send_slowly(&mut self, dest: Handle, message: Message) -> Sent {
        let Message { kind, session, source, .. } = message;
        let sent = self.send_or_refuse(dest, message);
        let refused = matches!(sent, Sent::Refused { .. } | Sent::TooLong(_));
        if refused && matches!(kind, PTYPE_RESPONSE | PTYPE_ERROR) && session > 0 {
            self.send(dest, Message { kind: PTYPE_ERROR, session, source, payload: Payload::empty() });
        }
        sent
    }

    fn send_or_refuse(&mut self, dest: Handle, message: Message) -> Sent {
        let id = dest.harbor();
        if self.alone {
            return Sent::Down { message, first: true };
        }
        let bytes = message.payload.len();
        if bytes > MAX_BODY {
            return Sent::TooLong(message);
        }
        let small_error = message.kind == PTYPE_ERROR && bytes == 0;
        let limit = self.limits.bytes;
        let node = at(&mut self.nodes, id);
        match &mut node.link {
            Some(link) if link.clogged && small_error => {
                if link.send(dest, message) {
                    self.dirty.push(id);
                }
                return Sent::Out;
            }
            Some(link) if link.clogged => {
                let first = std::mem::replace(&mut node.dropped, 1) == 0;
                let report =
                    first.then(|| format!("it does not take what is sent, and more than {limit} bytes wait"));
                return Sent::Refused { message, report };
            }
            None if node.ended => {
                node.dropped += 1;
                return Sent::Down { message, first: node.dropped == 1 };
            }
            _ => {}
        }
        let parcel = Parcel { dest, message };
        if small_error {
            node.waiting.push_always(&mut self.stock, parcel);
            return Sent::Waits;
        }
        match node.waiting.push(&mut self.stock, parcel, bytes) {
            Ok(()) => Sent::Waits,
            Err(Refused { item, report }) => {
                Sent::Refused { message: item.message, report: report.map(|bound: Bound| bound.to_string()) }
            }
        }
    }

    /// About how many bytes go out with the next flush.
    #[inline]
    #[must_use]
    pub fn gathered(&self) -> usize {
        self.gathered
    }

    /// Whether anything goes out with the next flush.
    #[inline]
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Gives out the bytes to send, link by link. `write` says how many bytes wait in that connection then; above the limit of
    /// bytes nothing more is sent to that node until [`Peers::unclog`].
    pub fn flush(&mut self, mut write: impl FnMut(SocketId, Vec<Payload>) -> usize) {
        self.gathered = 0;
        for id in self.dirty.drain(..) {
            let Some(node) = self.nodes.get_mut(usize::from(id)) else { continue };
            if let Some(link) = &mut node.link
                && link.gathered() > 0
            {
                let waits = write(link.socket, link.take());
                let was_clogged = std::mem::replace(&mut link.clogged, waits > self.limits.bytes);
                if was_clogged && !link.clogged {
                    node.dropped = 0;
                }
            }
        }
    }

    /// Little waits in the connection to a node now.
    pub fn unclog(&mut self, id: u8) {
        let node = at(&mut self.nodes, id);
        if let Some(link) = &mut node.link
            && link.clogged
        {
            link.clogged = false;
            node.dropped = 0;
        }
    }

    /// The connection to a node, if nothing more is sent on it: see [`Peers::flush`].
    #[must_use]
    pub fn clogged(&self, id: u8) -> Option<SocketId> {
        let link = self.nodes.get(usize::from(id)).and_then(|node| node.link.as_ref());
        link.filter(|link| link.clogged).map(|link| link.socket)
    }
}
