//! `skynet.netpack`: packages with a header of two bytes, for gates written in Lua.
//!
//! A queue is a userdata around an [`Inbox`]. Beside the functions that all runtimes have: `limit` and `sweep` for clients that
//! do too much or nothing at all, and `route`, by which packages of a client reach a service without Lua.

mod filter;
mod inbox;

use std::ffi::{CStr, c_int, c_void};

use mlua::ffi::{self, lua_State};
use skynet_core::{Handle, Payload};
use skynet_socket::framing::{Header, encode};
use skynet_socket::gate::Limits;

pub(crate) use filter::deliver;
pub(crate) use inbox::Inbox;

use super::{Entry, push_bytes};
use crate::vm::vm_of;

const FUNCTIONS: &[Entry] = &[
    (c"filter", filter::filter),
    (c"pop", pop),
    (c"clear", clear),
    (c"pack", pack),
    (c"tostring", tostring),
    (c"limit", limit),
    (c"sweep", sweep),
    (c"route", route),
    (c"unroute", unroute),
];

/// The name of the metatable of queues.
const QUEUE: &CStr = c"skynet.netpack queue";

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe { super::new_module(l, FUNCTIONS) }
}

/// Names of all functions, for the documentation's test.
pub(crate) fn names() -> impl Iterator<Item = &'static CStr> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}

/// Pushes a new queue.
unsafe fn new_queue(l: *mut lua_State) -> *mut Inbox {
    unsafe {
        let place: *mut *mut Inbox = ffi::lua_newuserdatauv(l, size_of::<*mut Inbox>(), 0).cast();
        place.write(std::ptr::null_mut());
        if ffi::luaL_newmetatable(l, QUEUE.as_ptr()) != 0 {
            ffi::lua_pushcclosure(l, collect, 0);
            ffi::lua_setfield(l, -2, c"__gc".as_ptr());
            // So that no script takes `collect` out of it.
            ffi::lua_pushboolean(l, 0);
            ffi::lua_setfield(l, -2, c"__metatable".as_ptr());
        }
        ffi::lua_setmetatable(l, -2);
        // From here on nothing raises.
        let inbox = Box::into_raw(Box::new(Inbox::new((*vm_of(l)).context())));
        place.write(inbox);
        inbox
    }
}

/// The end of a queue.
unsafe extern "C-unwind" fn collect(l: *mut lua_State) -> c_int {
    unsafe {
        let place: *mut *mut Inbox = ffi::lua_touserdata(l, 1).cast();
        if place.is_null() {
            return 0;
        }
        let inbox = place.replace(std::ptr::null_mut());
        if !inbox.is_null() {
            let vm = vm_of(l);
            if (*vm).netpack == inbox {
                (*vm).netpack = std::ptr::null_mut();
            }
            drop(Box::from_raw(inbox));
        }
        0
    }
}

/// The queue at an index; null if there is nil.
unsafe fn opt_inbox(l: *mut lua_State, index: c_int) -> *mut Inbox {
    unsafe {
        if ffi::lua_isnoneornil(l, index) != 0 {
            return std::ptr::null_mut();
        }
        let place: *mut *mut Inbox = ffi::luaL_checkudata(l, index, QUEUE.as_ptr()).cast();
        *place
    }
}

/// The queue at an index, where a new one takes the place of nil.
unsafe fn check_inbox(l: *mut lua_State, index: c_int) -> *mut Inbox {
    unsafe {
        let mut inbox = opt_inbox(l, index);
        if inbox.is_null() {
            inbox = new_queue(l);
            ffi::lua_replace(l, index);
        }
        inbox
    }
}

/// Pushes the pointer and the size of a package. The stack has room.
unsafe fn push_package(l: *mut lua_State, package: *mut c_void, size: usize) {
    unsafe {
        ffi::lua_pushlightuserdata(l, package);
        ffi::lua_pushinteger(l, size as i64);
    }
}

/// `pop(queue?) -> fd, pointer, size | nothing`
unsafe extern "C-unwind" fn pop(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = opt_inbox(l, 1);
        if inbox.is_null() {
            return 0;
        }
        ffi::luaL_checkstack(l, 3, std::ptr::null());
        let Some((id, package)) = (*inbox).pop() else { return 0 };
        let (package, size) = package.into_raw();
        ffi::lua_pushinteger(l, i64::from(id));
        push_package(l, package, size);
        3
    }
}

/// `clear(queue?)`
unsafe extern "C-unwind" fn clear(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = opt_inbox(l, 1);
        if !inbox.is_null() {
            (*inbox).clear((*vm_of(l)).context());
        }
        0
    }
}

