//! Parts of `skynet.native` that say for what a service waits, and what it owes.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::push_bytes;
use crate::vm::{Wait, WaitKind, vm_of};

/// `waits(all?) -> { { how, thread, co, session, to, cs, limit, source, request, start }, ... }`: threads that wait for the answer of a
/// request, or have one to answer; with `all` also the others. `to` is a handle or a global name, `cs` the age, `limit` whether a time limit ends it, `source` and
/// `request` tell the request that the thread has to answer, `start` that it runs the start function.
pub(super) unsafe extern "C-unwind" fn waits(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        (*vm).list_waits(ffi::lua_toboolean(l, 1) != 0);
        ffi::lua_settop(l, 0);
        ffi::lua_createtable(l, count((*vm).waits.len()), 0);
        // By index, since storing may raise while an iterator would be borrowed.
        let mut at = 0;
        while let Some(wait) = wait_at(l, at) {
            at += 1;
            push_wait(l, &wait);
            ffi::lua_rawseti(l, 1, at as i64);
        }
        1
    }
}

fn count(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(c_int::MAX)
}

/// A leaf.
unsafe fn wait_at(l: *mut lua_State, at: usize) -> Option<Wait> {
    unsafe {
        let waits = &(*vm_of(l)).waits;
        waits.get(at).copied()
    }
}

/// Jumping: raises when memory runs out.
unsafe fn push_wait(l: *mut lua_State, wait: &Wait) {
    unsafe {
        let vm = vm_of(l);
        ffi::lua_createtable(l, 0, 10);
        let how = match wait.kind {
            WaitKind::Call => c"call",
            WaitKind::Select => c"select",
            WaitKind::Sleep => c"sleep",
            WaitKind::Wait => c"wait",
            WaitKind::Socket => c"socket",
        };
        ffi::lua_pushstring(l, how.as_ptr());
        ffi::lua_setfield(l, -2, c"how".as_ptr());
        let age = (*vm).context().since(wait.since).as_millis() / 10;
        set(l, c"thread", i64::from(wait.slot));
        set(l, c"session", i64::from(wait.session));
        set(l, c"cs", i64::try_from(age).unwrap_or(i64::MAX));
        if wait.request != 0 {
            set(l, c"source", i64::from(wait.source));
            set(l, c"request", i64::from(wait.request));
        }
        if let Some(thread) = (*vm).thread_at(wait.slot) {
            ffi::lua_pushthread((*thread).l);
            ffi::lua_xmove((*thread).l, l, 1);
            ffi::lua_setfield(l, -2, c"co".as_ptr());
        }
        ffi::lua_pushboolean(l, c_int::from(wait.limited));
        ffi::lua_setfield(l, -2, c"limit".as_ptr());
        ffi::lua_pushboolean(l, c_int::from(wait.slot == (*vm).start_slot));
        ffi::lua_setfield(l, -2, c"start".as_ptr());
        match (wait.dest, (*vm).named_calls.get(&wait.session)) {
            (0, _) => {}
            (u32::MAX, Some(name)) => {
                push_bytes(l, name);
                ffi::lua_setfield(l, -2, c"to".as_ptr());
            }
            (dest, _) => set(l, c"to", i64::from(dest)),
        }
    }
}

unsafe fn set(l: *mut lua_State, name: &CStr, value: i64) {
    unsafe {
        ffi::lua_pushinteger(l, value);
        ffi::lua_setfield(l, -2, name.as_ptr());
    }
}

/// `held() -> { source, session, source, session, ... }`: requests that `skynet.response` functions have to answer.
pub(super) unsafe extern "C-unwind" fn held(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        (*vm).list_owed();
        ffi::lua_settop(l, 0);
        ffi::lua_createtable(l, count((*vm).owed.len().saturating_mul(2)), 0);
        let mut at = 0;
        while let Some((source, session)) = owed_at(l, at) {
            at += 1;
            ffi::lua_pushinteger(l, i64::from(source));
            ffi::lua_rawseti(l, 1, at as i64 * 2 - 1);
            ffi::lua_pushinteger(l, i64::from(session));
            ffi::lua_rawseti(l, 1, at as i64 * 2);
        }
        1
    }
}

/// A leaf.
unsafe fn owed_at(l: *mut lua_State, at: usize) -> Option<(u32, i32)> {
    unsafe {
        let owed = &(*vm_of(l)).owed;
        owed.get(at).copied()
    }
}
