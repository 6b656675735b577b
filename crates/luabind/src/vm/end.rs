//! The end of a VM: what it owes is answered.

use mlua::ffi::{self, lua_State};
use skynet_core::{Context, Handle};

use super::{State, Thread, Vm, dispatch::answer_error};

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
                for callee in (*this).callees() {
                    answer_error(ctx, Handle::from_raw(callee), 0);
                }
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
            let threads: Vec<*mut Thread> = (*this).live_threads().collect();
            for &thread in &threads {
                if thread != except && (*thread).state != State::Running {
                    Vm::close_thread(this, from, thread);
                }
            }
        }
    }

    /// Closes one suspended thread. Whatever it waited for is forgotten.
    pub(crate) unsafe fn close_thread(this: *mut Vm, from: *mut lua_State, thread: *mut Thread) {
        unsafe {
            (*this).forget_wait(thread);
            let before = std::mem::replace(&mut (*this).current, thread);
            let outer = (*this).set_running((*thread).l);
            let parked = (*this).parked;
            let status = ffi::lua_closethread((*thread).l, from);
            if status != ffi::LUA_OK {
                Vm::report(this, (*thread).l, status);
            }
            (*this).parked = parked;
            (*this).set_running(outer);
            (*this).current = before;
            (*this).recycle_closed(thread);
        }
    }

    /// Gives up a thread that was closed by hand. The program may hold its coroutine and expect it dead, so
    /// it is not used again.
    unsafe fn recycle_closed(&mut self, thread: *mut Thread) {
        // SAFETY: the record lives in `threads`.
        unsafe {
            (*thread).reset();
            ffi::lua_settop((*thread).l, 0);
        }
        self.discard(thread);
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
            (*this).context().exit();
        }
    }
}
