//! From the Lua stack to bytes.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_seri::wire;

use super::Scratch;
use crate::vm::{R_PAIRS, Vm};

/// Packs the values at stack indices `from..=to` into the VM's scratch buffer, which then holds just them.
///
/// Jumping: raises for values that have no encoding, for tables nested too deep and when memory runs out.
#[inline]
pub(crate) unsafe fn pack(l: *mut lua_State, vm: *mut Vm, from: c_int, to: c_int) {
    unsafe {
        (*vm).scratch.clear();
        let mut index = from;
        while index <= to {
            pack_one(l, vm, index, 0);
            index += 1;
        }
    }
}

/// Raises unless the last write found memory.
#[inline]
unsafe fn check(l: *mut lua_State, done: bool) {
    if !done {
        unsafe { ffi::luaL_error(l, c"not enough memory to pack a message".as_ptr()) };
    }
}

/// One value. The scalars that messages are made of are written in place: this is the inner loop of all packing.
#[inline(always)]
unsafe fn pack_one(l: *mut lua_State, vm: *mut Vm, index: c_int, depth: usize) {
    unsafe {
        if depth > wire::MAX_DEPTH {
            too_deep(l);
        }
        match ffi::lua_type(l, index) {
            ffi::LUA_TNUMBER => {
                let mut exact: c_int = 0;
                if ffi::lua_isinteger(l, index) != 0 {
                    let value = ffi::lua_tointegerx(l, index, &mut exact);
                    check(l, (*vm).scratch.append_head(wire::encode_integer(value)));
                } else {
                    let value = wire::encode_float(ffi::lua_tonumberx(l, index, &mut exact));
                    check(l, (*vm).scratch.append_head((value, value.len())));
                }
            }
            ffi::LUA_TSTRING => pack_string(l, vm, index),
            ffi::LUA_TBOOLEAN => {
                check(l, (*vm).scratch.push(wire::encode_bool(ffi::lua_toboolean(l, index) != 0)));
            }
            ffi::LUA_TTABLE => pack_table(l, vm, ffi::lua_absindex(l, index), depth + 1),
            other => pack_rare(l, vm, index, other),
        }
    }
}

#[cold]
#[inline(never)]
unsafe fn too_deep(l: *mut lua_State) {
    unsafe { ffi::luaL_error(l, c"serialize can't pack too depth table".as_ptr()) };
}

#[cold]
#[inline(never)]
unsafe fn pack_rare(l: *mut lua_State, vm: *mut Vm, index: c_int, kind: c_int) {
    unsafe {
        match kind {
            ffi::LUA_TNIL | ffi::LUA_TNONE => check(l, (*vm).scratch.push(wire::NIL)),
            ffi::LUA_TLIGHTUSERDATA => {
                let value = wire::encode_pointer(ffi::lua_touserdata(l, index) as u64);
                check(l, (*vm).scratch.append_head((value, value.len())));
            }
            other => {
                ffi::luaL_error(l, c"Unsupport type %s to serialize".as_ptr(), ffi::lua_typename(l, other));
            }
        }
    }
}

#[inline]
unsafe fn pack_string(l: *mut lua_State, vm: *mut Vm, index: c_int) {
    unsafe {
        let mut len = 0;
        let text = ffi::lua_tolstring(l, index, &mut len);
        let text = std::slice::from_raw_parts(text.cast::<u8>(), len);
        if len <= wire::MAX_SHORT_STRING {
            let head = wire::head(wire::TYPE_SHORT_STRING, len as u8);
            check(l, (*vm).scratch.append_short(head, text));
            return;
        }
        match wire::encode_string_head(len) {
            Some(head) => check(l, (*vm).scratch.append_string(head, text)),
            None => {
                ffi::luaL_error(l, c"a string of 4 GiB and more cannot be packed".as_ptr());
            }
        }
    }
}

