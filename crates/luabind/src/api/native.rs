//! `skynet.native`: what the Lua half of the `skynet` module (`skynet.api`) needs from the engine. Not for programs.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};
use skynet_core::{Handle, Message, Payload};

use super::address::Dest;
use super::{
    Entry, address, call, check_bytes, debugchannel, proto, require, send, socketdriver, suspend,
    suspendable, trace, waits,
};
use crate::vm::{GIVEN_UP, Outcome, R_HOOKS, Thread, Vm, Waiter, hook, vm_of};

const FUNCTIONS: &[Entry] = &[
    (c"sessions", sessions),
    (c"start_thread", start_thread),
    (c"main_thread", main_thread),
    (c"kill", kill),
    (c"term", term),
    (c"waits", waits::waits),
    (c"held", waits::held),
    (c"hidden", call::hidden),
    (c"watch", watch),
    (c"hook", set_hook),
    (c"forward", forward),
    (c"ask", ask),
    (c"timer", timer),
    (c"next", next),
    (c"cancel", cancel),
    (c"on_answer", on_answer),
    (c"dispatch_message", dispatch_message),
    (c"hold_worker", debugchannel::hold_worker),
    (c"release_worker", debugchannel::release_worker),
    (c"tag", trace::tag),
    (c"tracing", trace::tracing),
    (c"require", require::standard),
    (c"unknown_request", crate::vm::default_unknown_request),
    (c"unknown_response", crate::vm::default_unknown_response),
];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe { super::new_module(l, FUNCTIONS) }
}

/// Pushes the coroutine of a thread.
unsafe fn push_thread(l: *mut lua_State, thread: *mut Thread) {
    unsafe {
        ffi::lua_pushthread((*thread).l);
        ffi::lua_xmove((*thread).l, l, 1);
    }
}

/// `sessions() -> { session → coroutine, or false where the wait was cancelled }`
unsafe extern "C-unwind" fn sessions(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        (*vm).number_readers();
        // Timers whose threads nobody has seen yet get them now.
        let mut at = 0;
        while let Some((session, _)) = session_at(vm, at) {
            at += 1;
            if let Some(Waiter::Bare { number }) = (*vm).sessions.get(session) {
                let thread = Vm::thread_for_function(vm, l, number, session);
                (*vm).sessions.insert(session, Waiter::Start { slot: (*thread).slot });
            }
        }
        ffi::lua_createtable(l, 0, (*vm).sessions.len() as c_int);
        // By index, since storing may raise while an iterator would be borrowed.
        let mut at = 0;
        while let Some((session, slot)) = session_at(vm, at) {
            at += 1;
            match slot.and_then(|slot| (*vm).thread_at(slot)) {
                Some(thread) => push_thread(l, thread),
                None => ffi::lua_pushboolean(l, 0),
            }
            ffi::lua_rawseti(l, -2, i64::from(session));
        }
        1
    }
}

/// The n-th session in the order of the snapshot, which is taken when n is 0. A leaf.
unsafe fn session_at(vm: *mut Vm, n: usize) -> Option<(i32, Option<u32>)> {
    unsafe {
        if n == 0 {
            (*vm).snapshot.clear();
            let Vm { snapshot, sessions, .. } = &mut *vm;
            snapshot.extend(sessions.iter().map(|(session, waiter)| (session, waiter.slot())));
        }
        let snapshot = &(*vm).snapshot;
        snapshot.get(n).copied()
    }
}

/// `start_thread() -> coroutine | nil`
unsafe extern "C-unwind" fn start_thread(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        match (*vm).thread_at((*vm).start_slot) {
            Some(thread) => push_thread(l, thread),
            None => return 0,
        }
        1
    }
}

/// `main_thread() -> coroutine`
unsafe extern "C-unwind" fn main_thread(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, ffi::LUA_RIDX_MAINTHREAD);
        1
    }
}

/// `kill(coroutine) -> true | nil`: closes a suspended framework thread, or unqueues a forked one.
unsafe extern "C-unwind" fn kill(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TTHREAD);
        let vm = vm_of(l);
        let co = ffi::lua_tothread(l, 1);
        let Some(thread) = Vm::framework_thread(co) else { return 0 };
        if !Vm::kill(vm, l, thread) {
            return 0;
        }
        ffi::lua_pushboolean(l, 1);
        1
    }
}

