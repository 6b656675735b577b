//! `skynet.multicast`: packages that all subscribers of a node read, and channels.
//!
//! On its way through one node a publication is a [`SharedPayload`]. To Lua it is the address of its bytes, with one reader counted for
//! whoever holds it: a *package*. `core` has the functions on packages that all runtimes have. There the message for a subscriber
//! is a block with the address of the package in it; ours is the package itself, and `unpack` takes both.

mod channel;
mod core;
mod letter;
mod members;

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};
use skynet_core::SharedPayload;

pub(crate) use channel::publication;

use super::Entry;

const NATIVE: &[Entry] = &[
    (c"members", members::new),
    (c"channels", channel::channels),
    (c"publish", letter::publish),
    (c"unseal", letter::unseal),
];

/// `skynet.multicast.core`
pub(super) unsafe fn open_core(l: *mut lua_State) {
    unsafe { super::new_module(l, core::FUNCTIONS) }
}

/// `skynet.native.multicast`: what our `skynet.multicast` and `multicastd` need. Not for programs.
pub(super) unsafe fn open_native(l: *mut lua_State) {
    unsafe { super::new_module(l, NATIVE) }
}

/// Names of all functions of `skynet.multicast.core`, for the documentation's test.
pub(crate) fn names() -> impl Iterator<Item = &'static CStr> {
    core::FUNCTIONS.iter().map(|(name, _)| *name)
}

/// The package at an index. The reader stays the one of whoever wrote the number.
unsafe fn check_package(l: *mut lua_State, index: c_int) -> *const u8 {
    unsafe {
        ffi::luaL_checktype(l, index, ffi::LUA_TLIGHTUSERDATA);
        ffi::lua_touserdata(l, index).cast_const().cast()
    }
}

/// A reader beside the one of whoever has written the address down. A leaf.
unsafe fn another_reader(package: *const u8) -> SharedPayload {
    // SAFETY: the caller knows that the address is a package, with a reader that is not taken back here.
    let kept = std::mem::ManuallyDrop::new(unsafe { SharedPayload::from_raw(package) });
    SharedPayload::clone(&kept)
}