#[inline(never)]
unsafe fn pack_table(l: *mut lua_State, vm: *mut Vm, index: c_int, depth: usize) {
    unsafe {
        if depth == 1 {
            // Every level keeps a key and a value, or what `pairs` needs.
            ffi::luaL_checkstack(l, 10 * wire::MAX_DEPTH as c_int + 20, c"too many nested tables".as_ptr());
        }
        if push_metamethod(l, index) {
            pack_pairs(l, vm, index, depth);
            return;
        }
        let count = ffi::lua_rawlen(l, index);
        check(l, (*vm).scratch.append_head(wire::encode_table_head(count)));
        let count = count as i64;
        let mut i = 1;
        while i <= count {
            ffi::lua_rawgeti(l, index, i);
            pack_one(l, vm, -1, depth);
            ffi::lua_settop(l, -2);
            i += 1;
        }
        ffi::lua_pushnil(l);
        while ffi::lua_next(l, index) != 0 {
            if ffi::lua_type(l, -2) == ffi::LUA_TSTRING {
                pack_string(l, vm, -2);
                pack_one(l, vm, -1, depth);
            } else if !(ffi::lua_isinteger(l, -2) != 0 && in_array(l, count)) {
                pack_one(l, vm, -2, depth);
                pack_one(l, vm, -1, depth);
            }
            ffi::lua_settop(l, -2);
        }
        check(l, (*vm).scratch.push(wire::NIL));
    }
}

/// Pushes the `__pairs` metamethod of a table, if it has one. Allocates nothing: a collection in the middle of a packing
/// might run finalizers, and these might pack.
#[inline]
unsafe fn push_metamethod(l: *mut lua_State, index: c_int) -> bool {
    unsafe {
        if ffi::lua_getmetatable(l, index) == 0 {
            return false;
        }
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_PAIRS);
        if ffi::lua_rawget(l, -2) == ffi::LUA_TNIL {
            ffi::lua_settop(l, -3);
            return false;
        }
        ffi::lua_copy(l, -1, -2);
        ffi::lua_settop(l, -2);
        true
    }
}

#[inline]
unsafe fn in_array(l: *mut lua_State, count: i64) -> bool {
    let mut exact: c_int = 0;
    // SAFETY: the caller has a key below the top of the stack.
    let key = unsafe { ffi::lua_tointegerx(l, -2, &mut exact) };
    key >= 1 && key <= count
}

/// A table whose `__pairs` metamethod (on top of the stack) says what it holds. The metamethod may pack messages of
/// its own, or raise: both leave the bytes written so far alone, and an error is passed on as it is.
unsafe fn pack_pairs(l: *mut lua_State, vm: *mut Vm, index: c_int, depth: usize) {
    unsafe {
        check(l, (*vm).scratch.append_head(wire::encode_table_head(0)));
        ffi::lua_pushvalue(l, index);
        guarded_call(l, vm, 1);
        // iterator, state, control
        loop {
            ffi::lua_pushvalue(l, -3);
            ffi::lua_pushvalue(l, -3);
            ffi::lua_pushvalue(l, -3);
            // iterator, state, control, iterator, state, control
            guarded_call_n(l, vm, 2, 2);
            // iterator, state, control, key, value
            if ffi::lua_type(l, -2) == ffi::LUA_TNIL {
                ffi::lua_settop(l, -6);
                break;
            }
            pack_one(l, vm, -2, depth);
            pack_one(l, vm, -1, depth);
            ffi::lua_settop(l, -2);
            // iterator, state, key (the old control value goes)
            ffi::lua_copy(l, -1, -2);
            ffi::lua_settop(l, -2);
        }
        check(l, (*vm).scratch.push(wire::NIL));
    }
}

unsafe fn guarded_call(l: *mut lua_State, vm: *mut Vm, nargs: c_int) {
    unsafe { guarded_call_n(l, vm, nargs, 3) }
}

/// Calls with the VM's scratch buffer put aside, so that nested packing starts an own one. The record keeps it: a coroutine
/// that closes itself in the metamethod jumps over this frame.
unsafe fn guarded_call_n(l: *mut lua_State, vm: *mut Vm, nargs: c_int, nresults: c_int) {
    unsafe {
        (*vm).aside.push((*vm).scratch);
        (*vm).scratch = Scratch::EMPTY;
        let status = ffi::lua_pcallk(l, nargs, nresults, 0, 0, None);
        (*vm).scratch.free();
        (*vm).scratch = (*vm).aside.pop().unwrap_or(Scratch::EMPTY);
        if status != ffi::LUA_OK {
            ffi::lua_error(l);
        }
    }
}
