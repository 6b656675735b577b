//! Waiting until a socket is open: `start`, and what `open` and `listen` do after asking for one.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_socket::SocketId;

use super::read::{OPEN, wait};
use super::{assertion, id_at, state};
use crate::api::socketdriver::net_of;
use crate::api::{push_bytes, suspendable};
use crate::net::{Conn, State, Want};
use crate::vm::{Vm, vm_of};

/// `starter(listen) -> start`: makes the function that starts sockets; with a second argument it is `listen` that does.
pub(super) unsafe extern "C-unwind" fn starter(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TFUNCTION);
        ffi::lua_settop(l, 1);
        ffi::lua_pushcclosure(l, start, 1);
        1
    }
}

/// `start(id, accept?) -> id | nil, err`
unsafe extern "C-unwind" fn start(l: *mut lua_State) -> c_int {
    unsafe {
        if ffi::lua_isnoneornil(l, 2) == 0 {
            ffi::lua_settop(l, 2);
            ffi::lua_pushvalue(l, ffi::lua_upvalueindex(1));
            ffi::lua_rotate(l, 1, 1);
            ffi::lua_callk(l, 2, ffi::LUA_MULTRET, 0, Some(listening));
            return listening(l, ffi::LUA_OK, 0);
        }
        let id = id_at(l, 1);
        ffi::lua_settop(l, 1);
        let (vm, _) = suspendable(l);
        let net = net_of(l);
        state::take(l, net, id, false, 1);
        (*net).sockets.start((*vm).context().handle(), SocketId::from_raw(id));
        wait(l, net, Want::Opening, OPEN)
    }
}

unsafe extern "C-unwind" fn listening(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe { ffi::lua_gettop(l) }
}

/// `await(id) -> id | nil, err`: waits until a socket of this service is open, and gives it up if it does not open.
pub(super) unsafe extern "C-unwind" fn wait_until_open(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        ffi::lua_settop(l, 1);
        suspendable(l);
        let net = net_of(l);
        match (*net).get(id).map(|conn| conn.state) {
            Some(State::Opening) => wait(l, net, Want::Opening, OPEN),
            Some(State::Open) => 1,
            _ => assertion(l),
        }
    }
}

/// What the thread that has waited gets. The id is at index 1; somebody may have given the socket up meanwhile.
pub(super) unsafe fn opened(l: *mut lua_State, conn: *mut Conn, given_up: bool) -> c_int {
    unsafe {
        if (*conn).state == State::Open && !given_up {
            ffi::lua_pushvalue(l, 1);
            return 1;
        }
        if !given_up {
            // The record stays where it is until the message in hand is done.
            Vm::forget_socket(vm_of(l), id_at(l, 1));
        }
        ffi::lua_pushnil(l);
        match &(*conn).want {
            Want::Failed(reason) => push_bytes(l, reason),
            _ => push_bytes(l, CLOSED),
        }
        2
    }
}

const CLOSED: &[u8] = b"the socket was closed";

/// The same for a socket that was given up meanwhile.
pub(super) unsafe fn closed(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushnil(l);
        push_bytes(l, CLOSED);
        2
    }
}
