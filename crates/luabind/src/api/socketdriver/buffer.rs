//! Receive buffers for libraries that read by themselves, and blocks of `malloc`.

use std::ffi::{CStr, c_int, c_void};

use mlua::ffi::{self, lua_State};
use skynet_core::Payload;

use crate::api::check_bytes;
use crate::api::socket::push_first;
use crate::net::Inbox;

const TYPE: &CStr = c"skynet.socketdriver.buffer";

/// `str2p(s) -> pointer, size`
pub(super) unsafe extern "C-unwind" fn str2p(l: *mut lua_State) -> c_int {
    unsafe {
        let bytes = check_bytes(l, 1);
        ffi::luaL_checkstack(l, 2, std::ptr::null());
        let block = libc::malloc(bytes.len().max(1)).cast::<u8>();
        if block.is_null() {
            return ffi::luaL_error(l, c"not enough memory".as_ptr());
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), block, bytes.len());
        ffi::lua_pushlightuserdata(l, block.cast());
        ffi::lua_pushinteger(l, bytes.len() as i64);
        2
    }
}

/// `drop(pointer, size)`
pub(super) unsafe extern "C-unwind" fn drop_block(l: *mut lua_State) -> c_int {
    unsafe {
        let block = ffi::lua_touserdata(l, 1);
        ffi::luaL_checkinteger(l, 2);
        if ffi::lua_type(l, 1) == ffi::LUA_TLIGHTUSERDATA {
            libc::free(block);
        }
        0
    }
}

/// `buffer() -> buffer`
pub(super) unsafe extern "C-unwind" fn buffer(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = ffi::lua_newuserdatauv(l, size_of::<Inbox>(), 0).cast::<Inbox>();
        // Before anything that may raise: the collector must find it good. It gets the metatable that frees it last.
        inbox.write(Inbox::new());
        if ffi::luaL_newmetatable(l, TYPE.as_ptr()) != 0 {
            ffi::lua_pushcclosure(l, collect, 0);
            ffi::lua_setfield(l, -2, c"__gc".as_ptr());
        }
        ffi::lua_setmetatable(l, -2);
        1
    }
}

/// `__gc`
unsafe extern "C-unwind" fn collect(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = ffi::luaL_testudata(l, 1, TYPE.as_ptr()).cast::<Inbox>();
        if !inbox.is_null() {
            (*inbox).clear();
        }
        0
    }
}

/// The buffer at index 1. Raises if there is none.
unsafe fn inbox_at(l: *mut lua_State, complaint: &CStr) -> *mut Inbox {
    unsafe {
        let inbox = ffi::luaL_testudata(l, 1, TYPE.as_ptr()).cast::<Inbox>();
        if inbox.is_null() {
            ffi::luaL_error(l, complaint.as_ptr());
        }
        inbox
    }
}

const NEED_BUFFER: &CStr = c"Need buffer object at param 1";

/// `push(buffer, pool, pointer, size) -> total`: takes the block over. The pool, in which C keeps spare nodes, is not used.
pub(super) unsafe extern "C-unwind" fn push(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = inbox_at(l, c"need buffer object at param 1");
        let block: *mut c_void = ffi::lua_touserdata(l, 3);
        if block.is_null() {
            return ffi::luaL_error(l, c"need message block at param 3".as_ptr());
        }
        ffi::luaL_checktype(l, 2, ffi::LUA_TTABLE);
        let size = ffi::luaL_checkinteger(l, 4);
        if size < 0 {
            return ffi::luaL_error(l, c"invalid message size".as_ptr());
        }
        (*inbox).push(Payload::from_raw(block, size as usize));
        ffi::lua_pushinteger(l, (*inbox).len() as i64);
        1
    }
}

/// `pop(buffer, pool, n) -> string | nil, total`
pub(super) unsafe extern "C-unwind" fn pop(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = inbox_at(l, NEED_BUFFER);
        ffi::luaL_checktype(l, 2, ffi::LUA_TTABLE);
        let size = ffi::luaL_checkinteger(l, 3);
        if size < 0 {
            return ffi::luaL_argerror(l, 3, c"a number of bytes to read cannot be negative".as_ptr());
        }
        if size == 0 || size as usize > (*inbox).len() {
            ffi::lua_pushnil(l);
        } else {
            push_first(l, inbox, size as usize);
            (*inbox).consume(size as usize);
        }
        ffi::lua_pushinteger(l, (*inbox).len() as i64);
        2
    }
}

/// `readall(buffer, pool) -> string`
pub(super) unsafe extern "C-unwind" fn readall(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = inbox_at(l, NEED_BUFFER);
        ffi::luaL_checktype(l, 2, ffi::LUA_TTABLE);
        let size = (*inbox).len();
        push_first(l, inbox, size);
        (*inbox).consume(size);
        1
    }
}

/// `readline(buffer, pool, separator) -> string | nothing`; without a pool it only looks, and gives true.
pub(super) unsafe extern "C-unwind" fn readline(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = inbox_at(l, NEED_BUFFER);
        let separator = check_bytes(l, 3);
        let Some(place) = (*inbox).find(separator, 0) else { return 0 };
        if ffi::lua_type(l, 2) != ffi::LUA_TTABLE {
            ffi::lua_pushboolean(l, 1);
            return 1;
        }
        push_first(l, inbox, place);
        (*inbox).consume(place + separator.len());
        1
    }
}

/// `clear(buffer, pool)`
pub(super) unsafe extern "C-unwind" fn clear(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = ffi::luaL_testudata(l, 1, TYPE.as_ptr()).cast::<Inbox>();
        if !inbox.is_null() {
            (*inbox).clear();
        }
        0
    }
}
