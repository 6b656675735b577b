//! The debug protocol. Its Lua module is loaded with the first message, so that it costs nothing before.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::require;
use crate::codec;
use crate::vm::{Parked, vm_of};

/// The body of a thread that handles a debug message.
pub(crate) unsafe fn dispatch(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let (session, source) = ((*vm).message.session, (*vm).message.source);
        let Parked::Answer { block, len } = (*vm).parked else { return 0 };
        require::push_module(l, c"skynet.debug");
        ffi::lua_getfield(l, -1, c"dispatch".as_ptr());
        ffi::lua_pushinteger(l, i64::from(session));
        ffi::lua_pushinteger(l, i64::from(source));
        let count = codec::unpack(l, vm, block, len, 0);
        ffi::lua_callk(l, 2 + count, 0, 0, Some(done));
        0
    }
}

unsafe extern "C-unwind" fn done(_: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    0
}
