//! `skynet.memory`: what is known about memory.
//!
//! C skynet counts the blocks of its allocator per service, without Lua's. Here it is the other way about: the bytes of
//! every VM are counted, and what native code allocates belongs to nobody. There is no jemalloc, and so no heap profiler.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::Entry;
use crate::vm::vm_of;

const FUNCTIONS: &[Entry] = &[
    (c"total", total),
    (c"block", block),
    (c"info", info),
    (c"current", current),
    (c"dump", dump),
    (c"dumpinfo", without_allocator),
    (c"jestat", jestat),
    (c"mallctl", mallctl),
    (c"dumpheap", without_allocator),
    (c"profactive", profactive),
];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe { super::new_module(l, FUNCTIONS) }
}

/// Takes the figures of all services into the record, in the order of their handles. A leaf.
unsafe fn take_figures(l: *mut lua_State) -> u64 {
    unsafe {
        let vm = vm_of(l);
        (*vm).note_memory();
        let figures = &mut (*vm).figures;
        figures.clear();
        (*vm).shared.memory_of_services(figures);
        figures.sort_unstable();
        figures.iter().map(|(_, bytes)| *bytes as u64).sum()
    }
}

/// The n-th of them. A leaf.
unsafe fn figure(l: *mut lua_State, n: usize) -> Option<(u32, usize)> {
    unsafe {
        let figures = &(*vm_of(l)).figures;
        figures.get(n).copied()
    }
}

/// `total() -> bytes` of all VMs
unsafe extern "C-unwind" fn total(l: *mut lua_State) -> c_int {
    unsafe {
        let sum = take_figures(l);
        ffi::lua_pushinteger(l, sum as i64);
        1
    }
}

/// `block() -> 0`: blocks are not counted
unsafe extern "C-unwind" fn block(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushinteger(l, 0);
        1
    }
}

/// `info() -> { handle → bytes of its VM }`
unsafe extern "C-unwind" fn info(l: *mut lua_State) -> c_int {
    unsafe {
        take_figures(l);
        ffi::lua_createtable(l, 0, 0);
        let mut at = 0;
        while let Some((handle, bytes)) = figure(l, at) {
            at += 1;
            ffi::lua_pushinteger(l, bytes as i64);
            ffi::lua_rawseti(l, -2, i64::from(handle));
        }
        1
    }
}

/// `current() -> bytes` of this service's VM
unsafe extern "C-unwind" fn current(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushinteger(l, (*vm_of(l)).memory.used as i64);
        1
    }
}

/// `dump()`: logs the figures of all services.
unsafe extern "C-unwind" fn dump(l: *mut lua_State) -> c_int {
    unsafe {
        let sum = take_figures(l);
        let vm = vm_of(l);
        let mut at = 0;
        while let Some((handle, bytes)) = figure(l, at) {
            at += 1;
            let (kib, rest) = (bytes / 1024, bytes % 1024);
            (*vm).context().log(format!(":{handle:08x} -> {kib}kb {rest}b"));
        }
        (*vm).context().log(format!("+total: {}kb", sum / 1024));
        0
    }
}

/// `jestat() -> { name → bytes }`: of jemalloc's figures the one that every process has.
unsafe extern "C-unwind" fn jestat(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_createtable(l, 0, 1);
        if let Some(bytes) = resident() {
            ffi::lua_pushinteger(l, bytes);
            ffi::lua_setfield(l, -2, c"stats.resident".as_ptr());
        }
        1
    }
}

/// Bytes of this process that are in physical memory. A leaf.
fn resident() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: i64 = text.split(' ').nth(1)?.parse().ok()?;
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages.checked_mul(page)
}

/// Logs that the allocator has nothing of the kind.
unsafe fn say_absent(l: *mut lua_State) {
    unsafe { (*vm_of(l)).context().log("No jemalloc: its figures, controls and heap profiler are not there") }
}

/// `dumpinfo(options)`, `dumpheap()`
unsafe extern "C-unwind" fn without_allocator(l: *mut lua_State) -> c_int {
    unsafe {
        say_absent(l);
        0
    }
}

/// `mallctl(name) -> 0`
unsafe extern "C-unwind" fn mallctl(l: *mut lua_State) -> c_int {
    unsafe {
        say_absent(l);
        ffi::lua_pushinteger(l, 0);
        1
    }
}

/// `profactive(on?) -> false`
unsafe extern "C-unwind" fn profactive(l: *mut lua_State) -> c_int {
    unsafe {
        if ffi::lua_toboolean(l, 1) != 0 {
            say_absent(l);
        }
        ffi::lua_pushboolean(l, 0);
        1
    }
}