/// `term(address, reason?)`: as if the service had ended; the reason is for those whose calls fail.
unsafe extern "C-unwind" fn term(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        match address::destination(l, vm, 1) {
            address::Dest::Handle(handle) => {
                let given = ffi::lua_type(l, 2) == ffi::LUA_TSTRING;
                let reason = if given { super::bytes_at(l, 2) } else { GIVEN_UP };
                (*vm).forget_requester(handle);
                (*vm).fail_calls_to(handle, reason);
            }
            address::Dest::Global(index) => (*vm).fail_calls_named(super::bytes_at(l, index)),
            address::Dest::Invalid => {}
        }
        0
    }
}

/// `watch(address) -> alive`, or `nil, address` if only that service can tell: the handle of one on another node, or a
/// global name.
unsafe extern "C-unwind" fn watch(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let handle = match address::destination(l, vm, 1) {
            Dest::Handle(handle) => Handle::from_raw(handle),
            Dest::Invalid => Handle::NONE,
            Dest::Global(_) => {
                ffi::lua_pushnil(l);
                ffi::lua_pushvalue(l, 1);
                return 2;
            }
        };
        let ctx = (*vm).context();
        if ctx.node().is_remote(handle) {
            ffi::lua_pushnil(l);
            ffi::lua_pushinteger(l, i64::from(handle.raw()));
            return 2;
        }
        ffi::lua_pushboolean(l, c_int::from(ctx.watch(handle)));
        1
    }
}

/// `hook(name, func | nil) -> previous`, `hook(name) -> current`
unsafe extern "C-unwind" fn set_hook(l: *mut lua_State) -> c_int {
    unsafe {
        let mut len = 0;
        let name = CStr::from_ptr(ffi::luaL_checklstring(l, 1, &mut len));
        let count = ffi::lua_gettop(l);
        ffi::lua_settop(l, 2);
        if !hook(l, name) {
            ffi::lua_pushnil(l);
        }
        if count >= 2 {
            if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_HOOKS) != ffi::LUA_TTABLE {
                ffi::lua_settop(l, 3);
                ffi::lua_createtable(l, 0, 2);
                ffi::lua_pushvalue(l, -1);
                ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_HOOKS);
            }
            ffi::lua_pushvalue(l, 2);
            ffi::lua_setfield(l, 4, name.as_ptr());
        }
        ffi::lua_settop(l, 3);
        1
    }
}

/// `forward({ from → to })`: messages of these kinds are dispatched as others, and their payloads belong to the handlers.
unsafe extern "C-unwind" fn forward(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(l, 1);
        let vm = vm_of(l);
        (*vm).forward = Some(Box::new([None; 256]));
        ffi::lua_pushnil(l);
        while ffi::lua_next(l, 1) != 0 {
            let from = ffi::luaL_checkinteger(l, -2);
            let to = ffi::luaL_checkinteger(l, -1);
            if !(0..=255).contains(&from) || !(0..=255).contains(&to) {
                return ffi::luaL_error(l, c"forward_type: message types are numbers from 0 to 255".as_ptr());
            }
            if let Some(place) = (*vm).forward.as_mut().and_then(|map| map.get_mut(from as usize)) {
                *place = Some(to as u8);
            }
            ffi::lua_settop(l, -2);
        }
        0
    }
}

/// `ask(address, typename, ...) -> session | nil`: sends a request whose answer `next` will give.
unsafe extern "C-unwind" fn ask(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let dest = address::destination(l, vm, 1);
        let top = ffi::lua_gettop(l);
        let kind = proto::push_class(l, 2);
        match send::pack_arguments(l, vm, top, top + 1, asked) {
            Some(payload) => finish_ask(l, vm, dest, kind, payload),
            None => asked(l, ffi::LUA_OK, (top + 1) as ffi::lua_KContext),
        }
    }
}

unsafe extern "C-unwind" fn asked(l: *mut lua_State, _: c_int, class: ffi::lua_KContext) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let (dest, kind, payload) = send::packed_message(l, vm, class as c_int);
        finish_ask(l, vm, dest, kind, payload)
    }
}

/// Never raises.
unsafe fn finish_ask(l: *mut lua_State, vm: *mut Vm, dest: Dest, kind: u8, payload: Payload) -> c_int {
    unsafe {
        let thread = (*vm).current;
        match call::ask(l, vm, dest, kind, payload) {
            Some(session) => {
                (*thread).wait = 0;
                let waiter = Waiter::Select { slot: (*thread).slot, dest: call::watched(dest) };
                (*vm).sessions.insert(session, waiter);
                let since = (*vm).context().moment();
                (*thread).select.get_or_insert_default().since = since;
                ffi::lua_pushinteger(l, i64::from(session));
                1
            }
            None => 0,
        }
    }
}

