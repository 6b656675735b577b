//! One socket, as all threads see it.

use std::fs::File;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use skynet_core::Handle;

use crate::SocketId;
use crate::outbox::Outbox;

/// How a socket is used.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// It takes connections.
    Listen,
    /// A connection.
    Tcp,
    /// Datagrams.
    Udp,
    /// An adopted descriptor.
    Bind,
}

/// What is read from and written to.
pub(crate) enum Io {
    Listener(mio::net::TcpListener),
    Stream(TcpStream),
    Udp(UdpSocket),
    File(File),
}

impl AsFd for Io {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Io::Listener(listener) => listener.as_fd(),
            Io::Stream(stream) => stream.as_fd(),
            Io::Udp(udp) => udp.as_fd(),
            Io::File(file) => file.as_fd(),
        }
    }
}

impl Io {
    pub(crate) fn raw(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// What the reading side is doing. Only the socket's poll thread changes it.
#[repr(u8)]
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Reading {
    /// Made or accepted, and waiting for its `start`.
    Fresh = 0,
    /// Events are read.
    On = 1,
    /// The owner has paused it, or is gone.
    Paused = 2,
    /// The mailbox that it feeds is full: reading goes on by itself.
    Held = 3,
    /// Nothing more is read: the peer has ended, or the owner has closed.
    Ended = 4,
}

pub(crate) struct Socket {
    pub(crate) id: SocketId,
    pub(crate) kind: Kind,
    /// The service that gets its messages.
    owner: AtomicU32,
    /// Set once: at the beginning, or when the connection is there.
    pub(crate) io: OnceLock<Io>,
    reading: AtomicU8,
    /// Whether the descriptor is known to the poll, and whether it waits for room to write.
    pub(crate) registered: AtomicBool,
    pub(crate) no_delay: AtomicBool,
    /// How many bytes the next read has room for.
    pub(crate) read_size: AtomicU32,
    /// Bytes read; connections taken, of a listener.
    pub(crate) read: AtomicU64,
    /// When something was read or accepted last, in 1/100 s of the node's time.
    pub(crate) read_at: AtomicU64,
    /// Whether bytes wait to be sent: a poll thread that sees room looks here before it takes the lock.
    pub(crate) queued: AtomicBool,
    pub(crate) out: Mutex<Outbox>,
}

/// What the first read has room for, and the least that any has.
pub(crate) const MIN_READ: u32 = 64;

impl Socket {
    pub(crate) fn new(id: SocketId, owner: Handle, kind: Kind) -> Socket {
        Socket {
            id,
            kind,
            owner: AtomicU32::new(owner.raw()),
            io: OnceLock::new(),
            reading: AtomicU8::new(Reading::Fresh as u8),
            registered: AtomicBool::new(false),
            no_delay: AtomicBool::new(false),
            read_size: AtomicU32::new(MIN_READ),
            read: AtomicU64::new(0),
            read_at: AtomicU64::new(0),
            queued: AtomicBool::new(false),
            out: Mutex::new(Outbox::new()),
        }
    }

    /// With its descriptor.
    pub(crate) fn with_io(id: SocketId, owner: Handle, kind: Kind, io: Io) -> Socket {
        let socket = Socket::new(id, owner, kind);
        // It is new, so nobody else has set it.
        let _ = socket.io.set(io);
        socket
    }

    pub(crate) fn owner(&self) -> Handle {
        Handle::from_raw(self.owner.load(Ordering::Acquire))
    }

    pub(crate) fn set_owner(&self, owner: Handle) {
        self.owner.store(owner.raw(), Ordering::Release);
    }

    pub(crate) fn reading(&self) -> Reading {
        match self.reading.load(Ordering::Acquire) {
            0 => Reading::Fresh,
            1 => Reading::On,
            2 => Reading::Paused,
            3 => Reading::Held,
            _ => Reading::Ended,
        }
    }

    pub(crate) fn set_reading(&self, reading: Reading) {
        self.reading.store(reading as u8, Ordering::Release);
    }

    pub(crate) fn count_read(&self, amount: usize, now: u64) {
        self.read.fetch_add(amount as u64, Ordering::Relaxed);
        self.read_at.store(now, Ordering::Relaxed);
    }

    /// The address of the other side, or of a listener its own.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self.io.get()? {
            Io::Listener(listener) => listener.local_addr().ok(),
            Io::Stream(stream) => stream.peer_addr().ok(),
            Io::Udp(udp) => udp.local_addr().ok(),
            Io::File(_) => None,
        }
    }
}
