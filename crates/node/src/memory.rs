//! One allocator for the whole process: Rust, Lua and C modules hand blocks over by pointer, so all of them use the C
//! library's `malloc` and `free`. With the feature `mimalloc` those names are mimalloc's, without huge pages (`no_thp`): what a node
//! holds is small blocks that come and go, and with huge pages ten thousand idle connections take half as much again, an
//! empty node takes twice as much, and nothing is faster.

use std::alloc::System;

#[global_allocator]
static GLOBAL: System = System;

/// Makes the linker take mimalloc, and with it the override, into the binary.
#[cfg(feature = "mimalloc")]
#[used]
static OVERRIDE: unsafe extern "C" fn(usize) -> *mut std::ffi::c_void = libmimalloc_sys::mi_malloc;
