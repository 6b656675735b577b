//! `unpack`: a message of a socket as Lua values.

use std::ffi::{c_int, c_void};

use mlua::ffi::{self, lua_State};
use skynet_core::{Payload, SocketKind, SocketMessage};

use crate::api::push_bytes;
use crate::vm::{Vm, vm_of};

/// The head of a message (`struct skynet_socket_message`).
#[repr(C)]
struct Head {
    kind: c_int,
    id: c_int,
    ud: c_int,
    buffer: *mut c_void,
}

/// How long the blob of an address is that begins with this byte.
fn blob_len(family: u8) -> usize {
    if family == 2 { 19 } else { 7 }
}

/// `unpack(msg, sz) -> kind, id, ud, string`, or with a pointer instead of the string, which the caller then owns, and the
/// sender's address for a datagram.
pub(crate) unsafe extern "C-unwind" fn unpack(l: *mut lua_State) -> c_int {
    unsafe {
        let msg = ffi::lua_touserdata(l, 1);
        let size = ffi::luaL_checkinteger(l, 2);
        if msg.is_null() || size < size_of::<Head>() as i64 {
            return ffi::luaL_error(l, c"unpack: this is no message of a socket".as_ptr());
        }
        let head = msg.cast::<Head>();
        // Messages of the core are aligned; nobody knows about others.
        let Head { kind, id, ud, buffer } = head.read_unaligned();
        ffi::lua_pushinteger(l, i64::from(kind));
        ffi::lua_pushinteger(l, i64::from(id));
        ffi::lua_pushinteger(l, i64::from(ud));
        let data = kind == SocketKind::Data as c_int;
        if !data && kind != SocketKind::Udp as c_int {
            let start = msg.cast_const().cast::<u8>().add(size_of::<Head>());
            push_bytes(l, std::slice::from_raw_parts(start, size as usize - size_of::<Head>()));
            return 4;
        }
        // A pointer in a message that the sockets have not sent is not to be followed.
        if msg.cast_const() != (*vm_of(l)).socket_message {
            ffi::lua_pushlightuserdata(l, std::ptr::null_mut());
            return 4;
        }
        ffi::lua_pushlightuserdata(l, buffer);
        let mut count = 4;
        if !data && !buffer.is_null() && ud >= 0 {
            let blob = buffer.cast_const().cast::<u8>().add(ud as usize);
            push_bytes(l, std::slice::from_raw_parts(blob, blob_len(*blob)));
            count = 5;
        }
        // Nothing raises any more: the buffer changes hands.
        (&raw mut (*head).buffer).write_unaligned(std::ptr::null_mut());
        count
    }
}

/// A message of its own that owns the buffer of the message in hand, if `msg` is that; it goes on without.
///
/// A leaf.
pub(crate) unsafe fn take_over(vm: *mut Vm, msg: *mut c_void) -> Option<Payload> {
    unsafe {
        if msg.is_null() || msg.cast_const() != (*vm).socket_message {
            return None;
        }
        let head = msg.cast::<Head>();
        let Head { kind, id, ud, buffer } = head.read_unaligned();
        if buffer.is_null() || ud < 0 {
            return None;
        }
        (&raw mut (*head).buffer).write_unaligned(std::ptr::null_mut());
        let size = ud as usize;
        if kind == SocketKind::Data as c_int {
            return Some(SocketMessage::with_data(id, Payload::from_raw(buffer, size)));
        }
        let blob = blob_len(*buffer.cast::<u8>().add(size));
        SocketMessage::with_datagram(id, size, Payload::from_raw(buffer, size + blob))
    }
}
