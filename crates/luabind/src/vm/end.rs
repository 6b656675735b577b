//! The end of a VM: what it owes is answered.

use mlua::ffi::{self, lua_State};
use skynet_core::Context;

use super::{R_TOKENS, State, Thread, Token, Vm, Waiter};

impl Vm {
    /// Answers everything that is owed and closes the Lua state. For a service that ends without `skynet.exit`.
    ///
    /// # Safety
    /// Only this thread is inside the VM, and no Lua runs.
    pub(crate) unsafe fn finish(this: *mut Vm, ctx: &Context) {
        unsafe {
            (*this).ctx = ctx;
            (*this).interrupt.clear();
            if !(*this).quitting {
                // A launcher that still waits for us must not wait for ever.
                crate::loader::tell_launcher_removed(ctx);
                (*this).fail_open_requests();
                (*this).fail_responders();
                let callees = (*this).callees();
                (*this).tell_callees(&callees);
            }
            (*this).quitting = true;
            Vm::close(this);
        }
    }

    /// Closes every suspended thread but `except`; their to-be-closed variables run.
    ///
    /// # Safety
    /// Called from a native function on `from`.
    pub(crate) unsafe fn close_threads(this: *mut Vm, from: *mut lua_State, except: *mut Thread) {
        unsafe {
            // By slot, since what runs while one is closed may close others.
            let mut slot = 1;
            while slot as usize <= (*this).threads.len() {
                if let Some(thread) = (*this).thread_at(slot)
                    && thread != except
                    && !matches!((*thread).state, State::Idle | State::Running)
                {
                    Vm::close_thread(this, from, thread);
                }
                slot += 1;
            }
        }
    }

    /// Closes one suspended thread. Whatever it waited for is forgotten.
    pub(crate) unsafe fn close_thread(this: *mut Vm, from: *mut lua_State, thread: *mut Thread) {
        unsafe {
            let co = (*thread).l;
            (*this).forget_wait(thread);
            let outer = (*this).set_running(from);
            let status = Vm::unwind(this, thread);
            (*this).set_running(outer);
            if status != ffi::LUA_OK {
                Vm::report(this, (*thread).l, status);
            }
            (*this).give_up(thread);
            ffi::lua_settop(co, 0);
        }
    }

    /// Gives up a thread that the program ended by hand. It may hold the coroutine and expect it dead, so that is not
    /// used again.
    pub(super) fn give_up(&mut self, thread: *mut Thread) {
        self.settle(thread);
        self.discard(thread);
    }

    /// What a thread leaves behind when it ends other than by coming back from its function: nobody may go on waiting for it.
    #[cold]
    pub(super) fn settle(&mut self, thread: *mut Thread) {
        self.fail_request_of(thread, ": the thread of the request was closed");
        self.forget_wait(thread);
        // SAFETY: the record is alive.
        let (slot, token, selects) = unsafe { ((*thread).slot, (*thread).token, (*thread).select.is_some()) };
        if selects {
            for waiter in self.sessions.values_mut() {
                if matches!(waiter, Waiter::Select { slot: owner, .. } if *owner == slot) {
                    *waiter = waiter.abandoned();
                }
            }
        }
        if token == Token::Value {
            self.forget_token(slot);
        }
        if slot == self.start_slot {
            self.start_slot = 0;
            if !self.quitting {
                let reason = "the start function did not come to its end: the service ends";
                crate::loader::give_up(self.context(), reason);
            }
        }
    }

    /// Takes the value on which a thread sleeps out of the table of tokens.
    fn forget_token(&mut self, slot: u32) {
        let main = self.main;
        // SAFETY: the state is open. Walking a table and storing nil where a value is allocate nothing: they cannot raise.
        unsafe {
            if ffi::lua_checkstack(main, 5) == 0 {
                return;
            }
            let top = ffi::lua_gettop(main);
            if ffi::lua_rawgeti(main, ffi::LUA_REGISTRYINDEX, R_TOKENS) == ffi::LUA_TTABLE {
                ffi::lua_pushnil(main);
                while ffi::lua_next(main, -2) != 0 {
                    let owner = ffi::lua_tointegerx(main, -1, std::ptr::null_mut());
                    ffi::lua_settop(main, -2);
                    if owner == i64::from(slot) {
                        ffi::lua_pushvalue(main, -1);
                        ffi::lua_pushnil(main);
                        ffi::lua_rawset(main, -4);
                    }
                }
            }
            ffi::lua_settop(main, top);
        }
    }

    /// A handler died of memory exhaustion. When a full collection does not help, the service ends: every further
    /// message would meet the same fate, and its callers would be left without answers.
    #[cold]
    pub(super) unsafe fn out_of_memory(this: *mut Vm) {
        unsafe {
            if (*this).quitting || (*this).memory.limit == 0 {
                return;
            }
            let limit = std::mem::replace(&mut (*this).memory.limit, 0);
            (*this).trim_pool();
            ffi::lua_gc((*this).main, ffi::LUA_GCCOLLECT);
            let used = (*this).memory.used;
            // A sixteenth of the limit is room enough for a handler to run.
            if used + limit / 16 < limit {
                (*this).memory.limit = limit;
                return;
            }
            // The limit stays lifted: finalizers and the last words need room.
            let text = format!(
                "error: the service is at its memory limit ({:.2} M of {:.2} M) and ends",
                used as f64 / (1024.0 * 1024.0),
                limit as f64 / (1024.0 * 1024.0)
            );
            (*this).context().log(text);
            (*this).context().set_end("ended at its memory limit");
            (*this).context().exit();
        }
    }
}
