//! Datagrams.

use std::ffi::{CStr, c_int};
use std::fmt::Write as _;
use std::net::SocketAddr;

use mlua::ffi::{self, lua_State};
use skynet_socket::{OpenError, SocketId, UdpAddress};

use super::address::{Address, address_at};
use super::open::NONE;
use super::send::{How, bytes_to_send, transmit};
use super::{id_at, net_of};
use crate::api::{check_bytes, push_bytes};
use crate::vm::{Vm, vm_of};

/// Pushes an id, or raises the text that stands for all failures; the log says which it was.
unsafe fn push_id(l: *mut lua_State, id: i32, failure: &CStr) -> c_int {
    unsafe {
        if id == NONE {
            return ffi::luaL_error(l, failure.as_ptr());
        }
        ffi::lua_pushinteger(l, i64::from(id));
        1
    }
}

/// A leaf.
unsafe fn opened(vm: *mut Vm, result: Result<SocketId, OpenError>) -> i32 {
    match result {
        Ok(id) => id.raw(),
        Err(error) => {
            // SAFETY: the caller is inside the VM.
            unsafe { (*vm).context().log(format!("error: {error}")) };
            NONE
        }
    }
}

/// `udp(addr?, port?) -> id`
pub(super) unsafe extern "C-unwind" fn udp(l: *mut lua_State) -> c_int {
    unsafe {
        let (vm, net) = (vm_of(l), net_of(l));
        let owner = (*vm).context().handle();
        let id = if ffi::lua_isnoneornil(l, 1) != 0 {
            opened(vm, (*net).sockets.udp(owner))
        } else {
            let Address { host, port } = address_at(l, 1);
            opened(vm, (*net).sockets.udp_listen(owner, host, port))
        };
        push_id(l, id, c"udp init failed")
    }
}

/// `udp_listen(addr, port?) -> id`
pub(super) unsafe extern "C-unwind" fn udp_listen(l: *mut lua_State) -> c_int {
    unsafe {
        let (vm, net) = (vm_of(l), net_of(l));
        let Address { host, port } = address_at(l, 1);
        let id = opened(vm, (*net).sockets.udp_listen((*vm).context().handle(), host, port));
        push_id(l, id, c"udp listen host failed")
    }
}

/// `udp_dial(addr, port?) -> id`
pub(super) unsafe extern "C-unwind" fn udp_dial(l: *mut lua_State) -> c_int {
    unsafe {
        let (vm, net) = (vm_of(l), net_of(l));
        let Address { host, port } = address_at(l, 1);
        let id = opened(vm, (*net).sockets.udp_dial((*vm).context().handle(), host, port));
        push_id(l, id, c"udp dial host failed")
    }
}

/// `udp_connect(id, addr, port?)`
pub(super) unsafe extern "C-unwind" fn udp_connect(l: *mut lua_State) -> c_int {
    unsafe {
        let (id, net) = (id_at(l, 1), net_of(l));
        let Address { host, port } = address_at(l, 2);
        if (*net).sockets.udp_connect(id, host, port).is_err() {
            return ffi::luaL_error(l, c"udp connect failed".as_ptr());
        }
        0
    }
}

/// `udp_send(id, address, data) -> boolean`
pub(super) unsafe extern "C-unwind" fn udp_send(l: *mut lua_State) -> c_int {
    unsafe {
        let (id, net) = (id_at(l, 1), net_of(l));
        let address = UdpAddress::from_bytes(check_bytes(l, 2));
        let bytes = bytes_to_send(l, 3);
        let sent = address.is_some_and(|to| transmit(vm_of(l), net, id, bytes, How::To(to)));
        ffi::lua_pushboolean(l, c_int::from(sent));
        1
    }
}

/// The longest text of an address, which is IPv6's with an IPv4 tail.
const LONGEST: usize = 46;

/// A text in place.
struct Text {
    bytes: [u8; LONGEST],
    len: usize,
}

impl std::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// A leaf.
fn written(address: SocketAddr) -> Text {
    let mut text = Text { bytes: [0; LONGEST], len: 0 };
    // There is room for every address.
    let _ = write!(text, "{}", address.ip());
    text
}

/// `udp_address(blob) -> ip, port`
pub(super) unsafe extern "C-unwind" fn udp_address(l: *mut lua_State) -> c_int {
    unsafe {
        let Some(blob) = UdpAddress::from_bytes(check_bytes(l, 1)) else {
            return ffi::luaL_error(l, c"Invalid udp address".as_ptr());
        };
        let address = SocketAddr::from(blob);
        let text = written(address);
        push_bytes(l, text.bytes.get(..text.len).unwrap_or_default());
        ffi::lua_pushinteger(l, i64::from(address.port()));
        2
    }
}
