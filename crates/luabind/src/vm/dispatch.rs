//! From a message to the Lua code that handles it.

use std::ffi::c_void;

use mlua::ffi;
use skynet_core::{
    Context, Handle, Message, PTYPE_ERROR, PTYPE_MULTICAST, PTYPE_RESPONSE, PTYPE_SOCKET, PTYPE_TRACE,
    Payload, SocketMessage,
};

use super::record::Current;
use super::request::{request, unknown_response};
use super::sessions::Outcome;
use super::{Mode, R_CALLBACK, R_CALLBACK_THREAD, R_PROTO, Thread, Vm};
use crate::api;

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
            if (*this).responders.due {
                Vm::look_for_lost(this);
            }
            if !(*this).aside.is_empty() {
                (*this).free_aside();
            }
            if let Some(net) = (*this).net.as_deref_mut() {
                net.settle();
            }
            (*this).memory.adapt((*this).main);
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
            let Message { mut kind, session, source, mut payload } = msg;
            (*this).keep = false;
            if let Some(forward) = (*this).forward.as_ref()
                && let Some(mapped) = forward.get(usize::from(kind)).copied().flatten()
            {
                kind = mapped;
                (*this).keep = true;
                // The block will be Lua's, to be sent or freed.
                payload.unshare();
            }
            (*this).message = Current { kind, session, source: source.raw(), len: payload.len() };
            match kind {
                PTYPE_RESPONSE => Vm::on_response(this, session, payload),
                PTYPE_ERROR if !(*this).own_errors => Vm::on_error(this, session, source.raw(), payload),
                PTYPE_SOCKET if Vm::receive(this, &mut payload) => {}
                PTYPE_SOCKET if !(*this).netpack.is_null() && api::netpack::deliver(this, &mut payload) => {}
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

    pub(crate) unsafe fn on_error(this: *mut Vm, session: i32, source: u32, mut reason: Payload) {
        unsafe {
            if reason.is_empty() && source != 0 {
                // C nodes never say more.
                let how = if session == 0 { "is gone" } else { "answered with an error" };
                reason = format!("service {} {how}", Handle::from_raw(source)).into();
            }
            if session != 0 {
                // Whoever sends it knows the session: it fails, whoever was asked.
                (*this).fail_call(session, reason);
                return;
            }
            (*this).forget_requester(source);
            (*this).fail_calls_to(source, &reason);
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
            // An error wants no answer, and the session of a publication is the number of its channel: there is no request to forget.
            (*thread).open = kind != PTYPE_ERROR && kind != PTYPE_MULTICAST;
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
            let outer = Vm::note_message(this, &payload);
            // A light C function on a fresh stack: allocates nothing.
            ffi::lua_pushcclosure((*thread).l, function, 0);
            Vm::resume(this, thread, 0);
            ((*this).socket_message, (*this).shared_message) = outer;
            if (*this).keep {
                let _ = payload.into_raw();
            }
        }
    }

    /// Notes that a payload is in Lua's sight that owns a buffer of a socket, or is read by others too; what was noted before.
    #[inline]
    unsafe fn note_message(this: *mut Vm, payload: &Payload) -> (*const c_void, *const u8) {
        // SAFETY: the caller is inside the VM.
        unsafe {
            let before = ((*this).socket_message, (*this).shared_message);
            (*this).shared_message = if payload.is_shared() { payload.as_ptr() } else { std::ptr::null() };
            // Whatever it is dispatched as. The length rules nearly all others out.
            let owns =
                payload.len() == size_of::<SocketMessage>() && SocketMessage::buffer(payload).is_some();
            (*this).socket_message = if owns { payload.as_ptr().cast() } else { std::ptr::null() };
            before
        }
    }

    /// Answers the request in hand with an error.
    pub(super) unsafe fn refuse_current(this: *mut Vm) {
        unsafe {
            let Current { kind, session, source, .. } = (*this).message;
            if session > 0 && kind != PTYPE_MULTICAST {
                let reason = (*this).reason(" has no memory left to handle the request");
                answer_error((*this).context(), Handle::from_raw(source), session, &reason);
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
            let Message { kind, session, source, mut payload } = msg;
            if forward {
                payload.unshare();
            }
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
            let before = Vm::note_message(this, &payload);
            let outer = Vm::enter(this, co);
            let status = ffi::lua_pcallk(co, 5, 0, 1, 0, None);
            (*this).set_running(outer);
            ((*this).socket_message, (*this).shared_message) = before;
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
    if msg.wants_answer() {
        let reason = format!("{} takes no requests: it has not started, or ends", ctx.title());
        answer_error(ctx, msg.source, msg.session, reason.as_bytes());
    }
}

/// Sends PTYPE_ERROR with a text about it, unless the node keeps such to itself; a receiver that is gone needs none.
pub(crate) fn answer_error(ctx: &Context, dest: Handle, session: i32, reason: &[u8]) {
    let _ = ctx.send_from(Handle::NONE, dest, PTYPE_ERROR, session, ctx.node().reason(reason));
}
