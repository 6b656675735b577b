//! Finding the main chunk of a service: among what ships, and along `luaservice`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::boot::{CHUNK, NAME, PATTERNS};
use super::{load_file, search};
use crate::api::{bytes_at, push_bytes};
use crate::sources;
use crate::vm::{Vm, shared};

/// Leaves the main chunk at CHUNK.
pub(super) unsafe fn find_service(l: *mut lua_State, vm: *mut Vm) {
    unsafe {
        let name = std::str::from_utf8(bytes_at(l, NAME)).unwrap_or("");
        let shipped = shared(vm).sources.has_service(name);
        let prefers_file = shared(vm).prefer.includes(name);
        if shipped && !prefers_file {
            if shared(vm).pass_over_service(name) {
                note_passed_over(vm, bytes_at(l, PATTERNS), name);
            }
            load_embedded(l, vm, name);
            return;
        }
        let mut reasons: c_int = 0;
        let mut n = 0;
        while push_candidate(l, vm, n) {
            // CHUNK (for now: the reasons so far above PATTERNS), then the candidate on top
            n += 1;
            let top = ffi::lua_gettop(l);
            if load_file(l, vm, top, std::ptr::null()) == ffi::LUA_OK {
                ffi::lua_replace(l, CHUNK);
                ffi::lua_settop(l, CHUNK);
                set_service_path(l, vm, n - 1);
                return;
            }
            // The reason takes the candidate's place.
            ffi::lua_replace(l, top);
            ffi::lua_pushstring(l, c"\n".as_ptr());
            reasons += 2;
            ffi::luaL_checkstack(l, 8, c"too many search paths".as_ptr());
        }
        if shipped {
            ffi::lua_settop(l, PATTERNS);
            load_embedded(l, vm, name);
            return;
        }
        if reasons == 0 {
            ffi::luaL_error(l, c"no service path: set luaservice in the config".as_ptr());
        }
        ffi::lua_settop(l, -2);
        ffi::lua_concat(l, reasons - 1);
        ffi::lua_error(l);
    }
}

unsafe fn load_embedded(l: *mut lua_State, vm: *mut Vm, name: &str) {
    unsafe {
        write_service_path(vm, name);
        push_bytes(l, (*vm).scratch.bytes());
        if load_file(l, vm, CHUNK, std::ptr::null()) != ffi::LUA_OK {
            ffi::lua_error(l);
        }
        ffi::lua_replace(l, CHUNK);
    }
}

/// A leaf.
unsafe fn write_service_path(vm: *mut Vm, name: &str) {
    unsafe {
        (*vm).scratch.clear();
        (*vm).scratch.append(sources::service_path(name).as_bytes());
    }
}

/// The n-th pattern of a search path.
fn pattern(patterns: &[u8], n: usize) -> Option<&[u8]> {
    patterns.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|pattern| !pattern.is_empty()).nth(n)
}

/// Pushes the file that the n-th pattern names for the service.
unsafe fn push_candidate(l: *mut lua_State, vm: *mut Vm, n: usize) -> bool {
    unsafe {
        if !write_candidate(vm, bytes_at(l, PATTERNS), n, bytes_at(l, NAME)) {
            return false;
        }
        push_bytes(l, (*vm).scratch.bytes());
        true
    }
}

/// A leaf.
unsafe fn write_candidate(vm: *mut Vm, patterns: &[u8], n: usize, name: &[u8]) -> bool {
    let Some(pattern) = pattern(patterns, n) else { return false };
    unsafe {
        (*vm).scratch.clear();
        (*vm).scratch.append(&search::replace(pattern, b"?", name))
    }
}

/// Says once in the log that a file was passed over. A leaf.
unsafe fn note_passed_over(vm: *mut Vm, patterns: &[u8], name: &str) {
    let mut n = 0;
    while let Some(pattern) = pattern(patterns, n) {
        n += 1;
        let file = search::replace(pattern, b"?", name.as_bytes());
        if search::readable(&file) {
            if unsafe { search::is_copy(vm, &file, &sources::service_path(name)) } {
                return;
            }
            let file = String::from_utf8_lossy(&file);
            let text = format!(
                "The built-in service {name} is used instead of {file} (rs_prefer_files = \"{name}\" lets the file win)"
            );
            unsafe { (*vm).context().log(text) };
            return;
        }
    }
}

/// Sets `SERVICE_PATH`; a service that is a folder finds its own modules first.
unsafe fn set_service_path(l: *mut lua_State, vm: *mut Vm, n: usize) {
    unsafe {
        let own_folder = write_folder(vm, bytes_at(l, PATTERNS), n, bytes_at(l, NAME));
        push_bytes(l, (*vm).scratch.bytes());
        if own_folder {
            ffi::lua_getglobal(l, c"package".as_ptr());
            ffi::lua_pushvalue(l, -2);
            ffi::lua_pushstring(l, c"?.lua;".as_ptr());
            ffi::lua_getfield(l, -3, c"path".as_ptr());
            ffi::lua_concat(l, 3);
            ffi::lua_setfield(l, -2, c"path".as_ptr());
            ffi::lua_settop(l, -2);
        }
        ffi::lua_setglobal(l, c"SERVICE_PATH".as_ptr());
    }
}

/// Leaves the folder of the n-th pattern in the scratch buffer; true if it is the service's own. A leaf.
unsafe fn write_folder(vm: *mut Vm, patterns: &[u8], n: usize, name: &[u8]) -> bool {
    let pattern = pattern(patterns, n).unwrap_or_default();
    let split = pattern.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let (folder, file) = pattern.split_at_checked(split).unwrap_or((pattern, &[]));
    let own = !file.contains(&b'?');
    unsafe {
        (*vm).scratch.clear();
        if own {
            (*vm).scratch.append(&search::replace(folder, b"?", name));
        } else {
            (*vm).scratch.append(folder);
        }
    }
    own
}
