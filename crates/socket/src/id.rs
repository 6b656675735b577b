//! The numbers of sockets.

use std::fmt;

/// The number of a socket: 1 to 2^31 - 1. Numbers climb, and are not used again before all have had their turn.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
#[repr(transparent)]
pub struct SocketId(i32);

impl SocketId {
    /// The id with this number; any number may be asked for, and one that no socket has is simply unknown.
    #[must_use]
    pub const fn from_raw(id: i32) -> SocketId {
        SocketId(id)
    }

    /// Its number.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
