//! Errors: what is logged, and what the requester gets.

use std::ffi::{CStr, c_char, c_int};
use std::ops::Range;
use std::ptr;

use mlua::ffi::{self, lua_State};
use skynet_core::{Context, PTYPE_DEBUG};

use super::record::Current;
use super::{R_PROTO, Thread, Vm};

/// What the report of an error may allocate beyond the memory limit, in bytes.
const REPORT_ROOM: usize = 1024 * 1024;

/// An error with its traceback.
struct Report {
    /// As it is logged.
    line: Vec<u8>,
    /// Where in there the error is.
    error: Range<usize>,
}

impl Report {
    fn error(&self) -> &[u8] {
        self.line.get(self.error.clone()).unwrap_or_default()
    }
}

impl Vm {
    /// A thread ended with the error on top of its stack: its requester is told, its to-be-closed variables run, the
    /// error is logged with a traceback.
    #[cold]
    pub(super) unsafe fn fail(this: *mut Vm, thread: *mut Thread, status: c_int) {
        unsafe { Vm::fail_for(this, thread, status, None) }
    }

    /// [`Vm::fail`]; the error is the text, if there is one, whatever is on top of the stack.
    unsafe fn fail_for(this: *mut Vm, thread: *mut Thread, status: c_int, text: Option<&'static CStr>) {
        unsafe {
            let co = (*thread).l;
            (*this).interrupt.forgive();
            // The traceback is taken while there is a stack, and logged after what the closing logs.
            let report = Vm::describe(this, co, status, text);
            if (*this).interrupt.condemned() {
                let obituary = (*this).context().obituary();
                (*this).end_request_of(thread, &obituary);
            } else {
                (*this).fail_raised(thread, report.error());
            }
            if let Some(tag) = (*thread).tag() {
                crate::api::trace::write((*this).context(), tag, b"error");
            }
            (*this).forget_wait(thread);
            Vm::unwind(this, thread);
            (*thread).spent = true;
            (*this).recycle(thread);
            (*this).context().log(report.line);
            if status == ffi::LUA_ERRMEM {
                Vm::out_of_memory(this);
            }
        }
    }

    /// [`Vm::fail`] for a suspended thread, with a text of ours. Its stack keeps the frames for the traceback.
    pub(super) unsafe fn fail_with(this: *mut Vm, thread: *mut Thread, text: &'static CStr) {
        unsafe {
            ffi::lua_pushnil((*thread).l);
            Vm::fail_for(this, thread, ffi::LUA_ERRRUN, Some(text));
        }
    }

    /// [`Vm::fail`] for a thread that yielded something by itself; the first value is on top of its stack.
    pub(super) unsafe fn fail_unknown_command(this: *mut Vm, thread: *mut Thread) {
        unsafe {
            let main = (*this).main;
            ffi::lua_pushcclosure(main, unknown_command, 0);
            ffi::lua_xmove((*thread).l, main, 1);
            if ffi::lua_pcallk(main, 1, 1, 0, 0, None) == ffi::LUA_OK {
                ffi::lua_xmove(main, (*thread).l, 1);
            } else {
                ffi::lua_settop(main, -2);
                ffi::lua_pushnil((*thread).l);
            }
            Vm::fail(this, thread, ffi::LUA_ERRRUN);
        }
    }

    /// Logs the error on top of `co` with the traceback of `co`.
    pub(super) unsafe fn report(this: *mut Vm, co: *mut lua_State, status: c_int) {
        unsafe {
            let report = Vm::describe(this, co, status, None);
            (*this).context().log(report.line);
        }
    }

    /// The error on top of `co`, which is popped, or the text in its place, with the traceback of `co`: as it is logged.
    unsafe fn describe(
        this: *mut Vm,
        co: *mut lua_State,
        status: c_int,
        text: Option<&'static CStr>,
    ) -> Report {
        unsafe {
            let main = (*this).main;
            // Room for the report even when the limit is what broke.
            let limit = (*this).memory.limit;
            if limit != 0 {
                (*this).memory.limit = limit.max((*this).memory.used) + REPORT_ROOM;
            }
            // A `__tostring` of the program's may run, and hang: an interrupt must reach it.
            let outer = (*this).set_running(main);
            ffi::lua_pushcclosure(main, report, 0);
            ffi::lua_xmove(co, main, 1);
            ffi::lua_pushlightuserdata(main, co.cast());
            let text = text.map_or(ptr::null(), CStr::as_ptr);
            ffi::lua_pushlightuserdata(main, text.cast_mut().cast());
            let Current { session, source, len, .. } = (*this).message;
            let report = if ffi::lua_pcallk(main, 3, 1, 0, 0, None) == ffi::LUA_OK {
                let mut line = header(source, (*this).handle, session, len);
                let start = line.len();
                line.extend_from_slice(crate::api::bytes_at(main, -1));
                let error = start..line.len();
                line.extend_from_slice(b"\x1b[0m");
                Report { line, error }
            } else {
                let what = if status == ffi::LUA_ERRMEM { "lua memory error" } else { "lua error in error" };
                let line = format!("{what} : [{source:x} to :{:x} : {session}]", (*this).handle).into_bytes();
                Report { line, error: 0..what.len() }
            };
            ffi::lua_settop(main, -2);
            (*this).set_running(outer);
            (*this).memory.limit = limit;
            report
        }
    }

