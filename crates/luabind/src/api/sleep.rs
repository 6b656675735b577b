//! Time and waiting: `skynet.sleep`, `yield`, `wait`, `wakeup`, `timeout`, `fork`.

use std::ffi::c_int;
use std::time::Duration;

use mlua::ffi::{self, lua_State};

use super::{suspend, suspendable, trace};
use crate::vm::{
    Fork, Parked, R_TOKENS, R_WOKEN, State, Thread, Timer, Token, Vm, Waiter, Wake, result_unused, vm_of,
};

/// Reads a time in centiseconds: an integer, or a string, of which one that is no number counts as 0.
///
/// Jumping: raises for anything else.
unsafe fn centiseconds(l: *mut lua_State, arg: c_int) -> i64 {
    unsafe {
        if ffi::lua_type(l, arg) == ffi::LUA_TSTRING {
            return ffi::lua_tointegerx(l, arg, std::ptr::null_mut());
        }
        ffi::luaL_checkinteger(l, arg)
    }
}

fn duration(cs: i64) -> Duration {
    // The range of C skynet's timers: a 32-bit number of centiseconds.
    Duration::from_millis(cs.clamp(0, i64::from(i32::MAX)) as u64 * 10)
}

/// Arms a timer for a session. Never raises.
#[inline]
pub(super) unsafe fn arm(vm: *mut Vm, session: i32, cs: i64) -> Timer {
    unsafe {
        let key = (*vm).context().timeout_with(session, duration(cs));
        if cs <= 0 { Timer::Posted } else { Timer::Armed(key) }
    }
}

/// `skynet.sleep(ti, token?)`
pub(crate) unsafe extern "C-unwind" fn sleep(l: *mut lua_State) -> c_int {
    unsafe {
        let cs = centiseconds(l, 1);
        ffi::lua_settop(l, 2);
        sleep_for(l, cs, 2)
    }
}

/// `skynet.yield()`
pub(crate) unsafe extern "C-unwind" fn yield_now(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 0);
        ffi::lua_pushnil(l);
        sleep_for(l, 0, 1)
    }
}

unsafe fn sleep_for(l: *mut lua_State, cs: i64, token: c_int) -> c_int {
    unsafe {
        let (vm, thread) = suspendable(l);
        take_token(l, thread, token);
        if (*thread).tag().is_some() {
            trace::log(l, vm, thread, c"sleep");
        }
        let session = (*vm).new_session();
        (*vm).sessions.insert(session, Waiter::Thread { slot: (*thread).slot, dest: 0 });
        (*thread).wait = session;
        (*thread).timer = arm(vm, session, cs);
        suspend(l, vm, ffi::lua_KContext::from(token as i16), slept)
    }
}

/// Notes on what the thread sleeps. The token stays at its stack index.
#[inline]
unsafe fn take_token(l: *mut lua_State, thread: *mut Thread, token: c_int) {
    unsafe {
        let own = match ffi::lua_type(l, token) {
            ffi::LUA_TNIL => (*thread).l == l,
            ffi::LUA_TTHREAD => ffi::lua_tothread(l, token) == (*thread).l,
            _ => false,
        };
        if own {
            (*thread).token = Token::Own;
            return;
        }
        if ffi::lua_type(l, token) == ffi::LUA_TNIL {
            // In a coroutine of the program's: that is what sleeps.
            ffi::lua_pushthread(l);
            ffi::lua_replace(l, token);
        }
        if !registry_table(l, R_TOKENS) {
            return;
        }
        ffi::lua_pushvalue(l, token);
        if ffi::lua_rawget(l, -2) != ffi::LUA_TNIL {
            ffi::luaL_error(l, c"token duplicative".as_ptr());
        }
        ffi::lua_pushvalue(l, token);
        ffi::lua_pushinteger(l, i64::from((*thread).slot));
        ffi::lua_rawset(l, -4);
        ffi::lua_settop(l, token);
        (*thread).token = Token::Value;
    }
}

/// Pushes a table of the registry, made on first use.
unsafe fn registry_table(l: *mut lua_State, slot: i64) -> bool {
    unsafe {
        if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, slot) != ffi::LUA_TTABLE {
            ffi::lua_settop(l, -2);
            ffi::lua_createtable(l, 0, 4);
            ffi::lua_pushvalue(l, -1);
            ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, slot);
        }
        true
    }
}

