//! From a message to the Lua code that handles it.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::{
    Context, Handle, Message, PTYPE_DEBUG, PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE, PTYPE_TRACE, Payload,
};

use super::record::Current;
use super::sessions::Outcome;
use super::{Mode, R_CALLBACK, R_CALLBACK_THREAD, R_HOOKS, R_LUA_DISPATCH, R_PROTO, Thread, Vm};
use crate::api;
use crate::codec;

/// What a resumed thread finds. Blocks belong to the frame that resumes it.
#[derive(Clone, Copy)]
pub(crate) enum Parked {
    Nothing,
    Answer {
        block: *const u8,
        len: usize,
    },
    Failed {
        block: *const u8,
        len: usize,
    },
    /// Woken before its time.
    Woken,
}

impl Vm {
    /// Handles one message of the mailbox, and whatever becomes due by it.
    ///
    /// # Safety
    /// `this` is a live record whose Lua state is open; only this thread is inside of it.
    #[inline]
    pub(crate) unsafe fn handle(this: *mut Vm, ctx: &Context, msg: Message) {
        // SAFETY: short-lived borrows only.
        unsafe {
            (*this).ctx = ctx;
            match (*this).mode {
                Mode::Native => Vm::dispatch(this, msg),
                Mode::Callback { forward } => Vm::call_back(this, msg, forward),
                // Such a service will never answer.
                Mode::Silent => refuse(ctx, &msg),
            }
            if !(*this).aside.is_empty() {
                (*this).free_aside();
            }
            if let Some(used) = (*this).memory.take_report() {
                let text = format!("Memory warning {:.2} M", used as f64 / (1024.0 * 1024.0));
                (*this).context().log(text);
            }
        }
    }

    /// [`Vm::dispatch`] from within Lua code, which goes on afterwards with the message that it was handling.
    pub(crate) unsafe fn dispatch_nested(this: *mut Vm, msg: Message) {
        unsafe {
            let (message, parked, keep) = ((*this).message, (*this).parked, (*this).keep);
            Vm::dispatch(this, msg);
            (*this).message = message;
            (*this).parked = parked;
            (*this).keep = keep;
        }
    }

    /// The dispatcher: responses and errors go to the waiting threads, the rest to handlers.
    pub(crate) unsafe fn dispatch(this: *mut Vm, msg: Message) {
        unsafe {
            let Message { mut kind, session, source, payload } = msg;
            (*this).keep = false;
            if let Some(forward) = (*this).forward.as_ref()
                && let Some(mapped) = forward.get(usize::from(kind)).copied().flatten()
            {
                kind = mapped;
                (*this).keep = true;
            }
            (*this).message = Current { kind, session, source: source.raw(), len: payload.len() };
            match kind {
                PTYPE_RESPONSE => Vm::on_response(this, session, payload),
                PTYPE_ERROR if !(*this).own_errors => Vm::on_error(this, session, source.raw(), payload),
                _ => Vm::on_request(this, payload),
            }
            Vm::drain(this);
        }
    }

    #[inline]
    unsafe fn on_response(this: *mut Vm, session: i32, payload: Payload) {
        unsafe {
            if let Err(Outcome::Answer(payload)) = Vm::complete(this, session, Outcome::Answer(payload))
                && !(*this).quitting
            {
                Vm::run_handler(this, unknown_response, payload);
            }
        }
    }

    pub(crate) unsafe fn on_error(this: *mut Vm, session: i32, source: u32, reason: Payload) {
        unsafe {
            if session != 0 {
                // Whoever sends it knows the session: it fails, whoever was asked.
                (*this).fail_call(session, reason);
                return;
            }
            (*this).forget_requester(source);
            (*this).fail_calls_to(source);
        }
    }

    #[inline]
    unsafe fn on_request(this: *mut Vm, payload: Payload) {
        unsafe {
            let Current { kind, session, source, .. } = (*this).message;
            if kind == PTYPE_TRACE && !Vm::has_class(this, PTYPE_TRACE) {
                (*this).tags.insert(source, payload.to_vec().into_boxed_slice());
                return;
            }
            let thread = Vm::new_thread_guarded(this);
            if thread.is_null() {
                Vm::refuse_current(this);
                let text = format!("error: not enough memory to handle a message from :{source:08x}");
                (*this).context().log(text);
                Vm::out_of_memory(this);
                return;
            }
            // An error wants no answer: there is no request to forget.
            (*thread).open = kind != PTYPE_ERROR;
            (*thread).kind = kind;
            (*thread).session = session;
            (*thread).source = source;
            Vm::run_on(this, thread, request, payload);
        }
    }

