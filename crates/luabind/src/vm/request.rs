//! The threads that handle messages: what they run before and after the program's dispatch functions.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::{PTYPE_DEBUG, PTYPE_LUA, PTYPE_MULTICAST};

use super::dispatch::Parked;
use super::record::Current;
use super::{R_HOOKS, R_LUA_DISPATCH, R_PROTO, Thread};
use crate::{api, codec};

/// The body of a thread that handles a message: finds the protocol, unpacks, calls the dispatch function.
pub(super) unsafe extern "C-unwind" fn request(l: *mut lua_State) -> c_int {
    unsafe {
        let thread = super::thread_of(l);
        let vm = (*thread).vm;
        let Current { kind, session, source, .. } = (*vm).message;
        if kind == PTYPE_LUA
            && !(*vm).lua_protocol.is_null()
            && !(*vm).tracing
            && (*vm).tags.is_empty()
            && ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_LUA_DISPATCH) == ffi::LUA_TFUNCTION
        {
            let Parked::Answer { block, len } = (*vm).parked else { return 0 };
            let cache = codec::open_cache(l, vm, len);
            if cache != 0 {
                // The function goes above the table.
                ffi::lua_rotate(l, 1, 1);
            }
            ffi::lua_pushinteger(l, i64::from(session));
            ffi::lua_pushinteger(l, i64::from(source));
            let count = codec::unpack(l, vm, block, len, if cache == 0 { 0 } else { 1 });
            ffi::lua_callk(l, 2 + count, 0, 0, Some(handled));
            return handled(l, ffi::LUA_OK, 0);
        }
        ffi::lua_settop(l, 0);
        if kind == PTYPE_MULTICAST && api::multicast::publication(l, vm, session, source) {
            return 0;
        }
        ffi::lua_settop(l, 0);
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_PROTO); // 1
        if ffi::lua_rawgeti(l, 1, i64::from(kind)) != ffi::LUA_TTABLE {
            if kind == PTYPE_DEBUG {
                return api::debug::answer(l);
            }
            ffi::lua_pushinteger(l, i64::from(kind)); // 3
            return unknown_request(l);
        } // 2
        ffi::lua_getfield(l, 2, c"dispatch".as_ptr()); // 3
        if ffi::lua_type(l, 3) == ffi::LUA_TNIL {
            ffi::lua_getfield(l, 2, c"name".as_ptr());
            ffi::lua_copy(l, -1, 3);
            ffi::lua_settop(l, 3);
            return unknown_request(l);
        }
        ffi::lua_getfield(l, 2, c"unpack".as_ptr()); // 4
        if (*vm).tracing || !(*vm).tags.is_empty() {
            api::trace::on_request(l, vm, thread);
        }
        let Parked::Answer { block, len } = (*vm).parked else { return 0 };
        if ffi::lua_type(l, 4) == ffi::LUA_TNIL {
            // Messages of such a protocol say nothing but that they are there.
            ffi::lua_pushvalue(l, 3);
            ffi::lua_pushinteger(l, i64::from(session));
            ffi::lua_pushinteger(l, i64::from(source));
            ffi::lua_callk(l, 2, 0, 0, Some(handled));
        } else if is_unpack(l, 4) {
            let cache = codec::open_cache(l, vm, len);
            ffi::lua_pushvalue(l, 3);
            ffi::lua_pushinteger(l, i64::from(session));
            ffi::lua_pushinteger(l, i64::from(source));
            let count = codec::unpack(l, vm, block, len, cache);
            ffi::lua_callk(l, 2 + count, 0, 0, Some(handled));
        } else {
            ffi::lua_pushvalue(l, 3); // 5
            ffi::lua_pushinteger(l, i64::from(session));
            ffi::lua_pushinteger(l, i64::from(source));
            ffi::lua_pushvalue(l, 4);
            ffi::lua_pushlightuserdata(l, block.cast_mut().cast());
            ffi::lua_pushinteger(l, len as i64);
            ffi::lua_callk(l, 2, ffi::LUA_MULTRET, 0, Some(unpacked));
            return unpacked(l, ffi::LUA_OK, 0);
        }
        handled(l, ffi::LUA_OK, 0)
    }
}

/// After an `unpack` function of the program's: function, session and source are at 5 to 7, the results above.
unsafe extern "C-unwind" fn unpacked(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe {
        let count = ffi::lua_gettop(l) - 5;
        ffi::lua_callk(l, count, 0, 0, Some(handled));
        handled(l, ffi::LUA_OK, 0)
    }
}

/// How many unanswered requests a service remembers. One that answers by hand, with `skynet.redirect`, leaves an entry for
/// every request of its life.
const MOST_FORGOTTEN: usize = 64 * 1024;

/// A request was not answered by its handler, which is at that place. A leaf.
#[cold]
unsafe fn give_up_forgotten(thread: *mut Thread, place: &[u8]) {
    // SAFETY: the caller is inside the VM, on that thread.
    unsafe {
        let vm = (*thread).vm;
        if (*vm).answers_forgotten {
            (*vm).fail_request_of(thread, [b" forgot the request: its handler is at ", place].concat());
            return;
        }
        // The program may still answer by hand.
        (*thread).open = false;
        let forgotten = &mut (*vm).forgotten;
        if forgotten.len() >= MOST_FORGOTTEN {
            // The oldest have most likely been answered by hand.
            forgotten.drain(..MOST_FORGOTTEN / 2);
        }
        forgotten.push(((*thread).source, (*thread).session));
    }
}

