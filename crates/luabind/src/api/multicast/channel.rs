//! The receiving side: from a publication to the function of its channel, with no Lua in between.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::codec;
use crate::vm::{Parked, R_CHANNELS, Vm, is_unpack};

/// Where a channel object has its dispatch function, and where its unpack function.
const DISPATCH: i64 = 1;
const UNPACK: i64 = 2;

/// `channels() -> { channel number → channel object }`, weak. An object has its dispatch and its unpack function at 1 and 2.
pub(super) unsafe extern "C-unwind" fn channels(l: *mut lua_State) -> c_int {
    unsafe {
        if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_CHANNELS) != ffi::LUA_TTABLE {
            ffi::lua_createtable(l, 0, 0);
            ffi::lua_createtable(l, 0, 1);
            ffi::lua_pushstring(l, c"v".as_ptr());
            ffi::lua_setfield(l, -2, c"__mode".as_ptr());
            ffi::lua_setmetatable(l, -2);
            ffi::lua_pushvalue(l, -1);
            ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_CHANNELS);
        }
        1
    }
}

/// Handles the publication that is parked, on an empty stack. False, with anything on the stack, if Lua has to: it is not one of
/// ours, or nobody has asked for [`channels`]. One on a channel that is given up was on its way then, and is dropped.
///
/// Jumping; the handler may yield.
pub(crate) unsafe fn publication(l: *mut lua_State, vm: *mut Vm, channel: i32, source: u32) -> bool {
    unsafe {
        let Parked::Answer { block, len } = (*vm).parked else { return false };
        if (len != 0 && block != (*vm).shared_message)
            || ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_CHANNELS) != ffi::LUA_TTABLE
        {
            return false;
        } // 1
        if ffi::lua_rawgeti(l, 1, i64::from(channel)) != ffi::LUA_TTABLE {
            return true;
        } // 2
        ffi::lua_rawgeti(l, 2, UNPACK); // 3
        let native = is_unpack(l, 3);
        // 4, or nothing
        let cache = if native { codec::open_cache(l, vm, len) } else { 0 };
        if ffi::lua_rawgeti(l, 2, DISPATCH) == ffi::LUA_TNIL {
            ffi::luaL_error(l, c"the multicast channel %d has no dispatch function".as_ptr(), channel);
        }
        ffi::lua_pushvalue(l, 2);
        ffi::lua_pushinteger(l, i64::from(source));
        if native {
            let count = codec::unpack(l, vm, block, len, cache);
            ffi::lua_callk(l, 2 + count, 0, 0, Some(done));
        } else {
            // dispatch, object and source are at 4 to 6
            ffi::lua_pushvalue(l, 3);
            ffi::lua_pushlightuserdata(l, block.cast_mut().cast());
            ffi::lua_pushinteger(l, len as i64);
            ffi::lua_callk(l, 2, ffi::LUA_MULTRET, 0, Some(unpacked));
            unpacked(l, ffi::LUA_OK, 0);
        }
        true
    }
}

unsafe extern "C-unwind" fn unpacked(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe {
        ffi::lua_callk(l, ffi::lua_gettop(l) - 4, 0, 0, Some(done));
        0
    }
}

unsafe extern "C-unwind" fn done(_: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    0
}
