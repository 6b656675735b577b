//! How a publication gets to `multicastd`: as a request whose payload is the message, with the number of its channel behind it. So
//! it belongs to whoever has the request, and goes with that if `multicastd` ends.

use std::ffi::{c_int, c_void};

use mlua::ffi::{self, lua_State};
use skynet_core::{PTYPE_TEXT, Payload};

use crate::api::{address, call, suspendable};

/// Bytes of the number of a channel.
const NUMBER: usize = size_of::<u32>();

/// `publish(service, channel, pointer, size)`: takes the bytes, and waits for the answer.
pub(super) unsafe extern "C-unwind" fn publish(l: *mut lua_State) -> c_int {
    unsafe {
        let (vm, _) = suspendable(l);
        let dest = address::destination(l, vm, 1);
        let channel = ffi::luaL_checkinteger(l, 2) as u32;
        ffi::luaL_checktype(l, 3, ffi::LUA_TLIGHTUSERDATA);
        let size = usize::try_from(ffi::luaL_checkinteger(l, 4)).unwrap_or(usize::MAX);
        if size > Payload::MAX_LEN.min(u32::MAX as usize) - NUMBER {
            return ffi::luaL_error(l, c"Size should be 32bit integer".as_ptr());
        }
        let Some(payload) = seal(ffi::lua_touserdata(l, 3), size, channel) else {
            return ffi::luaL_error(l, c"not enough memory for a publication".as_ptr());
        };
        call::ask_and_wait(l, vm, dest, PTYPE_TEXT, payload)
    }
}

/// The message of a block, which is taken, and its channel. A leaf.
unsafe fn seal(block: *mut c_void, len: usize, channel: u32) -> Option<Payload> {
    // SAFETY: the caller gives a block of `malloc` away, or null.
    unsafe {
        let len = if block.is_null() { 0 } else { len };
        let longer = libc::realloc(block, len + NUMBER);
        if longer.is_null() {
            libc::free(block);
            return None;
        }
        longer.cast::<u8>().add(len).cast::<[u8; NUMBER]>().write(channel.to_ne_bytes());
        Some(Payload::from_raw(longer, len + NUMBER))
    }
}

/// `unseal(pointer, size) -> channel, pointer, size`: the bytes stay whose they are.
pub(super) unsafe extern "C-unwind" fn unseal(l: *mut lua_State) -> c_int {
    unsafe {
        let block: *const u8 = ffi::lua_touserdata(l, 1).cast_const().cast();
        let size = usize::try_from(ffi::luaL_checkinteger(l, 2)).unwrap_or(0);
        let Some(len) = size.checked_sub(NUMBER).filter(|_| !block.is_null()) else {
            return ffi::luaL_error(l, c"no publication".as_ptr());
        };
        let channel = u32::from_ne_bytes(block.add(len).cast::<[u8; NUMBER]>().read());
        ffi::lua_settop(l, 1);
        ffi::lua_pushinteger(l, i64::from(channel));
        ffi::lua_rotate(l, 1, 1);
        ffi::lua_pushinteger(l, len as i64);
        3
    }
}
