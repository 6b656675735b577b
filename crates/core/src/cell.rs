//! The part of a service that others can see, and the part that belongs to whoever runs it.
//!
//! **Invariant.** Cells are type-stable: once made, a cell stays a cell until its node is dropped, and is used for one
//! service after another. So a pointer to one is never dangling; at worst it leads to another service, and every operation
//! that could then go wrong compares handles under a lock.

use std::cell::UnsafeCell;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::Handle;
use crate::context::Context;
use crate::mailbox::{Batch, Mailbox};
use crate::msglog::MessageLog;
use crate::service::{Service, ServiceControl};
use crate::sync::lock;

/// The service was retired: its owner ends it after the current message.
pub(crate) const CLOSING: u8 = 1;
/// Each message is written to a file.
pub(crate) const LOGGED: u8 = 2;
/// The service does not count as live.
pub(crate) const UNCOUNTED: u8 = 4;
/// Somebody else ended the service, or it itself as others would.
pub(crate) const KILLED: u8 = 8;

/// Overload reports begin at this length.
pub(crate) const OVERLOAD: usize = 1024;

/// Characters of a service's name that an error shows.
const MOST_OF_NAME: usize = 64;

#[repr(align(64))]
#[derive(Default)]
pub(crate) struct Cell {
    pub(crate) mailbox: Mailbox,
    /// `CLOSING`, `LOGGED`, `UNCOUNTED`, `KILLED`.
    pub(crate) flags: AtomicU8,
    /// The local id under which the table holds the cell.
    table_id: AtomicU32,
    /// A message took so long that the monitor reported it.
    pub(crate) endless: AtomicBool,
    /// Messages begun. Written by the owner.
    pub(crate) messages: AtomicU64,
    /// Ticks spent in the service. Written by the owner.
    pub(crate) cpu_ticks: AtomicU64,
    /// How many milliseconds one message may take before it is interrupted; 0 without a limit.
    pub(crate) message_limit: AtomicU64,
    owned: UnsafeCell<Owned>,
    context: UnsafeCell<Option<Context>>,
    shared: Mutex<Shared>,
}

/// What only the owner of the service touches.
#[derive(Default)]
pub(crate) struct Owned {
    pub(crate) batch: Batch,
    pub(crate) service: Option<Box<dyn Service>>,
    /// The next length at which an overload is reported, less [`OVERLOAD`].
    pub(crate) overload: usize,
}

/// What others ask for now and then.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) handle: Handle,
    pub(crate) name: Box<str>,
    pub(crate) control: Option<Arc<dyn ServiceControl>>,
    pub(crate) log: Option<Box<MessageLog>>,
    /// How it ends, where that is not just "has ended".
    pub(crate) end: Option<Box<str>>,
}

// SAFETY: `owned` and `context` are touched only by the owner of the service, of whom there is one at a time, and the
// mailbox's lock or the run queue orders one owner after the other. All the rest is made for sharing. What the owner holds
// may move between threads: `Service` is `Send`, and so is all that a `Context` keeps.
unsafe impl Sync for Cell {}
// SAFETY: as above.
unsafe impl Send for Cell {}

impl Cell {
    /// What the owner of the service owns.
    ///
    /// # Safety
    ///
    /// The caller owns the service (see [`Mailbox`]), and no other reference from this function lives.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn owned(&self) -> &mut Owned {
        // SAFETY: as the caller promises.
        unsafe { &mut *self.owned.get() }
    }

    /// The context of the service.
    ///
    /// # Safety
    ///
    /// The caller owns the service, and the reference ends with that.
    pub(crate) unsafe fn context(&self) -> Option<&Context> {
        // SAFETY: as the caller promises; only `set_context` changes the place.
        unsafe { (*self.context.get()).as_ref() }
    }

    /// Makes or removes the context.
    ///
    /// # Safety
    ///
    /// The caller owns the service, and no reference from [`Cell::context`] lives.
    pub(crate) unsafe fn set_context(&self, context: Option<Context>) {
        // SAFETY: as the caller promises.
        unsafe { *self.context.get() = context };
    }

    /// The shared part, if it (still) belongs to `handle`.
    pub(crate) fn with_shared<R>(&self, handle: Handle, f: impl FnOnce(&mut Shared) -> R) -> Option<R> {
        let mut shared = lock(&self.shared);
        (shared.handle == handle).then(|| f(&mut shared))
    }

    /// What errors call the service `handle`, if the cell (still) belongs to it.
    pub(crate) fn short_name(&self, handle: Handle) -> Option<String> {
        self.with_shared(handle, |shared| shared.name.chars().take(MOST_OF_NAME).collect())
    }

    /// The service that the cell belongs to and what it is called, until that has ended.
    pub(crate) fn identity(&self) -> Option<(Handle, String)> {
        let shared = lock(&self.shared);
        (!shared.handle.is_none()).then(|| (shared.handle, shared.name.to_string()))
    }

    /// Prepares a free cell for a service.
    pub(crate) fn reset(&self, flags: u8, message_limit: u64) {
        self.flags.store(flags, Ordering::Relaxed);
        self.message_limit.store(message_limit, Ordering::Relaxed);
        self.endless.store(false, Ordering::Relaxed);
        self.messages.store(0, Ordering::Relaxed);
        self.cpu_ticks.store(0, Ordering::Relaxed);
    }

    pub(crate) fn set_shared(&self, shared: Shared) -> Shared {
        std::mem::replace(&mut *lock(&self.shared), shared)
    }

    pub(crate) fn table_id(&self) -> u32 {
        self.table_id.load(Ordering::Relaxed)
    }

    pub(crate) fn set_table_id(&self, local: u32) {
        self.table_id.store(local, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    pub(crate) fn set(&self, flag: u8) {
        self.flags.fetch_or(flag, Ordering::Relaxed);
    }

    pub(crate) fn unset(&self, flag: u8) {
        self.flags.fetch_and(!flag, Ordering::Relaxed);
    }
}

/// A pointer to a cell, as run queues hold it.
///
/// **Invariant.** It is made by the table of a node alone, and kept only by that node and by threads that hold the node.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(crate) struct CellRef(NonNull<Cell>);

// SAFETY: a `CellRef` is a shared reference to a `Cell`, which is `Sync`.
unsafe impl Send for CellRef {}
// SAFETY: as above.
unsafe impl Sync for CellRef {}

impl CellRef {
    pub(crate) fn new(cell: &Cell) -> CellRef {
        CellRef(NonNull::from(cell))
    }

    #[inline]
    pub(crate) fn as_ptr(self) -> *mut Cell {
        self.0.as_ptr()
    }

    /// The reverse of [`CellRef::as_ptr`]; null is nothing.
    ///
    /// # Safety
    ///
    /// `ptr` is null or comes from [`CellRef::as_ptr`], and the node of the cell lives.
    #[inline]
    pub(crate) unsafe fn from_ptr(ptr: *mut Cell) -> Option<CellRef> {
        NonNull::new(ptr).map(CellRef)
    }
}

impl Deref for CellRef {
    type Target = Cell;

    #[inline]
    fn deref(&self) -> &Cell {
        // SAFETY: cells live as long as their node, and by the invariant whoever holds a `CellRef` keeps the node alive.
        unsafe { self.0.as_ref() }
    }
}
