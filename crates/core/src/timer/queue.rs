//! The set of armed timers: no thread and no clock, only deadlines in nanoseconds.
//!
//! A hierarchical wheel: level 0 has 64 slots of about a millisecond (2^20 ns), each level above has slots 64 times as
//! long, seven levels in all. A deadline's level is that of the highest bit in which it differs from the wheel's time, so that
//! arming and cancelling are O(1). As the time comes to a slot, its timers move a level down; from level 0 they go to
//! a small heap, which gives exact order. Timers with one deadline fire in the order in which they were armed: they are in one list
//! at any time, and lists keep their order.

#[cfg(all(test, not(loom)))]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::places::Places;
use crate::Handle;

const SLOT_SHIFT: u32 = 20;
const LEVEL_BITS: u32 = 6;
const LEVELS: usize = 7;
const SLOTS: usize = 1 << LEVEL_BITS;
/// Deadlines beyond this (about 146 years) are cut to it.
const MAX_NS: u64 = (1 << (SLOT_SHIFT + LEVEL_BITS * LEVELS as u32)) - 1;
/// No entry.
const NIL: u32 = u32::MAX;
/// The place of an entry that is in the heap, and of a free one.
const IN_HEAP: u16 = u16::MAX;
const FREE: u16 = u16::MAX - 1;
/// How many timers of a slot are looked at to find the exact time of the next wake-up.
const PEEK: usize = 16;
/// Places that are kept when no timer is armed.
const KEPT: usize = 1024;

/// An armed timer, to cancel it with. A key of a timer that has fired cancels nothing.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub struct TimerKey {
    index: u32,
    generation: u32,
}

impl TimerKey {
    /// The key of no timer.
    pub(crate) const NONE: TimerKey = TimerKey { index: NIL, generation: 0 };
}

/// Whose timer it is, and the session with which it answers.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) struct Alarm {
    pub(crate) handle: Handle,
    pub(crate) session: i32,
}

struct Entry {
    deadline: u64,
    alarm: Alarm,
    previous: u32,
    /// The next in the list; the next free one in a free entry.
    next: u32,
    generation: u32,
    /// Level and slot, `IN_HEAP` or `FREE`.
    place: u16,
}

#[derive(Copy, Clone)]
struct List {
    first: u32,
    last: u32,
}

const EMPTY: List = List { first: NIL, last: NIL };

pub(crate) struct TimerQueue {
    entries: Places<Entry>,
    free: u32,
    armed: usize,
    /// The time up to which slots were emptied: a multiple of the level-0 slot.
    wheel_ns: u64,
    lists: [[List; SLOTS]; LEVELS],
    /// A bit for each list that is not empty.
    occupied: [u64; LEVELS],
    /// Timers of slots whose time has come: deadline, order of arrival, index, generation.
    due: BinaryHeap<Reverse<(u64, u64, u32, u32)>>,
    arrivals: u64,
    /// Tells timers apart that had one place one after the other.
    generations: u32,
}

impl TimerQueue {
    pub(crate) fn new() -> TimerQueue {
        TimerQueue {
            entries: Places::new(),
            free: NIL,
            armed: 0,
            wheel_ns: 0,
            lists: [[EMPTY; SLOTS]; LEVELS],
            occupied: [0; LEVELS],
            due: BinaryHeap::new(),
            arrivals: 0,
            generations: 0,
        }
    }

