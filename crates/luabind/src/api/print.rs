//! `print`, in one piece: services print on several threads at a time, and their lines must not mix.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

unsafe extern "C" {
    /// The buffer that Lua's `io` library writes to as well, so that the order is kept.
    #[cfg_attr(any(target_vendor = "apple", target_os = "freebsd"), link_name = "__stdoutp")]
    static mut stdout: *mut libc::FILE;
}

/// `print(...)`: the values as `tostring` gives them, tabs between them, and the end of the line.
///
/// Jumping: raises what `tostring` raises, and when memory runs out. Then nothing is written.
pub(crate) unsafe extern "C-unwind" fn print(l: *mut lua_State) -> c_int {
    unsafe {
        let top = ffi::lua_gettop(l);
        ffi::luaL_checkstack(
            l,
            top.saturating_mul(2).saturating_add(4),
            c"too many values to print".as_ptr(),
        );
        let mut index = 1;
        while index <= top {
            if index > 1 {
                ffi::lua_pushstring(l, c"\t".as_ptr());
            }
            ffi::luaL_tolstring(l, index, std::ptr::null_mut());
            index += 1;
        }
        ffi::lua_pushstring(l, c"\n".as_ptr());
        ffi::lua_concat(l, ffi::lua_gettop(l) - top);
        let line = super::bytes_at(l, -1);
        // SAFETY: the C library made the stream before anything of ours ran, and locks it for each of the two. Whatever becomes of
        // them, Lua's own `print` would not tell either.
        libc::fwrite(line.as_ptr().cast(), 1, line.len(), stdout);
        libc::fflush(stdout);
        0
    }
}
