//! What a service can know: time, addresses, statistics, environment.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::Handle;

use super::{address, check_bytes, mailbox, push_bytes};
use crate::vm::vm_of;

/// `skynet.self() -> handle`
pub(crate) unsafe extern "C-unwind" fn self_(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushinteger(l, i64::from((*vm_of(l)).handle));
        1
    }
}

/// `skynet.localname(".name") -> handle | nil`
pub(crate) unsafe extern "C-unwind" fn localname(l: *mut lua_State) -> c_int {
    unsafe {
        let [b'.', name @ ..] = check_bytes(l, 1) else { return 0 };
        match (*vm_of(l)).context().node().find_name(name) {
            Some(handle) => {
                ffi::lua_pushinteger(l, i64::from(handle.raw()));
                1
            }
            None => 0,
        }
    }
}

/// `skynet.address(x) -> string`
pub(crate) unsafe extern "C-unwind" fn address_(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checkany(l, 1);
        address::push_address(l, 1);
        1
    }
}

/// `skynet.harbor(handle) -> id, remote`
pub(crate) unsafe extern "C-unwind" fn harbor(l: *mut lua_State) -> c_int {
    unsafe {
        let handle = Handle::from_raw(ffi::luaL_checkinteger(l, 1) as u32);
        ffi::lua_pushinteger(l, i64::from(handle.harbor()));
        ffi::lua_pushboolean(l, c_int::from((*vm_of(l)).context().node().is_remote(handle)));
        2
    }
}

/// `skynet.now() -> cs`
pub(crate) unsafe extern "C-unwind" fn now(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushinteger(l, (*vm_of(l)).context().node().now() as i64);
        1
    }
}

/// `skynet.starttime() -> unix seconds`
pub(crate) unsafe extern "C-unwind" fn starttime(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushinteger(l, (*vm_of(l)).context().node().starttime() as i64);
        1
    }
}

/// `skynet.time() -> seconds`
pub(crate) unsafe extern "C-unwind" fn time(l: *mut lua_State) -> c_int {
    unsafe {
        let node = (*vm_of(l)).context().node();
        ffi::lua_pushnumber(l, node.now() as f64 / 100.0 + node.starttime() as f64);
        1
    }
}

/// `skynet.hpc() -> ns`
pub(crate) unsafe extern "C-unwind" fn hpc(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushinteger(l, (*vm_of(l)).context().node().hpc() as i64);
        1
    }
}

/// `skynet.genid() -> session`
pub(crate) unsafe extern "C-unwind" fn genid(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushinteger(l, i64::from((*vm_of(l)).new_session()));
        1
    }
}

/// `skynet.mqlen() -> count`, `skynet.mqlen(handle) -> count | nil`
pub(crate) unsafe extern "C-unwind" fn mqlen(l: *mut lua_State) -> c_int {
    unsafe {
        let ctx = (*vm_of(l)).context();
        let waiting = if ffi::lua_isnoneornil(l, 1) != 0 {
            Some(ctx.mqlen())
        } else {
            ctx.node().mqlen(Handle::from_raw(ffi::luaL_checkinteger(l, 1) as u32))
        };
        match waiting {
            Some(count) => ffi::lua_pushinteger(l, count as i64),
            None => ffi::lua_pushnil(l),
        }
        1
    }
}

/// `skynet.endless() -> boolean`
pub(crate) unsafe extern "C-unwind" fn endless(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_pushboolean(l, c_int::from((*vm_of(l)).context().take_endless()));
        1
    }
}

/// `skynet.stat(what) -> number`
pub(crate) unsafe extern "C-unwind" fn stat(l: *mut lua_State) -> c_int {
    unsafe {
        let what = check_bytes(l, 1);
        let ctx = (*vm_of(l)).context();
        match what {
            b"mqlen" => ffi::lua_pushinteger(l, ctx.mqlen() as i64),
            b"endless" => ffi::lua_pushinteger(l, i64::from(ctx.take_endless())),
            b"late" => ffi::lua_pushinteger(l, (*vm_of(l)).late_answers as i64),
            b"message" => ffi::lua_pushinteger(l, ctx.message_count() as i64),
            b"cpu" => ffi::lua_pushnumber(l, ctx.cpu_time().as_secs_f64()),
            b"time" => ffi::lua_pushnumber(l, ctx.message_cpu_time().as_secs_f64()),
            _ => {
                let figure = mailbox::figure(ctx.mailbox_stat(), what).unwrap_or(0);
                ffi::lua_pushinteger(l, figure as i64);
            }
        }
        1
    }
}