/// `timer(cs) -> session`
unsafe extern "C-unwind" fn timer(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let cs = ffi::luaL_checkinteger(l, 1).clamp(0, i64::from(i32::MAX));
        let thread = (*vm).current;
        let session = (*vm).new_session();
        (*vm).sessions.insert(session, Waiter::Select { slot: (*thread).slot, dest: 0 });
        if (*thread).select.is_none() {
            (*thread).select = Some(Box::default());
        }
        let after = std::time::Duration::from_millis(cs as u64 * 10);
        (*vm).context().timeout_with(session, after);
        ffi::lua_pushinteger(l, i64::from(session));
        1
    }
}

/// `next() -> session, ok, msg, sz`: the oldest completed session of this thread, as soon as there is one. The message is
/// good until the next call.
unsafe extern "C-unwind" fn next(l: *mut lua_State) -> c_int {
    unsafe {
        let (vm, thread) = suspendable(l);
        ffi::lua_settop(l, 0);
        let Some(select) = (*thread).select.as_mut() else { return 0 };
        if select.done.is_empty() {
            select.waiting = true;
            // A call that a coroutine of the program's own began and left behind is none of this wait.
            (*thread).wait = 0;
            return suspend(l, vm, 0, completed);
        }
        completed(l, ffi::LUA_OK, 0)
    }
}

unsafe extern "C-unwind" fn completed(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe {
        let thread = (*vm_of(l)).current;
        let Some(select) = (*thread).select.as_mut() else { return 0 };
        select.waiting = false;
        let Some((session, outcome)) = select.done.pop_front() else { return 0 };
        ffi::lua_pushinteger(l, i64::from(session));
        match outcome {
            Outcome::Answer(payload) => {
                ffi::lua_pushboolean(l, 1);
                ffi::lua_pushlightuserdata(l, payload.as_ptr().cast_mut().cast());
                ffi::lua_pushinteger(l, payload.len() as i64);
                select.current = payload;
                4
            }
            Outcome::Failed(reason) => {
                ffi::lua_pushboolean(l, 0);
                let (block, len) = (reason.as_ptr(), reason.len());
                select.current = reason;
                super::call::push_failure(l, block, len);
                3
            }
        }
    }
}

/// `cancel(session)`: nobody waits for it any more. Not for timers.
unsafe extern "C-unwind" fn cancel(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let session = ffi::luaL_checkinteger(l, 1) as i32;
        if let Some(Waiter::Bare { number }) = (*vm).sessions.get(session) {
            (*vm).sessions.remove(session);
            Vm::drop_function(vm, l, number);
        } else if let Some(waiter) = (*vm).sessions.get(session) {
            (*vm).sessions.insert(session, waiter.abandoned());
        }
        if let Some(select) = (*(*vm).current).select.as_mut() {
            select.done.retain(|(done, _)| *done != session);
        }
        0
    }
}

/// `on_answer(func) -> session`: `func` runs in a thread of its own when a response with that session comes.
unsafe extern "C-unwind" fn on_answer(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TFUNCTION);
        ffi::lua_settop(l, 1);
        let vm = vm_of(l);
        let number = Vm::keep_function(vm, l, 1);
        let session = (*vm).new_session();
        (*vm).sessions.insert(session, Waiter::Bare { number });
        ffi::lua_pushinteger(l, i64::from(session));
        1
    }
}

/// `dispatch_message(type, msg, sz, session, source)`: the engine's dispatcher, for callbacks that stand before it. The
/// message stays the caller's.
unsafe extern "C-unwind" fn dispatch_message(l: *mut lua_State) -> c_int {
    unsafe {
        let kind = ffi::luaL_checkinteger(l, 1) as u8;
        let session = ffi::luaL_checkinteger(l, 4) as i32;
        let source = Handle::from_raw(ffi::luaL_checkinteger(l, 5) as u32);
        let text = ffi::lua_type(l, 2) == ffi::LUA_TSTRING;
        let len = if text { 0 } else { ffi::luaL_optinteger(l, 3, 0) };
        let vm = vm_of(l);
        // The engine works on a copy: payloads that it is given are its own.
        let bytes = if text {
            check_bytes(l, 2)
        } else if len <= 0 || ffi::lua_touserdata(l, 2).is_null() {
            &[]
        } else {
            std::slice::from_raw_parts(ffi::lua_touserdata(l, 2).cast::<u8>(), len as usize)
        };
        let payload = match socketdriver::take_over(vm, ffi::lua_touserdata(l, 2)) {
            Some(message) => message,
            None => Payload::copy_from(bytes),
        };
        Vm::dispatch_nested(vm, Message { kind, session, source, payload });
        0
    }
}
