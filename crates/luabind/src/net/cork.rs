//! Small writes held back for a moment, so that many go out together.
//!
//! Who answers requests that came in one block writes many times in a row. As long as more is to be read, it will most likely write
//! again at once; so its bytes wait until it has read all, or does anything else that others could notice, and at the latest until
//! the message in hand is done. A program cannot tell: nothing that it does overtakes what it wrote.

use skynet_socket::{Data, SocketId};

use super::Net;

/// Larger writes go out at once.
const SMALL: usize = 4 * 1024;
/// So much goes out at once.
const FULL: usize = 32 * 1024;

/// What is held back: bytes for one socket.
#[derive(Default)]
pub(super) struct Cork {
    id: i32,
    bytes: Vec<u8>,
}

impl Net {
    /// Writes on a socket, or holds the bytes back for a moment. False if it cannot be written to any more.
    #[inline]
    pub(crate) fn write(&mut self, id: i32, bytes: &[u8]) -> bool {
        let more = self.get(id).is_some_and(|conn| conn.inbox.len() > 0);
        if self.cork.id != 0 {
            if self.cork.id == id && bytes.len() < SMALL {
                self.cork.bytes.extend_from_slice(bytes);
                if !more || self.cork.bytes.len() >= FULL {
                    return self.uncork();
                }
                return true;
            }
            self.uncork();
        }
        if more && bytes.len() < SMALL && self.can_write(id) {
            self.cork.id = id;
            self.cork.bytes.extend_from_slice(bytes);
            return true;
        }
        self.sockets.send(SocketId::from_raw(id), Data::Bytes(bytes)).is_ok()
    }

    /// Whether writing succeeds: asked by writing nothing.
    fn can_write(&self, id: i32) -> bool {
        self.sockets.send(SocketId::from_raw(id), Data::Bytes(&[])).is_ok()
    }

    /// Sends what is held back.
    #[inline]
    pub(crate) fn flush(&mut self) {
        if self.cork.id != 0 {
            self.uncork();
        }
    }

    fn uncork(&mut self) -> bool {
        let id = SocketId::from_raw(std::mem::take(&mut self.cork.id));
        let sent = self.sockets.send(id, Data::Bytes(&self.cork.bytes)).is_ok();
        self.cork.bytes.clear();
        if self.cork.bytes.capacity() > FULL * 2 {
            self.cork.bytes = Vec::new();
        }
        sent
    }
}
