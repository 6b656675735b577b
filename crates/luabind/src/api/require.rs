//! The global `require` of a service. A thread loads a module by `skynet.require`, so that the module's chunk may block.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::is_built_in;
use crate::vm::{R_REQUIRE, vm_of};

/// `require(name)`
pub(crate) unsafe extern "C-unwind" fn require(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checklstring(l, 1, std::ptr::null_mut());
        ffi::lua_settop(l, 1);
        ffi::lua_getfield(l, ffi::LUA_REGISTRYINDEX, ffi::LUA_LOADED_TABLE);
        ffi::lua_pushvalue(l, 1);
        ffi::lua_gettable(l, 2);
        if ffi::lua_toboolean(l, 3) != 0 {
            return 1;
        }
        ffi::lua_settop(l, 1);
        // Native modules do not block, and the loader of modules cannot load itself.
        if (*(*vm_of(l)).current).is_root() || is_built_in(super::bytes_at(l, 1)) {
            return standard(l);
        }
        push_loader(l);
        ffi::lua_getfield(l, -1, c"require".as_ptr());
        ffi::lua_pushvalue(l, 1);
        ffi::lua_callk(l, 1, 1, 0, Some(loaded));
        1
    }
}

unsafe extern "C-unwind" fn loaded(_: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    1
}

/// The standard `require`.
pub(crate) unsafe extern "C-unwind" fn standard(l: *mut lua_State) -> c_int {
    unsafe {
        let count = ffi::lua_gettop(l);
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_REQUIRE);
        ffi::lua_rotate(l, 1, 1);
        ffi::lua_callk(l, count, ffi::LUA_MULTRET, 0, None);
        ffi::lua_gettop(l)
    }
}

/// Pushes a module, loaded by the standard `require`.
pub(crate) unsafe fn push_module(l: *mut lua_State, name: &CStr) {
    unsafe {
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_REQUIRE);
        ffi::lua_pushstring(l, name.as_ptr());
        ffi::lua_callk(l, 1, 1, 0, None);
    }
}

/// Pushes the module `skynet.require`.
pub(crate) unsafe fn push_loader(l: *mut lua_State) {
    unsafe { push_module(l, c"skynet.require") }
}
