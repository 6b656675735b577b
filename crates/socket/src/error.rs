//! What can go wrong, an enum an operation.

use std::error::Error;
use std::fmt;
use std::io;

use skynet_core::Payload;

use crate::SocketId;
use crate::sys::error_text;

/// The sockets of a node could not be set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The node has sockets already.
    Attached,
    /// The number of poll threads is out of its range, 0 to 64.
    Threads {
        /// What was asked for.
        count: usize,
    },
    /// The system gives no poll or no thread.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Threads { count } => write!(f, "{count} poll threads: between 0 and 64 are possible"),
            StartError::Attached => f.write_str("the node has sockets already"),
            StartError::System(cause) => write!(f, "cannot start a poll thread: {}", error_text(cause)),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StartError::System(cause) => Some(cause),
            StartError::Threads { .. } | StartError::Attached => None,
        }
    }
}

/// A socket could not be made. What goes wrong later comes as a message.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The host has no address.
    Resolve {
        /// Its name.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// The address cannot be used.
    Address {
        /// Host and port.
        address: String,
        /// Why not.
        cause: io::Error,
    },
    /// The descriptor cannot be used.
    Descriptor(io::Error),
    /// There are as many sockets as may be: see [`Options::max_sockets`](crate::Options::max_sockets).
    Full,
    /// No socket with this id is open, or it is of another kind.
    Unknown {
        /// The id.
        id: SocketId,
    },
    /// The node has ended.
    Stopped,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Resolve { host, reason } => write!(f, "cannot find the host `{host}`: {reason}"),
            OpenError::Address { address, cause } => write!(f, "cannot use {address}: {}", error_text(cause)),
            OpenError::Descriptor(cause) => write!(f, "cannot adopt the descriptor: {}", error_text(cause)),
            OpenError::Full => f.write_str(FULL),
            OpenError::Unknown { id } => write!(f, "no UDP socket has the id {id}"),
            OpenError::Stopped => f.write_str("the node has ended, and its sockets with it"),
        }
    }
}

/// The text that programs know.
pub(crate) const FULL: &str = "reach skynet socket number limit";

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            OpenError::Address { cause, .. } | OpenError::Descriptor(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Something could not be sent. It hands back what it was given as a payload.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// No socket with this id is open, or it was closed by its owner.
    Closed {
        /// The id.
        id: SocketId,
        /// What was to be sent; empty if it was borrowed.
        data: Payload,
    },
    /// It was to go by datagram, and there is no address; or there is one, and the socket is a stream.
    NoAddress {
        /// The id.
        id: SocketId,
        /// What was to be sent; empty if it was borrowed.
        data: Payload,
    },
    /// The system refuses the datagram, for its size or its address.
    Datagram {
        /// The id.
        id: SocketId,
        /// Why.
        cause: io::Error,
        /// What was to be sent; empty if it was borrowed.
        data: Payload,
    },
}

impl SendError {
    /// What was not sent; empty if it was borrowed.
    #[must_use]
    pub fn into_payload(self) -> Payload {
        match self {
            SendError::Closed { data, .. }
            | SendError::NoAddress { data, .. }
            | SendError::Datagram { data, .. } => data,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed { id, .. } => write!(f, "socket {id} is closed"),
            SendError::NoAddress { id, .. } => {
                write!(f, "socket {id}: datagrams need an address, and streams have none")
            }
            SendError::Datagram { id, cause, .. } => {
                write!(f, "socket {id} cannot send the datagram: {}", error_text(cause))
            }
        }
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            SendError::Datagram { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
