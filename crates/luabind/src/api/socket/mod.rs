//! `skynet.native.socket`: the native half of `skynet.socket`. Reading and writing are here; how sockets come and go is in Lua.

mod read;
mod state;

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

pub(in crate::api) use read::push_first;

use super::socketdriver::{net_of, send};
use super::{Entry, bytes_at};

const FUNCTIONS: &[Entry] = &[
    (c"read", read::read),
    (c"readline", read::readline),
    (c"readall", read::readall),
    (c"block", read::block),
    (c"write", write),
    (c"lwrite", send::lsend),
    (c"invalid", state::invalid),
    (c"disconnected", state::disconnected),
    (c"limit", state::limit),
    (c"own", state::own),
    (c"opened", state::opened),
    (c"ended", state::ended),
    (c"forget", state::forget),
    (c"standing", state::standing),
    (c"reading", state::reading),
    (c"wake", state::wake),
    (c"pause", state::pause),
    (c"direct", state::direct),
    (c"received", state::received),
];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe {
        super::socketdriver::need_net(l);
        super::new_module(l, FUNCTIONS);
    }
}

/// `write(id, data, size?) -> boolean`
unsafe extern "C-unwind" fn write(l: *mut lua_State) -> c_int {
    unsafe {
        if ffi::lua_type(l, 2) != ffi::LUA_TSTRING {
            return send::send(l);
        }
        let id = ffi::luaL_checkinteger(l, 1) as i32;
        let net = net_of(l);
        let written = (*net).write(id, bytes_at(l, 2));
        ffi::lua_pushboolean(l, c_int::from(written));
        1
    }
}

/// The integer argument that names a socket.
#[inline]
unsafe fn id_at(l: *mut lua_State, arg: c_int) -> i32 {
    unsafe { ffi::luaL_checkinteger(l, arg) as i32 }
}

/// Raises the error that programs know.
#[cold]
unsafe fn assertion(l: *mut lua_State) -> c_int {
    unsafe { ffi::luaL_error(l, c"assertion failed!".as_ptr()) }
}
