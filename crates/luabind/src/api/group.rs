//! `skynet.native.group`: what `skynet.group` needs from the node. Not for programs.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::{GroupError, Handle};

use super::{Entry, push_bytes};
use crate::vm::{Vm, vm_of};

const FUNCTIONS: &[Entry] = &[
    (c"join", join),
    (c"leave", leave),
    (c"count", count),
    (c"members", members),
    (c"list", list),
    (c"label", label),
];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe { super::new_module(l, FUNCTIONS) }
}

unsafe fn check_handle(l: *mut lua_State, index: c_int) -> Handle {
    unsafe { Handle::from_raw(ffi::luaL_checkinteger(l, index) as u32) }
}

/// Leaves a text in the scratch buffer, from where it is pushed, since that may jump. A leaf.
unsafe fn note(vm: *mut Vm, text: &str) {
    // SAFETY: the caller is inside the VM.
    let scratch = unsafe { &mut (*vm).scratch };
    scratch.clear();
    // Without memory there is no text.
    let _ = scratch.append(text.as_bytes());
}

/// Pushes whether something changed; or nil, and why it could not.
unsafe fn push_outcome(l: *mut lua_State, outcome: Result<bool, GroupError>) -> c_int {
    unsafe {
        match outcome {
            Ok(changed) => {
                ffi::lua_pushboolean(l, c_int::from(changed));
                1
            }
            Err(error) => {
                let vm = vm_of(l);
                note(vm, &error.to_string());
                ffi::lua_pushnil(l);
                push_bytes(l, (*vm).scratch.bytes());
                2
            }
        }
    }
}

/// `join(group, member) -> boolean | nil, reason`
unsafe extern "C-unwind" fn join(l: *mut lua_State) -> c_int {
    unsafe {
        let (group, member) = (check_handle(l, 1), check_handle(l, 2));
        let outcome = (*vm_of(l)).context().node().group_join(group, member);
        push_outcome(l, outcome)
    }
}

/// `leave(group, member) -> boolean | nil, reason`
unsafe extern "C-unwind" fn leave(l: *mut lua_State) -> c_int {
    unsafe {
        let (group, member) = (check_handle(l, 1), check_handle(l, 2));
        let outcome = (*vm_of(l)).context().node().group_leave(group, member);
        push_outcome(l, outcome)
    }
}

/// `count(group) -> integer | nil`
unsafe extern "C-unwind" fn count(l: *mut lua_State) -> c_int {
    unsafe {
        let group = check_handle(l, 1);
        match (*vm_of(l)).context().node().group_count(group) {
            Some(count) => ffi::lua_pushinteger(l, count as i64),
            None => ffi::lua_pushnil(l),
        }
        1
    }
}

/// `label(group) -> string | nil`
unsafe extern "C-unwind" fn label(l: *mut lua_State) -> c_int {
    unsafe {
        let group = check_handle(l, 1);
        let vm = vm_of(l);
        if !note_label(vm, group) {
            return 0;
        }
        push_bytes(l, (*vm).scratch.bytes());
        1
    }
}

/// A leaf.
unsafe fn note_label(vm: *mut Vm, group: Handle) -> bool {
    unsafe {
        let label = (*vm).context().node().group_label(group);
        if let Some(label) = &label {
            note(vm, label);
        }
        label.is_some()
    }
}

/// `members(group) -> integer[] | nil`
unsafe extern "C-unwind" fn members(l: *mut lua_State) -> c_int {
    unsafe {
        let group = check_handle(l, 1);
        if !note_members(vm_of(l), group) {
            return 0;
        }
        push_figures(l, false);
        1
    }
}

/// A leaf.
unsafe fn note_members(vm: *mut Vm, group: Handle) -> bool {
    unsafe {
        let members = (*vm).context().node().group_members(group);
        let figures = &mut (*vm).figures;
        figures.clear();
        if let Some(members) = &members {
            figures.extend(members.iter().map(|member| (member.raw(), 0)));
        }
        members.is_some()
    }
}

/// `list() -> { group → number of members }`
unsafe extern "C-unwind" fn list(l: *mut lua_State) -> c_int {
    unsafe {
        note_groups(vm_of(l));
        push_figures(l, true);
        1
    }
}

/// A leaf.
unsafe fn note_groups(vm: *mut Vm) {
    unsafe {
        let groups = (*vm).context().node().groups_info();
        let figures = &mut (*vm).figures;
        figures.clear();
        figures.extend(groups.iter().map(|group| (group.handle.raw(), group.members)));
    }
}

/// Pushes what was noted: a map from handles to numbers, or a list of handles.
unsafe fn push_figures(l: *mut lua_State, with_numbers: bool) {
    unsafe {
        let vm = vm_of(l);
        ffi::lua_createtable(l, 0, 0);
        // By index: each step may jump.
        let mut at = 0;
        while let Some((handle, number)) = figure(vm, at) {
            at += 1;
            if with_numbers {
                ffi::lua_pushinteger(l, number as i64);
                ffi::lua_rawseti(l, -2, i64::from(handle));
            } else {
                ffi::lua_pushinteger(l, i64::from(handle));
                ffi::lua_rawseti(l, -2, at as i64);
            }
        }
    }
}

/// A leaf.
unsafe fn figure(vm: *const Vm, at: usize) -> Option<(u32, usize)> {
    unsafe {
        let figures = &(*vm).figures;
        figures.get(at).copied()
    }
}
