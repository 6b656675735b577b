//! `skynet.native.socket`: the native half of `skynet.socket`. Reading and writing are here; how sockets come and go is in Lua.

mod open;
mod read;
mod state;

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

pub(in crate::api) use read::push_first;

use super::Entry;
use super::socketdriver::send;

const FUNCTIONS: &[Entry] = &[
    (c"read", read::read),
    (c"readline", read::readline),
    (c"readall", read::readall),
    (c"block", read::block),
    (c"write", send::send),
    (c"lwrite", send::lsend),
    (c"invalid", state::invalid),
    (c"disconnected", state::disconnected),
    (c"limit", state::limit),
    (c"keepalive", state::keepalive),
    (c"starter", open::starter),
    (c"await", open::wait_until_open),
    (c"own", state::own),
    (c"opened", state::opened),
    (c"ended", state::ended),
    (c"failed", state::failed),
    (c"forget", state::forget),
    (c"standing", state::standing),
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