/// The bytes at an index: a string, or a pointer with its size behind it.
unsafe fn check_data<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    unsafe {
        let block = ffi::lua_touserdata(l, index);
        if block.is_null() && ffi::lua_type(l, index) != ffi::LUA_TLIGHTUSERDATA {
            return super::check_bytes(l, index);
        }
        let size = ffi::luaL_checkinteger(l, index + 1);
        let len = usize::try_from(size).unwrap_or(usize::MAX);
        // A full userdata says how much it has.
        let room = ffi::lua_type(l, index) == ffi::LUA_TUSERDATA && len > ffi::lua_rawlen(l, index) as usize;
        if size < 0 || room {
            ffi::luaL_argerror(l, index + 1, c"no size of these bytes".as_ptr());
        }
        if block.is_null() || len == 0 {
            return &[];
        }
        std::slice::from_raw_parts(block.cast_const().cast(), len)
    }
}

/// `pack(string) -> pointer, size`, `pack(pointer, size) -> pointer, size`
unsafe extern "C-unwind" fn pack(l: *mut lua_State) -> c_int {
    unsafe {
        let data = check_data(l, 1);
        if data.len() > Header::Two.max_package() {
            let len = ffi::lua_pushfstring(l, c"%I".as_ptr(), data.len() as i64);
            return ffi::luaL_error(l, c"Invalid size (too long) of data : %s".as_ptr(), len);
        }
        ffi::luaL_checkstack(l, 2, std::ptr::null());
        let (package, size) = encode(Header::Two, data).unwrap_or_default().into_raw();
        push_package(l, package, size);
        2
    }
}

/// `tostring(pointer, size) -> string`: frees the package.
unsafe extern "C-unwind" fn tostring(l: *mut lua_State) -> c_int {
    unsafe {
        let block = ffi::lua_touserdata(l, 1);
        let size = usize::try_from(ffi::luaL_checkinteger(l, 2)).unwrap_or(0);
        if block.is_null() {
            ffi::lua_pushstring(l, c"".as_ptr());
            return 1;
        }
        ffi::luaL_checktype(l, 1, ffi::LUA_TLIGHTUSERDATA);
        push_bytes(l, std::slice::from_raw_parts(block.cast_const().cast(), size));
        drop(Payload::from_raw(block, size));
        1
    }
}

/// `limit(queue?, limits) -> queue`
unsafe extern "C-unwind" fn limit(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 2);
        ffi::luaL_checktype(l, 2, ffi::LUA_TTABLE);
        let mut limits = Limits::default();
        limits.package = opt_limit(l, c"package").and_then(|value| usize::try_from(value).ok());
        limits.idle = opt_limit(l, c"idle");
        limits.buffer = opt_limit(l, c"buffer").and_then(|value| usize::try_from(value).ok());
        limits.rate = opt_limit(l, c"rate").map(|value| u32::try_from(value).unwrap_or(u32::MAX));
        let inbox = check_inbox(l, 1);
        (*inbox).set_limits(limits);
        ffi::lua_settop(l, 1);
        1
    }
}

/// The limit of that name in the table at index 2.
unsafe fn opt_limit(l: *mut lua_State, name: &CStr) -> Option<u64> {
    unsafe {
        ffi::lua_getfield(l, 2, name.as_ptr());
        if ffi::lua_isnil(l, -1) != 0 {
            ffi::lua_settop(l, -2);
            return None;
        }
        let mut exact = 0;
        let value = ffi::lua_tointegerx(l, -1, &mut exact);
        if exact == 0 || value <= 0 {
            ffi::luaL_error(l, c"netpack.limit: %s is a whole number above 0".as_ptr(), name.as_ptr());
        }
        ffi::lua_settop(l, -2);
        u64::try_from(value).ok()
    }
}

/// `sweep(queue) -> cs | nothing`
unsafe extern "C-unwind" fn sweep(l: *mut lua_State) -> c_int {
    unsafe {
        let inbox = opt_inbox(l, 1);
        if inbox.is_null() {
            return 0;
        }
        ffi::luaL_checkstack(l, 1, std::ptr::null());
        match (*inbox).sweep((*vm_of(l)).context()) {
            Some(after) => ffi::lua_pushinteger(l, i64::try_from(after).unwrap_or(i64::MAX)),
            None => return 0,
        }
        1
    }
}

/// `route(queue?, fd, agent, client?) -> queue`
unsafe extern "C-unwind" fn route(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 4);
        let id = ffi::luaL_checkinteger(l, 2) as i32;
        let agent = Handle::from_raw(ffi::luaL_checkinteger(l, 3) as u32);
        let client = Handle::from_raw(ffi::luaL_optinteger(l, 4, 0) as u32);
        let inbox = check_inbox(l, 1);
        let vm = vm_of(l);
        (*inbox).route((*vm).context(), id, agent, client);
        (*vm).netpack = inbox;
        ffi::lua_settop(l, 1);
        1
    }
}

/// `unroute(queue?, fd)`
unsafe extern "C-unwind" fn unroute(l: *mut lua_State) -> c_int {
    unsafe {
        let id = ffi::luaL_checkinteger(l, 2) as i32;
        let inbox = opt_inbox(l, 1);
        if !inbox.is_null() {
            (*inbox).unroute(id);
        }
        0
    }
}
