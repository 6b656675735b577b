//! The hook that an interrupt takes the place of: a debugger's or a profiler's, which wants it back.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use mlua::ffi::{self, lua_Hook, lua_State};

/// The last one that was displaced, and where. Atomics, since a signal handler writes them.
#[derive(Default)]
pub(super) struct Displaced {
    state: AtomicPtr<lua_State>,
    hook: AtomicPtr<c_void>,
    mask: AtomicI32,
    count: AtomicI32,
}

impl Displaced {
    /// Notes the hook of a state, if it has one that is not `ours`. Safe in a signal handler on the state's own thread.
    pub(super) unsafe fn keep(&self, l: *mut lua_State, ours: lua_Hook) {
        unsafe {
            let Some(hook) = ffi::lua_gethook(l) else { return };
            if ptr::fn_addr_eq(hook, ours) {
                return;
            }
            self.hook.store(hook as *mut c_void, Ordering::Relaxed);
            self.mask.store(ffi::lua_gethookmask(l), Ordering::Relaxed);
            self.count.store(ffi::lua_gethookcount(l), Ordering::Relaxed);
            self.state.store(l, Ordering::Relaxed);
        }
    }

    /// Sets the hook of a state that was there before, or none.
    pub(super) unsafe fn put_back(&self, l: *mut lua_State) {
        unsafe {
            if self.state.load(Ordering::Relaxed) != l {
                ffi::lua_sethook(l, None, 0, 0);
                return;
            }
            self.state.store(ptr::null_mut(), Ordering::Relaxed);
            // SAFETY: what was stored is such a function, and not null.
            let hook = std::mem::transmute::<*mut c_void, lua_Hook>(self.hook.load(Ordering::Relaxed));
            let (mask, count) = (self.mask.load(Ordering::Relaxed), self.count.load(Ordering::Relaxed));
            ffi::lua_sethook(l, Some(hook), mask, count);
        }
    }
}
