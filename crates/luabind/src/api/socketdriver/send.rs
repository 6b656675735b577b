//! Sending: `send`, `lsend`, and the data that they take.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::Payload;
use skynet_socket::{Data, SocketId, UdpAddress};

use super::{id_at, net_of};
use crate::net::Net;
use crate::vm::{Vm, vm_of};

/// Joined strings of more bytes are given away with their buffer.
const LARGE: usize = 32 * 1024;

/// The longest text of a number, with its NUL (`LUA_N2SBUFFSZ`).
const NUMBER: usize = 64;

/// How data goes out.
#[derive(Clone, Copy)]
pub(super) enum How {
    High,
    Low,
    To(UdpAddress),
}

/// What is to be sent. Nothing in it needs dropping.
#[derive(Clone, Copy)]
pub(super) enum Bytes<'a> {
    /// They belong to a Lua value on the stack.
    Borrowed(&'a [u8]),
    /// They are in the scratch buffer.
    Scratch,
    /// A block of `malloc` that is ours now.
    Block(*mut std::ffi::c_void, usize),
}

/// Reads the data at a stack index: a string, a table of strings, userdata, or a pointer that is given away with its size
/// behind it.
///
/// Jumping: raises for anything else. Nobody owns a block until [`transmit`] takes it.
pub(super) unsafe fn bytes_to_send<'a>(l: *mut lua_State, arg: c_int) -> Bytes<'a> {
    unsafe {
        match ffi::lua_type(l, arg) {
            ffi::LUA_TTABLE => {
                gather(l, vm_of(l), arg);
                Bytes::Scratch
            }
            ffi::LUA_TLIGHTUSERDATA => {
                let size = ffi::luaL_checkinteger(l, arg + 1);
                if size < 0 {
                    ffi::luaL_error(l, c"invalid message size".as_ptr());
                }
                Bytes::Block(ffi::lua_touserdata(l, arg), size as usize)
            }
            ffi::LUA_TUSERDATA => {
                let whole = ffi::lua_rawlen(l, arg);
                let size = ffi::luaL_optinteger(l, arg + 1, whole as i64);
                if size < 0 || size as usize > whole {
                    ffi::luaL_error(l, c"invalid message size".as_ptr());
                }
                let start = ffi::lua_touserdata(l, arg).cast_const().cast::<u8>();
                Bytes::Borrowed(std::slice::from_raw_parts(start, size as usize))
            }
            _ => Bytes::Borrowed(crate::api::check_bytes(l, arg)),
        }
    }
}

/// Joins the strings of a table, up to the first nil, in the scratch buffer.
///
/// Between the first and the last nothing is allocated and no metamethod runs: a finalizer or a metamethod may pack a message,
/// or send, and so use the buffer.
unsafe fn gather(l: *mut lua_State, vm: *mut Vm, table: c_int) {
    unsafe {
        if ffi::lua_getmetatable(l, table) != 0 {
            ffi::lua_settop(l, -2);
            copy_elements(l, table);
        }
        (*vm).scratch.clear();
        let mut at = 1;
        loop {
            let mut number = [0; NUMBER];
            let bytes = match ffi::lua_rawgeti(l, table, at) {
                ffi::LUA_TNIL => return ffi::lua_settop(l, -2),
                ffi::LUA_TSTRING => crate::api::bytes_at(l, -1),
                ffi::LUA_TNUMBER => {
                    // With the NUL behind it.
                    let len = ffi::lua_numbertocstring(l, -1, number.as_mut_ptr().cast()) as usize;
                    number.get(..len.saturating_sub(1)).unwrap_or_default()
                }
                other => return bad_element(l, at, other),
            };
            if !(*vm).scratch.append(bytes) {
                ffi::luaL_error(l, c"not enough memory".as_ptr());
            }
            ffi::lua_settop(l, -2);
            at += 1;
        }
    }
}

/// Puts a plain table in the place of one with a metatable: what it has up to the first nil.
#[cold]
unsafe fn copy_elements(l: *mut lua_State, table: c_int) {
    unsafe {
        ffi::lua_createtable(l, 0, 0);
        let mut at = 1;
        while ffi::lua_geti(l, table, at) != ffi::LUA_TNIL {
            ffi::lua_rawseti(l, -2, at);
            at += 1;
        }
        ffi::lua_settop(l, -2);
        ffi::lua_replace(l, table);
    }
}

#[cold]
unsafe fn bad_element(l: *mut lua_State, at: i64, found: c_int) {
    unsafe {
        let name = ffi::lua_typename(l, found);
        ffi::luaL_error(
            l,
            c"bad element #%I of the table to send (string expected, got %s)".as_ptr(),
            at,
            name,
        );
    }
}

/// Sends, and says whether the socket is there to be sent on. A leaf.
pub(super) unsafe fn transmit(vm: *mut Vm, net: *mut Net, id: SocketId, bytes: Bytes<'_>, how: How) -> bool {
    unsafe {
        let data = match bytes {
            Bytes::Borrowed(bytes) => Data::Bytes(bytes),
            // What is kept for the next time is not as large as the largest ever was.
            Bytes::Scratch if (*vm).scratch.bytes().len() > LARGE => {
                Data::Payload((*vm).scratch.take_payload())
            }
            Bytes::Scratch => Data::Bytes((*vm).scratch.bytes()),
            Bytes::Block(block, _) if block.is_null() => Data::Bytes(&[]),
            Bytes::Block(block, size) => Data::Payload(Payload::from_raw(block, size)),
        };
        let sockets = &(*net).sockets;
        let sent = match how {
            How::High => sockets.send(id, data),
            How::Low => sockets.send_low(id, data),
            How::To(address) => sockets.udp_send(id, address, data),
        };
        sent.is_ok()
    }
}

unsafe fn send_how(l: *mut lua_State, how: How) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let net = net_of(l);
        let bytes = bytes_to_send(l, 2);
        let sent = transmit(vm_of(l), net, id, bytes, how);
        ffi::lua_pushboolean(l, c_int::from(sent));
        1
    }
}

/// `send(id, data, size?) -> boolean`
pub(crate) unsafe extern "C-unwind" fn send(l: *mut lua_State) -> c_int {
    unsafe { send_how(l, How::High) }
}

/// `lsend(id, data, size?) -> boolean`
pub(crate) unsafe extern "C-unwind" fn lsend(l: *mut lua_State) -> c_int {
    unsafe { send_how(l, How::Low) }
}
