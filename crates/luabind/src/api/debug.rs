//! The debug protocol. Its Lua module is loaded with the first message, so that it costs nothing before.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::require;
use crate::codec;
use crate::vm::{Parked, handled, vm_of};

/// The dispatch function of the protocol class, for programs that look at it: `(session, source, command, ...)`.
pub(crate) unsafe extern "C-unwind" fn dispatch(l: *mut lua_State) -> c_int {
    unsafe {
        let count = ffi::lua_gettop(l);
        require::push_module(l, c"skynet.debug");
        ffi::lua_getfield(l, -1, c"dispatch".as_ptr());
        ffi::lua_replace(l, -2);
        ffi::lua_rotate(l, 1, 1);
        ffi::lua_callk(l, count, 0, 0, Some(done));
        0
    }
}

/// The body of a thread that handles a debug message.
pub(crate) unsafe fn answer(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let (session, source) = ((*vm).message.session, (*vm).message.source);
        let Parked::Answer { block, len } = (*vm).parked else { return 0 };
        require::push_module(l, c"skynet.debug");
        ffi::lua_getfield(l, -1, c"dispatch".as_ptr());
        ffi::lua_pushinteger(l, i64::from(session));
        ffi::lua_pushinteger(l, i64::from(source));
        let count = codec::unpack(l, vm, block, len, 0);
        ffi::lua_callk(l, 2 + count, 0, 0, Some(handled));
        handled(l, ffi::LUA_OK, 0)
    }
}

unsafe extern "C-unwind" fn done(_: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    0
}
