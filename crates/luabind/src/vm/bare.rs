//! Functions that wait to run without a thread of their own.
//!
//! `skynet.timeout` and `skynet.fork` return the coroutine that will run the function. Most callers do not look at it, and a
//! coroutine takes a kilobyte; so when the caller wants no result, only the function is kept, in a Lua table, and it
//! gets a pooled thread when its time comes.

use std::ffi::{c_int, c_void};

use mlua::ffi::{self, lua_State};

use super::{R_BARE, State, Thread, Vm};

/// Offset of the call status in Lua's record of a call (`struct CallInfo`); its low byte is the number of results that the
/// caller wants, plus one. It is private to Lua: [`probe`] makes sure of it before it is relied on.
const CALL_STATUS: usize = 60;

/// How many results the caller of the running native function wants; -1 for all.
///
/// # Safety
/// [`probe`] has succeeded with this Lua, and a native function runs on `l`.
unsafe fn results_wanted(l: *mut lua_State) -> c_int {
    unsafe {
        let mut info: ffi::lua_Debug = std::mem::zeroed();
        if ffi::lua_getstack(l, 0, &mut info) == 0 {
            return -1;
        }
        // The record of the call is the last, private field.
        let last = size_of::<ffi::lua_Debug>() - size_of::<*const c_void>();
        let call = (&raw const info).byte_add(last).cast::<*const u8>().read();
        (call.add(CALL_STATUS).cast::<u32>().read() & 0xff) as c_int - 1
    }
}

/// Whether the running native function may drop its result.
pub(crate) unsafe fn result_unused(l: *mut lua_State, vm: *mut Vm) -> bool {
    unsafe { super::shared(vm).sees_results() && results_wanted(l) == 0 }
}

/// Checks on calls of known shape that [`results_wanted`] reads what it thinks it reads.
///
/// Jumping: may raise when memory runs out.
pub(super) unsafe fn probe(l: *mut lua_State) -> bool {
    unsafe {
        let mut good = true;
        for wanted in [0, 1, 2, 7, ffi::LUA_MULTRET] {
            ffi::lua_settop(l, 0);
            ffi::lua_pushcclosure(l, report, 0);
            let place: *mut c_int = &mut 0;
            *place = c_int::MIN;
            ffi::lua_pushlightuserdata(l, place.cast());
            ffi::lua_callk(l, 1, wanted, 0, None);
            good &= *place == wanted;
        }
        ffi::lua_settop(l, 0);
        good
    }
}

unsafe extern "C-unwind" fn report(l: *mut lua_State) -> c_int {
    unsafe {
        let place: *mut c_int = ffi::lua_touserdata(l, 1).cast();
        *place = results_wanted(l);
        0
    }
}

impl Vm {
    /// Keeps the function at a stack index; the number under which it is kept.
    ///
    /// Jumping: raises when memory runs out.
    #[inline]
    pub(crate) unsafe fn keep_function(this: *mut Vm, l: *mut lua_State, index: c_int) -> u32 {
        unsafe {
            if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_BARE) != ffi::LUA_TTABLE {
                ffi::lua_settop(l, -2);
                ffi::lua_createtable(l, 4, 0);
                ffi::lua_pushvalue(l, -1);
                ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_BARE);
            }
            ffi::lua_pushvalue(l, index);
            match (*this).free_bare.last().copied() {
                Some(number) => {
                    // The slot holds false: storing there allocates nothing.
                    ffi::lua_rawseti(l, -2, i64::from(number));
                    (*this).free_bare.pop();
                    ffi::lua_settop(l, -2);
                    number
                }
                None => {
                    let number = (*this).bare_count + 1;
                    ffi::lua_rawseti(l, -2, i64::from(number));
                    (*this).bare_count = number;
                    ffi::lua_settop(l, -2);
                    number
                }
            }
        }
    }

    /// Moves a kept function to the stack of a thread, which has room for it. Never raises.
    #[inline]
    unsafe fn take_function(this: *mut Vm, number: u32, thread: *mut Thread) {
        unsafe {
            let co = (*thread).l;
            ffi::lua_rawgeti(co, ffi::LUA_REGISTRYINDEX, R_BARE);
            ffi::lua_rawgeti(co, -1, i64::from(number));
            ffi::lua_pushboolean(co, 0);
            ffi::lua_rawseti(co, -3, i64::from(number));
            ffi::lua_copy(co, -1, -2);
            ffi::lua_settop(co, -2);
            (*this).free_bare.push(number);
        }
    }

    /// Forgets a kept function.
    ///
    /// Jumping: needs room on the stack of `l`.
    pub(crate) unsafe fn drop_function(this: *mut Vm, l: *mut lua_State, number: u32) {
        unsafe {
            ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_BARE);
            ffi::lua_pushboolean(l, 0);
            ffi::lua_rawseti(l, -2, i64::from(number));
            ffi::lua_settop(l, -2);
            (*this).free_bare.push(number);
        }
    }

    /// Runs a kept function in a pooled thread.
    #[inline]
    pub(super) unsafe fn run_function(this: *mut Vm, number: u32) {
        unsafe {
            let thread = Vm::new_thread_guarded(this);
            if thread.is_null() {
                (*this).free_bare.push(number);
                (*this)
                    .context()
                    .log("error: not enough memory to run a forked function or a timer's: it is lost");
                Vm::out_of_memory(this);
                return;
            }
            Vm::take_function(this, number, thread);
            Vm::resume(this, thread, 0);
        }
    }

    /// Gives a kept function the thread that it would have had.
    ///
    /// Jumping: raises when memory runs out.
    pub(crate) unsafe fn thread_for_function(
        this: *mut Vm,
        l: *mut lua_State,
        number: u32,
        session: i32,
    ) -> *mut Thread {
        unsafe {
            let thread = Vm::new_thread(this, l);
            Vm::take_function(this, number, thread);
            (*thread).state = State::Ready;
            (*thread).nargs = 0;
            (*thread).wait = session;
            thread
        }
    }
}
