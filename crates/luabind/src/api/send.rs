//! One-way messages: `skynet.send`, `rawsend`, `redirect`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::{Handle, PTYPE_LUA, Payload};

use super::address::{self, Dest, Sent};
use super::{data, proto};
use crate::codec;
use crate::vm::{Vm, vm_of};

/// Pushes what `send` and `redirect` return: the session, or nothing for an invalid address.
#[inline]
pub(crate) unsafe fn push_sent(l: *mut lua_State, sent: Sent, session: i32) -> c_int {
    unsafe {
        match sent {
            Sent::Done => ffi::lua_pushinteger(l, i64::from(session)),
            Sent::Invalid => return 0,
        }
        1
    }
}

/// Whether the value at `index` is the native `skynet.pack`.
#[inline]
pub(crate) unsafe fn is_pack(l: *mut lua_State, index: c_int) -> bool {
    unsafe {
        ffi::lua_tocfunction(l, index)
            .is_some_and(|f| std::ptr::fn_addr_eq(f, data::pack as ffi::lua_CFunction))
    }
}

/// Packs the arguments from index 3 up to `top` natively, if the class at `class` packs like that; otherwise calls its
/// pack function with the continuation, which finds its results on top of the stack, and class and address where they
/// were.
#[inline]
pub(crate) unsafe fn pack_arguments(
    l: *mut lua_State,
    vm: *mut Vm,
    top: c_int,
    class: c_int,
    then: ffi::lua_KFunction,
) -> Option<Payload> {
    unsafe {
        ffi::lua_getfield(l, class, c"pack".as_ptr());
        if is_pack(l, -1) {
            codec::pack(l, vm, 3, top);
            return Some((*vm).scratch.take_payload());
        }
        if ffi::lua_type(l, -1) == ffi::LUA_TNIL {
            ffi::lua_getfield(l, class, c"name".as_ptr());
            let name = ffi::luaL_tolstring(l, -1, std::ptr::null_mut());
            ffi::luaL_error(
                l,
                c"protocol '%s' has no pack function (attempt to call a nil value)".as_ptr(),
                name,
            );
        }
        ffi::luaL_checkstack(l, top, c"too many arguments".as_ptr());
        let mut index = 3;
        while index <= top {
            ffi::lua_pushvalue(l, index);
            index += 1;
        }
        let count = if top >= 3 { top - 2 } else { 0 };
        ffi::lua_callk(l, count, 2, class as ffi::lua_KContext, Some(then));
        None
    }
}

/// What a pack function of the program's has made: the destination at index 1 (looked at again, since the function may have
/// yielded), the number of the class at an index, and the message, which is the two values on top of the stack.
pub(crate) unsafe fn packed_message(l: *mut lua_State, vm: *mut Vm, class: c_int) -> (Dest, u8, Payload) {
    unsafe {
        let dest = address::destination(l, vm, 1);
        ffi::lua_getfield(l, class, c"id".as_ptr());
        let kind = ffi::lua_tointegerx(l, -1, std::ptr::null_mut()) as u8;
        ffi::lua_settop(l, -2);
        // Last: nothing may raise once the payload is ours.
        (dest, kind, address::payload_at(l, ffi::lua_gettop(l) - 1))
    }
}

/// `skynet.send(addr, typename, ...)`
pub(crate) unsafe extern "C-unwind" fn send(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let dest = address::destination(l, vm, 1);
        let top = ffi::lua_gettop(l);
        if proto::is_plain_lua(l, vm, 2) {
            codec::pack(l, vm, 3, top);
            let payload = (*vm).scratch.take_payload();
            let sent = address::deliver(l, vm, dest, Handle::NONE, PTYPE_LUA, 0, payload);
            return push_sent(l, sent, 0);
        }
        let kind = proto::push_class(l, 2);
        match pack_arguments(l, vm, top, top + 1, packed) {
            Some(payload) => {
                let sent = address::deliver(l, vm, dest, Handle::NONE, kind, 0, payload);
                push_sent(l, sent, 0)
            }
            None => packed(l, ffi::LUA_OK, (top + 1) as ffi::lua_KContext),
        }
    }
}

/// After a pack function of the program's.
unsafe extern "C-unwind" fn packed(l: *mut lua_State, _: c_int, class: ffi::lua_KContext) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let (dest, kind, payload) = packed_message(l, vm, class as c_int);
        let sent = address::deliver(l, vm, dest, Handle::NONE, kind, 0, payload);
        push_sent(l, sent, 0)
    }
}

/// `skynet.rawsend(addr, typename, msg, sz?)`
pub(crate) unsafe extern "C-unwind" fn rawsend(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let dest = address::destination(l, vm, 1);
        address::check_message(l, 3);
        ffi::lua_settop(l, 4);
        let kind = proto::push_class(l, 2);
        let payload = address::payload_at(l, 3);
        let sent = address::deliver(l, vm, dest, Handle::NONE, kind, 0, payload);
        push_sent(l, sent, 0)
    }
}

/// `skynet.redirect(dest, source, typename, session, msg, sz?)`
pub(crate) unsafe extern "C-unwind" fn redirect(l: *mut lua_State) -> c_int {
    unsafe {
        address::check_message(l, 5);
        ffi::lua_settop(l, 6);
        let kind = proto::push_class(l, 3);
        let source = ffi::luaL_checkinteger(l, 2) as u32;
        send_raw(l, 1, source, kind, 4, 5)
    }
}

/// The low-level send: session at one index (nil allocates one), message and size at another.
pub(crate) unsafe fn send_raw(
    l: *mut lua_State,
    to: c_int,
    source: u32,
    kind: u8,
    session: c_int,
    msg: c_int,
) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let dest = address::destination(l, vm, to);
        if dest == Dest::Handle(0)
            && ffi::lua_isnoneornil(l, msg) != 0
            && ffi::lua_isnoneornil(l, session) != 0
        {
            // No destination and no data: just a session.
            ffi::lua_pushinteger(l, i64::from((*vm).new_session()));
            return 1;
        }
        let session = if ffi::lua_isnoneornil(l, session) != 0 {
            None
        } else {
            Some(ffi::luaL_checkinteger(l, session) as i32)
        };
        address::check_message(l, msg);
        if ffi::lua_type(l, msg) == ffi::LUA_TLIGHTUSERDATA && ffi::luaL_checkinteger(l, msg + 1) < 0 {
            libc::free(ffi::lua_touserdata(l, msg));
            ffi::lua_pushboolean(l, 0);
            return 1;
        }
        let payload = address::payload_at(l, msg);
        let session = match session {
            Some(session) => session,
            None => (*vm).new_session(),
        };
        let sent = address::deliver(l, vm, dest, Handle::from_raw(source), kind, session, payload);
        push_sent(l, sent, session)
    }
}
