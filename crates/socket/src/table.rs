//! From ids to sockets.
//!
//! An id has one slot in which it may be, its number modulo the number of slots. A slot is a small lock around a pointer, so that
//! two sockets never contend. Slots come in chunks that are allocated when they are first needed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::SocketId;
use crate::socket::Socket;
use crate::sync::lock;

/// Slots that are allocated together.
const CHUNK: usize = 256;

type Slot = Mutex<Option<Arc<Socket>>>;

pub(crate) struct Table {
    chunks: Box<[OnceLock<Box<[Slot]>>]>,
    /// A power of two, less one.
    mask: u32,
    last: AtomicU32,
}

impl Table {
    /// Room for `max` sockets at a time, rounded up to a power of two; `last` is the id before the first.
    pub(crate) fn new(max: usize, last: u32) -> Table {
        let slots = max.clamp(CHUNK, 1 << 30).next_power_of_two();
        let chunks = (0..slots / CHUNK).map(|_| OnceLock::new()).collect();
        Table { chunks, mask: (slots - 1) as u32, last: AtomicU32::new(last) }
    }

    /// Gives a new id to what `make` makes. `None` if there are as many sockets as may be.
    pub(crate) fn insert(&self, make: impl FnOnce(SocketId) -> Socket) -> Option<Arc<Socket>> {
        for _ in 0..=self.mask {
            let id = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1) & i32::MAX as u32;
            if id == 0 {
                continue;
            }
            let mut slot = lock(self.slot(id));
            if slot.is_none() {
                let socket = Arc::new(make(SocketId::from_raw(id as i32)));
                *slot = Some(Arc::clone(&socket));
                return Some(socket);
            }
        }
        None
    }

    pub(crate) fn get(&self, id: SocketId) -> Option<Arc<Socket>> {
        let raw = u32::try_from(id.raw()).ok()?;
        let chunk = self.chunks.get((raw & self.mask) as usize / CHUNK)?.get()?;
        let slot = lock(chunk.get(raw as usize % CHUNK)?);
        slot.as_ref().filter(|socket| socket.id == id).cloned()
    }

    /// Forgets a socket; false if it was forgotten already.
    pub(crate) fn remove(&self, id: SocketId) -> bool {
        let Ok(raw) = u32::try_from(id.raw()) else { return false };
        let mut slot = lock(self.slot(raw));
        let found = slot.as_ref().is_some_and(|socket| socket.id == id);
        let gone = if found { slot.take() } else { None };
        drop(slot);
        gone.is_some()
    }

    /// All sockets of the moment, by slot.
    pub(crate) fn all(&self) -> Vec<Arc<Socket>> {
        let chunks = self.chunks.iter().filter_map(OnceLock::get);
        chunks.flat_map(|chunk| chunk.iter().filter_map(|slot| lock(slot).clone())).collect()
    }

    fn slot(&self, id: u32) -> &Slot {
        let chunk = self.chunks[(id & self.mask) as usize / CHUNK]
            .get_or_init(|| (0..CHUNK).map(|_| Slot::default()).collect());
        &chunk[id as usize % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use skynet_core::Handle;

    use super::*;
    use crate::socket::Kind;

    fn add(table: &Table) -> Option<i32> {
        table.insert(|id| Socket::new(id, Handle::NONE, Kind::Tcp)).map(|socket| socket.id.raw())
    }

    #[test]
    fn ids_climb_and_a_dead_one_finds_nobody() {
        let table = Table::new(CHUNK, 0);
        assert_eq!((add(&table), add(&table)), (Some(1), Some(2)));
        assert!(table.remove(SocketId::from_raw(1)) && !table.remove(SocketId::from_raw(1)));
        assert_eq!(add(&table), Some(3));
        assert!(table.get(SocketId::from_raw(1)).is_none());
        // The same slot, another id.
        assert!(table.get(SocketId::from_raw(2 + CHUNK as i32)).is_none());
        assert!(table.get(SocketId::from_raw(2)).is_some() && table.get(SocketId::from_raw(-2)).is_none());
        assert_eq!(table.all().len(), 2);
    }

    #[test]
    fn a_full_table_refuses_and_recovers() {
        let table = Table::new(CHUNK, 0);
        let ids: Vec<_> = (0..CHUNK).map(|_| add(&table)).collect();
        assert!(ids.iter().all(Option::is_some));
        assert_eq!(add(&table), None);
        assert!(table.remove(SocketId::from_raw(9)));
        let new = add(&table).expect("there is room again");
        assert!(new > CHUNK as i32 && new % CHUNK as i32 == 9);
    }

    #[test]
    fn ids_go_round_at_their_end_without_zero() {
        let table = Table::new(CHUNK, i32::MAX as u32 - 1);
        assert_eq!((add(&table), add(&table)), (Some(i32::MAX), Some(1)));
    }
}
