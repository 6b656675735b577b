//! The subscribers of a channel, as `multicastd` keeps them: a userdata around a [`HandleSet`].

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};
use skynet_core::{Handle, HandleSet, PTYPE_MULTICAST, SharedPayload};

use super::core::check_message;
use crate::api::{Entry, new_module};
use crate::vm::vm_of;

/// The name of the metatable.
const MEMBERS: &CStr = c"skynet.multicast members";

const METHODS: &[Entry] =
    &[(c"add", add), (c"remove", remove), (c"count", count), (c"publish", publish), (c"list", list)];

/// The dead are looked for when so many have come since the last time, and as many as were left then.
const LOOK_AFTER: usize = 64;

struct Members {
    set: HandleSet,
    /// The length at which the dead are looked for.
    look_at: usize,
}

/// `members() -> members`
pub(super) unsafe extern "C-unwind" fn new(l: *mut lua_State) -> c_int {
    unsafe {
        let place: *mut *mut Members = ffi::lua_newuserdatauv(l, size_of::<*mut Members>(), 0).cast();
        place.write(std::ptr::null_mut());
        if ffi::luaL_newmetatable(l, MEMBERS.as_ptr()) != 0 {
            new_module(l, METHODS);
            ffi::lua_setfield(l, -2, c"__index".as_ptr());
            ffi::lua_pushcclosure(l, collect, 0);
            ffi::lua_setfield(l, -2, c"__gc".as_ptr());
            // So that no script takes `collect` out of it.
            ffi::lua_pushboolean(l, 0);
            ffi::lua_setfield(l, -2, c"__metatable".as_ptr());
        }
        ffi::lua_setmetatable(l, -2);
        // From here on nothing raises.
        place.write(Box::into_raw(Box::new(Members { set: HandleSet::default(), look_at: LOOK_AFTER })));
        1
    }
}

unsafe extern "C-unwind" fn collect(l: *mut lua_State) -> c_int {
    unsafe {
        let place: *mut *mut Members = ffi::lua_touserdata(l, 1).cast();
        if !place.is_null() {
            let members = place.replace(std::ptr::null_mut());
            if !members.is_null() {
                drop(Box::from_raw(members));
            }
        }
        0
    }
}

/// The members at index 1. Raises if there are none, also after their end.
unsafe fn check<'a>(l: *mut lua_State) -> &'a mut Members {
    unsafe {
        let place: *mut *mut Members = ffi::luaL_checkudata(l, 1, MEMBERS.as_ptr()).cast();
        if (*place).is_null() {
            ffi::luaL_argerror(l, 1, c"it was collected".as_ptr());
        }
        &mut **place
    }
}

unsafe fn check_handle(l: *mut lua_State, index: c_int) -> Handle {
    unsafe { Handle::from_raw(ffi::luaL_checkinteger(l, index) as u32) }
}

impl Members {
    /// Those who ended leave, once there are a lot of new ones: a channel that nobody publishes on does not grow for ever.
    fn look_for_dead(&mut self, node: &skynet_core::Node) {
        if self.set.list().len() < self.look_at {
            return;
        }
        let dead: Vec<Handle> =
            self.set.list().iter().copied().filter(|handle| !node.is_alive(*handle)).collect();
        for handle in dead {
            self.set.remove(handle);
        }
        self.look_at = self.set.list().len() * 2 + LOOK_AFTER;
    }
}

/// `members:add(handle) -> boolean`: false if it is one
unsafe extern "C-unwind" fn add(l: *mut lua_State) -> c_int {
    unsafe {
        let handle = check_handle(l, 2);
        let members = check(l);
        let added = members.set.add(handle);
        members.look_for_dead((*vm_of(l)).context().node());
        ffi::lua_pushboolean(l, c_int::from(added));
        1
    }
}

/// `members:remove(handle) -> boolean`: false if it is none
unsafe extern "C-unwind" fn remove(l: *mut lua_State) -> c_int {
    unsafe {
        let handle = check_handle(l, 2);
        let removed = check(l).set.remove(handle);
        ffi::lua_pushboolean(l, c_int::from(removed));
        1
    }
}

/// `members:count() -> integer`
unsafe extern "C-unwind" fn count(l: *mut lua_State) -> c_int {
    unsafe {
        let count = check(l).set.list().len();
        ffi::lua_pushinteger(l, count as i64);
        1
    }
}

/// `members:list() -> integer[]`
unsafe extern "C-unwind" fn list(l: *mut lua_State) -> c_int {
    unsafe {
        let members = check(l);
        let count = members.set.list().len();
        ffi::lua_createtable(l, count as c_int, 0);
        for (at, handle) in members.set.list().iter().enumerate() {
            ffi::lua_pushinteger(l, i64::from(handle.raw()));
            ffi::lua_rawseti(l, -2, at as i64 + 1);
        }
        1
    }
}

/// `members:publish(source, channel, pointer, size) -> integer`: sends the bytes, which stay whose they are, to all. How many there
/// were that live.
unsafe extern "C-unwind" fn publish(l: *mut lua_State) -> c_int {
    unsafe {
        let source = check_handle(l, 2);
        let channel = ffi::luaL_checkinteger(l, 3) as i32;
        let bytes = check_message(l, 4);
        let members = check(l);
        // The last that raises.
        ffi::luaL_checkstack(l, 1, std::ptr::null());
        if !members.set.list().is_empty() {
            let payload = SharedPayload::copy_from(bytes);
            let ctx = (*vm_of(l)).context();
            for gone in ctx.send_to_many(source, members.set.list(), PTYPE_MULTICAST, channel, &payload) {
                members.set.remove(gone);
            }
        }
        ffi::lua_pushinteger(l, members.set.list().len() as i64);
        1
    }
}
