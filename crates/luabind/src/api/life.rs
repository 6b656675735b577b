//! The life of a service: `skynet.start`, `init`, `init_service`, `exit`.

use std::ffi::c_int;
use std::time::Duration;

use mlua::ffi::{self, lua_State};
use skynet_core::{Context, PTYPE_LUA, Payload, PayloadBuf};
use skynet_seri::wire;

use super::require;
use crate::vm::{Mode, R_INIT, State, Timer, Vm, Waiter, Yielded, vm_of};

/// Longer reasons are cut.
const MAX_REASON: usize = 4096;

/// `skynet.start(func)`
pub(crate) unsafe extern "C-unwind" fn start(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TFUNCTION);
        ffi::lua_settop(l, 1);
        let vm = vm_of(l);
        if (*vm).quitting {
            return ffi::luaL_error(l, c"skynet.start after skynet.exit".as_ptr());
        }
        let thread = Vm::new_thread(vm, l);
        ffi::lua_pushcclosure((*thread).l, starting, 0);
        ffi::lua_xmove(l, (*thread).l, 1);
        (*thread).nargs = 1;
        (*thread).state = State::Ready;
        let session = (*vm).new_session();
        (*vm).sessions.insert(session, Waiter::Start { slot: (*thread).slot });
        (*thread).wait = session;
        (*thread).timer = Timer::Posted;
        (*vm).context().timeout_with(session, Duration::ZERO);
        (*vm).start_slot = (*thread).slot;
        (*vm).started = true;
        (*vm).mode = Mode::Native;
        0
    }
}

/// `skynet.init_service(func)`: the body of the first thread.
pub(crate) unsafe extern "C-unwind" fn init_service(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TFUNCTION);
        ffi::lua_settop(l, 1);
        starting(l)
    }
}

/// (func): runs the init functions and the start function, and tells the launcher.
unsafe extern "C-unwind" fn starting(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushcclosure(l, explain, 0);
        ffi::lua_rotate(l, 1, 1);
        ffi::lua_pushcclosure(l, body, 0);
        ffi::lua_rotate(l, 2, 1);
        // explain, body, func
        let status = ffi::lua_pcallk(l, 1, 0, 1, 0, Some(started));
        started(l, status, 0)
    }
}

/// (func): the init functions of the main chunk in order, then the start function.
unsafe extern "C-unwind" fn body(l: *mut lua_State) -> c_int {
    unsafe { next_init(l, ffi::LUA_OK, 1) }
}

unsafe extern "C-unwind" fn next_init(l: *mut lua_State, _: c_int, at: ffi::lua_KContext) -> c_int {
    unsafe {
        let mut at = at;
        while ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_INIT) == ffi::LUA_TTABLE
            && ffi::lua_rawgeti(l, -1, at as i64) != ffi::LUA_TNIL
        {
            at += 1;
            ffi::lua_callk(l, 0, 0, at, Some(next_init));
            ffi::lua_settop(l, 1);
        }
        ffi::lua_pushboolean(l, 0);
        ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_INIT);
        ffi::lua_settop(l, 1);
        ffi::lua_callk(l, 0, 0, 0, Some(finished));
        0
    }
}

unsafe extern "C-unwind" fn finished(_: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    0
}

unsafe extern "C-unwind" fn started(l: *mut lua_State, status: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe {
        let vm = vm_of(l);
        if status == ffi::LUA_OK || status == ffi::LUA_YIELD {
            (*vm).start_slot = 0;
            tell_launcher(vm, b"LAUNCHOK");
            return 0;
        }
        // Should memory run out on the way to `exit`, then the end of the start thread tells the launcher.
        ffi::lua_pushstring(l, c"init service failed: ".as_ptr());
        ffi::lua_rotate(l, -2, 1);
        ffi::luaL_tolstring(l, -1, std::ptr::null_mut());
        ffi::lua_replace(l, -2);
        ffi::lua_concat(l, 2);
        crate::vm::log_value(l, (*vm).context(), -1);
        tell_failure((*vm).context(), super::bytes_at(l, -1));
        (*vm).context().set_end(crate::loader::FAILED_TO_START);
        quit(l)
    }
}

/// Message handler: the error with its traceback; an object that is no text as it is.
unsafe extern "C-unwind" fn explain(l: *mut lua_State) -> c_int {
    unsafe {
        if ffi::lua_type(l, 1) == ffi::LUA_TSTRING {
            ffi::luaL_traceback(l, l, ffi::lua_tolstring(l, 1, std::ptr::null_mut()), 1);
        } else {
            ffi::luaL_tolstring(l, 1, std::ptr::null_mut());
        }
        1
    }
}

