//! New sockets: `connect`, `listen`, `bind`.

use std::ffi::c_int;
use std::os::fd::BorrowedFd;

use mlua::ffi::{self, lua_State};

use super::address::{Address, address_at, peer_at};
use super::net_of;
use crate::net::Net;
use crate::vm::{Vm, vm_of};

/// What stands for a socket that could not be made.
pub(super) const NONE: i32 = -1;

/// `connect(addr, port?) -> id`
pub(super) unsafe extern "C-unwind" fn connect(l: *mut lua_State) -> c_int {
    unsafe {
        let address = peer_at(l, 1);
        let id = try_connect(vm_of(l), net_of(l), address);
        ffi::lua_pushinteger(l, i64::from(id));
        1
    }
}

/// A leaf.
unsafe fn try_connect(vm: *mut Vm, net: *mut Net, to: Address<'_>) -> i32 {
    unsafe {
        let owner = (*vm).context().handle();
        (*net).sockets.connect(owner, to.host, to.port).map_or(NONE, |id| id.raw())
    }
}

/// `listen(addr, port?, backlog?) -> id`
pub(super) unsafe extern "C-unwind" fn listen(l: *mut lua_State) -> c_int {
    unsafe {
        let address = address_at(l, 1);
        let backlog = ffi::luaL_optinteger(l, 3, 32);
        let id = try_listen(vm_of(l), net_of(l), address, backlog.clamp(0, i64::from(i32::MAX)) as i32);
        if id == NONE {
            return ffi::luaL_error(l, c"Listen error".as_ptr());
        }
        ffi::lua_pushinteger(l, i64::from(id));
        1
    }
}

/// A leaf. The text of what went wrong has no room in the error, which programs match on: it goes to the log.
unsafe fn try_listen(vm: *mut Vm, net: *mut Net, at: Address<'_>, backlog: i32) -> i32 {
    unsafe {
        let ctx = (*vm).context();
        match (*net).sockets.listen(ctx.handle(), at.host, at.port, backlog) {
            Ok(id) => id.raw(),
            Err(error) => {
                ctx.log(format!("error: cannot listen: {error}"));
                NONE
            }
        }
    }
}

/// `bind(fd) -> id`
pub(super) unsafe extern "C-unwind" fn bind(l: *mut lua_State) -> c_int {
    unsafe {
        let fd = ffi::luaL_checkinteger(l, 1);
        let id = try_bind(vm_of(l), net_of(l), fd);
        ffi::lua_pushinteger(l, i64::from(id));
        1
    }
}

/// A leaf.
unsafe fn try_bind(vm: *mut Vm, net: *mut Net, fd: i64) -> i32 {
    unsafe {
        let ctx = (*vm).context();
        let Some(fd) = i32::try_from(fd).ok().filter(|fd| *fd >= 0) else {
            ctx.log(format!("error: {fd} is no file descriptor"));
            return NONE;
        };
        // SAFETY: it is only copied, in the call below. A number that is no open descriptor is an error there.
        let fd = BorrowedFd::borrow_raw(fd);
        match (*net).sockets.bind(ctx.handle(), &fd) {
            Ok(id) => id.raw(),
            Err(error) => {
                ctx.log(format!("error: {error}"));
                NONE
            }
        }
    }
}
