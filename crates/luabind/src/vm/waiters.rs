//! The table of sessions and of who waits for them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Who takes what arrives for a session. Threads are named by slot, so that an entry may outlive its thread.
#[derive(Clone, Copy)]
pub(crate) enum Waiter {
    /// A thread, suspended until then. `dest` is whom it called, 0 for a timer.
    Thread { slot: u32, dest: u32 },
    /// A thread that waits for several sessions at once.
    Select { slot: u32, dest: u32 },
    /// A thread that has not started: a timer's function.
    Start { slot: u32 },
    /// A function that was given to a timer and has no thread, by its number.
    Bare { number: u32 },
    /// Nobody any more: what arrives is dropped in silence.
    Nobody,
    /// Nobody any more, but `dest` owes an answer; with `timer` the message of a time limit is due, too.
    Abandoned { dest: u32, timer: bool },
}

impl Waiter {
    /// Whom the session asked, if it is a call.
    pub(crate) fn dest(&self) -> u32 {
        match *self {
            Waiter::Thread { dest, .. } | Waiter::Select { dest, .. } | Waiter::Abandoned { dest, .. } => {
                dest
            }
            _ => 0,
        }
    }

    /// What is left of it when nobody waits any more.
    pub(crate) fn abandoned(&self) -> Waiter {
        match self.dest() {
            0 => Waiter::Nobody,
            dest => Waiter::Abandoned { dest, timer: false },
        }
    }

    /// The thread that waits.
    pub(crate) fn slot(&self) -> Option<u32> {
        match *self {
            Waiter::Thread { slot, .. } | Waiter::Select { slot, .. } | Waiter::Start { slot } => Some(slot),
            Waiter::Bare { .. } | Waiter::Nobody | Waiter::Abandoned { .. } => None,
        }
    }
}

/// Sessions that wait in places of their own, before the map is used.
const PLACES: usize = 8;

/// Who waits, by session.
///
/// Sessions are handed out in sequence, and most are answered soon: a handful of places, each session in the one that its low
/// bits name, serves them without hashing. Those whose place is taken are in the map.
pub(crate) struct Sessions {
    places: [(i32, Waiter); PLACES],
    rest: Rest,
}

impl Default for Sessions {
    fn default() -> Sessions {
        Sessions { places: [(0, Waiter::Nobody); PLACES], rest: Rest::default() }
    }
}

impl Sessions {
    #[inline]
    fn place(session: i32) -> usize {
        session as usize % PLACES
    }

    /// Notes who waits for a session, which is never 0. An earlier entry is replaced.
    #[inline]
    pub(crate) fn insert(&mut self, session: i32, waiter: Waiter) {
        let place = &mut self.places[Sessions::place(session)];
        if place.0 == session || (place.0 == 0 && self.rest.is_empty()) {
            *place = (session, waiter);
        } else {
            self.insert_rest(session, waiter);
        }
    }

    fn insert_rest(&mut self, session: i32, waiter: Waiter) {
        let place = &mut self.places[Sessions::place(session)];
        // A session that is among the rest stays there.
        if place.0 == 0 && self.rest.get(session).is_none() {
            *place = (session, waiter);
        } else {
            self.rest.insert(session, waiter);
        }
    }

    /// Takes the entry of a session out.
    #[inline]
    pub(crate) fn remove(&mut self, session: i32) -> Option<Waiter> {
        let place = &mut self.places[Sessions::place(session)];
        if place.0 == session && session != 0 {
            place.0 = 0;
            return Some(place.1);
        }
        if self.rest.is_empty() {
            return None;
        }
        self.rest.remove(session)
    }

    /// Who waits for a session.
    pub(crate) fn get(&self, session: i32) -> Option<Waiter> {
        let place = self.places[Sessions::place(session)];
        if place.0 == session && session != 0 {
            return Some(place.1);
        }
        self.rest.get(session).copied()
    }

