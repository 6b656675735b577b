//! How sockets stand: what the Lua half asks and tells.

use std::ffi::c_int;
use std::time::Duration;

use mlua::ffi::{self, lua_State};
use skynet_core::Payload;
use skynet_socket::SocketId;

use super::{assertion, id_at};
use crate::api::check_bytes;
use crate::api::socketdriver::net_of;
use crate::net::{Net, State, Want};
use crate::vm::{Vm, vm_of};

/// `invalid(id) -> boolean`: whether the socket is not this service's.
pub(super) unsafe extern "C-unwind" fn invalid(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let ours = (*net_of(l)).get(id).is_some();
        ffi::lua_pushboolean(l, c_int::from(!ours));
        1
    }
}

/// `disconnected(id) -> boolean | nil`
pub(super) unsafe extern "C-unwind" fn disconnected(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        match (*net_of(l)).get(id) {
            Some(conn) => ffi::lua_pushboolean(l, c_int::from(conn.state == State::Ended)),
            None => ffi::lua_pushnil(l),
        }
        1
    }
}

/// `limit(id, bytes)`
pub(super) unsafe extern "C-unwind" fn limit(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let none = ffi::lua_isnoneornil(l, 2) != 0;
        let bytes = if none { 0 } else { ffi::luaL_checkinteger(l, 2) };
        match (*net_of(l)).get(id) {
            Some(conn) => conn.limit = if none { usize::MAX } else { bytes.max(0) as usize },
            None => return assertion(l),
        }
        0
    }
}

/// `keepalive(id, seconds) -> boolean`: whether that could be set.
pub(super) unsafe extern "C-unwind" fn keepalive(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let seconds = ffi::luaL_checkinteger(l, 2).clamp(1, i64::from(u16::MAX)) as u64;
        let net = net_of(l);
        if (*net).get(id).is_none() {
            return assertion(l);
        }
        let set = (*net).sockets.keepalive_after(SocketId::from_raw(id), Duration::from_secs(seconds));
        ffi::lua_pushboolean(l, c_int::from(set));
        1
    }
}

/// Makes a socket this service's. Raises if it is already, and open; `level` functions up is who is to blame.
pub(super) unsafe fn take(l: *mut lua_State, net: *mut Net, id: i32, listening: bool, level: c_int) {
    unsafe {
        if (*net).get(id).is_some_and(|conn| !conn.listening) {
            ffi::luaL_where(l, level);
            ffi::lua_pushstring(l, c"socket is not closed".as_ptr());
            ffi::lua_concat(l, 2);
            ffi::lua_error(l);
        }
        (*net).insert(id, listening);
    }
}

/// `own(id, listening)`: the socket is this service's from now on. Raises if it is already, and open.
pub(super) unsafe extern "C-unwind" fn own(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let listening = ffi::lua_toboolean(l, 2) != 0;
        take(l, net_of(l), id, listening, 2);
        0
    }
}

/// `opened(id, datagrams?) -> boolean`: it reads; whether it is this service's. Whoever waits for that is woken.
pub(super) unsafe extern "C-unwind" fn opened(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let datagrams = ffi::lua_toboolean(l, 2) != 0;
        let ours = match (*net_of(l)).get(id) {
            Some(conn) => {
                conn.datagrams |= datagrams;
                if conn.state == State::Opening {
                    conn.state = State::Open;
                    Vm::wake_reader(vm_of(l), id);
                }
                true
            }
            None => false,
        };
        ffi::lua_pushboolean(l, c_int::from(ours));
        1
    }
}

/// `failed(id, err)`: a socket that is being opened has failed. Whoever waits for it is woken.
pub(super) unsafe extern "C-unwind" fn failed(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let reason = check_bytes(l, 2);
        if let Some(conn) = (*net_of(l)).get(id) {
            conn.state = State::Ended;
            conn.want = Want::Failed(reason.into());
        }
        Vm::wake_reader(vm_of(l), id);
        0
    }
}

/// `ended(id) -> boolean`: nothing more comes, and whoever waits for it is woken; whether it is this service's.
pub(super) unsafe extern "C-unwind" fn ended(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let ours = match (*net_of(l)).get(id) {
            Some(conn) => {
                conn.state = State::Ended;
                true
            }
            None => false,
        };
        Vm::wake_reader(vm_of(l), id);
        ffi::lua_pushboolean(l, c_int::from(ours));
        1
    }
}

/// `forget(id)`: the socket is no longer this service's. Whoever waits for it gets what was received.
pub(super) unsafe extern "C-unwind" fn forget(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        Vm::forget_socket(vm_of(l), id);
        0
    }
}

/// `standing(id) -> "opening" | "open" | "ended" | nil`
pub(super) unsafe extern "C-unwind" fn standing(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let text = match (*net_of(l)).get(id).map(|conn| conn.state) {
            Some(State::Opening) => c"opening",
            Some(State::Open) => c"open",
            Some(State::Ended) => c"ended",
            None => return 0,
        };
        ffi::lua_pushstring(l, text.as_ptr());
        1
    }
}

/// `pause(id)`: reading stops until somebody waits for the socket.
pub(super) unsafe extern "C-unwind" fn pause(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        let net = net_of(l);
        match (*net).get(id) {
            Some(conn) if conn.paused => return 0,
            Some(conn) => conn.paused = true,
            None => return assertion(l),
        }
        (*net).sockets.pause(SocketId::from_raw(id));
        log_pause(vm_of(l), id);
        0
    }
}

/// A leaf.
unsafe fn log_pause(vm: *mut Vm, id: i32) {
    unsafe { (*vm).context().log(format!("Pause socket ({id})")) };
}

/// `direct()`: from now on received data goes to the waiting threads without a dispatch function.
pub(super) unsafe extern "C-unwind" fn direct(l: *mut lua_State) -> c_int {
    unsafe {
        (*net_of(l)).direct = true;
        0
    }
}

/// `received(id, pointer, size)`: data that a dispatch function was given. It takes the block over.
pub(super) unsafe extern "C-unwind" fn received(l: *mut lua_State) -> c_int {
    unsafe {
        let id = id_at(l, 1);
        ffi::luaL_checktype(l, 2, ffi::LUA_TLIGHTUSERDATA);
        let size = ffi::luaL_checkinteger(l, 3);
        let block = ffi::lua_touserdata(l, 2);
        if !block.is_null() && size > 0 {
            Vm::received_nested(vm_of(l), id, Payload::from_raw(block, size as usize));
        }
        0
    }
}
