//! Answers: `skynet.ret`, `retpack`, `response`, `ignoreret`, `context`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::{Handle, PTYPE_ERROR, PTYPE_RESPONSE, Payload};

use super::{address, data, send, trace};
use crate::codec;
use crate::vm::{Place, Thread, Vm, vm_of};

/// Takes the running thread's request; raises if it has none.
#[inline]
unsafe fn take_request(l: *mut lua_State, vm: *mut Vm) -> *mut Thread {
    unsafe {
        let thread = (*vm).current;
        if !(*thread).open {
            ffi::luaL_error(l, c"No session".as_ptr());
        }
        (*thread).open = false;
        thread
    }
}

/// Sends a response. True if it was delivered. Never raises.
#[inline]
unsafe fn respond(vm: *mut Vm, dest: u32, session: i32, payload: Payload) -> bool {
    unsafe {
        let dest = Handle::from_raw(dest);
        (*vm).context().send_from(Handle::NONE, dest, PTYPE_RESPONSE, session, payload).is_ok()
    }
}

#[inline]
unsafe fn trace_response(l: *mut lua_State, vm: *mut Vm, thread: *mut Thread) {
    unsafe {
        if (*thread).tag().is_some() {
            trace::log(l, vm, thread, c"response");
        }
    }
}

/// `skynet.ret(msg?, sz?) -> boolean`
pub(crate) unsafe extern "C-unwind" fn ret(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        ffi::lua_settop(l, 2);
        let thread = take_request(l, vm);
        trace_response(l, vm, thread);
        let payload = address::payload_at(l, 1);
        let sent = (*thread).session != 0 && respond(vm, (*thread).source, (*thread).session, payload);
        ffi::lua_pushboolean(l, c_int::from(sent));
        1
    }
}

/// `skynet.retpack(...) -> boolean`
pub(crate) unsafe extern "C-unwind" fn retpack(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        // Packing first: when it raises, the request is still open and gets its error.
        codec::pack(l, vm, 1, ffi::lua_gettop(l));
        let thread = take_request(l, vm);
        trace_response(l, vm, thread);
        let sent = (*thread).session != 0
            && respond(vm, (*thread).source, (*thread).session, (*vm).scratch.take_payload());
        ffi::lua_pushboolean(l, c_int::from(sent));
        1
    }
}

/// `skynet.ignoreret()`
pub(crate) unsafe extern "C-unwind" fn ignoreret(l: *mut lua_State) -> c_int {
    unsafe {
        (*(*vm_of(l)).current).open = false;
        0
    }
}

/// `skynet.context() -> session | nil, source | nil`
pub(crate) unsafe extern "C-unwind" fn context(l: *mut lua_State) -> c_int {
    unsafe {
        let thread = (*vm_of(l)).current;
        if (*thread).open {
            ffi::lua_pushinteger(l, i64::from((*thread).session));
        } else {
            ffi::lua_pushnil(l);
        }
        if (*thread).source == 0 {
            ffi::lua_pushnil(l);
        } else {
            ffi::lua_pushinteger(l, i64::from((*thread).source));
        }
        2
    }
}

/// `skynet.response(pack?) -> function(ok, ...)`
pub(crate) unsafe extern "C-unwind" fn response(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        ffi::lua_settop(l, 1);
        let thread = (*vm).current;
        if !(*thread).open {
            ffi::lua_pushstring(l, c"no session".as_ptr());
            ffi::lua_error(l);
        }
        if (*thread).session == 0 {
            (*thread).open = false;
            ffi::lua_pushcclosure(l, nothing, 0);
            return 1;
        }
        let id = (*vm).responders.reserve();
        ffi::lua_pushinteger(l, id);
        if ffi::lua_type(l, 1) == ffi::LUA_TNIL {
            ffi::lua_pushcclosure(l, data::pack, 0);
        } else {
            ffi::lua_pushvalue(l, 1);
        }
        // May raise: only then is the request taken from the thread.
        ffi::lua_pushcclosure(l, respond_later, 2);
        Vm::note_closure(vm, l, id);
        if !(*thread).open {
            // A finalizer was faster.
            return ffi::luaL_error(l, c"no session".as_ptr());
        }
        (*vm).responders.insert(id, (*thread).session, (*thread).source, Place::caller(l));
        (*thread).open = false;
        1
    }
}

