//! Time limits: of calls (`skynet.timeout_call`, `skynet.call_timeout`), and of messages (`skynet.runaway`).

use std::ffi::c_int;
use std::time::Duration;

use mlua::ffi::{self, lua_State};

use super::{call, push_bytes, sleep, suspendable, text};
use crate::vm::{NO_LIMIT, Vm, vm_of};

/// Reads a time limit in cs; nil or nothing is none.
///
/// Jumping: raises for anything but a whole number.
unsafe fn limit(l: *mut lua_State, arg: c_int) -> i32 {
    unsafe {
        if ffi::lua_isnoneornil(l, arg) != 0 {
            return NO_LIMIT;
        }
        ffi::luaL_checkinteger(l, arg).clamp(0, i64::from(i32::MAX)) as i32
    }
}

/// `skynet.timeout_call(ti, addr, typename, ...) -> ...`
pub(crate) unsafe extern "C-unwind" fn timeout_call(l: *mut lua_State) -> c_int {
    unsafe {
        let (vm, _) = suspendable(l);
        let limit = limit(l, 1);
        if ffi::lua_gettop(l) > 0 {
            ffi::lua_rotate(l, 1, -1);
            ffi::lua_settop(l, -2);
        }
        call::begin(l, vm, limit)
    }
}

/// `skynet.call_timeout(ti | nil) -> ti | nil`: sets the limit of calls that are made without one; gives the one before.
pub(crate) unsafe extern "C-unwind" fn call_timeout(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let before = (*vm).call_limit;
        if ffi::lua_gettop(l) > 0 {
            (*vm).call_limit = limit(l, 1);
        }
        if before == NO_LIMIT {
            ffi::lua_pushnil(l);
        } else {
            ffi::lua_pushinteger(l, i64::from(before));
        }
        1
    }
}

/// `skynet.runaway(seconds?) -> seconds`: sets how long one message may take before it is interrupted, 0 for ever; gives the limit
/// before.
pub(crate) unsafe extern "C-unwind" fn runaway(l: *mut lua_State) -> c_int {
    unsafe {
        let ctx = (*vm_of(l)).context();
        let before = ctx.message_limit();
        if ffi::lua_isnoneornil(l, 1) == 0 {
            let seconds = ffi::luaL_checknumber(l, 1);
            // What is no time that a clock can count is for ever, too.
            let limit = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::ZERO);
            ctx.set_message_limit(limit);
        }
        ffi::lua_pushnumber(l, before.as_secs_f64());
        1
    }
}

/// Arms the timer of the request that the running thread has just sent to `dest`. What `disarm` needs is on the stack, at 2
/// and 3. Never raises.
#[cold]
pub(super) unsafe fn arm(l: *mut lua_State, vm: *mut Vm, limit: i32, dest: u32) {
    unsafe {
        ffi::lua_settop(l, 1);
        ffi::lua_pushinteger(l, i64::from(dest));
        ffi::lua_pushinteger(l, i64::from(limit));
        let thread = (*vm).current;
        (*thread).limited = (*thread).wait;
        (*thread).timer = sleep::arm(vm, (*thread).wait, i64::from(limit));
    }
}

/// The call is over. Raises if that was by its time limit.
pub(super) unsafe fn disarm(l: *mut lua_State) {
    unsafe {
        let vm = vm_of(l);
        let session = (*(*vm).current).limited;
        let dest = ffi::lua_tointegerx(l, 2, std::ptr::null_mut()) as u32;
        if !(*vm).end_limited(session, dest) {
            return;
        }
        let seconds = ffi::lua_tonumberx(l, 3, std::ptr::null_mut()) / 100.0;
        match (*vm).named_calls.get(&session) {
            Some(name) => push_bytes(l, name),
            None => {
                let mut digits = [0; 9];
                text::hex8(dest, &mut digits);
                ffi::lua_pushfstring(l, c":%s".as_ptr(), digits.as_ptr());
            }
        }
        let callee = ffi::lua_tolstring(l, -1, std::ptr::null_mut());
        ffi::luaL_error(l, c"call failed: no answer from %s within %f s".as_ptr(), callee, seconds);
    }
}
