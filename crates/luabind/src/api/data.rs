//! Packing and raw messages: `skynet.pack`, `unpack`, `packstring`, `tostring`, `trash`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::push_bytes;
use crate::codec;
use crate::vm::vm_of;

/// `pack(...) -> lightuserdata, size`
pub(crate) unsafe extern "C-unwind" fn pack(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        codec::pack(l, vm, 1, ffi::lua_gettop(l));
        // Nothing raises between taking the block and handing it to Lua.
        ffi::luaL_checkstack(l, 2, std::ptr::null());
        let (block, size) = (*vm).scratch.take_payload().into_raw();
        ffi::lua_pushlightuserdata(l, block);
        ffi::lua_pushinteger(l, size as i64);
        2
    }
}

/// `packstring(...) -> string`
pub(crate) unsafe extern "C-unwind" fn packstring(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        codec::pack(l, vm, 1, ffi::lua_gettop(l));
        push_bytes(l, (*vm).scratch.bytes());
        1
    }
}

/// `unpack(pointer, size) -> ...`, `unpack(string) -> ...`
pub(crate) unsafe extern "C-unwind" fn unpack(l: *mut lua_State) -> c_int {
    unsafe {
        let (block, len): (*const u8, usize) = match ffi::lua_type(l, 1) {
            ffi::LUA_TNIL | ffi::LUA_TNONE => return 0,
            ffi::LUA_TSTRING => {
                let bytes = super::bytes_at(l, 1);
                (bytes.as_ptr(), bytes.len())
            }
            _ => {
                let block = ffi::lua_touserdata(l, 1);
                let len = ffi::luaL_checkinteger(l, 2);
                if len <= 0 {
                    return 0;
                }
                if block.is_null() {
                    return ffi::luaL_error(l, c"deserialize null pointer".as_ptr());
                }
                (block.cast_const().cast(), len as usize)
            }
        };
        let vm = vm_of(l);
        // The string stays below.
        ffi::lua_settop(l, 1);
        let cache = codec::open_cache(l, vm, len);
        codec::unpack(l, vm, block, len, cache)
    }
}

/// `tostring(pointer, size) -> string`
pub(crate) unsafe extern "C-unwind" fn tostring(l: *mut lua_State) -> c_int {
    unsafe {
        if ffi::lua_isnoneornil(l, 1) != 0 {
            return 0;
        }
        let block: *const u8 = ffi::lua_touserdata(l, 1).cast_const().cast();
        let len = ffi::luaL_checkinteger(l, 2);
        if block.is_null() || len <= 0 {
            ffi::lua_pushstring(l, c"".as_ptr());
        } else {
            push_bytes(l, std::slice::from_raw_parts(block, len as usize));
        }
        1
    }
}

/// `trash(pointer, size)`: frees a raw message; a string needs none of it.
pub(crate) unsafe extern "C-unwind" fn trash(l: *mut lua_State) -> c_int {
    unsafe {
        match ffi::lua_type(l, 1) {
            ffi::LUA_TSTRING => {}
            ffi::LUA_TLIGHTUSERDATA => {
                ffi::luaL_checkinteger(l, 2);
                libc::free(ffi::lua_touserdata(l, 1));
            }
            other => {
                let name = ffi::lua_typename(l, other);
                return ffi::luaL_error(l, c"skynet.trash invalid param %s".as_ptr(), name);
            }
        }
        0
    }
}
