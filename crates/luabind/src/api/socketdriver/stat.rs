//! What is known about sockets and hosts: `info`, `resolve`; and `header`.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};
use skynet_socket::{Kind, SocketInfo};

use super::net_of;
use crate::api::{check_bytes, push_bytes};
use crate::vm::{Vm, vm_of};

/// `info() -> { { id, address, type, ... }, ... }`
pub(super) unsafe extern "C-unwind" fn info(l: *mut lua_State) -> c_int {
    unsafe {
        let net = net_of(l);
        ffi::lua_createtable(l, 0, 0);
        (*net).take_figures();
        let mut at = 0;
        // One after the other, since storing one may raise while an iterator would be borrowed.
        while let Some(figures) = (*net).figures_at(at) {
            at += 1;
            push_figures(l, vm_of(l), &figures);
            ffi::lua_rawseti(l, -2, at as i64);
        }
        (*net).drop_figures();
        1
    }
}

unsafe fn field(l: *mut lua_State, name: &CStr, value: i64) {
    unsafe {
        ffi::lua_pushinteger(l, value);
        ffi::lua_setfield(l, -2, name.as_ptr());
    }
}

unsafe fn flag(l: *mut lua_State, name: &CStr, value: bool) {
    unsafe {
        ffi::lua_pushboolean(l, c_int::from(value));
        ffi::lua_setfield(l, -2, name.as_ptr());
    }
}

unsafe fn push_figures(l: *mut lua_State, vm: *mut Vm, figures: &SocketInfo) {
    unsafe {
        ffi::lua_createtable(l, 0, 12);
        field(l, c"id", i64::from(figures.id.raw()));
        field(l, c"address", i64::from(figures.owner.raw()));
        let kind = match figures.kind {
            _ if figures.closing => c"CLOSING",
            Kind::Listen => c"LISTEN",
            Kind::Udp => c"UDP",
            Kind::Bind => c"BIND",
            _ => c"TCP",
        };
        ffi::lua_pushstring(l, kind.as_ptr());
        ffi::lua_setfield(l, -2, c"type".as_ptr());
        let listens = figures.kind == Kind::Listen;
        if listens {
            field(l, c"accept", figures.read as i64);
        } else {
            field(l, c"read", figures.read as i64);
            field(l, c"write", figures.written as i64);
            field(l, c"wbuffer", figures.waiting as i64);
            field(l, c"wtime", figures.written_at as i64);
            flag(l, c"reading", figures.reading);
            flag(l, c"writing", figures.writing);
        }
        field(l, c"rtime", figures.read_at as i64);
        if write_address(vm, figures) {
            push_bytes(l, (*vm).scratch.bytes());
            ffi::lua_setfield(l, -2, if listens { c"sock" } else { c"peer" }.as_ptr());
        }
    }
}

/// Leaves the address in the scratch buffer, if there is one. A leaf.
unsafe fn write_address(vm: *mut Vm, figures: &SocketInfo) -> bool {
    let Some(address) = figures.address else { return false };
    unsafe {
        (*vm).scratch.clear();
        (*vm).scratch.append(address.to_string().as_bytes())
    }
}

/// `resolve(host) -> { ip, ... }`
pub(super) unsafe extern "C-unwind" fn resolve(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        if !look_up(vm, check_bytes(l, 1)) {
            push_bytes(l, (*vm).scratch.bytes());
            return ffi::luaL_error(l, c"%s".as_ptr(), ffi::lua_tolstring(l, -1, std::ptr::null_mut()));
        }
        push_bytes(l, (*vm).scratch.bytes());
        ffi::lua_createtable(l, 2, 0);
        let mut rest = crate::api::bytes_at(l, -2);
        let mut at = 0;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            at += 1;
            push_bytes(l, rest.get(..end).unwrap_or_default());
            ffi::lua_rawseti(l, -2, at);
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        1
    }
}

/// Leaves the addresses of a host in the scratch buffer, a line each; or what the resolver says. A leaf.
unsafe fn look_up(vm: *mut Vm, host: &[u8]) -> bool {
    unsafe {
        (*vm).scratch.clear();
        match skynet_socket::resolve(&String::from_utf8_lossy(host)) {
            Ok(addresses) => {
                addresses.iter().all(|address| (*vm).scratch.append(format!("{address}\n").as_bytes()))
            }
            Err(reason) => {
                (*vm).scratch.append(reason.as_bytes());
                false
            }
        }
    }
}

/// `header(s) -> integer`: 1 to 4 bytes, the most significant first.
pub(super) unsafe extern "C-unwind" fn header(l: *mut lua_State) -> c_int {
    unsafe {
        let bytes = check_bytes(l, 1);
        if bytes.is_empty() || bytes.len() > 4 {
            let text = ffi::lua_tolstring(l, 1, std::ptr::null_mut());
            return ffi::luaL_error(l, c"Invalid read %s".as_ptr(), text);
        }
        let number = bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
        ffi::lua_pushinteger(l, number);
        1
    }
}