/// Awake: by time, by `wakeup`, or because the call that it stands for failed.
unsafe extern "C-unwind" fn slept(l: *mut lua_State, _: c_int, token: ffi::lua_KContext) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let thread = (*vm).current;
        let parked = (*vm).parked;
        (*thread).timer = Timer::None;
        if std::mem::replace(&mut (*thread).token, Token::None) == Token::Value {
            ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_TOKENS);
            ffi::lua_pushvalue(l, token as c_int);
            ffi::lua_pushnil(l);
            ffi::lua_rawset(l, -3);
        }
        if (*thread).tag().is_some() {
            trace::log(l, vm, thread, c"resume");
        }
        match parked {
            Parked::Woken => {
                ffi::lua_pushstring(l, c"BREAK".as_ptr());
                1
            }
            _ => 0,
        }
    }
}

/// `skynet.wait(token?)`
pub(crate) unsafe extern "C-unwind" fn wait(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 1);
        let (vm, thread) = suspendable(l);
        take_token(l, thread, 1);
        let session = (*vm).new_session();
        (*vm).sessions.insert(session, Waiter::Thread { slot: (*thread).slot, dest: 0 });
        (*thread).wait = session;
        suspend(l, vm, 1, waited)
    }
}

unsafe extern "C-unwind" fn waited(l: *mut lua_State, status: c_int, token: ffi::lua_KContext) -> c_int {
    unsafe {
        slept(l, status, token);
        0
    }
}

/// `skynet.wakeup(token) -> true | nil`
pub(crate) unsafe extern "C-unwind" fn wakeup(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        ffi::lua_settop(l, 1);
        if ffi::lua_type(l, 1) == ffi::LUA_TTHREAD {
            let co = ffi::lua_tothread(l, 1);
            let thread = crate::vm::thread_of(co);
            if (*thread).vm == vm && (*thread).l == co && (*thread).token == Token::Own {
                (*vm).wakeups.push_back(Wake::Own((*thread).slot));
                ffi::lua_pushboolean(l, 1);
                return 1;
            }
        }
        if ffi::lua_type(l, 1) == ffi::LUA_TNIL
            || ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_TOKENS) != ffi::LUA_TTABLE
        {
            return 0;
        }
        ffi::lua_pushvalue(l, 1);
        if ffi::lua_rawget(l, -2) == ffi::LUA_TNIL {
            return 0;
        }
        registry_table(l, R_WOKEN);
        let number = ffi::lua_rawlen(l, -1) as i64 + 1;
        ffi::lua_pushvalue(l, 1);
        ffi::lua_rawseti(l, -2, number);
        (*vm).wakeups.push_back(Wake::Value(number));
        ffi::lua_pushboolean(l, 1);
        1
    }
}

/// `skynet.timeout(ti, func) -> thread`
pub(crate) unsafe extern "C-unwind" fn timeout(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let cs = centiseconds(l, 1);
        ffi::luaL_checktype(l, 2, ffi::LUA_TFUNCTION);
        ffi::lua_settop(l, 2);
        if result_unused(l, vm) {
            let number = Vm::keep_function(vm, l, 2);
            let session = (*vm).new_session();
            (*vm).sessions.insert(session, Waiter::Bare { number });
            arm(vm, session, cs);
            return 0;
        }
        let thread = Vm::new_thread(vm, l);
        ffi::lua_xmove(l, (*thread).l, 1);
        let session = (*vm).new_session();
        (*vm).sessions.insert(session, Waiter::Start { slot: (*thread).slot });
        (*thread).state = State::Ready;
        (*thread).nargs = 0;
        (*thread).wait = session;
        (*thread).timer = arm(vm, session, cs);
        push_thread(l, thread);
        1
    }
}

/// `skynet.fork(func, ...) -> thread`
pub(crate) unsafe extern "C-unwind" fn fork(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        ffi::luaL_checktype(l, 1, ffi::LUA_TFUNCTION);
        let count = ffi::lua_gettop(l);
        if (*vm).quitting {
            return 0;
        }
        if count == 1 && result_unused(l, vm) {
            let number = Vm::keep_function(vm, l, 1);
            (*vm).forks.push_back(Fork::Bare(number));
            return 0;
        }
        let thread = Vm::new_thread(vm, l);
        if count >= ffi::LUA_MINSTACK && ffi::lua_checkstack((*thread).l, count) == 0 {
            (*vm).give_back(thread);
            return ffi::luaL_error(l, c"too many arguments to fork".as_ptr());
        }
        ffi::lua_xmove(l, (*thread).l, count);
        (*thread).nargs = count - 1;
        (*thread).state = State::Ready;
        (*vm).forks.push_back(Fork::Thread(thread));
        push_thread(l, thread);
        1
    }
}

/// Pushes the coroutine object of a thread. Never raises: there is room for one value.
#[inline]
unsafe fn push_thread(l: *mut lua_State, thread: *mut Thread) {
    unsafe {
        ffi::lua_pushthread((*thread).l);
        ffi::lua_xmove((*thread).l, l, 1);
    }
}