    /// The number of armed timers.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn len(&self) -> usize {
        self.armed
    }

    /// Arms a timer. A deadline that has passed fires with the next [`TimerQueue::expire`].
    pub(crate) fn arm(&mut self, deadline: u64, alarm: Alarm) -> TimerKey {
        self.generations = self.generations.wrapping_add(1);
        let generation = self.generations;
        let deadline = deadline.min(MAX_NS);
        let index = self.store(Entry { deadline, alarm, previous: NIL, next: NIL, generation, place: FREE });
        self.armed += 1;
        self.place(index);
        TimerKey { index, generation }
    }

    /// Disarms a timer; false if it has fired, or was disarmed.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> bool {
        let Some(entry) = self.entries.get(key.index as usize) else { return false };
        if entry.generation != key.generation || entry.place == FREE {
            return false;
        }
        if entry.place != IN_HEAP {
            self.unlink(key.index);
        }
        self.release(key.index);
        true
    }

    /// The next timer whose deadline is not after `now`, in order; it is disarmed.
    pub(crate) fn expire(&mut self, now: u64) -> Option<Alarm> {
        self.advance(now.min(MAX_NS));
        while let Some(&Reverse((deadline, _, index, generation))) = self.due.peek() {
            let entry = &self.entries[index as usize];
            let stale = entry.generation != generation || entry.place != IN_HEAP;
            if !stale && deadline > now {
                return None;
            }
            let alarm = entry.alarm;
            self.due.pop();
            if !stale {
                self.release(index);
                return Some(alarm);
            }
        }
        None
    }

    /// When to call [`TimerQueue::expire`] next: at the first deadline, or before it if many timers are near.
    pub(crate) fn next_wakeup(&self) -> Option<u64> {
        let in_heap = self.due.peek().map(|Reverse((deadline, ..))| *deadline);
        in_heap.or_else(|| {
            let (level, slot) = self.next_list()?;
            let list = self.lists[level][slot];
            let mut earliest = u64::MAX;
            let mut index = list.first;
            for _ in 0..PEEK {
                if index == NIL {
                    return Some(earliest);
                }
                let entry = &self.entries[index as usize];
                earliest = earliest.min(entry.deadline);
                index = entry.next;
            }
            Some(self.slot_start(level, slot))
        })
    }

    /// Moves the wheel to the slot of `now`.
    fn advance(&mut self, now: u64) {
        let target = now >> SLOT_SHIFT << SLOT_SHIFT;
        while let Some((level, slot)) = self.next_list() {
            let start = self.slot_start(level, slot);
            if start > target {
                break;
            }
            self.wheel_ns = self.wheel_ns.max(start);
            self.empty_slot(level, slot);
        }
        self.wheel_ns = self.wheel_ns.max(target);
    }

    /// The occupied list whose time comes first. Lower levels come before higher ones: a timer on a higher level is beyond
    /// the end of the lower level's turn.
    fn next_list(&self) -> Option<(usize, usize)> {
        (0..LEVELS).find_map(|level| {
            // Slots behind the wheel's position are empty: a deadline differs from the wheel's time upwards.
            (self.occupied[level] != 0).then(|| (level, self.occupied[level].trailing_zeros() as usize))
        })
    }

    fn slot_start(&self, level: usize, slot: usize) -> u64 {
        let shift = SLOT_SHIFT + LEVEL_BITS * level as u32;
        let turn = self.wheel_ns >> (shift + LEVEL_BITS) << (shift + LEVEL_BITS);
        turn | (slot as u64) << shift
    }

    /// Places the timers of a slot anew, now that the wheel has come to it.
    fn empty_slot(&mut self, level: usize, slot: usize) {
        let list = std::mem::replace(&mut self.lists[level][slot], EMPTY);
        self.occupied[level] &= !(1 << slot);
        let mut index = list.first;
        while index != NIL {
            let next = self.entries[index as usize].next;
            self.place(index);
            index = next;
        }
    }

    /// Puts an entry where it belongs at the wheel's time.
    fn place(&mut self, index: u32) {
        let deadline = self.entries[index as usize].deadline;
        let slot_of_wheel = self.wheel_ns >> SLOT_SHIFT;
        let slot_of_deadline = deadline >> SLOT_SHIFT;
        if slot_of_deadline <= slot_of_wheel {
            let entry = &mut self.entries[index as usize];
            entry.place = IN_HEAP;
            self.due.push(Reverse((deadline, self.arrivals, index, entry.generation)));
            self.arrivals += 1;
            return;
        }
        let level = ((slot_of_wheel ^ slot_of_deadline).ilog2() / LEVEL_BITS) as usize;
        let slot = (slot_of_deadline >> (LEVEL_BITS * level as u32)) as usize % SLOTS;
        let list = &mut self.lists[level][slot];
        let last = std::mem::replace(&mut list.last, index);
        if last == NIL {
            list.first = index;
        }
        self.occupied[level] |= 1 << slot;
        if let Some(before) = self.entries.get_mut(last as usize) {
            before.next = index;
        }
        let entry = &mut self.entries[index as usize];
        entry.previous = last;
        entry.next = NIL;
        entry.place = (level * SLOTS + slot) as u16;
    }

    fn unlink(&mut self, index: u32) {
        let Entry { previous, next, place, .. } = self.entries[index as usize];
        let (level, slot) = (usize::from(place) / SLOTS, usize::from(place) % SLOTS);
        let list = &mut self.lists[level][slot];
        match self.entries.get_mut(previous as usize) {
            Some(before) => before.next = next,
            None => list.first = next,
        }
        match self.entries.get_mut(next as usize) {
            Some(after) => after.previous = previous,
            None => list.last = previous,
        }
        if list.first == NIL {
            self.occupied[level] &= !(1 << slot);
        }
    }

    fn store(&mut self, entry: Entry) -> u32 {
        match self.entries.get_mut(self.free as usize) {
            Some(place) => {
                let index = self.free;
                self.free = place.next;
                *place = entry;
                index
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        }
    }

    fn release(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        entry.place = FREE;
        entry.next = self.free;
        self.free = index;
        self.armed -= 1;
        if self.armed == 0 && self.entries.len() > KEPT {
            self.shrink();
        }
    }

    /// Gives the memory of a large set back, once it is empty.
    #[cold]
    fn shrink(&mut self) {
        self.entries = Places::new();
        self.free = NIL;
        self.due = BinaryHeap::new();
    }
}
