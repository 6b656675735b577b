//! Booting a Lua service: from the argument text to the main chunk's return.

use std::ffi::c_int;
use std::io::Write as _;

use mlua::ffi::{self, lua_State};
use skynet_core::{Context, PTYPE_LUA};

use super::{find, load_file, search};
use crate::api::{self, bytes_at, push_bytes};
use crate::vm::{Mode, Vm, shared, vm_of};

/// Where services are looked for unless `luaservice` says otherwise.
const SERVICE_PATH: &str = "./service/?.lua";
const MODULE_PATH: &str = "./lualib/?.lua;./lualib/?/init.lua";
const C_MODULE_PATH: &str = "./luaclib/?.so";
/// Where embedded services seem to be.
const SHIPPED: &str = "[skynet]/service/?.lua";

/// What the obituary of a service says that did not come up.
pub(crate) const FAILED_TO_START: &str = "failed to start";

/// Loads and runs the service that `args` names. On failure it ends, the reason is in the log, and the launcher knows it.
///
/// # Safety
/// As [`Vm::handle`].
pub(crate) unsafe fn boot(vm: *mut Vm, args: &[u8]) {
    unsafe {
        let main = (*vm).main;
        (*vm).scratch.clear();
        if !(*vm).scratch.append(args) {
            give_up((*vm).context(), "not enough memory for the arguments of a service");
            return;
        }
        let outer = Vm::enter(vm, main);
        ffi::lua_settop(main, 0);
        ffi::lua_pushcclosure(main, explain, 0);
        ffi::lua_pushcclosure(main, run, 0);
        let status = ffi::lua_pcallk(main, 0, 0, 1, 0, None);
        (*vm).set_running(outer);
        if status != ffi::LUA_OK && !(*vm).quitting {
            report(vm);
            api::life::tell_failure((*vm).context(), bytes_at(main, -1));
            (*vm).context().set_end(FAILED_TO_START);
            (*vm).context().command("EXIT", b"");
        }
        if status == ffi::LUA_OK && (*vm).mode == Mode::Silent && !(*vm).quitting {
            // It would never handle a message, and its launcher would wait for ever.
            give_up(
                (*vm).context(),
                "its main chunk has called neither skynet.start nor skynet.core.callback",
            );
        }
        ffi::lua_settop(main, 0);
    }
}

/// Logs the error on top of the main stack.
unsafe fn report(vm: *mut Vm) {
    unsafe {
        let main = (*vm).main;
        let mut text = b"lua loader error : ".to_vec();
        if ffi::lua_type(main, -1) == ffi::LUA_TSTRING {
            text.extend_from_slice(bytes_at(main, -1));
        } else {
            text.extend_from_slice(b"(error object is not a string)");
        }
        let ctx = (*vm).context();
        if ctx.node().find_name("logger") == Some(ctx.handle()) {
            // It is the log that does not start: nobody would read this there.
            // If it cannot be read there either, nothing can be done.
            let _ = writeln!(std::io::stderr(), "{}", String::from_utf8_lossy(&text));
        }
        ctx.log(text);
    }
}

/// Tells the launcher that the service did not come up, and why, and ends it.
pub(crate) fn give_up(ctx: &Context, reason: &str) {
    ctx.log(format!("error: {reason}"));
    api::life::tell_failure(ctx, reason.as_bytes());
    ctx.set_end(FAILED_TO_START);
    ctx.command("EXIT", b"");
}

/// For a service that ended without its VM having been opened.
pub(crate) fn tell_launcher_removed(ctx: &Context) {
    if let Some(launcher) = ctx.node().find_name(b"launcher") {
        let _ = ctx.send(launcher, PTYPE_LUA, api::life::removal(ctx.handle().raw(), true));
    }
}

/// Message handler: a text with its traceback.
unsafe extern "C-unwind" fn explain(l: *mut lua_State) -> c_int {
    unsafe {
        let text = ffi::luaL_tolstring(l, 1, std::ptr::null_mut());
        ffi::luaL_traceback(l, l, text, 1);
        1
    }
}

/// Pushes an entry of the node's environment, or the default.
unsafe fn push_env(l: *mut lua_State, vm: *mut Vm, key: &str, default: &str) {
    unsafe {
        read_env(vm, key, default);
        push_bytes(l, (*vm).scratch.bytes());
    }
}

/// A leaf.
unsafe fn read_env(vm: *mut Vm, key: &str, default: &str) {
    unsafe {
        let value = (*vm).context().node().getenv(key);
        (*vm).scratch.clear();
        (*vm).scratch.append(value.as_deref().unwrap_or(default).as_bytes());
    }
}

/// Sets a global to an entry of the node's environment, or to the default.
unsafe fn set_env(l: *mut lua_State, vm: *mut Vm, global: &std::ffi::CStr, key: &str, default: &str) {
    unsafe {
        push_env(l, vm, key, default);
        ffi::lua_setglobal(l, global.as_ptr());
    }
}

const ARGS: c_int = 1;

/// The argument text is in the scratch buffer.
unsafe extern "C-unwind" fn run(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        push_bytes(l, (*vm).scratch.bytes()); // ARGS
        push_env(l, vm, "lualoader", ""); // 2
        if search::readable(bytes_at(l, 2)) {
            run_loader(l, vm);
        } else {
            run_service(l, vm);
        }
        if (*vm).wanted_limit != 0 {
            apply_limit(vm);
        }
        ffi::lua_gc(l, ffi::LUA_GCGEN, 0, 0);
        (*vm).memory.set_pace(l);
        ffi::lua_gc(l, ffi::LUA_GCRESTART);
        0
    }
}