/// After the dispatch function: a request that is still open is most likely a mistake.
pub(crate) unsafe extern "C-unwind" fn handled(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe {
        let thread = super::thread_of(l);
        if (*thread).open && (*thread).session != 0 {
            super::fault::warn_unanswered(l, thread);
            give_up_forgotten(thread, api::bytes_at(l, -1));
        }
        0
    }
}

/// A message without a handler. At index 3: the protocol's number, or its name.
unsafe fn unknown_request(l: *mut lua_State) -> c_int {
    unsafe {
        let thread = super::thread_of(l);
        let vm = (*thread).vm;
        let Current { session, source, .. } = (*vm).message;
        let Parked::Answer { block, len } = (*vm).parked else { return 0 };
        if session != 0 {
            fail_unhandled(l, thread);
            return 0;
        }
        (*thread).open = false;
        if !hook(l, c"unknown_request") {
            ffi::lua_pushcclosure(l, default_unknown_request, 0);
        }
        ffi::lua_pushinteger(l, i64::from(session));
        ffi::lua_pushinteger(l, i64::from(source));
        ffi::lua_pushlightuserdata(l, block.cast_mut().cast());
        ffi::lua_pushinteger(l, len as i64);
        ffi::lua_pushvalue(l, 3);
        ffi::lua_callk(l, 5, 0, 0, Some(done));
        0
    }
}

/// Answers a request that no handler takes, with an error. At index 3: the protocol's number, or its name. A leaf: looking at
/// those raises nothing.
#[cold]
unsafe fn fail_unhandled(l: *mut lua_State, thread: *mut Thread) {
    unsafe {
        let mut what = b" has no handler for the protocol ".to_vec();
        if ffi::lua_type(l, 3) == ffi::LUA_TSTRING {
            what.extend_from_slice(api::bytes_at(l, 3));
        } else {
            what.extend_from_slice((*thread).kind.to_string().as_bytes());
        }
        (*(*thread).vm).fail_request_of(thread, what);
    }
}

/// A response nobody waits for.
pub(super) unsafe extern "C-unwind" fn unknown_response(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = super::vm_of(l);
        let Current { session, source, .. } = (*vm).message;
        let Parked::Answer { block, len } = (*vm).parked else { return 0 };
        if !hook(l, c"unknown_response") {
            ffi::lua_pushcclosure(l, default_unknown_response, 0);
        }
        ffi::lua_pushinteger(l, i64::from(session));
        ffi::lua_pushinteger(l, i64::from(source));
        ffi::lua_pushlightuserdata(l, block.cast_mut().cast());
        ffi::lua_pushinteger(l, len as i64);
        ffi::lua_callk(l, 4, 0, 0, Some(done));
        0
    }
}

/// `(session, source, msg, sz, type)`: logs the message and raises.
pub(crate) unsafe extern "C-unwind" fn default_unknown_request(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 5);
        ffi::lua_pushstring(l, c"Unknown request (".as_ptr());
        ffi::luaL_tolstring(l, 5, std::ptr::null_mut());
        ffi::lua_pushstring(l, c"): ".as_ptr());
        push_message(l, 3);
        ffi::lua_concat(l, 4);
        super::log_value(l, (*super::vm_of(l)).context(), -1);
        unknown_session(l)
    }
}

/// `(session, source, msg, sz)`: logs the message and raises.
pub(crate) unsafe extern "C-unwind" fn default_unknown_response(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 4);
        ffi::lua_pushstring(l, c"Response message : ".as_ptr());
        push_message(l, 3);
        ffi::lua_concat(l, 2);
        super::log_value(l, (*super::vm_of(l)).context(), -1);
        unknown_session(l)
    }
}

/// Pushes the raw message at an index and the next as a string.
unsafe fn push_message(l: *mut lua_State, index: c_int) {
    unsafe {
        let block = ffi::lua_touserdata(l, index);
        let len = ffi::lua_tointegerx(l, index + 1, std::ptr::null_mut());
        if block.is_null() || len <= 0 {
            ffi::lua_pushstring(l, c"".as_ptr());
        } else {
            ffi::lua_pushlstring(l, block.cast(), len as usize);
        }
    }
}

/// Raises; session and source are at 1 and 2.
unsafe fn unknown_session(l: *mut lua_State) -> c_int {
    unsafe {
        let session = ffi::lua_tointegerx(l, 1, std::ptr::null_mut());
        // Lua's own formatting has no hexadecimal.
        let mut digits = [0; 9];
        api::text::hex(ffi::lua_tointegerx(l, 2, std::ptr::null_mut()) as u32, &mut digits);
        ffi::luaL_error(l, c"Unknown session : %d from %s".as_ptr(), session as c_int, digits.as_ptr())
    }
}

unsafe extern "C-unwind" fn done(_: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    0
}

/// Pushes the hook of that name, if one is set.
pub(crate) unsafe fn hook(l: *mut lua_State, name: &std::ffi::CStr) -> bool {
    unsafe {
        if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_HOOKS) != ffi::LUA_TTABLE {
            ffi::lua_settop(l, -2);
            return false;
        }
        if ffi::lua_getfield(l, -1, name.as_ptr()) == ffi::LUA_TNIL {
            ffi::lua_settop(l, -3);
            return false;
        }
        ffi::lua_rotate(l, -2, -1);
        ffi::lua_settop(l, -2);
        true
    }
}

/// Whether the value is the native `skynet.unpack`.
#[inline]
pub(crate) unsafe fn is_unpack(l: *mut lua_State, index: c_int) -> bool {
    unsafe {
        ffi::lua_tocfunction(l, index)
            .is_some_and(|f| std::ptr::fn_addr_eq(f, api::data::unpack as ffi::lua_CFunction))
    }
}
