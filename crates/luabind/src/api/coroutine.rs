//! `skynet.coroutine`: coroutines in which the framework's blocking functions work. A block inside suspends the whole
//! thread, and the coroutine goes on where it was.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::{Entry, libraries};
use crate::vm::{R_COROUTINES, Vm, Yielded, thread_of, vm_of};

const FUNCTIONS: &[Entry] = &[
    (c"create", create),
    (c"resume", resume),
    (c"yield", yield_),
    (c"wrap", wrap),
    (c"status", status),
    (c"thread", thread),
    (c"close", close),
];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe {
        super::new_module(l, FUNCTIONS);
        ffi::lua_getglobal(l, c"coroutine".as_ptr());
        for name in [c"running", c"isyieldable"] {
            ffi::lua_getfield(l, -1, name.as_ptr());
            ffi::lua_setfield(l, -3, name.as_ptr());
        }
        ffi::lua_settop(l, -2);
        // Coroutine → slot of the framework thread that runs it or is blocked in it, 0 while none does.
        ffi::lua_createtable(l, 0, 0);
        ffi::lua_createtable(l, 0, 1);
        ffi::lua_pushstring(l, c"k".as_ptr());
        ffi::lua_setfield(l, -2, c"__mode".as_ptr());
        ffi::lua_setmetatable(l, -2);
        ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_COROUTINES);
    }
}

/// Who runs the coroutine at a stack index: a slot, 0 for nobody, -1 if it is not one of ours.
unsafe fn owner(l: *mut lua_State, index: c_int) -> i64 {
    unsafe {
        let index = ffi::lua_absindex(l, index);
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_COROUTINES);
        ffi::lua_pushvalue(l, index);
        let mut known: c_int = 0;
        ffi::lua_rawget(l, -2);
        let slot = ffi::lua_tointegerx(l, -1, &mut known);
        ffi::lua_settop(l, -3);
        if known == 0 { -1 } else { slot }
    }
}

unsafe fn set_owner(l: *mut lua_State, index: c_int, slot: i64) {
    unsafe {
        let index = ffi::lua_absindex(l, index);
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_COROUTINES);
        ffi::lua_pushvalue(l, index);
        ffi::lua_pushinteger(l, slot);
        ffi::lua_rawset(l, -3);
        ffi::lua_settop(l, -2);
    }
}

/// `create(f) -> coroutine`
unsafe extern "C-unwind" fn create(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TFUNCTION);
        let co = ffi::lua_newthread(l);
        ffi::lua_pushvalue(l, 1);
        ffi::lua_xmove(l, co, 1);
        set_owner(l, -1, 0);
        1
    }
}

/// `yield(...)`
unsafe extern "C-unwind" fn yield_(l: *mut lua_State) -> c_int {
    unsafe {
        // Noted only if it comes to that: the call raises where nothing can yield.
        if ffi::lua_isyieldable(l) != 0 {
            (*vm_of(l)).yielded = Yielded::User;
        }
        ffi::lua_yieldk(l, ffi::lua_gettop(l), 0, None)
    }
}

/// `resume(co, ...) -> true, ... | false, error`
unsafe extern "C-unwind" fn resume(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TTHREAD);
        let co = ffi::lua_tothread(l, 1);
        let slot = owner(l, 1);
        let refusal = if slot < 0 {
            Some(c"cannot resume none skynet coroutine")
        } else if slot > 0 && ffi::lua_status(co) == ffi::LUA_YIELD {
            Some(c"cannot resume a skynet coroutine suspend by skynet framework")
        } else {
            None
        };
        if let Some(text) = refusal {
            ffi::lua_pushboolean(l, 0);
            ffi::lua_pushstring(l, text.as_ptr());
            return 2;
        }
        let count = ffi::lua_gettop(l) - 1;
        begin(l, co, count, RESUME)
    }
}

/// How the results are given: with a status in front, or errors raised.
const RESUME: ffi::lua_KContext = 0;
const WRAP: ffi::lua_KContext = 1;

/// Resumes the coroutine at index 1 with the values above it.
unsafe fn begin(l: *mut lua_State, co: *mut lua_State, count: c_int, how: ffi::lua_KContext) -> c_int {
    unsafe {
        if ffi::lua_checkstack(co, count) == 0 {
            return ffi::luaL_error(l, c"too many arguments to resume".as_ptr());
        }
        let slot = (*(*vm_of(l)).current).slot;
        set_owner(l, 1, i64::from(slot).max(1));
        ffi::lua_xmove(l, co, count);
        step(l, co, count, how)
    }
}