    /// Runs a native function in a thread of its own, with a payload parked.
    unsafe fn run_handler(this: *mut Vm, function: ffi::lua_CFunction, payload: Payload) {
        unsafe {
            let thread = Vm::new_thread_guarded(this);
            if thread.is_null() {
                Vm::out_of_memory(this);
                return;
            }
            Vm::run_on(this, thread, function, payload);
        }
    }

    #[inline]
    unsafe fn run_on(this: *mut Vm, thread: *mut Thread, function: ffi::lua_CFunction, payload: Payload) {
        unsafe {
            (*this).parked = super::Parked::Answer { block: payload.as_ptr(), len: payload.len() };
            // A light C function on a fresh stack: allocates nothing.
            ffi::lua_pushcclosure((*thread).l, function, 0);
            Vm::resume(this, thread, 0);
            if (*this).keep {
                let _ = payload.into_raw();
            }
        }
    }

    /// Answers the request in hand with an error.
    pub(super) unsafe fn refuse_current(this: *mut Vm) {
        unsafe {
            let Current { session, source, .. } = (*this).message;
            if session > 0 {
                answer_error((*this).context(), Handle::from_raw(source), session);
            }
        }
    }

    /// Whether a protocol class is registered under a number.
    unsafe fn has_class(this: *mut Vm, kind: u8) -> bool {
        unsafe {
            let main = (*this).main;
            ffi::lua_rawgeti(main, ffi::LUA_REGISTRYINDEX, R_PROTO);
            let found = ffi::lua_rawgeti(main, -1, i64::from(kind)) == ffi::LUA_TTABLE;
            ffi::lua_settop(main, -3);
            found
        }
    }

    /// A service that took the messages into its own hands.
    unsafe fn call_back(this: *mut Vm, msg: Message, forward: bool) {
        unsafe {
            let Message { kind, session, source, payload } = msg;
            (*this).message = Current { kind, session, source: source.raw(), len: payload.len() };
            let main = (*this).main;
            ffi::lua_settop(main, 0);
            ffi::lua_rawgeti(main, ffi::LUA_REGISTRYINDEX, R_CALLBACK_THREAD);
            let co = ffi::lua_tothread(main, -1);
            ffi::lua_settop(main, 0);
            if co.is_null() {
                return;
            }
            // The thread is ours alone, and its stack has room for a call this small.
            ffi::lua_settop(co, 0);
            ffi::lua_pushcclosure(co, api::core::traceback, 0);
            ffi::lua_rawgeti(co, ffi::LUA_REGISTRYINDEX, R_CALLBACK);
            ffi::lua_pushinteger(co, i64::from(kind));
            ffi::lua_pushlightuserdata(co, payload.as_ptr().cast_mut().cast());
            ffi::lua_pushinteger(co, payload.len() as i64);
            ffi::lua_pushinteger(co, i64::from(session));
            ffi::lua_pushinteger(co, i64::from(source.raw()));
            let outer = Vm::enter(this, co);
            let status = ffi::lua_pcallk(co, 5, 0, 1, 0, None);
            (*this).set_running(outer);
            if forward {
                let _ = payload.into_raw();
            }
            if status != ffi::LUA_OK {
                Vm::report_callback(this, co, status);
            }
            ffi::lua_settop(co, 0);
        }
    }
}

/// Answers a request that nobody will handle.
pub(crate) fn refuse(ctx: &Context, msg: &Message) {
    if msg.session > 0 && msg.kind != PTYPE_RESPONSE && msg.kind != PTYPE_ERROR {
        answer_error(ctx, msg.source, msg.session);
    }
}

/// Sends PTYPE_ERROR; a receiver that is gone needs none.
pub(crate) fn answer_error(ctx: &Context, dest: Handle, session: i32) {
    let _ = ctx.send_from(Handle::NONE, dest, PTYPE_ERROR, session, Payload::empty());
}

