//! The allocator of a VM: counts what it holds, and refuses beyond a limit.

use std::ffi::{c_int, c_void};
use std::ptr;

use mlua::ffi::{self, lua_State};

/// A heap beyond this is large: its collector runs as often as Lua's default has it.
const LARGE: usize = 8 * 1024 * 1024;
/// How much, in percent, a small heap may grow before young objects are collected. Lua's default is 20, which makes a service
/// of a hundred kilobytes collect after every few messages.
const SMALL_GROWTH: c_int = 100;
/// The same for a large heap: Lua's default.
const LARGE_GROWTH: c_int = 20;

/// Usage at which the first warning is due.
const FIRST_WARNING: usize = 32 * 1024 * 1024;

/// What a VM has allocated, in bytes, and how much it may.
pub(crate) struct Memory {
    pub(crate) used: usize,
    /// No allocation may grow the usage beyond this; 0 means no limit.
    pub(crate) limit: usize,
    /// Usage at which to warn next.
    warn_at: usize,
    /// Usage that has to be reported, 0 if none: the allocator itself cannot log.
    pub(crate) report: usize,
    /// The collector's pace is that for large heaps.
    large: bool,
}

impl Memory {
    pub(crate) fn new() -> Box<Memory> {
        Box::new(Memory { used: 0, limit: 0, warn_at: FIRST_WARNING, report: 0, large: false })
    }

    /// Sets the pace of a fresh collector.
    ///
    /// # Safety
    /// `l` is the state that this memory belongs to.
    pub(crate) unsafe fn set_pace(&self, l: *mut lua_State) {
        let growth = if self.large { LARGE_GROWTH } else { SMALL_GROWTH };
        // SAFETY: sets a number; never raises.
        unsafe { ffi::lua_gc(l, ffi::LUA_GCPARAM, ffi::LUA_GCPMINORMUL, growth) };
    }

    /// Follows the size of the heap with the pace of its collector.
    ///
    /// # Safety
    /// As [`Memory::set_pace`].
    #[inline]
    pub(crate) unsafe fn adapt(&mut self, l: *mut lua_State) {
        // Only a heap that has shrunk to half of it counts as small again.
        if (self.used > LARGE) != self.large && !(self.large && self.used > LARGE / 2) {
            self.large = !self.large;
            // SAFETY: the caller's.
            unsafe { self.set_pace(l) };
        }
    }

    /// Usage that has not been reported yet, once it passed 32 MiB and whenever it doubled since.
    #[inline]
    pub(crate) fn take_report(&mut self) -> Option<usize> {
        if self.report == 0 {
            return None;
        }
        Some(std::mem::take(&mut self.report))
    }
}

/// Lua's allocator function. `ud` is the VM's [`Memory`].
pub(super) unsafe extern "C" fn allocate(
    ud: *mut c_void,
    block: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: `ud` was given to `lua_newstate` with this function and outlives the state, which is used by one thread
    // at a time; `block` is null or came from here.
    unsafe {
        let memory = &mut *ud.cast::<Memory>();
        // For a new block `old` tells the kind of object, not a size.
        let old = if block.is_null() { 0 } else { old };
        if new == 0 {
            libc::free(block);
            memory.used -= old;
            return ptr::null_mut();
        }
        if new > old && memory.limit != 0 && memory.used - old + new > memory.limit {
            return ptr::null_mut();
        }
        let grown = if block.is_null() { libc::malloc(new) } else { libc::realloc(block, new) };
        if grown.is_null() {
            return ptr::null_mut();
        }
        memory.used = memory.used - old + new;
        if memory.used > memory.warn_at {
            memory.warn_at *= 2;
            memory.report = memory.used;
        }
        grown
    }
}
