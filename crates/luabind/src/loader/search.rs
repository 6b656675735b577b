//! How `require` finds Lua modules: native ones, embedded ones, files on `package.path`.

use std::ffi::{CStr, c_int};
use std::path::Path;

use mlua::ffi::{self, lua_State};

use super::load_file;
use crate::api::{bytes_at, is_built_in, open_native, push_bytes};
use crate::sources;
use crate::vm::{Vm, shared, vm_of};

/// The searcher for Lua modules: `(name) -> loader, place | reason`.
pub(crate) unsafe extern "C-unwind" fn searcher(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checklstring(l, 1, std::ptr::null_mut());
        ffi::lua_settop(l, 1);
        let vm = vm_of(l);
        let name = bytes_at(l, 1);
        if is_built_in(name) {
            return native(l, name);
        }
        let shipped = name == b"skynet" || has_module(vm, name);
        // The file of the same name, if there is one.
        push_package_path(l); // 2
        let found = if shipped && !may_matter(vm, name) { false } else { find(l, vm, 1, 2, b".", b"/") }; // 3: path or reason
        if shipped && !(found && prefers_file(vm, name)) {
            if found {
                note_passed_over(vm, name, bytes_at(l, 3));
            }
            ffi::lua_settop(l, 1);
            if name == b"skynet" {
                return native(l, name);
            }
            push_module_path(l, vm, name); // 2
            let status = load_file(l, vm, 2, std::ptr::null());
            return loaded(l, status, 2);
        }
        if !found {
            return 1;
        }
        let status = load_file(l, vm, 3, std::ptr::null());
        loaded(l, status, 3)
    }
}

/// After loading the file whose path is at an index.
unsafe fn loaded(l: *mut lua_State, status: c_int, path: c_int) -> c_int {
    unsafe {
        if status == ffi::LUA_OK {
            ffi::lua_pushvalue(l, path);
            return 2;
        }
        ffi::luaL_error(
            l,
            c"error loading module '%s' from file '%s':\n\t%s".as_ptr(),
            ffi::lua_tolstring(l, 1, std::ptr::null_mut()),
            ffi::lua_tolstring(l, path, std::ptr::null_mut()),
            ffi::lua_tolstring(l, -1, std::ptr::null_mut()),
        )
    }
}

unsafe fn native(l: *mut lua_State, name: &[u8]) -> c_int {
    unsafe {
        ffi::lua_pushcclosure(l, open, 0);
        push_bytes(l, sources::ROOT.as_bytes());
        push_bytes(l, name);
        ffi::lua_concat(l, 2);
        2
    }
}

/// The loader of native modules: `(name, place) -> module`.
unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    unsafe {
        if open_native(l, bytes_at(l, 1)) {
            return 1;
        }
        0
    }
}

fn has_module(vm: *mut Vm, name: &[u8]) -> bool {
    // SAFETY: the caller is inside the VM.
    std::str::from_utf8(name).is_ok_and(|name| unsafe { shared(vm).sources.has_module(name) })
}

fn prefers_file(vm: *mut Vm, name: &[u8]) -> bool {
    // SAFETY: as above.
    std::str::from_utf8(name).is_ok_and(|name| unsafe { shared(vm).prefer.includes(name) })
}

/// Whether a file of the name of a shipped module has to be looked for: if it may win, or has not been looked for yet in
/// this node.
fn may_matter(vm: *mut Vm, name: &[u8]) -> bool {
    // SAFETY: as above.
    prefers_file(vm, name)
        || std::str::from_utf8(name).is_ok_and(|name| unsafe { shared(vm).pass_over(name) })
}

/// Says once in the log that a file was passed over. A leaf.
unsafe fn note_passed_over(vm: *mut Vm, name: &[u8], path: &[u8]) {
    // SAFETY: the caller is inside the VM.
    if unsafe { is_copy(vm, path, &sources::module_path(&String::from_utf8_lossy(name))) } {
        return;
    }
    let text = format!(
        "The built-in module {name} is used instead of {} (rs_prefer_files = \"{name}\" lets the file win)",
        String::from_utf8_lossy(path),
        name = String::from_utf8_lossy(name),
    );
    // SAFETY: the caller is inside the VM.
    unsafe { (*vm).context().log(text) };
}

/// Whether a file is just what the program carries under a virtual path: then it does not matter which one runs. A leaf.
pub(super) unsafe fn is_copy(vm: *mut Vm, file: &[u8], virtual_path: &str) -> bool {
    // SAFETY: the caller is inside the VM.
    let Some(text) = (unsafe { shared(vm).sources.file(virtual_path.as_bytes()) }) else { return false };
    std::fs::read(os_path(file)).is_ok_and(|found| found == text.as_bytes())
}

/// Pushes the virtual path of an embedded module.
unsafe fn push_module_path(l: *mut lua_State, vm: *mut Vm, name: &[u8]) {
    unsafe {
        write_module_path(vm, name);
        push_bytes(l, (*vm).scratch.bytes());
    }
}

/// A leaf.
unsafe fn write_module_path(vm: *mut Vm, name: &[u8]) {
    unsafe {
        (*vm).scratch.clear();
        (*vm).scratch.append(sources::module_path(&String::from_utf8_lossy(name)).as_bytes());
    }
}

