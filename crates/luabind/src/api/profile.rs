//! `skynet.profile`: the CPU time of a coroutine between two points, without the time it was suspended.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::{Entry, libraries};
use crate::vm::{Vm, vm_of};

/// A coroutine whose time is being taken. The registry holds it under its own address.
pub(crate) struct Profile {
    co: *mut lua_State,
    /// Nanoseconds until it was suspended last.
    spent: u64,
    /// When it was resumed last; `None` while it is suspended.
    since: Option<u64>,
}

const FUNCTIONS: &[Entry] =
    &[(c"start", start), (c"stop", stop), (c"resume", libraries::resume), (c"wrap", libraries::wrap)];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe { super::new_module(l, FUNCTIONS) }
}

fn cpu_time() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place to write to.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A coroutine is about to run.
#[cold]
pub(crate) unsafe fn enter(vm: *mut Vm, co: *mut lua_State) {
    unsafe {
        for profile in (*vm).profiles.iter_mut().filter(|profile| profile.co == co) {
            profile.since = Some(cpu_time());
        }
    }
}

/// A coroutine has suspended or ended.
#[cold]
pub(crate) unsafe fn leave(vm: *mut Vm, co: *mut lua_State) {
    unsafe {
        for profile in (*vm).profiles.iter_mut().filter(|profile| profile.co == co) {
            if let Some(since) = profile.since.take() {
                profile.spent += cpu_time().saturating_sub(since);
            }
        }
    }
}

/// The thread argument, or the running one; pushes it.
unsafe fn target(l: *mut lua_State) -> *mut lua_State {
    unsafe {
        ffi::lua_settop(l, 1);
        match ffi::lua_type(l, 1) {
            ffi::LUA_TTHREAD => ffi::lua_tothread(l, 1),
            _ => {
                ffi::lua_pushthread(l);
                ffi::lua_replace(l, 1);
                l
            }
        }
    }
}

/// `start(thread?)`
unsafe extern "C-unwind" fn start(l: *mut lua_State) -> c_int {
    unsafe {
        let co = target(l);
        let vm = vm_of(l);
        if find(vm, co).is_some() {
            return ffi::luaL_error(l, c"Thread %p start profile more than once".as_ptr(), co);
        }
        ffi::lua_rawsetp(l, ffi::LUA_REGISTRYINDEX, co.cast());
        // Whoever runs us runs now: ourselves, or a coroutine that resumed us.
        let running = co == l || ffi::lua_status(co) == ffi::LUA_OK && co == (*(*vm).current).l;
        let since = running.then(cpu_time);
        (*vm).profiles.push(Profile { co, spent: 0, since });
        0
    }
}

/// `stop(thread?) -> seconds`
unsafe extern "C-unwind" fn stop(l: *mut lua_State) -> c_int {
    unsafe {
        let co = target(l);
        let vm = vm_of(l);
        let Some(at) = find(vm, co) else {
            return ffi::luaL_error(l, c"Call profile.start() before profile.stop()".as_ptr());
        };
        ffi::lua_pushnil(l);
        ffi::lua_rawsetp(l, ffi::LUA_REGISTRYINDEX, co.cast());
        let profile = (*vm).profiles.swap_remove(at);
        let running = profile.since.map_or(0, |since| cpu_time().saturating_sub(since));
        ffi::lua_pushnumber(l, (profile.spent + running) as f64 / 1e9);
        1
    }
}

unsafe fn find(vm: *mut Vm, co: *mut lua_State) -> Option<usize> {
    unsafe { (*vm).profiles.iter().position(|profile| profile.co == co) }
}
