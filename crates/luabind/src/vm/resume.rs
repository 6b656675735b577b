//! Running a framework thread until it ends or suspends.

use std::ffi::{CStr, c_int};

use mlua::ffi;

use super::sessions::Outcome;
use super::{Parked, State, Thread, Vm, Yielded};

const VANISHED: &CStr = c"cannot resume dead coroutine";
const STRAY_YIELD: &CStr = c"Call skynet.coroutine.yield out of skynet.coroutine.resume";

impl Vm {
    /// Resumes a thread that waits for an answer. The payload is freed when the thread has suspended again or
    /// ended, unless it was given to Lua for good.
    #[inline]
    pub(super) unsafe fn resume_with(this: *mut Vm, thread: *mut Thread, outcome: Outcome) {
        // SAFETY: no borrow of the record lives across the resume; the payload lives in this frame.
        unsafe {
            match outcome {
                Outcome::Answer(payload) => {
                    (*this).parked = Parked::Answer { block: payload.as_ptr(), len: payload.len() };
                    Vm::resume(this, thread, 0);
                    if (*this).keep {
                        let _ = payload.into_raw();
                    }
                }
                Outcome::Failed(reason) => {
                    (*this).parked = Parked::Failed { block: reason.as_ptr(), len: reason.len() };
                    Vm::resume(this, thread, 0);
                }
            }
        }
    }

    /// Runs a thread: `nargs` values are on its stack, above the function if it has not started.
    #[inline]
    pub(super) unsafe fn resume(this: *mut Vm, thread: *mut Thread, nargs: c_int) {
        // SAFETY: `thread` belongs to `this`, is not running, and everything is reached by raw pointer while
        // Lua code runs.
        unsafe {
            let co = (*thread).l;
            if nargs != 0 && ffi::lua_gettop(co) != nargs + 1 {
                // A native module took the coroutine behind our back: without its function it must not start.
                Vm::fail_with(this, thread, VANISHED);
                return;
            }
            let before = (*this).current;
            (*this).current = thread;
            (*thread).state = State::Running;
            (*this).yielded = Yielded::Plain;
            let outer = Vm::enter(this, co);
            if !(*this).profiles.is_empty() {
                crate::api::profile::enter(this, co);
            }
            let mut results: c_int = 0;
            let status = ffi::lua_resume(co, outer, nargs, &mut results);
            if !(*this).profiles.is_empty() {
                crate::api::profile::leave(this, co);
            }
            (*this).set_running(outer);
            (*this).current = before;
            (*this).parked = Parked::Nothing;
            if status == ffi::LUA_OK {
                if (*thread).tag().is_some() {
                    crate::api::trace::log(co, this, thread, c"end");
                }
                (*this).recycle(thread);
            } else if status == ffi::LUA_YIELD && (*this).yielded == Yielded::Framework {
                (*thread).state = State::Waiting;
                ffi::lua_settop(co, -results - 1);
            } else {
                Vm::unusual(this, thread, status, results);
            }
        }
    }

    /// Lua code is about to run on a state; gives the one that ran before. An interrupt that came while none ran, or while
    /// another one did, hits what runs next.
    #[inline]
    pub(crate) unsafe fn enter(this: *mut Vm, l: *mut ffi::lua_State) -> *mut ffi::lua_State {
        unsafe {
            let outer = (*this).set_running(l);
            if (*this).interrupt.requested() {
                crate::interrupt::arm(l);
            }
            outer
        }
    }

    /// Closes the Lua thread of a framework thread that ended by an error or is given up: its to-be-closed variables run, as
    /// part of it. A status of Lua's.
    #[cold]
    pub(super) unsafe fn unwind(this: *mut Vm, thread: *mut Thread) -> c_int {
        unsafe {
            let co = (*thread).l;
            let before = std::mem::replace(&mut (*this).current, thread);
            let parked = (*this).parked;
            (*thread).state = State::Running;
            let outer = Vm::enter(this, co);
            let status = ffi::lua_closethread(co, outer);
            (*this).set_running(outer);
            (*this).parked = parked;
            (*this).current = before;
            status
        }
    }

    /// A thread that neither ended well nor was suspended by the framework.
    #[cold]
    unsafe fn unusual(this: *mut Vm, thread: *mut Thread, status: c_int, results: c_int) {
        unsafe {
            let co = (*thread).l;
            if status != ffi::LUA_YIELD {
                Vm::fail(this, thread, status);
                return;
            }
            match (*this).yielded {
                Yielded::Quit => {
                    // The last thing that this service does: its to-be-closed variables run.
                    (*thread).open = false;
                    Vm::unwind(this, thread);
                    (*this).recycle(thread);
                }
                Yielded::User => Vm::fail_with(this, thread, STRAY_YIELD),
                _ if results == 0 || ffi::lua_type(co, -results) == ffi::LUA_TNIL => {
                    // A debugger's yield: it resumes the thread itself.
                    ffi::lua_settop(co, -results - 1);
                    (*thread).state = State::Parked;
                }
                _ if ffi::lua_type(co, -results) == ffi::LUA_TSTRING
                    && crate::api::bytes_at(co, -results) == b"USER" =>
                {
                    Vm::fail_with(this, thread, STRAY_YIELD);
                }
                _ => {
                    ffi::lua_settop(co, -results);
                    Vm::fail_unknown_command(this, thread);
                }
            }
        }
    }
}