/// Pushes the file that Lua's searchers find for the C module whose name is at index 1: the one of the name, else the one of its
/// part before the first dot. True if there is one.
///
/// Jumping.
pub(crate) unsafe fn find_c_module(l: *mut lua_State) -> bool {
    unsafe {
        push_package(l, c"cpath");
        let (vm, path) = (vm_of(l), ffi::lua_gettop(l));
        if ffi::lua_type(l, path) != ffi::LUA_TSTRING {
            // Lua's own searcher says what is wrong with it.
            return false;
        }
        if find(l, vm, 1, path, b".", b"/") {
            return true;
        }
        let name = bytes_at(l, 1);
        let Some(root) = name.iter().position(|byte| *byte == b'.').and_then(|end| name.get(..end)) else {
            return false;
        };
        push_bytes(l, root);
        find(l, vm, ffi::lua_gettop(l), path, b".", b"/")
    }
}

/// Pushes `package.path` as it is now.
unsafe fn push_package_path(l: *mut lua_State) {
    unsafe {
        push_package(l, c"path");
        if ffi::lua_type(l, -1) != ffi::LUA_TSTRING {
            ffi::luaL_error(l, c"'package.path' must be a string".as_ptr());
        }
    }
}

/// Pushes a field of `package` as it is now.
unsafe fn push_package(l: *mut lua_State, field: &CStr) {
    unsafe {
        ffi::lua_getfield(l, ffi::LUA_REGISTRYINDEX, ffi::LUA_LOADED_TABLE);
        ffi::lua_getfield(l, -1, c"package".as_ptr());
        if ffi::lua_type(l, -1) == ffi::LUA_TTABLE {
            ffi::lua_getfield(l, -1, field.as_ptr());
        } else {
            ffi::lua_pushnil(l);
        }
        ffi::lua_replace(l, -3);
        ffi::lua_settop(l, -2);
    }
}

/// `package.searchpath(name, path, sep?, rep?) -> filename | nil, reason`
pub(crate) unsafe extern "C-unwind" fn searchpath(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checklstring(l, 1, std::ptr::null_mut());
        ffi::luaL_checklstring(l, 2, std::ptr::null_mut());
        let (mut sep_len, mut rep_len) = (0, 0);
        let sep = ffi::luaL_optlstring(l, 3, c".".as_ptr(), &mut sep_len);
        let rep = ffi::luaL_optlstring(l, 4, c"/".as_ptr(), &mut rep_len);
        let sep = std::slice::from_raw_parts(sep.cast::<u8>(), sep_len);
        let rep = std::slice::from_raw_parts(rep.cast::<u8>(), rep_len);
        if find(l, vm_of(l), 1, 2, sep, rep) {
            return 1;
        }
        ffi::lua_pushnil(l);
        ffi::lua_rotate(l, -2, 1);
        2
    }
}

/// Looks a name up along a path (strings at stack indices) and pushes the file, or the reason why there is none.
unsafe fn find(l: *mut lua_State, vm: *mut Vm, name: c_int, path: c_int, sep: &[u8], rep: &[u8]) -> bool {
    unsafe {
        let found = search(vm, bytes_at(l, name), bytes_at(l, path), sep, rep);
        push_bytes(l, (*vm).scratch.bytes());
        found
    }
}

/// Leaves the file's path, or the reason, in the scratch buffer. A leaf.
unsafe fn search(vm: *mut Vm, name: &[u8], path: &[u8], sep: &[u8], rep: &[u8]) -> bool {
    let name = replace(name, sep, rep);
    let mut reason = Vec::new();
    for template in path.split(|byte| *byte == b';').filter(|template| !template.is_empty()) {
        let file = replace(template, b"?", &name);
        // SAFETY: the caller is inside the VM.
        unsafe {
            if shared(vm).sources.file(&file).is_some() || readable(&file) {
                (*vm).scratch.clear();
                return (*vm).scratch.append(&file);
            }
        }
        reason.extend_from_slice(if reason.is_empty() { b"no file '" } else { b"\n\tno file '" });
        reason.extend_from_slice(&file);
        reason.push(b'\'');
    }
    // SAFETY: as above.
    unsafe {
        (*vm).scratch.clear();
        (*vm).scratch.append(&reason);
    }
    false
}

/// Replaces every occurrence of `from`; an empty `from` replaces nothing.
pub(super) fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + to.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        if !from.is_empty() && rest.starts_with(from) {
            out.extend_from_slice(to);
            rest = rest.get(from.len()..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// Whether a file can be opened for reading.
pub(super) fn readable(path: &[u8]) -> bool {
    std::fs::File::open(os_path(path)).is_ok()
}

pub(crate) fn os_path(path: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_replaced_everywhere() {
        assert_eq!(replace(b"./?/?.lua", b"?", b"a/b"), b"./a/b/a/b.lua");
        assert_eq!(replace(b"a.b.c", b".", b"/"), b"a/b/c");
        assert_eq!(replace(b"abc", b"", b"/"), b"abc");
    }
}
