//! What the binary offers to C modules. The build script exports every symbol that is linked; this links the part of
//! Lua's C API that the binary itself does not call.

use std::ffi::c_int;

use mlua::ffi::{lua_State, luaL_openselectedlibs};

/// The one function that refers to every standard library.
#[used]
static OPEN_LIBRARIES: unsafe extern "C-unwind" fn(*mut lua_State, c_int, c_int) = luaL_openselectedlibs;
