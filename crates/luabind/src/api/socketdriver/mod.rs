//! `skynet.socketdriver`: the sockets of the node as they are, for libraries that handle the messages of sockets themselves.

mod address;
mod buffer;
mod open;
pub(crate) mod send;
mod stat;
mod udp;
mod unpack;

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};
use skynet_socket::{SocketId, Sockets};

use super::Entry;
use crate::net::Net;
use crate::vm::{Vm, vm_of};

pub(crate) use unpack::take_over;

const FUNCTIONS: &[Entry] = &[
    (c"connect", open::connect),
    (c"listen", open::listen),
    (c"bind", open::bind),
    (c"start", start),
    (c"pause", pause),
    (c"close", close),
    (c"shutdown", shutdown),
    (c"nodelay", nodelay),
    (c"send", send::send),
    (c"lsend", send::lsend),
    (c"udp", udp::udp),
    (c"udp_listen", udp::udp_listen),
    (c"udp_dial", udp::udp_dial),
    (c"udp_connect", udp::udp_connect),
    (c"udp_send", udp::udp_send),
    (c"udp_address", udp::udp_address),
    (c"unpack", unpack::unpack),
    (c"info", stat::info),
    (c"resolve", stat::resolve),
    (c"header", stat::header),
    (c"str2p", buffer::str2p),
    (c"drop", buffer::drop_block),
    (c"buffer", buffer::buffer),
    (c"push", buffer::push),
    (c"pop", buffer::pop),
    (c"readall", buffer::readall),
    (c"readline", buffer::readline),
    (c"clear", buffer::clear),
];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe {
        need_net(l);
        super::new_module(l, FUNCTIONS);
    }
}

/// Gives the VM its part in the node's sockets.
///
/// Jumping: raises if the node has none.
pub(crate) unsafe fn need_net(l: *mut lua_State) {
    unsafe {
        if !open_net(vm_of(l)) {
            ffi::luaL_error(l, c"this node has no sockets".as_ptr());
        }
    }
}

/// A leaf.
unsafe fn open_net(vm: *mut Vm) -> bool {
    // SAFETY: the caller is inside the VM.
    let vm = unsafe { &mut *vm };
    if vm.net.is_none() {
        vm.net = Sockets::of(vm.context().node()).map(Net::new);
    }
    vm.net.is_some()
}

/// The VM's part in the node's sockets.
///
/// Jumping: raises if there is none, which cannot be: the modules that need it make it.
#[inline]
pub(crate) unsafe fn net_of(l: *mut lua_State) -> *mut Net {
    unsafe {
        match (*vm_of(l)).net.as_deref_mut() {
            Some(net) => net,
            None => {
                ffi::luaL_error(l, c"this node has no sockets".as_ptr());
                std::ptr::null_mut()
            }
        }
    }
}

/// The socket that an argument names. Raises if it is no integer; numbers that no socket has are harmless.
#[inline]
pub(crate) unsafe fn id_at(l: *mut lua_State, arg: c_int) -> SocketId {
    unsafe { SocketId::from_raw(ffi::luaL_checkinteger(l, arg) as i32) }
}

/// The node's sockets, and the one that the first argument names.
unsafe fn target(l: *mut lua_State) -> (*const Sockets, SocketId) {
    unsafe {
        let id = id_at(l, 1);
        (&raw const (*net_of(l)).sockets, id)
    }
}

/// `start(id)`
unsafe extern "C-unwind" fn start(l: *mut lua_State) -> c_int {
    unsafe {
        let (sockets, id) = target(l);
        (*sockets).start((*vm_of(l)).context().handle(), id);
        0
    }
}

/// `pause(id)`
unsafe extern "C-unwind" fn pause(l: *mut lua_State) -> c_int {
    unsafe {
        let (sockets, id) = target(l);
        (*sockets).pause(id);
        0
    }
}

/// `close(id)`
unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    unsafe {
        let (sockets, id) = target(l);
        (*sockets).close(id);
        0
    }
}

/// `shutdown(id)`
unsafe extern "C-unwind" fn shutdown(l: *mut lua_State) -> c_int {
    unsafe {
        let (sockets, id) = target(l);
        (*sockets).shutdown(id);
        0
    }
}

/// `nodelay(id)`
unsafe extern "C-unwind" fn nodelay(l: *mut lua_State) -> c_int {
    unsafe {
        let (sockets, id) = target(l);
        (*sockets).nodelay(id);
        0
    }
}

/// Names of all functions, for the documentation's test.
pub(crate) fn names() -> impl Iterator<Item = &'static CStr> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}
