//! New sockets: `connect`, `listen`, `bind`.

use std::ffi::c_int;
use std::os::fd::BorrowedFd;

use mlua::ffi::{self, lua_State};
use skynet_core::{Handle, PTYPE_SOCKET, SocketKind, SocketMessage};
use skynet_socket::{OpenError, SocketId};

use super::address::{Address, address_at, peer_at};
use super::net_of;
use crate::api::push_bytes;
use crate::net::Net;
use crate::vm::{Vm, vm_of};

/// What stands for a socket that could not be made.
pub(super) const NONE: i32 = -1;

/// `connect(addr, port?) -> id`, or -1 and what is wrong
pub(super) unsafe extern "C-unwind" fn connect(l: *mut lua_State) -> c_int {
    unsafe {
        let address = peer_at(l, 1);
        let id = try_connect(vm_of(l), net_of(l), address);
        push_id(l, id)
    }
}

/// Pushes an id; behind [`NONE`] the text that was left in the scratch buffer.
unsafe fn push_id(l: *mut lua_State, id: i32) -> c_int {
    unsafe {
        ffi::lua_pushinteger(l, i64::from(id));
        if id != NONE {
            return 1;
        }
        push_bytes(l, (*vm_of(l)).scratch.bytes());
        2
    }
}

/// The number of a new socket; if there is none, the reason is in the scratch buffer. A leaf.
unsafe fn number(vm: *mut Vm, result: Result<SocketId, OpenError>) -> i32 {
    match result {
        Ok(id) => id.raw(),
        Err(error) => {
            // SAFETY: the caller is inside the VM.
            unsafe { fail(vm, &error.to_string()) };
            NONE
        }
    }
}

/// Libraries that do not look at the number wait for a message about it, so there is one. A leaf.
unsafe fn fail(vm: *mut Vm, reason: &str) {
    unsafe {
        explain(vm, reason);
        let ctx = (*vm).context();
        let message = SocketMessage::with_text(SocketKind::Error, NONE, 0, reason.as_bytes());
        // It fails only if this service has just ended.
        let _ = ctx.node().send(Handle::NONE, ctx.handle(), PTYPE_SOCKET, 0, message);
    }
}

/// A leaf.
unsafe fn explain(vm: *mut Vm, text: &str) {
    unsafe {
        (*vm).scratch.clear();
        (*vm).scratch.append(text.as_bytes());
    }
}

/// A leaf.
unsafe fn try_connect(vm: *mut Vm, net: *mut Net, to: Address<'_>) -> i32 {
    unsafe {
        let owner = (*vm).context().handle();
        number(vm, (*net).sockets.connect(owner, to.host, to.port))
    }
}

/// `listen(addr, port?, backlog?) -> id`
pub(super) unsafe extern "C-unwind" fn listen(l: *mut lua_State) -> c_int {
    unsafe {
        let address = address_at(l, 1);
        let backlog = ffi::luaL_optinteger(l, 3, 32);
        let vm = vm_of(l);
        let id = try_listen(vm, net_of(l), address, backlog.clamp(0, i64::from(i32::MAX)) as i32);
        if id == NONE {
            // Programs match on the error, which has no room for the reason: that is logged.
            (*vm).context().log((*vm).scratch.bytes());
            return ffi::luaL_error(l, c"Listen error".as_ptr());
        }
        ffi::lua_pushinteger(l, i64::from(id));
        1
    }
}

/// A leaf.
unsafe fn try_listen(vm: *mut Vm, net: *mut Net, at: Address<'_>, backlog: i32) -> i32 {
    unsafe {
        let owner = (*vm).context().handle();
        match (*net).sockets.listen(owner, at.host, at.port, backlog) {
            Ok(id) => id.raw(),
            Err(error) => {
                explain(vm, &format!("error: cannot listen: {error}"));
                NONE
            }
        }
    }
}

/// `bind(fd) -> id`, or -1 and what is wrong
pub(super) unsafe extern "C-unwind" fn bind(l: *mut lua_State) -> c_int {
    unsafe {
        let fd = ffi::luaL_checkinteger(l, 1);
        let id = try_bind(vm_of(l), net_of(l), fd);
        push_id(l, id)
    }
}

/// A leaf.
unsafe fn try_bind(vm: *mut Vm, net: *mut Net, fd: i64) -> i32 {
    unsafe {
        let Some(fd) = i32::try_from(fd).ok().filter(|fd| *fd >= 0) else {
            fail(vm, &format!("{fd} is no file descriptor"));
            return NONE;
        };
        // SAFETY: it is only copied, in the call below. A number that is no open descriptor is an error there.
        let fd = BorrowedFd::borrow_raw(fd);
        let owner = (*vm).context().handle();
        number(vm, (*net).sockets.bind(owner, &fd))
    }
}
