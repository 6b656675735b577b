//! The sockets of one service: what has been received on each, and who waits for it. No Lua is in here.

mod conn;
mod inbox;

pub(crate) use conn::{Conn, Separator, State, Want};
pub(crate) use inbox::Inbox;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ptr;

use skynet_socket::{SocketId, SocketInfo, Sockets};

/// More unread bytes than this stop a socket from reading.
pub(crate) const PAUSE_AT: usize = 128 * 1024;

/// The part that one VM has in the sockets of its node.
pub(crate) struct Net {
    pub(crate) sockets: Sockets,
    conns: HashMap<i32, Box<Conn>, BuildHasherDefault<IdHasher>>,
    /// The socket that was looked up last.
    last: (i32, *mut Conn),
    /// Data goes to the waiting threads at once: the protocol class is `skynet.socket`'s.
    pub(crate) direct: bool,
    /// Sockets that were given up while a thread waits for them, by its slot and their id.
    leaving: Vec<(u32, i32, Box<Conn>)>,
    /// Sockets that are no longer ours. Somebody may still look at one: a finalizer can give it up in the middle of a read.
    #[allow(clippy::vec_box, reason = "whoever looks at one has its address")]
    dead: Vec<Box<Conn>>,
    figures: Vec<SocketInfo>,
}

impl Net {
    pub(crate) fn new(sockets: Sockets) -> Box<Net> {
        Box::new(Net {
            sockets,
            conns: HashMap::default(),
            last: (0, ptr::null_mut()),
            direct: false,
            leaving: Vec::new(),
            dead: Vec::new(),
            figures: Vec::new(),
        })
    }

    /// The socket with this id, if it is ours.
    #[inline]
    pub(crate) fn get(&mut self, id: i32) -> Option<&mut Conn> {
        if self.last.0 != id || self.last.1.is_null() {
            let found: *mut Conn = &mut **self.conns.get_mut(&id)?;
            self.last = (id, found);
        }
        // SAFETY: the box is in the table, where it does not move, until `remove` forgets the pointer too.
        Some(unsafe { &mut *self.last.1 })
    }

    /// Makes a socket ours. An older one of that id is replaced.
    pub(crate) fn insert(&mut self, id: i32, listening: bool) {
        if let Some(older) = self.remove(id) {
            self.bury(older);
        }
        self.conns.insert(id, Box::new(Conn::new(listening)));
    }

    /// Gives a socket up.
    pub(crate) fn remove(&mut self, id: i32) -> Option<Box<Conn>> {
        if self.last.0 == id {
            self.last = (0, ptr::null_mut());
        }
        let conn = self.conns.remove(&id);
        if self.conns.is_empty() && self.conns.capacity() > 1024 {
            self.conns = HashMap::default();
        }
        conn
    }

    /// Keeps a socket that was given up for the thread that waits for it.
    pub(crate) fn leave(&mut self, slot: u32, id: i32, conn: Box<Conn>) {
        self.leaving.push((slot, id, conn));
    }

    /// What [`Net::leave`] has kept for a thread.
    pub(crate) fn left(&mut self, slot: u32, id: i32) -> Option<Box<Conn>> {
        let at = self.leaving.iter().position(|(owner, left, _)| (*owner, *left) == (slot, id))?;
        Some(self.leaving.swap_remove(at).2)
    }

    /// Keeps a socket that nobody needs any more until the message in hand is done.
    pub(crate) fn bury(&mut self, conn: Box<Conn>) -> *mut Conn {
        self.dead.push(conn);
        self.dead.last_mut().map_or(ptr::null_mut(), |conn| &mut **conn)
    }

    /// The message in hand is done.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if !self.dead.is_empty() {
            self.dead.clear();
        }
    }

    /// The threads that wait for sockets: slot, and the socket's id. In no order.
    pub(crate) fn readers(&self) -> impl Iterator<Item = (u32, i32)> {
        self.conns.iter().filter(|(_, conn)| conn.reader != 0).map(|(id, conn)| (conn.reader, *id))
    }

    /// Closes all that is ours: the service ends.
    pub(crate) fn close_all(&mut self) {
        self.last = (0, ptr::null_mut());
        self.direct = false;
        for id in std::mem::take(&mut self.conns).into_keys() {
            self.sockets.close(SocketId::from_raw(id));
        }
        self.leaving.clear();
    }

    /// Takes the figures of all sockets of the node.
    pub(crate) fn take_figures(&mut self) {
        self.figures = self.sockets.netstat();
    }

    pub(crate) fn figures_at(&self, at: usize) -> Option<SocketInfo> {
        self.figures.get(at).cloned()
    }

    pub(crate) fn drop_figures(&mut self) {
        self.figures = Vec::new();
    }
}

/// Ids are numbered in sequence: one multiplication spreads them well.
#[derive(Default, Clone, Copy)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
    fn write_i32(&mut self, value: i32) {
        // The map looks at the low bits for the bucket and at the high ones for the tag.
        self.0 = (value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}
