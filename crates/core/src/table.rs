//! From handles to services.
//!
//! An array of pointers with a power of two of slots; local id `n` is in slot `n` modulo the size. Readers load the array and
//! one slot and write nothing, so they do not disturb one another. A writer that needs more room makes a bigger array, and
//! the old ones stay until the node is dropped, since a reader may be in one (sizes double, so together they are no bigger
//! than the last). A slot read late leads to a cell of another service; [`Mailbox::push`](crate::mailbox::Mailbox::push)
//! notices.

use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::Handle;
use crate::cell::{Cell, CellRef};
use crate::sync::lock;

/// Slots of the first array.
const FIRST_SLOTS: usize = 64;
/// Cells in a block: the first, and the most.
const FIRST_BLOCK: usize = 16;
const MAX_BLOCK: usize = 1024;

struct Slots {
    mask: usize,
    slots: Box<[AtomicPtr<Cell>]>,
}

impl Slots {
    fn new(size: usize) -> Box<Slots> {
        let slots = (0..size).map(|_| AtomicPtr::default()).collect();
        Box::new(Slots { mask: size - 1, slots })
    }

    #[inline]
    fn slot(&self, local: u32) -> &AtomicPtr<Cell> {
        &self.slots[local as usize & self.mask]
    }
}

pub(crate) struct Table {
    current: AtomicPtr<Slots>,
    writer: Mutex<Writer>,
    harbor: u8,
}

struct Writer {
    /// Every array that ever was current; the last one is.
    arrays: Vec<*mut Slots>,
    blocks: Vec<Box<[Cell]>>,
    /// Cells in use or free again, of the last block.
    used: usize,
    free: Vec<CellRef>,
    next_id: u32,
    live: usize,
}

// SAFETY: the pointers in `arrays` are owned boxes, freed in `Drop` alone.
unsafe impl Send for Writer {}

impl Table {
    /// An empty table that begins with this local id.
    pub(crate) fn new(harbor: u8, first_id: u32) -> Table {
        let slots = Box::into_raw(Slots::new(FIRST_SLOTS));
        let writer = Writer {
            arrays: vec![slots],
            blocks: Vec::new(),
            used: 0,
            free: Vec::new(),
            next_id: (first_id & Handle::MAX_LOCAL).max(1),
            live: 0,
        };
        Table { current: AtomicPtr::new(slots), writer: Mutex::new(writer), harbor }
    }

    /// The cell that may belong to `handle`: what uses it compares the handle under the cell's locks.
    #[inline]
    pub(crate) fn find(&self, handle: Handle) -> Option<CellRef> {
        // SAFETY: arrays and cells live as long as the table.
        unsafe {
            let slots = &*self.current.load(Ordering::Acquire);
            CellRef::from_ptr(slots.slot(handle.local()).load(Ordering::Acquire))
        }
    }

    /// Whether a service with this handle is alive.
    pub(crate) fn is_alive(&self, handle: Handle) -> bool {
        !handle.is_none() && self.find(handle).is_some_and(|cell| cell.mailbox.is_owned_by(handle))
    }

    /// Finds the next free id and a cell for it; `open` makes the cell the service's before others can find it. `None` if
    /// all ids are taken.
    pub(crate) fn insert(&self, open: impl FnOnce(Handle, CellRef)) -> Option<(Handle, CellRef)> {
        let mut writer = lock(&self.writer);
        if writer.live == Handle::MAX_LOCAL as usize {
            return None;
        }
        // SAFETY: arrays live as long as the table.
        let mut slots = unsafe { &*self.current.load(Ordering::Relaxed) };
        if writer.live * 2 >= slots.slots.len() && slots.slots.len() <= Handle::MAX_LOCAL as usize {
            slots = self.grow(&mut writer, slots);
        }
        let local = loop {
            let id = writer.next_id;
            writer.next_id = if id == Handle::MAX_LOCAL { 1 } else { id + 1 };
            if slots.slot(id).load(Ordering::Relaxed).is_null() {
                break id;
            }
        };
        let handle = Handle::new(self.harbor, local);
        let cell = writer.take_cell();
        writer.live += 1;
        cell.set_table_id(local);
        open(handle, cell);
        slots.slot(local).store(cell.as_ptr(), Ordering::Release);
        Some((handle, cell))
    }

