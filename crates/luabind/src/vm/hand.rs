//! Framework threads in the program's hands: `skynet.killthread`, and the standard `coroutine.close` and
//! `coroutine.resume` on the thread of a fork, a timer or a handler.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::{Fork, Parked, State, Thread, Vm, Yielded, thread_of};

impl Vm {
    /// The framework thread whose coroutine this is, other than the main one.
    #[inline]
    pub(crate) unsafe fn framework_thread(co: *mut lua_State) -> Option<*mut Thread> {
        unsafe {
            let thread = thread_of(co);
            ((*thread).l == co && !(*thread).is_root()).then_some(thread)
        }
    }

    /// Ends a thread that is suspended or has not started: its request is answered with an error, its to-be-closed
    /// variables run. A forked one that has not started only leaves the queue: the program may resume it. False if it is neither.
    ///
    /// # Safety
    /// Called from a native function on `l`.
    pub(crate) unsafe fn kill(this: *mut Vm, l: *mut lua_State, thread: *mut Thread) -> bool {
        unsafe {
            match (*thread).state {
                State::Idle | State::Running => false,
                State::Ready if (*thread).wait == 0 => {
                    (*this).forks.retain(|fork| *fork != Fork::Thread(thread));
                    (*this).give_up(thread);
                    true
                }
                State::Ready | State::Waiting | State::Parked => {
                    (*this).fail_request_of(thread, ": the thread of the request was killed");
                    Vm::close_thread(this, l, thread);
                    true
                }
            }
        }
    }

    /// Resumes a thread as `coroutine.resume` does, with `count` values on top of its stack. What it waited for is
    /// forgotten: a call fails, a sleep is over. A status of Lua's; results or the error object are on its stack.
    ///
    /// The record of a thread that ended is gone afterwards: the program holds the coroutine, so it is not used again.
    ///
    /// # Safety
    /// Called from a native function on `l`; the thread is neither running nor finished.
    #[cold]
    pub(crate) unsafe fn resume_by_hand(
        this: *mut Vm,
        l: *mut lua_State,
        thread: *mut Thread,
        count: c_int,
        results: &mut c_int,
    ) -> c_int {
        unsafe {
            let mut nargs = count;
            if (*thread).state == State::Ready {
                // The function and its first arguments are there already.
                nargs += (*thread).nargs;
                (*this).forks.retain(|fork| *fork != Fork::Thread(thread));
            }
            (*this).forget_wait(thread);
            if let Some(select) = (*thread).select.as_mut() {
                select.waiting = false;
            }
            let before = std::mem::replace(&mut (*this).current, thread);
            let parked = std::mem::replace(&mut (*this).parked, Parked::Nothing);
            (*thread).state = State::Running;
            (*this).yielded = Yielded::Plain;
            let status = crate::api::libraries::run(this, l, (*thread).l, nargs, results);
            (*this).parked = parked;
            (*this).current = before;
            if status != ffi::LUA_YIELD {
                (*this).give_up(thread);
                return status;
            }
            if (*this).yielded == Yielded::Framework {
                (*thread).state = State::Waiting;
                ffi::lua_settop((*thread).l, -*results - 1);
                *results = 0;
            } else {
                (*thread).state = State::Parked;
            }
            status
        }
    }
}