/// `skynet.explain_errors(on?) -> boolean`: whether errors say more than those of C skynet; what it was before.
pub(crate) unsafe extern "C-unwind" fn explain_errors(l: *mut lua_State) -> c_int {
    unsafe { switch(l, &mut (*vm_of(l)).explains) }
}

/// `skynet.answer_forgotten(on?) -> boolean`: whether requests that are forgotten are answered with an error; what it was before.
pub(crate) unsafe extern "C-unwind" fn answer_forgotten(l: *mut lua_State) -> c_int {
    unsafe { switch(l, &mut (*vm_of(l)).answers_forgotten) }
}

/// Sets what the argument says, if there is one; pushes what it was.
unsafe fn switch(l: *mut lua_State, setting: &mut bool) -> c_int {
    unsafe {
        let before = *setting;
        if ffi::lua_gettop(l) > 0 {
            *setting = ffi::lua_toboolean(l, 1) != 0;
        }
        ffi::lua_pushboolean(l, c_int::from(before));
        1
    }
}

unsafe extern "C-unwind" fn nothing(_: *mut lua_State) -> c_int {
    0
}

/// The closure that `skynet.response` gives. Upvalues: the responder's number, the pack function.
unsafe extern "C-unwind" fn respond_later(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let id = ffi::lua_tointegerx(l, ffi::lua_upvalueindex(1), std::ptr::null_mut());
        let responder = (*vm).responders.get(id).map(|r| (r.alive, r.source, r.session));
        if ffi::lua_type(l, 1) == ffi::LUA_TSTRING && super::bytes_at(l, 1) == b"TEST" {
            ffi::lua_pushboolean(l, c_int::from(responder.is_some_and(|(alive, ..)| alive)));
            return 1;
        }
        let Some((alive, source, session)) = responder else {
            return ffi::luaL_error(l, c"Can't response more than once".as_ptr());
        };
        if !alive {
            (*vm).responders.remove(id);
            ffi::lua_pushboolean(l, 0);
            return 1;
        }
        if ffi::lua_toboolean(l, 1) == 0 {
            // Lua's `nil, reason`: the caller's error shows the text. Behind a false anything may stand that is nobody else's
            // business, such as the results of a `pcall`.
            let given = ffi::lua_isnil(l, 1) != 0 && ffi::lua_type(l, 2) == ffi::LUA_TSTRING;
            (*vm).responders.remove(id);
            let sent = refuse(vm, source, session, given.then(|| super::bytes_at(l, 2)));
            ffi::lua_pushboolean(l, c_int::from(sent));
            return 1;
        }
        let top = ffi::lua_gettop(l);
        if send::is_pack(l, ffi::lua_upvalueindex(2)) {
            codec::pack(l, vm, 2, top);
            let payload = (*vm).scratch.take_payload();
            return finish_response(l, vm, id, payload);
        }
        ffi::lua_pushvalue(l, ffi::lua_upvalueindex(2));
        ffi::lua_rotate(l, 2, 1);
        ffi::lua_callk(l, top - 1, 2, 0, Some(packed));
        packed(l, ffi::LUA_OK, 0)
    }
}

/// Answers with an error, and a text about it if one is given. True if it was delivered. A leaf.
#[cold]
unsafe fn refuse(vm: *mut Vm, source: u32, session: i32, text: Option<&[u8]>) -> bool {
    // SAFETY: the caller is inside the VM.
    unsafe {
        let ctx = (*vm).context();
        let reason = match text {
            Some(text) => ctx.node().reason(text),
            None => ctx.node().reason((*vm).reason(" answered with an error")),
        };
        ctx.send_from(Handle::NONE, Handle::from_raw(source), PTYPE_ERROR, session, reason).is_ok()
    }
}

/// After a pack function of the program's; its results are on top of the stack.
unsafe extern "C-unwind" fn packed(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let id = ffi::lua_tointegerx(l, ffi::lua_upvalueindex(1), std::ptr::null_mut());
        let payload = address::payload_at(l, ffi::lua_gettop(l) - 1);
        finish_response(l, vm, id, payload)
    }
}

unsafe fn finish_response(l: *mut lua_State, vm: *mut Vm, id: i64, payload: Payload) -> c_int {
    unsafe {
        let sent = match (*vm).responders.remove(id) {
            Some(responder) => respond(vm, responder.source, responder.session, payload),
            None => {
                drop(payload);
                false
            }
        };
        ffi::lua_pushboolean(l, c_int::from(sent));
        1
    }
}