/// Sends the launcher a command without arguments, in the lua protocol.
pub(crate) unsafe fn tell_launcher(vm: *mut Vm, command: &[u8]) {
    unsafe {
        let Some(launcher) = (*vm).context().node().find_name(b"launcher") else { return };
        let mut buf = PayloadBuf::new();
        buf.push(wire::head(wire::TYPE_SHORT_STRING, command.len() as u8));
        buf.extend_from_slice(command);
        let _ = (*vm).context().send(launcher, PTYPE_LUA, buf.into_payload());
    }
}

/// Tells the launcher that the service has failed to start, and why: the first lines of an error, without its traceback.
pub(crate) fn tell_failure(ctx: &Context, error: &[u8]) {
    let Some(launcher) = ctx.node().find_name(b"launcher") else { return };
    let trace = b"\nstack traceback:";
    let end = error.windows(trace.len()).position(|window| window == trace).unwrap_or(error.len());
    let reason = error.get(..end.min(MAX_REASON)).unwrap_or(error);
    let mut buf = PayloadBuf::new();
    for text in [b"ERROR".as_slice(), reason] {
        if let Some((head, len)) = wire::encode_string_head(text.len()) {
            buf.extend_from_slice(head.get(..len).unwrap_or(&head));
            buf.extend_from_slice(text);
        }
    }
    let _ = ctx.send(launcher, PTYPE_LUA, buf.into_payload());
}

/// The launcher's command `REMOVE(handle, killed)`.
pub(crate) fn removal(handle: u32, killed: bool) -> Payload {
    let mut buf = PayloadBuf::new();
    buf.push(wire::head(wire::TYPE_SHORT_STRING, 6));
    buf.extend_from_slice(b"REMOVE");
    let (bytes, len) = wire::encode_integer(i64::from(handle));
    buf.extend_from_slice(bytes.get(..len).unwrap_or(&bytes));
    buf.push(wire::encode_bool(killed));
    buf.into_payload()
}

/// `skynet.init(func)`
pub(crate) unsafe extern "C-unwind" fn init(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TFUNCTION);
        ffi::lua_settop(l, 1);
        let vm = vm_of(l);
        if !(*(*vm).current).is_root() {
            // Inside a module that a thread is loading.
            require::push_loader(l);
            ffi::lua_getfield(l, -1, c"init".as_ptr());
            ffi::lua_pushvalue(l, 1);
            ffi::lua_callk(l, 1, 0, 0, None);
            return 0;
        }
        if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_INIT) != ffi::LUA_TTABLE {
            ffi::lua_settop(l, 1);
            ffi::lua_createtable(l, 1, 0);
            ffi::lua_pushvalue(l, -1);
            ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_INIT);
        }
        ffi::lua_pushvalue(l, 1);
        ffi::lua_rawseti(l, 2, ffi::lua_rawlen(l, 2) as i64 + 1);
        0
    }
}

/// `skynet.exit(reason?)`: answers everything that is owed, and ends the service. Does not return.
pub(crate) unsafe extern "C-unwind" fn exit(l: *mut lua_State) -> c_int {
    unsafe {
        // As a handler or the function of a timer it may get anything; a text alone is a reason.
        if ffi::lua_type(l, 1) == ffi::LUA_TSTRING && !(*vm_of(l)).quitting {
            let ctx = (*vm_of(l)).context();
            ctx.set_end(&format!("ended: {}", String::from_utf8_lossy(super::bytes_at(l, 1))));
        }
        quit(l)
    }
}

/// Never comes back but by an error.
unsafe fn quit(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let thread = (*vm).current;
        if (*vm).quitting {
            return ffi::luaL_error(l, c"the service is exiting already".as_ptr());
        }
        (*vm).quitting = true;
        leave(l, vm);
        if (*thread).is_root() || ffi::lua_isyieldable(l) == 0 {
            // Nothing to yield to: the caller unwinds by an error.
            return ffi::luaL_error(l, c"the service has exited".as_ptr());
        }
        (*vm).yielded = Yielded::Quit;
        ffi::lua_yieldk(l, 0, 0, None)
    }
}

unsafe fn leave(l: *mut lua_State, vm: *mut Vm) {
    unsafe {
        (*vm).forks.clear();
        if let Some(launcher) = (*vm).context().node().find_name(b"launcher") {
            let _ = (*vm).context().send(launcher, PTYPE_LUA, removal((*vm).handle, false));
        }
        (*vm).fail_open_requests();
        let callees = (*vm).callees();
        let current = (*vm).current;
        Vm::close_threads(vm, l, current);
        (*vm).fail_responders();
        (*vm).tell_callees(&callees);
        (*vm).wakeups.clear();
        (*vm).failures.clear();
        (*vm).mode = Mode::Silent;
        (*vm).context().command("EXIT", b"");
    }
}
