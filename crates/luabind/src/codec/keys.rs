//! A cache of the key strings that a VM unpacks again and again.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::buffer::equal_short;
use crate::vm::{R_KEYS, Vm};

const SLOTS: usize = 64;
/// Longer strings are not interned by Lua, and are seldom keys.
const MAX_KEY: usize = 24;
/// Payloads shorter than this do not look at the cache.
const WORTHWHILE: usize = 48;

/// Where Lua keeps the bytes of a cached string, and how many there are. The string itself is anchored in a Lua table
/// under the same slot number, so the bytes stay.
#[derive(Clone, Copy)]
struct Slot {
    ptr: *const u8,
    len: usize,
}

/// The mirror of the Lua table of cached strings: 64 slots, each string has one place.
pub(crate) struct KeyCache {
    slots: [Slot; SLOTS],
}

impl KeyCache {
    pub(crate) fn new() -> Box<KeyCache> {
        Box::new(KeyCache { slots: [Slot { ptr: std::ptr::null(), len: 0 }; SLOTS] })
    }
}

/// Pushes the table of cached strings if it is worth while for a payload of `len` bytes; its stack index, or 0.
///
/// Jumping: may raise.
#[inline]
pub(super) unsafe fn open(l: *mut lua_State, vm: *mut Vm, len: usize) -> c_int {
    if len < WORTHWHILE {
        return 0;
    }
    unsafe {
        if (*vm).keys.is_none() {
            ffi::lua_createtable(l, SLOTS as c_int, 0);
            ffi::lua_pushvalue(l, -1);
            ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_KEYS);
            (*vm).keys = Some(KeyCache::new());
        } else {
            ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_KEYS);
        }
        ffi::lua_gettop(l)
    }
}

/// Pushes a string that is a table key, from the cache at stack index `cache` if it is there.
///
/// Jumping: may raise.
#[inline]
pub(super) unsafe fn push_key(l: *mut lua_State, vm: *mut Vm, cache: c_int, bytes: &[u8]) {
    unsafe {
        let len = bytes.len();
        let (true, Some(keys)) = (cache != 0 && len != 0 && len <= MAX_KEY, (*vm).keys.as_mut()) else {
            ffi::lua_pushlstring(l, bytes.as_ptr().cast(), len);
            return;
        };
        let (first, last) = (*bytes.as_ptr(), *bytes.as_ptr().add(len - 1));
        let middle = *bytes.as_ptr().add(len / 2);
        let hash = usize::from(first) ^ (usize::from(last) << 2) ^ (usize::from(middle) << 1) ^ (len << 3);
        let index = hash % SLOTS;
        let slot = keys.slots.as_mut_ptr().add(index);
        if (*slot).len == len && equal_short((*slot).ptr, bytes.as_ptr(), len) {
            ffi::lua_rawgeti(l, cache, index as i64 + 1);
            return;
        }
        let text = ffi::lua_pushlstring(l, bytes.as_ptr().cast(), len);
        ffi::lua_pushvalue(l, -1);
        // Forget the old string before the table lets go of it: the store may raise.
        *slot = Slot { ptr: std::ptr::null(), len: 0 };
        ffi::lua_rawseti(l, cache, index as i64 + 1);
        *slot = Slot { ptr: text.cast(), len };
    }
}
