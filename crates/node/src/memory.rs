//! One allocator for the whole process: Rust, Lua and C modules hand blocks over by pointer, so all of them use the C
//! library's `malloc` and `free`. With the feature `mimalloc` those names are mimalloc's.

use std::alloc::System;

#[global_allocator]
static GLOBAL: System = System;

/// Makes the linker take mimalloc, and with it the override, into the binary.
#[cfg(feature = "mimalloc")]
#[used]
static OVERRIDE: unsafe extern "C" fn(usize) -> *mut std::ffi::c_void = libmimalloc_sys::mi_malloc;

/// Keeps the system from backing memory by huge pages, which mimalloc asks for. What a node holds is small blocks that come and go: with
/// huge pages ten thousand idle connections take half as much again, an empty node takes twice as much, and nothing is faster.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub(crate) fn use_small_pages() {
    // SAFETY: the call takes numbers and changes how pages are given from now on. A system that does not know it says so, and
    // nothing is lost.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}

/// Only Linux has such pages.
#[cfg(not(target_os = "linux"))]
pub(crate) fn use_small_pages() {}
