//! What runs after the message in hand: woken threads, failed calls, forks.

use mlua::ffi;

use super::sessions::Outcome;
use super::thread::Timer;
use super::{Parked, R_TOKENS, R_WOKEN, State, Thread, Token, Vm, Waiter};

/// A forked function that is due.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fork {
    /// The thread has the function and its arguments on its stack.
    Thread(*mut Thread),
    /// A kept function, by its number.
    Bare(u32),
}

/// A wake-up that is due.
#[derive(Clone, Copy)]
pub(crate) enum Wake {
    /// The thread in this slot, if it still sleeps on itself.
    Own(u32),
    /// Whoever sleeps on the value under this number in the table of woken tokens.
    Value(i64),
    /// The reader of this socket.
    Reader(i32),
    /// The thread in this slot, which waited for this socket when that was given up.
    Left(u32, i32),
}

impl Vm {
    /// Runs everything that is due, in skynet's order: woken threads first, then calls that failed, then forked
    /// threads, looking at the earlier queues again after every step.
    pub(super) unsafe fn drain(this: *mut Vm) {
        // SAFETY: no borrow of the record lives across a step.
        unsafe {
            loop {
                if let Some(wake) = (*this).wakeups.pop_front() {
                    Vm::wake(this, wake);
                } else if let Some((session, reason)) = (*this).failures.pop_front() {
                    let _ = Vm::complete(this, session, Outcome::Failed(reason));
                } else if let Some(fork) = (*this).forks.pop_front() {
                    match fork {
                        Fork::Thread(thread) => {
                            let nargs = (*thread).nargs;
                            Vm::resume(this, thread, nargs);
                        }
                        Fork::Bare(number) => Vm::run_function(this, number),
                    }
                } else {
                    return;
                }
            }
        }
    }

    unsafe fn wake(this: *mut Vm, wake: Wake) {
        unsafe {
            let (slot, token) = match wake {
                Wake::Own(slot) => (slot, Token::Own),
                Wake::Value(number) => (Vm::take_woken(this, number), Token::Value),
                Wake::Reader(id) => {
                    if let Some(thread) = Vm::take_reader(this, id) {
                        Vm::resume(this, thread, 0);
                    }
                    return;
                }
                Wake::Left(slot, id) => {
                    Vm::resume_left(this, slot, id);
                    return;
                }
            };
            let Some(thread) = (*this).thread_at(slot) else { return };
            if (*thread).state != State::Waiting || (*thread).token != token {
                return;
            }
            (*this).forget_wait(thread);
            (*this).parked = Parked::Woken;
            Vm::resume(this, thread, 0);
        }
    }

    /// Takes a token out of the table of woken ones; the slot of the thread that sleeps on it, or 0.
    unsafe fn take_woken(this: *mut Vm, number: i64) -> u32 {
        // Reading, and storing nil where a value is, allocate nothing and call nothing: they cannot raise.
        unsafe {
            let main = (*this).main;
            let top = ffi::lua_gettop(main);
            ffi::lua_rawgeti(main, ffi::LUA_REGISTRYINDEX, R_TOKENS);
            ffi::lua_rawgeti(main, ffi::LUA_REGISTRYINDEX, R_WOKEN);
            ffi::lua_rawgeti(main, -1, number);
            ffi::lua_pushnil(main);
            ffi::lua_rawseti(main, -3, number);
            ffi::lua_rawget(main, -3);
            let slot = ffi::lua_tointegerx(main, -1, std::ptr::null_mut()) as u32;
            ffi::lua_settop(main, top);
            slot
        }
    }

    /// Takes back what a suspended thread waits for: its session is forgotten, its timer cancelled. A timer message
    /// that is in the mailbox already will be dropped in silence.
    pub(crate) fn forget_wait(&mut self, thread: *mut Thread) {
        self.forget_reading(thread);
        // SAFETY: the record is alive.
        let (session, timer) = unsafe {
            let thread = &mut *thread;
            (std::mem::take(&mut thread.wait), std::mem::replace(&mut thread.timer, Timer::None))
        };
        if session == 0 {
            return;
        }
        let timer = self.still_fires(timer);
        match self.sessions.get(session).map_or(0, |waiter| waiter.dest()) {
            0 if timer => self.sessions.insert(session, Waiter::Nobody),
            0 => {
                self.sessions.remove(session);
            }
            dest => self.sessions.insert(session, Waiter::Abandoned { dest, timer }),
        }
    }
}
