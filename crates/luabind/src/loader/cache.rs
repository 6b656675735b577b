//! `loadfile` with the node's cache of compiled files, and `skynet.codecache`.

use std::ffi::{c_char, c_int};
use std::sync::Arc;

use mlua::ffi::{self, lua_State};

use super::Chunk;
use crate::api::{Entry, bytes_at, new_module};
use crate::vm::{Vm, shared, vm_of};

/// How a VM uses the cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CacheMode {
    /// Always reads the file.
    Off,
    /// Uses what is there, adds nothing.
    Exist,
    /// Uses and adds.
    On,
}

/// Loads a file, real or embedded, as a function onto the stack; else the error text. A status of Lua's.
///
/// The path is the string at `index`. Jumping: raises when memory runs out.
pub(crate) unsafe fn load_file(l: *mut lua_State, vm: *mut Vm, index: c_int, mode: *const c_char) -> c_int {
    unsafe {
        let path = bytes_at(l, index);
        let embedded = shared(vm).sources.file(path);
        if embedded.is_some() || (*vm).cache_mode != CacheMode::Off {
            let cached = cached(vm, path);
            if !cached.is_null() {
                return Chunk::load(l, cached);
            }
        }
        let status = match embedded {
            Some(text) => {
                ffi::lua_pushstring(l, c"@".as_ptr());
                ffi::lua_pushvalue(l, index);
                ffi::lua_concat(l, 2);
                let name = ffi::lua_tolstring(l, -1, std::ptr::null_mut());
                let status = ffi::luaL_loadbufferx(l, text.as_ptr().cast(), text.len(), name, c"t".as_ptr());
                ffi::lua_rotate(l, -2, -1);
                ffi::lua_settop(l, -2);
                status
            }
            None => ffi::luaL_loadfilex(l, path.as_ptr().cast(), mode),
        };
        if status != ffi::LUA_OK || (embedded.is_none() && (*vm).cache_mode != CacheMode::On) {
            return status;
        }
        if !Chunk::dump(l, vm) {
            return status;
        }
        let added = add(vm, path);
        ffi::lua_settop(l, -2);
        Chunk::load(l, added)
    }
}

/// The cached code of a path, kept alive by this VM from now on; or null. A leaf.
unsafe fn cached(vm: *mut Vm, path: &[u8]) -> *const Chunk {
    unsafe {
        match shared(vm).chunk(path) {
            Some(chunk) => keep(vm, chunk),
            None => std::ptr::null(),
        }
    }
}

/// Puts the code in the scratch buffer into the cache. A leaf.
unsafe fn add(vm: *mut Vm, path: &[u8]) -> *const Chunk {
    unsafe {
        let chunk = Chunk::new((*vm).scratch.bytes());
        keep(vm, shared(vm).add_chunk(path, chunk))
    }
}

unsafe fn keep(vm: *mut Vm, chunk: Arc<Chunk>) -> *const Chunk {
    unsafe {
        let place = Arc::as_ptr(&chunk);
        if !(*vm).code.iter().any(|known| Arc::ptr_eq(known, &chunk)) {
            (*vm).code.push(chunk);
        }
        place
    }
}

/// `loadfile(filename?, mode?, env?)`
pub(crate) unsafe extern "C-unwind" fn loadfile(l: *mut lua_State) -> c_int {
    unsafe {
        let has_env = ffi::lua_type(l, 3) != ffi::LUA_TNONE;
        let mode = ffi::luaL_optlstring(l, 2, std::ptr::null(), std::ptr::null_mut());
        let status = if ffi::lua_isnoneornil(l, 1) != 0 {
            ffi::luaL_loadfilex(l, std::ptr::null(), mode)
        } else {
            ffi::luaL_checklstring(l, 1, std::ptr::null_mut());
            load_file(l, vm_of(l), 1, mode)
        };
        if status != ffi::LUA_OK {
            ffi::lua_pushnil(l);
            ffi::lua_rotate(l, -2, 1);
            return 2;
        }
        if has_env {
            ffi::lua_pushvalue(l, 3);
            if ffi::lua_setupvalue(l, -2, 1).is_null() {
                ffi::lua_settop(l, -2);
            }
        }
        1
    }
}

/// `dofile(filename?)`
pub(crate) unsafe extern "C-unwind" fn dofile(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 1);
        let status = if ffi::lua_isnoneornil(l, 1) != 0 {
            ffi::luaL_loadfilex(l, std::ptr::null(), std::ptr::null())
        } else {
            ffi::luaL_checklstring(l, 1, std::ptr::null_mut());
            load_file(l, vm_of(l), 1, std::ptr::null())
        };
        if status != ffi::LUA_OK {
            ffi::lua_error(l);
        }
        ffi::lua_callk(l, 0, ffi::LUA_MULTRET, 0, Some(done));
        done(l, ffi::LUA_OK, 0)
    }
}

unsafe extern "C-unwind" fn done(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe { ffi::lua_gettop(l) - 1 }
}

const FUNCTIONS: &[Entry] = &[(c"clear", clear), (c"mode", mode), (c"loadfile", loadfile)];

/// Pushes the module `skynet.codecache`.
pub(crate) unsafe fn open_codecache(l: *mut lua_State) {
    unsafe { new_module(l, FUNCTIONS) }
}

/// `clear()`
unsafe extern "C-unwind" fn clear(l: *mut lua_State) -> c_int {
    unsafe {
        (*vm_of(l)).shared.clear_chunks();
        0
    }
}

/// `mode() -> current`, `mode(new)`
unsafe extern "C-unwind" fn mode(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        if ffi::lua_isnoneornil(l, 1) != 0 {
            let name = match (*vm).cache_mode {
                CacheMode::Off => c"OFF",
                CacheMode::Exist => c"EXIST",
                CacheMode::On => c"ON",
            };
            ffi::lua_pushstring(l, name.as_ptr());
            return 1;
        }
        let names = [c"OFF".as_ptr(), c"EXIST".as_ptr(), c"ON".as_ptr(), std::ptr::null()];
        (*vm).cache_mode = match ffi::luaL_checkoption(l, 1, std::ptr::null(), names.as_ptr()) {
            0 => CacheMode::Off,
            1 => CacheMode::Exist,
            _ => CacheMode::On,
        };
        0
    }
}
