//! Trace lines: `<TRACE tag> nanoseconds text`.

use std::ffi::{CStr, c_int};
use std::fmt::Write as _;

use mlua::ffi::{self, lua_State};
use skynet_core::{Context, Handle, PTYPE_TRACE, Payload};

use super::address::{self, Dest};
use super::{bytes_at, check_bytes};
use crate::vm::{Tag, Thread, Vm, vm_of};

/// Writes a trace line without a position. A leaf.
pub(crate) fn write(ctx: &Context, tag: &[u8], text: &[u8]) {
    write_at(ctx, tag, text, &[]);
}

fn write_at(ctx: &Context, tag: &[u8], text: &[u8], place: &[u8]) {
    let mut line = b"<TRACE ".to_vec();
    line.extend_from_slice(tag);
    let mut head = String::new();
    let _ = write!(head, "> {} ", ctx.node().hpc());
    line.extend_from_slice(head.as_bytes());
    line.extend_from_slice(text);
    line.extend_from_slice(place);
    ctx.log(line);
}

/// Writes a trace line for a thread that is traced.
#[cold]
pub(crate) unsafe fn log(_: *mut lua_State, vm: *mut Vm, thread: *mut Thread, text: &CStr) {
    unsafe {
        if let Some(tag) = (*thread).tag() {
            write((*vm).context(), tag, text.to_bytes());
        }
    }
}

/// A traced thread makes a call: says where, and sends its tag ahead. Never raises.
#[cold]
pub(crate) unsafe fn on_call(l: *mut lua_State, vm: *mut Vm, thread: *mut Thread, dest: Dest) {
    unsafe {
        let Some(tag) = (*thread).tag() else { return };
        let mut place = [0_u8; 256];
        let len = positions(l, 1, &mut place);
        write_at((*vm).context(), tag, b"call", place.get(..len).unwrap_or(&[]));
        address::deliver(l, vm, dest, Handle::NONE, PTYPE_TRACE, 0, Payload::copy_from(tag));
    }
}

/// Writes ` source:line` of up to three levels that have one. Never raises.
unsafe fn positions(l: *mut lua_State, level: c_int, out: &mut [u8; 256]) -> usize {
    unsafe {
        let mut text = String::new();
        let mut level = level;
        let mut found = 0;
        let mut info: ffi::lua_Debug = std::mem::zeroed();
        while found < 3 && ffi::lua_getstack(l, level, &mut info) != 0 {
            level += 1;
            ffi::lua_getinfo(l, c"Sl".as_ptr(), &mut info);
            if info.currentline > 0 {
                let source = CStr::from_ptr(info.short_src.as_ptr()).to_string_lossy();
                let _ =
                    write!(text, "{}{}:{}", if found == 0 { " : " } else { " " }, source, info.currentline);
                found += 1;
            }
        }
        let len = text.len().min(out.len());
        for (to, from) in out.iter_mut().zip(text.as_bytes()) {
            *to = *from;
        }
        len
    }
}

/// A request arrives in a service in which tracing is in use: the thread takes the tag that came ahead, or a new
/// one if its protocol is traced. The class is at index 2.
pub(crate) unsafe fn on_request(l: *mut lua_State, vm: *mut Vm, thread: *mut Thread) {
    unsafe {
        ffi::lua_getfield(l, 2, c"trace".as_ptr());
        let forced = ffi::lua_type(l, -1) == ffi::LUA_TBOOLEAN;
        let on = ffi::lua_toboolean(l, -1) != 0;
        ffi::lua_settop(l, -2);
        let sent = (*vm).tags.remove(&(*thread).source);
        (*thread).tag = match (forced, on, sent) {
            (true, false, _) => Tag::Off,
            (_, _, Some(tag)) => Tag::On(tag),
            (_, true, None) => Tag::On(new_tag(vm)),
            _ => Tag::None,
        };
        log(l, vm, thread, c"request");
    }
}

/// A tag of this service's own.
unsafe fn new_tag(vm: *mut Vm) -> Box<[u8]> {
    unsafe {
        (*vm).trace_count += 1;
        format!(":{:08x}-{}", (*vm).handle, (*vm).trace_count).into_bytes().into_boxed_slice()
    }
}

/// `skynet.core.trace(tag, text, thread?, level?)`, also `skynet.tracelog`.
pub(crate) unsafe extern "C-unwind" fn core_trace(l: *mut lua_State) -> c_int {
    unsafe {
        let tag = check_bytes(l, 1);
        let text = check_bytes(l, 2);
        let (co, level) = match ffi::lua_type(l, 3) {
            ffi::LUA_TTHREAD => (ffi::lua_tothread(l, 3), ffi::luaL_optinteger(l, 4, 0)),
            ffi::LUA_TNIL | ffi::LUA_TNONE => (l, -1),
            _ => (l, ffi::luaL_checkinteger(l, 3)),
        };
        let mut place = [0_u8; 256];
        let len = if level >= 0 { positions(co, level as c_int, &mut place) } else { 0 };
        write_at((*vm_of(l)).context(), tag, text, place.get(..len).unwrap_or(&[]));
        0
    }
}

/// `native.tag(value?)`: the tag of the running thread (nil, false or a string); sets it if there is an argument.
/// `true` makes a new one.
pub(crate) unsafe extern "C-unwind" fn tag(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let thread = (*vm).current;
        match ffi::lua_type(l, 1) {
            ffi::LUA_TNONE => {}
            ffi::LUA_TSTRING => (*thread).tag = Tag::On(bytes_at(l, 1).into()),
            ffi::LUA_TBOOLEAN if ffi::lua_toboolean(l, 1) != 0 => (*thread).tag = Tag::On(new_tag(vm)),
            ffi::LUA_TBOOLEAN => (*thread).tag = Tag::Off,
            _ => (*thread).tag = Tag::None,
        }
        match &(*thread).tag {
            Tag::None => ffi::lua_pushnil(l),
            Tag::Off => ffi::lua_pushboolean(l, 0),
            Tag::On(tag) => super::push_bytes(l, tag),
        }
        1
    }
}

/// `native.tracing()`: from now on the classes of arriving messages are asked whether they are traced.
pub(crate) unsafe extern "C-unwind" fn tracing(l: *mut lua_State) -> c_int {
    unsafe {
        (*vm_of(l)).tracing = true;
        0
    }
}
