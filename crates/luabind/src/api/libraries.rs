//! The standard libraries of a service, and what we put in their place: `coroutine.resume` and `wrap`, `print`, `loadfile`, `dofile`,
//! and how `require` finds modules.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::{c_modules, lazy, print, profile, require};
use crate::loader;
use crate::vm::{R_REQUIRE, State, Vm, Yielded, thread_of, vm_of};

/// Opens the libraries, some of them only when they are looked at.
///
/// Jumping: raises when memory runs out.
pub(crate) unsafe fn open_libraries(l: *mut lua_State) {
    unsafe {
        ffi::lua_pushboolean(l, 1);
        ffi::lua_setfield(l, ffi::LUA_REGISTRYINDEX, c"LUA_NOENV".as_ptr());
        let at_once =
            ffi::LUA_GLIBK | ffi::LUA_LOADLIBK | ffi::LUA_COLIBK | ffi::LUA_STRLIBK | ffi::LUA_TABLIBK;
        ffi::luaL_openselectedlibs(l, at_once, 0);
        lazy::open(l);

        ffi::lua_getglobal(l, c"coroutine".as_ptr());
        ffi::lua_pushcclosure(l, resume, 0);
        ffi::lua_setfield(l, -2, c"resume".as_ptr());
        ffi::lua_pushcclosure(l, wrap, 0);
        ffi::lua_setfield(l, -2, c"wrap".as_ptr());
        ffi::lua_getfield(l, -1, c"close".as_ptr());
        ffi::lua_pushcclosure(l, close, 1);
        ffi::lua_setfield(l, -2, c"close".as_ptr());

        ffi::lua_pushcclosure(l, print::print, 0);
        ffi::lua_setglobal(l, c"print".as_ptr());
        ffi::lua_getglobal(l, c"require".as_ptr());
        ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_REQUIRE);
        ffi::lua_pushcclosure(l, require::require, 0);
        ffi::lua_setglobal(l, c"require".as_ptr());
        ffi::lua_pushcclosure(l, loader::loadfile, 0);
        ffi::lua_setglobal(l, c"loadfile".as_ptr());
        ffi::lua_pushcclosure(l, loader::dofile, 0);
        ffi::lua_setglobal(l, c"dofile".as_ptr());

        ffi::lua_getglobal(l, c"package".as_ptr());
        ffi::lua_pushcclosure(l, loader::searchpath, 0);
        ffi::lua_setfield(l, -2, c"searchpath".as_ptr());
        ffi::lua_getfield(l, -1, c"loadlib".as_ptr());
        ffi::lua_pushcclosure(l, c_modules::loadlib, 1);
        ffi::lua_setfield(l, -2, c"loadlib".as_ptr());
        // The second searcher is the one for Lua files: ours finds what is embedded, too.
        ffi::lua_getfield(l, -1, c"searchers".as_ptr());
        ffi::lua_pushcclosure(l, loader::searcher, 0);
        ffi::lua_rawseti(l, -2, 2);
        // The third and the fourth are those for C modules.
        let mut place = 3;
        while place <= 4 {
            ffi::lua_rawgeti(l, -1, place);
            ffi::lua_pushcclosure(l, c_modules::searcher, 1);
            ffi::lua_rawseti(l, -2, place);
            place += 1;
        }
        ffi::lua_settop(l, 0);
    }
}

/// Resumes a coroutine of the program's, noting that it runs. Never raises.
pub(crate) unsafe fn run(
    vm: *mut Vm,
    l: *mut lua_State,
    co: *mut lua_State,
    count: c_int,
    results: &mut c_int,
) -> c_int {
    unsafe {
        let outer = Vm::enter(vm, co);
        if !(*vm).profiles.is_empty() {
            profile::enter(vm, co);
        }
        let status = ffi::lua_resume(co, l, count, results);
        if !(*vm).profiles.is_empty() {
            profile::leave(vm, co);
        }
        (*vm).set_running(outer);
        if (*vm).interrupt.requested() {
            crate::interrupt::arm(l);
        }
        status
    }
}

/// Resumes the coroutine with the `count` values on top of the stack; the number of results on the stack, or a negative
/// status with the error object there.
unsafe fn resume_with(l: *mut lua_State, co: *mut lua_State, count: c_int) -> c_int {
    unsafe {
        let vm = vm_of(l);
        if ffi::lua_checkstack(co, count) == 0 {
            ffi::lua_pushstring(l, c"too many arguments to resume".as_ptr());
            return -ffi::LUA_ERRRUN;
        }
        ffi::lua_xmove(l, co, count);
        let mut results: c_int = 0;
        let status = match Vm::framework_thread(co) {
            Some(thread) if !matches!((*thread).state, State::Idle | State::Running) => {
                Vm::resume_by_hand(vm, l, thread, count, &mut results)
            }
            _ => run(vm, l, co, count, &mut results),
        };
        if status == ffi::LUA_YIELD {
            if (*vm).yielded == Yielded::Quit {
                // The service ends: nothing up the stack goes on.
                return ffi::lua_yieldk(l, 0, 0, None);
            }
            (*vm).yielded = Yielded::Plain;
        } else if status != ffi::LUA_OK {
            ffi::lua_xmove(co, l, 1);
            return -status;
        }
        if ffi::lua_checkstack(l, results + 1) == 0 {
            ffi::lua_settop(co, -results - 1);
            ffi::lua_pushstring(l, c"too many results to resume".as_ptr());
            return -ffi::LUA_ERRRUN;
        }
        ffi::lua_xmove(co, l, results);
        results
    }
}

