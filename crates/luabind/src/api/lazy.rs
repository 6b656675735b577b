//! Standard libraries that are opened when they are first looked at.
//!
//! An idle service uses none of `io`, `os`, `math`, `utf8` and `debug`, and their tables and names take a third of a
//! fresh VM. Until then each is an empty table whose metatable fills it at the first access (or `pairs`), and is then
//! taken off: from there on nothing tells it from the library that Lua opens at once.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_CFunction, lua_State};
use skynet_socket::Sockets;

use crate::vm::{Vm, vm_of};

const LIBRARIES: [(&CStr, lua_CFunction); 5] = [
    (c"io", ffi::luaopen_io),
    (c"os", open_os),
    (c"math", ffi::luaopen_math),
    (c"utf8", ffi::luaopen_utf8),
    (c"debug", ffi::luaopen_debug),
];

/// The library `os`, whose `exit` sends what was written first.
unsafe extern "C-unwind" fn open_os(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaopen_os(l);
        ffi::lua_getfield(l, -1, c"exit".as_ptr());
        ffi::lua_pushcclosure(l, exit, 1);
        ffi::lua_setfield(l, -2, c"exit".as_ptr());
        1
    }
}

/// `os.exit(...)`
unsafe extern "C-unwind" fn exit(l: *mut lua_State) -> c_int {
    unsafe {
        send_written(vm_of(l));
        ffi::lua_pushvalue(l, ffi::lua_upvalueindex(1));
        ffi::lua_rotate(l, 1, 1);
        ffi::lua_callk(l, ffi::lua_gettop(l) - 1, 0, 0, None);
        0
    }
}

/// Small writes wait for the end of the turn, which will not come. A leaf.
unsafe fn send_written(vm: *mut Vm) {
    unsafe { Sockets::of((*vm).context().node()).inspect(Sockets::flush) };
}

/// Puts the empty tables in place, in `package.loaded` and as globals.
pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe {
        ffi::lua_getfield(l, ffi::LUA_REGISTRYINDEX, ffi::LUA_LOADED_TABLE);
        ffi::lua_createtable(l, 0, 2);
        ffi::lua_pushcclosure(l, index, 0);
        ffi::lua_setfield(l, -2, c"__index".as_ptr());
        ffi::lua_pushcclosure(l, pairs, 0);
        ffi::lua_setfield(l, -2, c"__pairs".as_ptr());
        for (name, _) in LIBRARIES {
            ffi::lua_createtable(l, 0, 0);
            ffi::lua_pushvalue(l, -2);
            ffi::lua_setmetatable(l, -2);
            ffi::lua_pushvalue(l, -1);
            ffi::lua_setfield(l, -4, name.as_ptr());
            ffi::lua_setglobal(l, name.as_ptr());
        }
        ffi::lua_settop(l, -3);
    }
}

/// Fills the table at index 1. What the program has put there stays.
unsafe fn fill(l: *mut lua_State) {
    unsafe {
        ffi::lua_pushnil(l);
        ffi::lua_setmetatable(l, 1);
        for (name, open) in LIBRARIES {
            ffi::lua_getfield(l, ffi::LUA_REGISTRYINDEX, ffi::LUA_LOADED_TABLE);
            ffi::lua_getfield(l, -1, name.as_ptr());
            let found = ffi::lua_rawequal(l, -1, 1) != 0;
            ffi::lua_settop(l, -3);
            if !found {
                continue;
            }
            ffi::lua_pushcclosure(l, open, 0);
            ffi::lua_pushstring(l, name.as_ptr());
            ffi::lua_callk(l, 1, 1, 0, None);
            let library = ffi::lua_gettop(l);
            ffi::lua_pushnil(l);
            while ffi::lua_next(l, library) != 0 {
                // key, value
                ffi::lua_pushvalue(l, -2);
                if ffi::lua_rawget(l, 1) == ffi::LUA_TNIL {
                    ffi::lua_pushvalue(l, -3);
                    ffi::lua_pushvalue(l, -3);
                    ffi::lua_rawset(l, 1);
                }
                ffi::lua_settop(l, -3);
            }
            ffi::lua_settop(l, library - 1);
            return;
        }
    }
}

/// (table, key)
unsafe extern "C-unwind" fn index(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 2);
        fill(l);
        ffi::lua_pushvalue(l, 2);
        ffi::lua_rawget(l, 1);
        1
    }
}

/// (table)
unsafe extern "C-unwind" fn pairs(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 1);
        fill(l);
        ffi::lua_getglobal(l, c"next".as_ptr());
        ffi::lua_pushvalue(l, 1);
        ffi::lua_pushnil(l);
        3
    }
}