    /// All entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i32, &Waiter)> {
        let placed = self
            .places
            .iter()
            .filter(|(session, _)| *session != 0)
            .map(|(session, waiter)| (*session, waiter));
        placed.chain(self.rest.iter())
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Waiter> {
        self.iter().map(|(_, waiter)| waiter)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Waiter> {
        let placed = self.places.iter_mut().filter(|(session, _)| *session != 0).map(|(_, waiter)| waiter);
        placed.chain(self.rest.values_mut())
    }

    pub(crate) fn len(&self) -> usize {
        self.values().count()
    }
}

/// Sessions in a block.
const BLOCK: usize = 32;

/// Many sessions, in blocks of consecutive ones: half a million timers take little more than their entries, and growing
/// does not move them.
#[derive(Default)]
struct Rest {
    blocks: HashMap<u32, Box<Block>, BuildHasherDefault<BlockHasher>>,
}

struct Block {
    /// A bit for each entry that is there.
    used: u32,
    waiters: [Waiter; BLOCK],
}

impl Rest {
    #[inline]
    fn split(session: i32) -> (u32, usize) {
        (session as u32 / BLOCK as u32, session as usize % BLOCK)
    }

    fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    fn insert(&mut self, session: i32, waiter: Waiter) {
        let (number, at) = Rest::split(session);
        let block = self
            .blocks
            .entry(number)
            .or_insert_with(|| Box::new(Block { used: 0, waiters: [Waiter::Nobody; BLOCK] }));
        block.used |= 1 << at;
        block.waiters[at] = waiter;
    }

    fn get(&self, session: i32) -> Option<&Waiter> {
        let (number, at) = Rest::split(session);
        let block = self.blocks.get(&number)?;
        (block.used & (1 << at) != 0).then(|| &block.waiters[at])
    }

    fn remove(&mut self, session: i32) -> Option<Waiter> {
        let (number, at) = Rest::split(session);
        let block = self.blocks.get_mut(&number)?;
        if block.used & (1 << at) == 0 {
            return None;
        }
        let waiter = block.waiters[at];
        block.used &= !(1 << at);
        if block.used == 0 {
            self.blocks.remove(&number);
            if self.blocks.is_empty() && self.blocks.capacity() > 1024 {
                self.blocks = HashMap::default();
            }
        }
        Some(waiter)
    }

    fn iter(&self) -> impl Iterator<Item = (i32, &Waiter)> {
        self.blocks.iter().flat_map(|(number, block)| {
            let first = number * BLOCK as u32;
            let there = (0..BLOCK).filter(|at| block.used & (1 << at) != 0);
            there.map(move |at| ((first + at as u32) as i32, &block.waiters[at]))
        })
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut Waiter> {
        self.blocks.values_mut().flat_map(|block| {
            let used = block.used;
            block
                .waiters
                .iter_mut()
                .enumerate()
                .filter(move |(at, _)| used & (1 << at) != 0)
                .map(|(_, waiter)| waiter)
        })
    }
}

/// Blocks are numbered in sequence: one multiplication spreads them well.
#[derive(Default, Clone, Copy)]
struct BlockHasher(u64);

impl Hasher for BlockHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
    fn write_u32(&mut self, value: u32) {
        // The map looks at the low bits for the bucket and at the high ones for the tag.
        self.0 = u64::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The table against a map, under a long sequence of pseudo-random operations.
    #[test]
    fn the_table_is_a_map() {
        let mut table = Sessions::default();
        let mut model = BTreeMap::new();
        let mut random: u64 = 1;
        for step in 0..200_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let session = (random >> 33) as i32 % 100 + 1;
            match (random >> 20) % 3 {
                0 | 1 => {
                    table.insert(session, Waiter::Bare { number: step });
                    model.insert(session, step);
                }
                _ => {
                    let removed = table.remove(session).map(|waiter| match waiter {
                        Waiter::Bare { number } => number,
                        _ => u32::MAX,
                    });
                    assert_eq!(removed, model.remove(&session));
                }
            }
            assert_eq!(table.get(session).is_some(), model.contains_key(&session));
            if step % 64 == 0 {
                let mut all: Vec<i32> = table.iter().map(|(session, _)| session).collect();
                all.sort_unstable();
                assert_eq!(all, model.keys().copied().collect::<Vec<_>>());
                assert_eq!((table.len(), table.values_mut().count()), (model.len(), model.len()));
            }
        }
        assert!(table.remove(0).is_none() && table.get(0).is_none());
    }
}
