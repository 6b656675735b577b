//! Destinations: what a program may write where an address is wanted.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};
use skynet_core::{Handle, Payload, SendError};

use super::{bytes_at, text};
use crate::vm::Vm;

/// A destination that has been looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dest {
    Handle(u32),
    /// A local name that nobody has, or a text that is no address.
    Invalid,
    /// A name that the harbor service knows, or will know: the string at this stack index.
    Global(c_int),
}

impl Dest {
    /// Whom calls to it are counted to.
    pub(crate) fn raw(self) -> u32 {
        match self {
            Dest::Handle(handle) => handle,
            _ => 0,
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sent {
    Done,
    Invalid,
}

/// Reads the address argument at a stack index.
///
/// Jumping: raises for a value that cannot be an address.
#[inline]
pub(crate) unsafe fn destination(l: *mut lua_State, vm: *mut Vm, index: c_int) -> Dest {
    unsafe {
        let handle = ffi::lua_tointegerx(l, index, std::ptr::null_mut()) as u32;
        if handle != 0 {
            return Dest::Handle(handle);
        }
        named(l, vm, index)
    }
}

unsafe fn named(l: *mut lua_State, vm: *mut Vm, index: c_int) -> Dest {
    unsafe {
        match ffi::lua_type(l, index) {
            ffi::LUA_TSTRING => {}
            ffi::LUA_TNUMBER => {
                ffi::luaL_error(l, c"Invalid service address 0".as_ptr());
            }
            other => {
                let name = ffi::lua_typename(l, other);
                ffi::luaL_error(l, c"dest address type (%s) must be a string or number.".as_ptr(), name);
            }
        }
        match bytes_at(l, index) {
            [b':', digits @ ..] => Dest::Handle(parse_hex(digits)),
            [b'.', name @ ..] => match (*vm).context().node().find_name(name) {
                Some(handle) => Dest::Handle(handle.raw()),
                None => Dest::Invalid,
            },
            _ => Dest::Global(index),
        }
    }
}

/// Hexadecimal digits up to the first other character.
pub(crate) fn parse_hex(digits: &[u8]) -> u32 {
    let mut value: u32 = 0;
    for byte in digits {
        let Some(digit) = char::from(*byte).to_digit(16) else { break };
        value = (value << 4) | digit;
    }
    value
}

/// Sends. Never raises.
#[inline]
pub(crate) unsafe fn deliver(
    l: *mut lua_State,
    vm: *mut Vm,
    dest: Dest,
    source: Handle,
    kind: u8,
    session: i32,
    payload: Payload,
) -> Sent {
    unsafe {
        let ctx = (*vm).context();
        let result = match dest {
            Dest::Handle(handle) => ctx.send_from(source, Handle::from_raw(handle), kind, session, payload),
            Dest::Global(index) => ctx.send_name(source, bytes_at(l, index), kind, session, payload),
            Dest::Invalid => return Sent::Invalid,
        };
        match result {
            Ok(()) => Sent::Done,
            Err(error) => refused(vm, &error, source, session),
        }
    }
}

#[cold]
unsafe fn refused(vm: *mut Vm, error: &SendError, source: Handle, session: i32) -> Sent {
    // SAFETY: the caller is inside the VM.
    let ctx = unsafe { (*vm).context() };
    let source = if source.is_none() { ctx.handle() } else { source };
    if ctx.node().answer_refused(error, source, session) {
        // The address is right, and a request is answered: with the error.
        return Sent::Done;
    }
    if matches!(error, SendError::NoDestination { .. }) {
        ctx.log("error: Destination address can't be 0");
    }
    Sent::Invalid
}

/// Why nothing can be sent there. A leaf.
pub(crate) unsafe fn why_invalid(vm: *mut Vm, dest: Dest) -> &'static CStr {
    // SAFETY: the caller is inside the VM.
    let node = unsafe { (*vm).context().node() };
    match dest {
        Dest::Handle(0) => c"no service has this address",
        Dest::Handle(handle) if !node.is_remote(Handle::from_raw(handle)) => c"the service does not exist",
        Dest::Invalid => c"no service has this name",
        _ if node.has_harbor() => c"messages of this type cannot leave the node",
        _ => c"no harbor service runs, so there is no way to other nodes",
    }
}

/// Pushes `skynet.address(value)`: numbers as `:%08x`, anything else by `tostring`.
pub(crate) unsafe fn push_address(l: *mut lua_State, index: c_int) {
    unsafe {
        if ffi::lua_type(l, index) == ffi::LUA_TNUMBER {
            let mut digits = [0; 9];
            text::hex8(ffi::lua_tointegerx(l, index, std::ptr::null_mut()) as u32, &mut digits);
            ffi::lua_pushfstring(l, c":%s".as_ptr(), digits.as_ptr());
        } else {
            ffi::luaL_tolstring(l, index, std::ptr::null_mut());
        }
    }
}

/// Raises unless there is a message argument at `index`.
pub(crate) unsafe fn check_message(l: *mut lua_State, index: c_int) {
    unsafe {
        let kind = ffi::lua_type(l, index);
        if kind != ffi::LUA_TSTRING && kind != ffi::LUA_TLIGHTUSERDATA {
            ffi::luaL_error(l, c"invalid param %s".as_ptr(), ffi::lua_typename(l, kind));
        }
    }
}

/// The message argument at `index` and, for a pointer, its size behind it: a string is copied, a pointer is taken
/// over, nil is empty.
///
/// Jumping: raises for other values.
#[inline]
pub(crate) unsafe fn payload_at(l: *mut lua_State, index: c_int) -> Payload {
    unsafe {
        match ffi::lua_type(l, index) {
            ffi::LUA_TSTRING => Payload::copy_from(bytes_at(l, index)),
            ffi::LUA_TLIGHTUSERDATA => {
                let size = ffi::luaL_checkinteger(l, index + 1);
                if size < 0 {
                    ffi::luaL_error(l, c"invalid message size".as_ptr());
                }
                let block = ffi::lua_touserdata(l, index);
                if block.is_null() {
                    return Payload::empty();
                }
                Payload::from_raw(block, size as usize)
            }
            ffi::LUA_TNIL | ffi::LUA_TNONE => Payload::empty(),
            other => {
                ffi::luaL_error(l, c"invalid param %s".as_ptr(), ffi::lua_typename(l, other));
                Payload::empty()
            }
        }
    }
}