/// A leaf.
unsafe fn apply_limit(vm: *mut Vm) {
    unsafe {
        let limit = (*vm).wanted_limit;
        (*vm).context().log(format!("Set memory limit to {:.2} M", limit as f64 / (1024.0 * 1024.0)));
        (*vm).memory.limit = limit;
    }
}

/// A loader script of the program's, at index 2: it finds the service by itself, along `LUA_SERVICE`.
unsafe fn run_loader(l: *mut lua_State, vm: *mut Vm) {
    unsafe {
        set_env(l, vm, c"LUA_PATH", "lua_path", MODULE_PATH);
        set_env(l, vm, c"LUA_CPATH", "lua_cpath", C_MODULE_PATH);
        // What ships is found first, under its virtual path.
        let files_first = prefers_service(l, vm);
        if !files_first {
            push_bytes(l, SHIPPED.as_bytes());
            push_bytes(l, b";");
        }
        push_env(l, vm, "luaservice", SERVICE_PATH);
        if files_first {
            push_bytes(l, b";");
            push_bytes(l, SHIPPED.as_bytes());
        }
        ffi::lua_concat(l, 3);
        ffi::lua_setglobal(l, c"LUA_SERVICE".as_ptr());
        push_env(l, vm, "preload", "");
        if ffi::lua_rawlen(l, -1) == 0 {
            ffi::lua_pushnil(l);
            ffi::lua_replace(l, -2);
        }
        ffi::lua_setglobal(l, c"LUA_PRELOAD".as_ptr());
        if load_file(l, vm, 2, std::ptr::null()) != ffi::LUA_OK {
            let (loader, reason) = (
                ffi::lua_tolstring(l, 2, std::ptr::null_mut()),
                ffi::lua_tolstring(l, -1, std::ptr::null_mut()),
            );
            ffi::luaL_error(l, c"Can't load %s : %s".as_ptr(), loader, reason);
        }
        ffi::lua_pushvalue(l, ARGS);
        ffi::lua_callk(l, 1, 0, 0, None);
    }
}

/// Pushes the n-th word (from 0) of the text at an index; false if there are not so many.
unsafe fn push_word(l: *mut lua_State, index: c_int, n: usize) -> bool {
    unsafe {
        let mut rest = bytes_at(l, index);
        let mut n = n;
        loop {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                return false;
            }
            let mut len = 0;
            for byte in rest {
                if byte.is_ascii_whitespace() {
                    break;
                }
                len += 1;
            }
            let (word, tail) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            if n == 0 {
                push_bytes(l, word);
                return true;
            }
            n -= 1;
            rest = tail;
        }
    }
}

/// Whether the service of that name (the first word of the arguments) is to come from a file.
unsafe fn prefers_service(l: *mut lua_State, vm: *mut Vm) -> bool {
    unsafe {
        if !push_word(l, ARGS, 0) {
            return false;
        }
        let prefers = std::str::from_utf8(bytes_at(l, -1)).is_ok_and(|name| shared(vm).prefer.includes(name));
        ffi::lua_settop(l, -2);
        prefers
    }
}

pub(super) const NAME: c_int = 2;
pub(super) const PATTERNS: c_int = 3;
pub(super) const CHUNK: c_int = 4;

/// Finds the service, prepares the globals, and runs it.
unsafe fn run_service(l: *mut lua_State, vm: *mut Vm) {
    unsafe {
        ffi::lua_settop(l, ARGS);
        if !push_word(l, ARGS, 0) {
            ffi::luaL_error(l, c"snlua needs the name of a service".as_ptr());
        }
        ffi::lua_pushvalue(l, NAME);
        ffi::lua_setglobal(l, c"SERVICE_NAME".as_ptr());
        push_env(l, vm, "luaservice", SERVICE_PATH); // PATTERNS
        set_package(l, vm);
        find::find_service(l, vm); // CHUNK
        push_env(l, vm, "preload", "");
        if ffi::lua_rawlen(l, -1) != 0 {
            if load_file(l, vm, ffi::lua_gettop(l), std::ptr::null()) != ffi::LUA_OK {
                ffi::lua_error(l);
            }
            let count = push_arguments(l, 0);
            ffi::lua_callk(l, count, 0, 0, None);
        }
        ffi::lua_settop(l, CHUNK);
        let count = push_arguments(l, 1);
        ffi::lua_callk(l, count, 0, 0, None);
    }
}

/// Pushes the words of the arguments from the n-th on; how many.
unsafe fn push_arguments(l: *mut lua_State, from: usize) -> c_int {
    unsafe {
        let mut count = 0;
        while {
            ffi::luaL_checkstack(l, 4, c"too many arguments".as_ptr());
            push_word(l, ARGS, from + count)
        } {
            count += 1;
        }
        count as c_int
    }
}

unsafe fn set_package(l: *mut lua_State, vm: *mut Vm) {
    unsafe {
        ffi::lua_getglobal(l, c"package".as_ptr());
        push_env(l, vm, "lua_path", MODULE_PATH);
        ffi::lua_setfield(l, -2, c"path".as_ptr());
        push_env(l, vm, "lua_cpath", C_MODULE_PATH);
        ffi::lua_setfield(l, -2, c"cpath".as_ptr());
        ffi::lua_settop(l, -2);
    }
}
