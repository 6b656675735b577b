//! `skynet.core`: the low-level functions on which frameworks of the program's own, and C skynet's `lualib`, stand.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::{Entry, address, check_bytes, data, info, push_bytes, send, trace};
use crate::vm::{Mode, R_CALLBACK, R_CALLBACK_THREAD, Vm, vm_of};

const FUNCTIONS: &[Entry] = &[
    (c"send", core_send),
    (c"redirect", core_redirect),
    (c"genid", info::genid),
    (c"command", command),
    (c"intcommand", intcommand),
    (c"addresscommand", addresscommand),
    (c"error", info::error),
    (c"harbor", info::harbor),
    (c"callback", callback),
    (c"trace", trace::core_trace),
    (c"tostring", data::tostring),
    (c"pack", data::pack),
    (c"unpack", data::unpack),
    (c"packstring", data::packstring),
    (c"trash", data::trash),
    (c"now", info::now),
    (c"hpc", info::hpc),
];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe { super::new_module(l, FUNCTIONS) }
}

/// `send(addr, type, session, msg, sz?)`
unsafe extern "C-unwind" fn core_send(l: *mut lua_State) -> c_int {
    unsafe {
        let kind = ffi::luaL_checkinteger(l, 2) as u8;
        send::send_raw(l, 1, 0, kind, 3, 4)
    }
}

/// `redirect(addr, source, type, session, msg, sz?)`
unsafe extern "C-unwind" fn core_redirect(l: *mut lua_State) -> c_int {
    unsafe {
        let source = ffi::luaL_checkinteger(l, 2) as u32;
        let kind = ffi::luaL_checkinteger(l, 3) as u8;
        send::send_raw(l, 1, source, kind, 4, 5)
    }
}

/// Runs a command of the core; its result, if any, is left in the scratch buffer. A leaf: raises nothing.
unsafe fn run_command(vm: *mut Vm, command: &[u8], param: &[u8]) -> bool {
    unsafe {
        (*vm).scratch.clear();
        let Ok(command) = std::str::from_utf8(command) else { return false };
        match (*vm).context().command(command, param) {
            Some(result) => (*vm).scratch.append(&result),
            None => false,
        }
    }
}

/// Runs the command at index 1 with the parameter at 2, which counts if it is the last argument.
unsafe fn run_arguments(l: *mut lua_State, vm: *mut Vm) -> bool {
    unsafe {
        let command = check_bytes(l, 1);
        let param = if ffi::lua_gettop(l) == 2 { check_bytes(l, 2) } else { &[] };
        run_command(vm, command, param)
    }
}

/// `command(cmd, param?) -> string | nothing`
unsafe extern "C-unwind" fn command(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        if !run_arguments(l, vm) {
            return 0;
        }
        push_bytes(l, (*vm).scratch.bytes());
        1
    }
}

/// `intcommand(cmd, param?) -> number | nothing`
unsafe extern "C-unwind" fn intcommand(l: *mut lua_State) -> c_int {
    unsafe {
        let command = check_bytes(l, 1);
        let mut param: &[u8] = &[];
        if ffi::lua_gettop(l) == 2 {
            if ffi::lua_type(l, 2) == ffi::LUA_TNUMBER {
                let number = ffi::luaL_checkinteger(l, 2) as i32;
                ffi::lua_pushinteger(l, i64::from(number));
                ffi::lua_replace(l, 2);
            }
            param = check_bytes(l, 2);
        }
        let vm = vm_of(l);
        if !run_command(vm, command, param) {
            return 0;
        }
        let result = (*vm).scratch.bytes();
        if result.is_empty() {
            ffi::lua_pushinteger(l, 0);
            return 1;
        }
        push_bytes(l, result);
        if let Some(number) = parse_prefixed(super::bytes_at(l, -1)) {
            ffi::lua_pushinteger(l, number);
            return 1;
        }
        let text = ffi::lua_tolstring(l, -1, std::ptr::null_mut());
        if ffi::lua_stringtonumber(l, text) == 0 {
            return ffi::luaL_error(l, c"Invalid result %s".as_ptr(), text);
        }
        1
    }
}

/// Integers as C reads them: 0x for hexadecimal, a leading 0 for octal.
fn parse_prefixed(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(hex, 16).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') && !digits.contains('.') {
        i64::from_str_radix(digits.get(1..)?, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    if negative { value.checked_neg() } else { Some(value) }
}

/// `addresscommand(cmd, param?) -> handle | nothing`
unsafe extern "C-unwind" fn addresscommand(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        if !run_arguments(l, vm) {
            return 0;
        }
        let [b':', digits @ ..] = (*vm).scratch.bytes() else { return 0 };
        let handle = address::parse_hex(digits);
        ffi::lua_pushinteger(l, i64::from(handle));
        1
    }
}

/// `callback(func, forward?)`: messages go to `func(type, msg, sz, session, source)` from the next one on.
unsafe extern "C-unwind" fn callback(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TFUNCTION);
        ffi::lua_settop(l, 2);
        let forward = ffi::lua_toboolean(l, 2) != 0;
        // One thread for all callbacks, since an earlier one may be what calls us, and nothing but the registry holds it.
        if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_CALLBACK_THREAD) != ffi::LUA_TTHREAD {
            ffi::lua_newthread(l);
            ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_CALLBACK_THREAD);
        }
        ffi::lua_pushvalue(l, 1);
        ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_CALLBACK);
        (*vm_of(l)).mode = Mode::Callback { forward };
        0
    }
}

/// Message handler: the error with its traceback.
pub(crate) unsafe extern "C-unwind" fn traceback(l: *mut lua_State) -> c_int {
    unsafe {
        let message = ffi::luaL_tolstring(l, 1, std::ptr::null_mut());
        ffi::luaL_traceback(l, l, message, 1);
        1
    }
}

/// Names of all functions, for the documentation's test.
pub(crate) fn names() -> impl Iterator<Item = &'static CStr> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}