/// The body of a thread that handles a message: finds the protocol, unpacks, calls the dispatch function.
unsafe extern "C-unwind" fn request(l: *mut lua_State) -> c_int {
    unsafe {
        let thread = super::thread_of(l);
        let vm = (*thread).vm;
        let Current { kind, session, source, .. } = (*vm).message;
        if kind == PTYPE_LUA
            && !(*vm).lua_protocol.is_null()
            && !(*vm).tracing
            && (*vm).tags.is_empty()
            && ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_LUA_DISPATCH) == ffi::LUA_TFUNCTION
        {
            let Parked::Answer { block, len } = (*vm).parked else { return 0 };
            let cache = codec::open_cache(l, vm, len);
            if cache != 0 {
                // The function goes above the table.
                ffi::lua_rotate(l, 1, 1);
            }
            ffi::lua_pushinteger(l, i64::from(session));
            ffi::lua_pushinteger(l, i64::from(source));
            let count = codec::unpack(l, vm, block, len, if cache == 0 { 0 } else { 1 });
            ffi::lua_callk(l, 2 + count, 0, 0, Some(handled));
            return handled(l, ffi::LUA_OK, 0);
        }
        ffi::lua_settop(l, 0);
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_PROTO); // 1
        if ffi::lua_rawgeti(l, 1, i64::from(kind)) != ffi::LUA_TTABLE {
            if kind == PTYPE_DEBUG {
                return api::debug::answer(l);
            }
            ffi::lua_pushinteger(l, i64::from(kind)); // 3
            return unknown_request(l);
        } // 2
        ffi::lua_getfield(l, 2, c"dispatch".as_ptr()); // 3
        if ffi::lua_type(l, 3) == ffi::LUA_TNIL {
            ffi::lua_getfield(l, 2, c"name".as_ptr());
            ffi::lua_copy(l, -1, 3);
            ffi::lua_settop(l, 3);
            return unknown_request(l);
        }
        ffi::lua_getfield(l, 2, c"unpack".as_ptr()); // 4
        if (*vm).tracing || !(*vm).tags.is_empty() {
            api::trace::on_request(l, vm, thread);
        }
        let Parked::Answer { block, len } = (*vm).parked else { return 0 };
        if ffi::lua_type(l, 4) == ffi::LUA_TNIL {
            // Messages of such a protocol say nothing but that they are there.
            ffi::lua_pushvalue(l, 3);
            ffi::lua_pushinteger(l, i64::from(session));
            ffi::lua_pushinteger(l, i64::from(source));
            ffi::lua_callk(l, 2, 0, 0, Some(handled));
        } else if is_unpack(l, 4) {
            let cache = codec::open_cache(l, vm, len);
            ffi::lua_pushvalue(l, 3);
            ffi::lua_pushinteger(l, i64::from(session));
            ffi::lua_pushinteger(l, i64::from(source));
            let count = codec::unpack(l, vm, block, len, cache);
            ffi::lua_callk(l, 2 + count, 0, 0, Some(handled));
        } else {
            ffi::lua_pushvalue(l, 3); // 5
            ffi::lua_pushinteger(l, i64::from(session));
            ffi::lua_pushinteger(l, i64::from(source));
            ffi::lua_pushvalue(l, 4);
            ffi::lua_pushlightuserdata(l, block.cast_mut().cast());
            ffi::lua_pushinteger(l, len as i64);
            ffi::lua_callk(l, 2, ffi::LUA_MULTRET, 0, Some(unpacked));
            return unpacked(l, ffi::LUA_OK, 0);
        }
        handled(l, ffi::LUA_OK, 0)
    }
}

/// After an `unpack` function of the program's: function, session and source are at 5 to 7, the results above.
unsafe extern "C-unwind" fn unpacked(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe {
        let count = ffi::lua_gettop(l) - 5;
        ffi::lua_callk(l, count, 0, 0, Some(handled));
        handled(l, ffi::LUA_OK, 0)
    }
}

/// After the dispatch function: a request that is still open is most likely a mistake.
unsafe extern "C-unwind" fn handled(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe {
        let thread = super::thread_of(l);
        if (*thread).open && (*thread).session != 0 {
            (*(*thread).vm).forgotten.push(((*thread).source, (*thread).session));
            super::fault::warn_unanswered(l, thread);
            // The program may still answer by hand.
            (*thread).open = false;
        }
        0
    }
}

