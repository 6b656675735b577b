//! Bytes on their way out: the messages of one turn become few blocks, so that one system call takes them all.
//!
//! A content is copied once, into the block that the message shares with its neighbours. A long one is not copied at all: it
//! is a block of its own, between the one that ends in its head and the one that begins with its trailer.

use skynet_core::{Handle, Message, Payload, PayloadBuf};

use crate::frame;

/// Contents of so many bytes are not copied.
const LARGE: usize = 4 * 1024;

/// Room for this much is taken at once when a lot went out the last time.
const MOST_ROOM: usize = 128 * 1024;

/// The least room.
const LEAST_ROOM: usize = 128;

/// What goes out next on one link.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    done: Vec<Payload>,
    buf: PayloadBuf,
    /// Bytes in `done`.
    done_len: usize,
    /// Bytes that shared blocks the last time.
    last: usize,
}

impl Gather {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that go out.
    pub(crate) fn len(&self) -> usize {
        self.done_len + self.buf.len()
    }

    /// Appends a few bytes.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// Appends a message, whose content is at most [`frame::MAX_BODY`] long; a longer one is dropped.
    #[inline]
    pub(crate) fn message(&mut self, dest: Handle, message: Message) {
        let Some(head) = frame::head(message.payload.len()) else { return };
        if self.buf.is_empty() && self.done.is_empty() {
            self.buf.reserve(self.last.clamp(LEAST_ROOM, MOST_ROOM));
        }
        let trailer = frame::trailer(dest, &message);
        self.buf.extend_from_slice(&head);
        if message.payload.len() < LARGE {
            self.buf.extend_from_slice(&message.payload);
        } else {
            self.seal();
            self.done_len += message.payload.len();
            self.done.push(message.payload);
        }
        self.buf.extend_from_slice(&trailer);
    }

    /// Takes all of it, in order.
    pub(crate) fn take(&mut self) -> Vec<Payload> {
        self.last = self.buf.len();
        self.seal();
        self.done_len = 0;
        std::mem::take(&mut self.done)
    }

    fn seal(&mut self) {
        self.done_len += self.buf.len();
        self.done.push(std::mem::take(&mut self.buf).into_payload());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Decoder, Frame};

    #[test]
    fn small_contents_share_a_block_and_large_ones_keep_theirs() {
        let mut gather = Gather::default();
        let dest = Handle::new(2, 7);
        let mut blocks = Vec::new();
        for (session, len) in
            [(1, 10), (2, 0), (3, LARGE), (4, LARGE - 1), (5, 3 * LARGE), (6, LARGE), (7, 1)]
        {
            let payload = Payload::from(vec![session as u8; len]);
            if len >= LARGE {
                blocks.push(payload.as_ptr());
            }
            gather.message(dest, Message { kind: 10, session, source: Handle::new(1, 9), payload });
        }
        let len = gather.len();
        let parts = gather.take();
        assert!(gather.is_empty() && gather.take().iter().all(|part| part.is_empty()));
        assert!(parts.iter().step_by(2).all(|part| part.len() < 2 * LARGE));
        assert!(parts.iter().skip(1).step_by(2).map(|part| part.as_ptr()).eq(blocks));
        assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), len);
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
        let (mut decoder, mut input, mut sessions) = (Decoder::new(), &bytes[..], Vec::new());
        while let Some(Frame::Message { session, payload, .. }) =
            decoder.next(&mut input).expect("it is right")
        {
            assert!(payload.iter().all(|byte| *byte == session as u8));
            sessions.push((session, payload.len()));
        }
        assert_eq!(
            sessions,
            [(1, 10), (2, 0), (3, LARGE), (4, LARGE - 1), (5, 3 * LARGE), (6, LARGE), (7, 1)]
        );
    }
}
