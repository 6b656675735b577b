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
}

impl Waiter {
    /// Whom the session asked, if it is a call.
    pub(crate) fn dest(&self) -> u32 {
        match *self {
            Waiter::Thread { dest, .. } | Waiter::Select { dest, .. } => dest,
            _ => 0,
        }
    }

    /// The thread that waits.
    pub(crate) fn slot(&self) -> Option<u32> {
        match *self {
            Waiter::Thread { slot, .. } | Waiter::Select { slot, .. } | Waiter::Start { slot } => Some(slot),
            Waiter::Bare { .. } | Waiter::Nobody => None,
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
    rest: HashMap<i32, Waiter, BuildHasherDefault<SessionHasher>>,
}

impl Default for Sessions {
    fn default() -> Sessions {
        Sessions { places: [(0, Waiter::Nobody); PLACES], rest: HashMap::default() }
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
        // A session that is in the map stays there.
        if let Some(old) = self.rest.get_mut(&session) {
            *old = waiter;
            return;
        }
        let place = &mut self.places[Sessions::place(session)];
        if place.0 == 0 {
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
        self.rest.remove(&session)
    }

    /// Who waits for a session.
    pub(crate) fn get(&self, session: i32) -> Option<Waiter> {
        let place = self.places[Sessions::place(session)];
        if place.0 == session && session != 0 {
            return Some(place.1);
        }
        self.rest.get(&session).copied()
    }

    /// All entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i32, &Waiter)> {
        let placed = self
            .places
            .iter()
            .filter(|(session, _)| *session != 0)
            .map(|(session, waiter)| (*session, waiter));
        placed.chain(self.rest.iter().map(|(session, waiter)| (*session, waiter)))
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

/// Sessions are numbered in sequence: one multiplication spreads them well.
#[derive(Default, Clone, Copy)]
struct SessionHasher(u64);

impl Hasher for SessionHasher {
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
        self.0 = u64::from(value as u32).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
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
            let session = (random >> 33) as i32 % 40 + 1;
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
