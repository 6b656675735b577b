//! What the binary offers to C modules. The build script exports every symbol that is linked; this links what the binary itself
//! does not call: a part of Lua's C API, and `skynet.h`.

use std::ffi::c_int;

use mlua::ffi::{lua_State, luaL_openselectedlibs};

use crate::c::api::{SYMBOLS, Symbol};

/// The one function that refers to every standard library.
#[used]
static OPEN_LIBRARIES: unsafe extern "C-unwind" fn(*mut lua_State, c_int, c_int) = luaL_openselectedlibs;

/// The functions of `skynet.h`.
#[used]
static SKYNET: &[Symbol] = &SYMBOLS;