/// A message without a handler. At index 3: the protocol's number, or its name.
unsafe fn unknown_request(l: *mut lua_State) -> c_int {
    unsafe {
        let thread = super::thread_of(l);
        let vm = (*thread).vm;
        let Current { session, source, .. } = (*vm).message;
        let Parked::Answer { block, len } = (*vm).parked else { return 0 };
        if session != 0 {
            (*thread).open = false;
            answer_error((*vm).context(), Handle::from_raw(source), session);
            return 0;
        }
        (*thread).open = false;
        if !hook(l, c"unknown_request") {
            ffi::lua_pushcclosure(l, default_unknown_request, 0);
        }
        ffi::lua_pushinteger(l, i64::from(session));
        ffi::lua_pushinteger(l, i64::from(source));
        ffi::lua_pushlightuserdata(l, block.cast_mut().cast());
        ffi::lua_pushinteger(l, len as i64);
        ffi::lua_pushvalue(l, 3);
        ffi::lua_callk(l, 5, 0, 0, Some(done));
        0
    }
}

/// A response nobody waits for.
unsafe extern "C-unwind" fn unknown_response(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = super::vm_of(l);
        let Current { session, source, .. } = (*vm).message;
        let Parked::Answer { block, len } = (*vm).parked else { return 0 };
        if !hook(l, c"unknown_response") {
            ffi::lua_pushcclosure(l, default_unknown_response, 0);
        }
        ffi::lua_pushinteger(l, i64::from(session));
        ffi::lua_pushinteger(l, i64::from(source));
        ffi::lua_pushlightuserdata(l, block.cast_mut().cast());
        ffi::lua_pushinteger(l, len as i64);
        ffi::lua_callk(l, 4, 0, 0, Some(done));
        0
    }
}

/// `(session, source, msg, sz, type)`: logs the message and raises.
pub(crate) unsafe extern "C-unwind" fn default_unknown_request(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 5);
        ffi::lua_pushstring(l, c"Unknown request (".as_ptr());
        ffi::luaL_tolstring(l, 5, std::ptr::null_mut());
        ffi::lua_pushstring(l, c"): ".as_ptr());
        push_message(l, 3);
        ffi::lua_concat(l, 4);
        super::log_value(l, (*super::vm_of(l)).context(), -1);
        unknown_session(l)
    }
}

/// `(session, source, msg, sz)`: logs the message and raises.
pub(crate) unsafe extern "C-unwind" fn default_unknown_response(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 4);
        ffi::lua_pushstring(l, c"Response message : ".as_ptr());
        push_message(l, 3);
        ffi::lua_concat(l, 2);
        super::log_value(l, (*super::vm_of(l)).context(), -1);
        unknown_session(l)
    }
}

/// Pushes the raw message at an index and the next as a string.
unsafe fn push_message(l: *mut lua_State, index: c_int) {
    unsafe {
        let block = ffi::lua_touserdata(l, index);
        let len = ffi::lua_tointegerx(l, index + 1, std::ptr::null_mut());
        if block.is_null() || len <= 0 {
            ffi::lua_pushstring(l, c"".as_ptr());
        } else {
            ffi::lua_pushlstring(l, block.cast(), len as usize);
        }
    }
}

/// Raises; session and source are at 1 and 2.
unsafe fn unknown_session(l: *mut lua_State) -> c_int {
    unsafe {
        let session = ffi::lua_tointegerx(l, 1, std::ptr::null_mut());
        // Lua's own formatting has no hexadecimal.
        let mut digits = [0; 9];
        api::text::hex(ffi::lua_tointegerx(l, 2, std::ptr::null_mut()) as u32, &mut digits);
        ffi::luaL_error(l, c"Unknown session : %d from %s".as_ptr(), session as c_int, digits.as_ptr())
    }
}

unsafe extern "C-unwind" fn done(_: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    0
}

/// Pushes the hook of that name, if one is set.
pub(crate) unsafe fn hook(l: *mut lua_State, name: &std::ffi::CStr) -> bool {
    unsafe {
        if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_HOOKS) != ffi::LUA_TTABLE {
            ffi::lua_settop(l, -2);
            return false;
        }
        if ffi::lua_getfield(l, -1, name.as_ptr()) == ffi::LUA_TNIL {
            ffi::lua_settop(l, -3);
            return false;
        }
        ffi::lua_rotate(l, -2, -1);
        ffi::lua_settop(l, -2);
        true
    }
}

/// Whether the value is the native `skynet.unpack`.
#[inline]
pub(crate) unsafe fn is_unpack(l: *mut lua_State, index: c_int) -> bool {
    unsafe {
        ffi::lua_tocfunction(l, index)
            .is_some_and(|f| std::ptr::fn_addr_eq(f, api::data::unpack as ffi::lua_CFunction))
    }
}
