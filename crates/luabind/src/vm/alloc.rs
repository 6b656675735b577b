//! The allocator of a VM: counts what it holds, and refuses beyond a limit.

use std::ffi::c_void;
use std::ptr;

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
}

impl Memory {
    pub(crate) fn new() -> Box<Memory> {
        Box::new(Memory { used: 0, limit: 0, warn_at: FIRST_WARNING, report: 0 })
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
        let grown = libc::realloc(block, new);
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
