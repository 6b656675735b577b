//! The Lua-facing modules.
//!
//! Nearly every function here is *jumping* (see the crate's docs): it may raise a Lua error or yield at any call of the Lua
//! API, which jumps over its frame, so it owns nothing that needs dropping at such a point, and cannot panic.

pub(crate) mod address;
pub(crate) mod c_modules;
pub(crate) mod call;
mod client_socket;
pub(crate) mod core;
pub(crate) mod coroutine;
mod crypt;
pub(crate) mod data;
mod deadline;
pub(crate) mod debug;
mod debugchannel;
mod group;
pub(crate) mod info;
mod lazy;
pub(crate) mod libraries;
pub(crate) mod life;
pub(crate) mod mailbox;
mod memory;
pub(crate) mod multicast;
pub(crate) mod native;
pub(crate) mod netpack;
mod print;
pub(crate) mod profile;
pub(crate) mod proto;
pub(crate) mod reply;
pub(crate) mod require;
pub(crate) mod send;
pub(crate) mod skynet;
pub(crate) mod sleep;
mod socket;
pub(crate) mod socketdriver;
pub(crate) mod text;
pub(crate) mod trace;
mod waits;

pub(crate) use libraries::open_libraries;

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_CFunction, lua_State};

use crate::vm::{Thread, Vm, vm_of};

/// A named native function.
pub(crate) type Entry = (&'static CStr, lua_CFunction);

/// Pushes a native module.
type Open = unsafe fn(*mut lua_State);

/// Native modules that no file ever replaces: the engine itself, and what stands on it.
const BUILT_IN: &[(&[u8], Open)] = &[
    (b"skynet.core", core::open),
    (b"skynet.coroutine", coroutine::open),
    (b"skynet.profile", profile::open),
    (b"skynet.codecache", crate::loader::open_codecache),
    (b"skynet.memory", memory::open),
    (b"skynet.native", native::open),
    (b"skynet.native.socket", socket::open),
    (b"skynet.socketdriver", socketdriver::open),
    (b"skynet.netpack", netpack::open),
    (b"skynet.native.group", group::open),
    (b"skynet.native.multicast", multicast::open_native),
    (b"skynet.multicast.core", multicast::open_core),
    (b"skynet.crypt", crypt::open),
    (b"client.crypt", crypt::open),
    (b"client.socket", client_socket::open),
    (b"skynet.debugchannel", debugchannel::open),
];

/// Whether a native module of that name is never replaced by a file.
pub(crate) fn is_built_in(name: &[u8]) -> bool {
    BUILT_IN.iter().any(|(known, _)| *known == name)
}

/// Opens the native module of that name and pushes it; false if there is none.
pub(crate) unsafe fn open_native(l: *mut lua_State, name: &[u8]) -> bool {
    let open = match name {
        b"skynet" => Some(skynet::open as Open),
        _ => BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, open)| *open),
    };
    if let Some(open) = open {
        // SAFETY: the caller is inside the VM.
        unsafe { open(l) };
    }
    open.is_some()
}

/// Pushes a table of functions.
pub(crate) unsafe fn new_module(l: *mut lua_State, functions: &[Entry]) {
    unsafe {
        ffi::lua_createtable(l, 0, functions.len() as c_int);
        for (name, function) in functions {
            ffi::lua_pushcclosure(l, *function, 0);
            ffi::lua_setfield(l, -2, name.as_ptr());
        }
    }
}

/// The VM, and the framework thread that runs, if this one may suspend. Raises if it may not.
#[inline]
pub(crate) unsafe fn suspendable(l: *mut lua_State) -> (*mut Vm, *mut Thread) {
    unsafe {
        let vm = vm_of(l);
        let thread = (*vm).current;
        if (*thread).is_root() || ffi::lua_isyieldable(l) == 0 {
            not_suspendable(l, thread);
        }
        (vm, thread)
    }
}

#[cold]
unsafe fn not_suspendable(l: *mut lua_State, thread: *mut Thread) {
    unsafe {
        if (*thread).is_root() || (*thread).l == l {
            ffi::luaL_error(l, c"attempt to yield from outside a coroutine".as_ptr());
        }
        ffi::luaL_error(l, c"attempt to yield across a C-call boundary".as_ptr());
    }
}

/// Suspends the running framework thread. The value is what the native function returns.
#[inline]
pub(crate) unsafe fn suspend(
    l: *mut lua_State,
    vm: *mut Vm,
    ctx: ffi::lua_KContext,
    then: ffi::lua_KFunction,
) -> c_int {
    unsafe {
        (*vm).yielded = crate::vm::Yielded::Framework;
        // A socket that a coroutine of the program's own was left waiting for is none of this wait.
        (*(*vm).current).socket = 0;
        (*(*vm).current).since = (*vm).context().moment();
        ffi::lua_yieldk(l, 0, ctx, Some(then))
    }
}

/// Bytes of the string at a stack index. The value must be a string, and stay on the stack.
#[inline]
pub(crate) unsafe fn bytes_at<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    unsafe {
        let mut len = 0;
        let text = ffi::lua_tolstring(l, index, &mut len);
        if text.is_null() {
            return &[];
        }
        std::slice::from_raw_parts(text.cast(), len)
    }
}

/// Bytes of a string argument; raises if it is not one.
#[inline]
pub(crate) unsafe fn check_bytes<'a>(l: *mut lua_State, arg: c_int) -> &'a [u8] {
    unsafe {
        let mut len = 0;
        let text = ffi::luaL_checklstring(l, arg, &mut len);
        std::slice::from_raw_parts(text.cast(), len)
    }
}

/// Pushes bytes as a string.
#[inline]
pub(crate) unsafe fn push_bytes(l: *mut lua_State, bytes: &[u8]) {
    unsafe {
        ffi::lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len());
    }
}
