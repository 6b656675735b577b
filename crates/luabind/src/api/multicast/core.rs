//! `skynet.multicast.core`.

use std::ffi::{c_int, c_void};

use mlua::ffi::{self, lua_State};
use skynet_core::{Payload, SharedPayload};

use super::{another_reader, check_package};
use crate::api::Entry;
use crate::vm::vm_of;

pub(super) const FUNCTIONS: &[Entry] = &[
    (c"pack", pack),
    (c"packremote", packremote),
    (c"unpack", unpack),
    (c"bind", bind),
    (c"close", close),
    (c"remote", remote),
    (c"nextid", nextid),
];

/// A cell: a block of `malloc` with the address of a package in it.
type Cell = *const u8;
const CELL: usize = size_of::<Cell>();

/// Ids of channels differ in what is above the id of their node.
const NEXT_CHANNEL: i64 = 256;

/// The bytes of the message whose pointer and size are at an index and the next. Raises for what is no message.
pub(super) unsafe fn check_message<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    unsafe {
        let block = ffi::lua_touserdata(l, index);
        if block.is_null() && ffi::lua_type(l, index) != ffi::LUA_TLIGHTUSERDATA {
            ffi::luaL_argerror(l, index, c"a pointer to the bytes is wanted".as_ptr());
        }
        let size = ffi::luaL_checkinteger(l, index + 1);
        let Ok(len) = u32::try_from(size) else {
            ffi::luaL_error(l, c"Size should be 32bit integer".as_ptr());
            return &[];
        };
        if block.is_null() || len == 0 {
            return &[];
        }
        std::slice::from_raw_parts(block.cast_const().cast(), len as usize)
    }
}

/// Pushes a new cell and its size. The stack has room.
unsafe fn push_cell(l: *mut lua_State, package: SharedPayload) -> c_int {
    unsafe {
        let cell = Payload::copy_from(&package.into_raw().expose_provenance().to_ne_bytes());
        let (block, len) = cell.into_raw();
        ffi::lua_pushlightuserdata(l, block);
        ffi::lua_pushinteger(l, len as i64);
        2
    }
}

/// The cell at index 1; raises for what is none.
unsafe fn check_cell(l: *mut lua_State) -> *mut Cell {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TLIGHTUSERDATA);
        let cell: *mut Cell = ffi::lua_touserdata(l, 1).cast();
        if cell.is_null() {
            ffi::luaL_argerror(l, 1, c"no multicast package".as_ptr());
        }
        cell
    }
}

/// The package in a cell.
unsafe fn package_in(cell: *const Cell) -> *const u8 {
    // SAFETY: the caller has a cell; it may be anywhere in a message.
    unsafe { std::ptr::with_exposed_provenance(cell.cast::<usize>().read_unaligned()) }
}

/// `pack(pointer, size) -> cell, 8`: takes the bytes.
unsafe extern "C-unwind" fn pack(l: *mut lua_State) -> c_int {
    unsafe {
        let bytes = check_message(l, 1);
        ffi::luaL_checktype(l, 1, ffi::LUA_TLIGHTUSERDATA);
        ffi::luaL_checkstack(l, 2, std::ptr::null());
        let package = SharedPayload::copy_from(bytes);
        libc::free(ffi::lua_touserdata(l, 1));
        push_cell(l, package)
    }
}

/// `packremote(pointer, size) -> cell, 8`: copies the bytes.
unsafe extern "C-unwind" fn packremote(l: *mut lua_State) -> c_int {
    unsafe {
        let bytes = check_message(l, 1);
        ffi::luaL_checkstack(l, 2, std::ptr::null());
        push_cell(l, SharedPayload::copy_from(bytes))
    }
}

/// `unpack(message, size) -> package, pointer, size`: the message stays whose it is. The package is to be closed.
unsafe extern "C-unwind" fn unpack(l: *mut lua_State) -> c_int {
    unsafe {
        let message: *const u8 = ffi::lua_touserdata(l, 1).cast_const().cast();
        let size = ffi::luaL_checkinteger(l, 2);
        ffi::luaL_checkstack(l, 3, std::ptr::null());
        let package = if message == (*vm_of(l)).shared_message && (size == 0 || !message.is_null()) {
            // A package as it is, and not a cell: the message is a reader, this is one more.
            another_reader(message).into_raw()
        } else if size == CELL as i64 && !message.is_null() {
            package_in(message.cast())
        } else {
            return ffi::luaL_error(l, c"Invalid multicast package size %d".as_ptr(), size as c_int);
        };
        let bytes = another_reader(package);
        let len = bytes.len();
        drop(bytes);
        let pointer: *mut c_void = package.cast_mut().cast();
        ffi::lua_pushlightuserdata(l, pointer);
        ffi::lua_pushlightuserdata(l, pointer);
        ffi::lua_pushinteger(l, len as i64);
        3
    }
}

/// `bind(cell, count) -> package`: from now on so many are to close it; the cell is freed.
unsafe extern "C-unwind" fn bind(l: *mut lua_State) -> c_int {
    unsafe {
        let cell = check_cell(l);
        let count = ffi::luaL_checkinteger(l, 2);
        let more = usize::try_from(count).ok().and_then(|count| count.checked_sub(1));
        let Some(more) = more else {
            return ffi::luaL_argerror(
                l,
                2,
                c"the number of those who close the package is above 0".as_ptr(),
            );
        };
        let package = package_in(cell);
        if another_reader(package).readers() > 2 {
            return ffi::luaL_error(l, c"Can't bind a multicast package more than once".as_ptr());
        }
        for _ in 0..more {
            // Given away: `close` takes it back.
            let _ = another_reader(package).into_raw();
        }
        libc::free(cell.cast());
        ffi::lua_pushlightuserdata(l, package.cast_mut().cast());
        1
    }
}

/// `close(package)`: the last one frees it.
unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    unsafe {
        drop(SharedPayload::from_raw(check_package(l, 1)));
        0
    }
}

/// `remote(cell) -> pointer, size`: the bytes as a plain message, which is the caller's; cell and package are gone.
unsafe extern "C-unwind" fn remote(l: *mut lua_State) -> c_int {
    unsafe {
        let cell = check_cell(l);
        ffi::luaL_checkstack(l, 2, std::ptr::null());
        let (block, len) = Payload::from(SharedPayload::from_raw(package_in(cell))).into_raw();
        libc::free(cell.cast());
        ffi::lua_pushlightuserdata(l, block);
        ffi::lua_pushinteger(l, len as i64);
        2
    }
}

/// `nextid(channel) -> channel`
unsafe extern "C-unwind" fn nextid(l: *mut lua_State) -> c_int {
    unsafe {
        let id = ffi::luaL_checkinteger(l, 1);
        ffi::lua_pushinteger(l, id.wrapping_add(NEXT_CHANNEL) & i64::from(i32::MAX));
        1
    }
}