/// `skynet.getenv(key) -> string | nil`
pub(crate) unsafe extern "C-unwind" fn getenv(l: *mut lua_State) -> c_int {
    unsafe {
        let key = check_bytes(l, 1);
        let vm = vm_of(l);
        (*vm).scratch.clear();
        if read_env(vm, key) {
            push_bytes(l, (*vm).scratch.bytes());
        } else {
            ffi::lua_pushnil(l);
        }
        1
    }
}

/// Copies the value to the scratch buffer. A leaf: the value is dropped before anything can raise.
unsafe fn read_env(vm: *mut crate::vm::Vm, key: &[u8]) -> bool {
    unsafe {
        let Ok(key) = std::str::from_utf8(key) else { return false };
        match (*vm).context().node().getenv(key) {
            Some(value) => (*vm).scratch.append(value.as_bytes()),
            None => false,
        }
    }
}

/// `skynet.setenv(key, value)`
pub(crate) unsafe extern "C-unwind" fn setenv(l: *mut lua_State) -> c_int {
    unsafe {
        let key = check_bytes(l, 1);
        let mut len = 0;
        let value = std::slice::from_raw_parts(ffi::luaL_tolstring(l, 2, &mut len).cast::<u8>(), len);
        if !write_env(vm_of(l), key, value) {
            return ffi::luaL_error(l, c"Can't setenv exist key : %s".as_ptr(), key.as_ptr());
        }
        0
    }
}

/// As the core's command reads it: the key ends at the first space.
unsafe fn write_env(vm: *mut crate::vm::Vm, key: &[u8], value: &[u8]) -> bool {
    unsafe {
        let mut line = key.to_vec();
        line.push(b' ');
        line.extend_from_slice(value);
        let line = String::from_utf8_lossy(&line);
        match line.split_once(' ') {
            Some((key, value)) => (*vm).context().node().setenv(key, value).is_ok(),
            None => false,
        }
    }
}

/// `skynet.error(...)`: one line in the log.
pub(crate) unsafe extern "C-unwind" fn error(l: *mut lua_State) -> c_int {
    unsafe {
        let top = ffi::lua_gettop(l);
        ffi::luaL_checkstack(l, top + 4, c"too many values to log".as_ptr());
        // All values first: their metamethods may use the scratch buffer.
        let mut index = 1;
        while index <= top {
            ffi::luaL_tolstring(l, index, std::ptr::null_mut());
            index += 1;
        }
        let vm = vm_of(l);
        (*vm).scratch.clear();
        let mut index = 1;
        while index <= top {
            if index > 1 {
                (*vm).scratch.push(b' ');
            }
            (*vm).scratch.append(super::bytes_at(l, top + index));
            index += 1;
        }
        (*vm).context().log((*vm).scratch.bytes());
        0
    }
}

/// `skynet.memlimit(bytes)`: in the main chunk, once.
pub(crate) unsafe extern "C-unwind" fn memlimit(l: *mut lua_State) -> c_int {
    unsafe {
        let bytes = ffi::luaL_checkinteger(l, 1);
        (*vm_of(l)).wanted_limit = if bytes > 0 { bytes as usize } else { 0 };
        ffi::lua_getfield(l, ffi::LUA_REGISTRYINDEX, ffi::LUA_LOADED_TABLE);
        if ffi::lua_getfield(l, -1, c"skynet".as_ptr()) == ffi::LUA_TTABLE {
            ffi::lua_pushstring(l, c"memlimit".as_ptr());
            ffi::lua_pushnil(l);
            ffi::lua_rawset(l, -3);
        }
        0
    }
}