/// Runs the coroutine until it ends or yields to us; every other suspension is passed on, and comes back here.
unsafe fn step(l: *mut lua_State, co: *mut lua_State, count: c_int, how: ffi::lua_KContext) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let mut results: c_int = 0;
        let status = libraries::run(vm, l, co, count, &mut results);
        if status == ffi::LUA_YIELD && (*vm).yielded != Yielded::User {
            return pass_on(l, vm, co, results, how);
        }
        (*vm).yielded = Yielded::Plain;
        set_owner(l, 1, 0);
        if status == ffi::LUA_OK || status == ffi::LUA_YIELD {
            if ffi::lua_checkstack(l, results + 1) == 0 {
                ffi::lua_settop(co, -results - 1);
                return ffi::luaL_error(l, c"too many results to resume".as_ptr());
            }
            if how == RESUME {
                ffi::lua_pushboolean(l, 1);
            }
            ffi::lua_xmove(co, l, results);
            return results + c_int::from(how == RESUME);
        }
        if how == RESUME {
            // The object first: a coroutine that resumes itself has it on this very stack.
            ffi::lua_xmove(co, l, 1);
            ffi::lua_pushboolean(l, 0);
            ffi::lua_rotate(l, -2, 1);
            return 2;
        }
        libraries::rethrow(l, co, status)
    }
}

/// The framework (or a bare yield) suspended the coroutine: so it suspends us.
unsafe fn pass_on(
    l: *mut lua_State,
    vm: *mut Vm,
    co: *mut lua_State,
    results: c_int,
    how: ffi::lua_KContext,
) -> c_int {
    unsafe {
        let why = (*vm).yielded;
        ffi::lua_settop(l, 1);
        if ffi::lua_checkstack(l, results + 1) == 0 {
            return ffi::luaL_error(l, c"too many values to yield".as_ptr());
        }
        ffi::lua_xmove(co, l, results);
        (*vm).yielded = why;
        ffi::lua_yieldk(l, results, how, Some(passed_back))
    }
}

/// We are resumed: so is the coroutine.
unsafe extern "C-unwind" fn passed_back(l: *mut lua_State, _: c_int, how: ffi::lua_KContext) -> c_int {
    unsafe {
        let co = ffi::lua_tothread(l, 1);
        let count = ffi::lua_gettop(l) - 1;
        if co.is_null() || ffi::lua_checkstack(co, count) == 0 {
            return ffi::luaL_error(l, c"too many arguments to resume".as_ptr());
        }
        ffi::lua_xmove(l, co, count);
        step(l, co, count, how)
    }
}

/// `wrap(f) -> function`
unsafe extern "C-unwind" fn wrap(l: *mut lua_State) -> c_int {
    unsafe {
        create(l);
        ffi::lua_pushcclosure(l, wrapped, 1);
        1
    }
}

unsafe extern "C-unwind" fn wrapped(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushvalue(l, ffi::lua_upvalueindex(1));
        ffi::lua_rotate(l, 1, 1);
        let co = ffi::lua_tothread(l, 1);
        if owner(l, 1) > 0 && ffi::lua_status(co) == ffi::LUA_YIELD {
            let text = c"cannot resume a skynet coroutine suspend by skynet framework";
            return ffi::luaL_error(l, text.as_ptr());
        }
        let count = ffi::lua_gettop(l) - 1;
        begin(l, co, count, WRAP)
    }
}

/// `status(co) -> string`
unsafe extern "C-unwind" fn status(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TTHREAD);
        let co = ffi::lua_tothread(l, 1);
        if ffi::lua_status(co) == ffi::LUA_YIELD && owner(l, 1) > 0 {
            ffi::lua_pushstring(l, c"blocked".as_ptr());
            return 1;
        }
        ffi::lua_getglobal(l, c"coroutine".as_ptr());
        ffi::lua_getfield(l, -1, c"status".as_ptr());
        ffi::lua_pushvalue(l, 1);
        ffi::lua_callk(l, 1, 1, 0, None);
        1
    }
}

/// `thread(co?) -> coroutine, is_thread`: the framework thread that owns a coroutine.
unsafe extern "C-unwind" fn thread(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 1);
        if ffi::lua_type(l, 1) != ffi::LUA_TTHREAD {
            ffi::lua_pushthread(l);
            ffi::lua_replace(l, 1);
        }
        let slot = owner(l, 1);
        if slot < 0 {
            // Not one of ours: it is a framework thread itself, or none of our business.
            let co = ffi::lua_tothread(l, 1);
            let own = (*thread_of(co)).l == co;
            ffi::lua_pushboolean(l, c_int::from(own));
            return 2;
        }
        match (*vm_of(l)).thread_at(slot as u32) {
            Some(thread) => {
                ffi::lua_pushthread((*thread).l);
                ffi::lua_xmove((*thread).l, l, 1);
            }
            None => ffi::lua_pushnil(l),
        }
        ffi::lua_pushboolean(l, 0);
        2
    }
}

/// `close(co)`: as the standard one.
unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TTHREAD);
        ffi::lua_settop(l, 1);
        if owner(l, 1) >= 0 {
            set_owner(l, 1, 0);
        }
        ffi::lua_getglobal(l, c"coroutine".as_ptr());
        ffi::lua_getfield(l, -1, c"close".as_ptr());
        ffi::lua_pushvalue(l, 1);
        ffi::lua_callk(l, 1, ffi::LUA_MULTRET, 0, None);
        ffi::lua_gettop(l) - 2
    }
}