    /// Logs the error on top of the callback's thread, which carries its traceback already.
    #[cold]
    pub(super) unsafe fn report_callback(this: *mut Vm, co: *mut lua_State, status: c_int) {
        unsafe {
            let Current { session, source, len, .. } = (*this).message;
            let to = (*this).handle;
            let text = match status {
                ffi::LUA_ERRMEM => {
                    format!("lua memory error : [{source:x} to :{to:x} : {session}]").into_bytes()
                }
                ffi::LUA_ERRERR => {
                    format!("lua error in error : [{source:x} to :{to:x} : {session}]").into_bytes()
                }
                _ => {
                    let mut size = 0;
                    let mut text = header(source, to, session, len);
                    if ffi::lua_type(co, -1) == ffi::LUA_TSTRING {
                        let bytes = ffi::lua_tolstring(co, -1, &mut size);
                        text.extend_from_slice(std::slice::from_raw_parts(bytes.cast(), size));
                    }
                    text.extend_from_slice(b"\x1b[0m");
                    text
                }
            };
            (*this).context().log(text);
        }
    }
}

fn header(source: u32, to: u32, session: i32, len: usize) -> Vec<u8> {
    format!("lua call [{source:x} to :{to:x} : {session} msgsz = {len}] error : \x1b[31m").into_bytes()
}

/// (error object, the thread's state, a text of ours or null as light userdata): the error with its traceback.
unsafe extern "C-unwind" fn report(l: *mut lua_State) -> c_int {
    unsafe {
        let co: *mut lua_State = ffi::lua_touserdata(l, 2).cast();
        let text: *const c_char = ffi::lua_touserdata(l, 3).cast_const().cast();
        if !text.is_null() {
            ffi::lua_pushstring(l, text);
        } else {
            ffi::luaL_tolstring(l, 1, std::ptr::null_mut());
        }
        // Put together here: the other way the text would end at its first NUL.
        ffi::lua_pushstring(l, c"\n".as_ptr());
        ffi::luaL_traceback(l, co, std::ptr::null(), 0);
        ffi::lua_concat(l, 3);
        1
    }
}

/// (value): the text of the error about it.
unsafe extern "C-unwind" fn unknown_command(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_tolstring(l, 1, std::ptr::null_mut());
        ffi::lua_pushfstring(
            l,
            c"Unknown command : %s".as_ptr(),
            ffi::lua_tolstring(l, -1, std::ptr::null_mut()),
        );
        1
    }
}

/// Logs that the handler of the thread's message came back without an answer, and where that handler is. The place is left
/// on top of the stack.
///
/// Jumping: may raise.
#[cold]
pub(super) unsafe fn warn_unanswered(l: *mut lua_State, thread: *mut Thread) {
    unsafe {
        ffi::lua_settop(l, 0);
        if !push_handler(l, (*thread).kind) {
            ffi::lua_pushstring(l, c"a handler that is gone".as_ptr());
        } else {
            let mut info: ffi::lua_Debug = std::mem::zeroed();
            ffi::lua_getinfo(l, c">S".as_ptr(), &mut info);
            ffi::lua_pushfstring(l, c"%s:%d".as_ptr(), info.source, info.linedefined);
        }
        let mut digits = [0; 9];
        crate::api::text::hex8((*thread).source, &mut digits);
        ffi::lua_pushfstring(
            l,
            c"Maybe forgot response session %d from :%s : %s".as_ptr(),
            (*thread).session,
            digits.as_ptr(),
            ffi::lua_tolstring(l, -1, std::ptr::null_mut()),
        );
        log_value(l, (*(*thread).vm).context(), -1);
        ffi::lua_settop(l, -2);
    }
}

/// Pushes the dispatch function of a protocol; false if there is none.
unsafe fn push_handler(l: *mut lua_State, kind: u8) -> bool {
    unsafe {
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_PROTO);
        if ffi::lua_rawgeti(l, -1, i64::from(kind)) != ffi::LUA_TTABLE {
            if kind != PTYPE_DEBUG {
                return false;
            }
            // Unless the program has a class of its own, it is handled by the module.
            ffi::lua_getfield(l, ffi::LUA_REGISTRYINDEX, c"_LOADED".as_ptr());
            if ffi::lua_getfield(l, -1, c"skynet.debug".as_ptr()) != ffi::LUA_TTABLE {
                return false;
            }
        }
        ffi::lua_getfield(l, -1, c"dispatch".as_ptr()) == ffi::LUA_TFUNCTION
    }
}

/// Logs the string at a stack index.
///
/// # Safety
/// The value is a string.
pub(crate) unsafe fn log_value(l: *mut lua_State, ctx: &Context, index: c_int) {
    unsafe {
        let mut len = 0;
        let text = ffi::lua_tolstring(l, index, &mut len);
        ctx.log(std::slice::from_raw_parts(text.cast::<u8>(), len));
    }
}