    fn grow<'a>(&'a self, writer: &mut Writer, old: &Slots) -> &'a Slots {
        let new = Slots::new(old.slots.len() * 2);
        for slot in &old.slots {
            // SAFETY: cells live as long as the table.
            if let Some(cell) = unsafe { CellRef::from_ptr(slot.load(Ordering::Relaxed)) } {
                new.slot(cell.table_id()).store(cell.as_ptr(), Ordering::Relaxed);
            }
        }
        let new = Box::into_raw(new);
        writer.arrays.push(new);
        self.current.store(new, Ordering::Release);
        // SAFETY: arrays live as long as the table.
        unsafe { &*new }
    }

    /// Takes a service out, so that nobody finds it any more. `None` if it is not there: whoever gets the cell ends the
    /// service, and nobody else does.
    pub(crate) fn remove(&self, handle: Handle) -> Option<CellRef> {
        if handle.is_none() {
            return None;
        }
        let mut writer = lock(&self.writer);
        // SAFETY: arrays and cells live as long as the table.
        let cell = unsafe {
            let slot = (*self.current.load(Ordering::Relaxed)).slot(handle.local());
            let cell = CellRef::from_ptr(slot.load(Ordering::Relaxed))?;
            // A cell that is in the table is not closed, so its mailbox names its handle.
            if !cell.mailbox.is_owned_by(handle) {
                return None;
            }
            slot.store(std::ptr::null_mut(), Ordering::Release);
            cell
        };
        writer.live -= 1;
        Some(cell)
    }

    /// Gives a removed cell back for the next service.
    pub(crate) fn recycle(&self, cell: CellRef) {
        lock(&self.writer).free.push(cell);
    }

    /// All that may be alive, in the order of the slots.
    pub(crate) fn cells(&self) -> Vec<CellRef> {
        let _writer = lock(&self.writer);
        // SAFETY: arrays and cells live as long as the table.
        let slots = unsafe { &*self.current.load(Ordering::Relaxed) };
        // SAFETY: as above.
        slots
            .slots
            .iter()
            .filter_map(|slot| unsafe { CellRef::from_ptr(slot.load(Ordering::Relaxed)) })
            .collect()
    }

    /// Every cell ever used, also of services that were taken out and have not ended.
    pub(crate) fn all_cells(&self) -> Vec<CellRef> {
        lock(&self.writer).blocks.iter().flat_map(|block| block.iter().map(CellRef::new)).collect()
    }
}

impl Writer {
    fn take_cell(&mut self) -> CellRef {
        if let Some(cell) = self.free.pop() {
            return cell;
        }
        if self.blocks.last().is_none_or(|block| block.len() == self.used) {
            let size = self.blocks.last().map_or(FIRST_BLOCK, |block| (block.len() * 2).min(MAX_BLOCK));
            self.blocks.push((0..size).map(|_| Cell::default()).collect());
            self.used = 0;
        }
        let block = &self.blocks[self.blocks.len() - 1];
        self.used += 1;
        CellRef::new(&block[self.used - 1])
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        for array in lock(&self.writer).arrays.drain(..) {
            // SAFETY: each array was made by `Box::into_raw`, and nobody reads a table that is being dropped.
            drop(unsafe { Box::from_raw(array) });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn insert(table: &Table) -> (Handle, CellRef) {
        table.insert(|handle, cell| cell.mailbox.open(handle)).expect("there is room")
    }

    fn remove(table: &Table, (handle, cell): (Handle, CellRef)) {
        assert!(table.remove(handle) == Some(cell));
        assert!(table.remove(handle).is_none(), "a service is removed once");
        assert!(cell.mailbox.close(handle).is_some());
        cell.mailbox.free();
        table.recycle(cell);
    }

    #[test]
    fn ids_climb_and_are_not_used_again() {
        let table = Table::new(3, 1);
        for expected in 1..1000 {
            let service = insert(&table);
            assert_eq!(service.0, Handle::new(3, expected));
            remove(&table, service);
        }
    }

    #[test]
    fn the_counter_wraps_past_zero_and_past_the_living() {
        let table = Table::new(0, Handle::MAX_LOCAL - 1);
        let ids: Vec<u32> = (0..4).map(|_| insert(&table).0.raw()).collect();
        assert_eq!(ids, [0xff_fffe, 0xff_ffff, 1, 2]);
    }

    #[test]
    fn growth_loses_nobody() {
        let table = Table::new(0, 1);
        let all: Vec<_> = (0..5000).map(|_| insert(&table)).collect();
        for (handle, cell) in &all {
            assert!(table.find(*handle) == Some(*cell) && table.is_alive(*handle));
        }
        assert_eq!(table.cells().len(), 5000);
    }

    proptest! {
        /// No two services that are alive together have one handle, also where the counter wraps.
        #[test]
        fn handles_are_unique(first in Handle::MAX_LOCAL - 200..=Handle::MAX_LOCAL, kills in prop::collection::vec(any::<u16>(), 0..600)) {
            let table = Table::new(0, first);
            let mut alive = Vec::new();
            let mut seen = BTreeSet::new();
            for kill in kills {
                let service = insert(&table);
                prop_assert!(!service.0.is_none() && seen.insert(service.0));
                alive.push(service);
                if kill % 2 == 0 {
                    let dead = alive.swap_remove(usize::from(kill) % alive.len());
                    remove(&table, dead);
                    prop_assert!(!table.is_alive(dead.0));
                }
            }
            prop_assert!(alive.iter().all(|(handle, _)| table.is_alive(*handle)));
        }
    }
}