/// `coroutine.resume(co, ...)`
pub(crate) unsafe extern "C-unwind" fn resume(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TTHREAD);
        let co = ffi::lua_tothread(l, 1);
        let results = resume_with(l, co, ffi::lua_gettop(l) - 1);
        if results < 0 {
            ffi::lua_pushboolean(l, 0);
            ffi::lua_rotate(l, -2, 1);
            return 2;
        }
        ffi::lua_pushboolean(l, 1);
        ffi::lua_rotate(l, -(results + 1), 1);
        results + 1
    }
}

/// `coroutine.close(co?)`. A thread of the framework's ends as by `skynet.killthread`: whoever waits for it hears of it.
unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    unsafe {
        let co = ffi::lua_tothread(l, 1);
        if co.is_null() || co == l {
            // It may do so in a hook.
            (*thread_of(l)).spent = true;
        } else {
            let vm = vm_of(l);
            if co == (*thread_of(co)).l && (*thread_of(co)).is_root() {
                return ffi::luaL_error(l, c"cannot close main thread".as_ptr());
            }
            if let Some(thread) = Vm::framework_thread(co) {
                Vm::kill(vm, l, thread);
            } else if is_resting(co) {
                return close_resting(l, vm, co);
            }
        }
        let count = ffi::lua_gettop(l);
        ffi::lua_pushvalue(l, ffi::lua_upvalueindex(1));
        ffi::lua_rotate(l, 1, 1);
        ffi::lua_callk(l, count, ffi::LUA_MULTRET, 0, None);
        ffi::lua_gettop(l)
    }
}

/// Whether a coroutine neither runs nor has resumed another one: it may be closed.
unsafe fn is_resting(co: *mut lua_State) -> bool {
    unsafe {
        let mut info: ffi::lua_Debug = std::mem::zeroed();
        ffi::lua_status(co) != ffi::LUA_OK || ffi::lua_getstack(co, 0, &mut info) == 0
    }
}

/// Closes a coroutine, noting that its to-be-closed variables run on it: an interrupt must reach them. A status of Lua's.
unsafe fn close_noted(l: *mut lua_State, vm: *mut Vm, co: *mut lua_State) -> c_int {
    unsafe {
        let outer = Vm::enter(vm, co);
        let status = ffi::lua_closethread(co, l);
        (*vm).set_running(outer);
        if (*vm).interrupt.requested() {
            crate::interrupt::arm(l);
        }
        status
    }
}

/// `close(co) -> true | false, error` for one that rests.
unsafe fn close_resting(l: *mut lua_State, vm: *mut Vm, co: *mut lua_State) -> c_int {
    unsafe {
        if close_noted(l, vm, co) == ffi::LUA_OK {
            ffi::lua_pushboolean(l, 1);
            return 1;
        }
        ffi::lua_pushboolean(l, 0);
        ffi::lua_xmove(co, l, 1);
        2
    }
}

/// `coroutine.wrap(f)`
pub(crate) unsafe extern "C-unwind" fn wrap(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TFUNCTION);
        let co = ffi::lua_newthread(l);
        ffi::lua_pushvalue(l, 1);
        ffi::lua_xmove(l, co, 1);
        ffi::lua_pushcclosure(l, wrapped, 1);
        1
    }
}

unsafe extern "C-unwind" fn wrapped(l: *mut lua_State) -> c_int {
    unsafe {
        let co = ffi::lua_tothread(l, ffi::lua_upvalueindex(1));
        let results = resume_with(l, co, ffi::lua_gettop(l));
        if results >= 0 {
            return results;
        }
        // The error object is on our stack; closing wants it on the coroutine's.
        ffi::lua_xmove(l, co, 1);
        rethrow(l, co, -results)
    }
}

/// Raises the error on top of a coroutine that failed: the coroutine is closed first, a text gets a position.
pub(crate) unsafe fn rethrow(l: *mut lua_State, co: *mut lua_State, status: c_int) -> c_int {
    unsafe {
        let dead = ffi::lua_status(co);
        if dead != ffi::LUA_OK && dead != ffi::LUA_YIELD {
            close_noted(l, vm_of(l), co);
        }
        ffi::lua_xmove(co, l, 1);
        if status != ffi::LUA_ERRMEM && ffi::lua_type(l, -1) == ffi::LUA_TSTRING {
            ffi::luaL_where(l, 1);
            ffi::lua_rotate(l, -2, 1);
            ffi::lua_concat(l, 2);
        }
        ffi::lua_error(l)
    }
}
