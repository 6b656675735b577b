//! The record of one Lua VM: its threads, sessions and queues, and the loop that feeds messages to them.
//!
//! Everything here is touched by one worker at a time. Native functions reach the record through the extra space in
//! front of every `lua_State`: it points to the [`Thread`] of a framework thread, or to the root thread for the main
//! chunk and for coroutines that the program made itself.

mod alloc;
mod bare;
mod deadline;
mod dispatch;
mod end;
mod fault;
mod hand;
mod queues;
mod reason;
mod record;
mod reply;
mod request;
mod responders;
mod resume;
mod sessions;
mod socket;
mod thread;
mod waiters;
mod waits;

pub(crate) use bare::result_unused;
pub(crate) use deadline::NO_LIMIT;
pub(crate) use dispatch::{Parked, refuse};
pub(crate) use fault::log_value;
pub(crate) use queues::{Fork, Wake};
pub(crate) use reason::shown;
pub(crate) use record::{Mode, Vm, Yielded};
pub(crate) use request::{default_unknown_request, default_unknown_response, handled, hook, is_unpack};
pub(crate) use responders::{Place, Responders};
pub(crate) use sessions::{GIVEN_UP, Outcome};
pub(crate) use thread::{State, Tag, Thread, Timer, Token};
pub(crate) use waiters::Waiter;
pub(crate) use waits::{Wait, WaitKind};

use mlua::ffi::{self, lua_State};

/// Registry slots with fixed numbers. Lua's own are 1 to 3; `luaL_ref` counts on from the last one used.
pub(crate) const R_THREADS: i64 = 4;
/// Protocol classes by name and by number (`skynet._proto`).
pub(crate) const R_PROTO: i64 = 5;
/// Tokens that threads sleep on → the thread's record.
pub(crate) const R_TOKENS: i64 = 6;
/// Custom tokens that were woken and wait for their turn.
pub(crate) const R_WOKEN: i64 = 7;
/// Functions that `skynet.init` queued in the main chunk.
pub(crate) const R_INIT: i64 = 8;
/// Strings that the unpacker keeps.
pub(crate) const R_KEYS: i64 = 9;
/// The callback of `skynet.core.callback`.
pub(crate) const R_CALLBACK: i64 = 10;
/// The thread that runs it.
pub(crate) const R_CALLBACK_THREAD: i64 = 11;
/// Handlers of unknown requests and responses, `info_func`, and the like, by name.
pub(crate) const R_HOOKS: i64 = 12;
/// Coroutines of `skynet.coroutine` → what they are doing.
pub(crate) const R_COROUTINES: i64 = 13;
/// The standard `require`.
pub(crate) const R_REQUIRE: i64 = 14;
/// Functions that wait to run and have no thread.
pub(crate) const R_BARE: i64 = 15;
/// The dispatch function of the lua protocol, as long as the program has not laid hands on its class.
pub(crate) const R_LUA_DISPATCH: i64 = 16;
/// The string `__pairs`: looking for the metamethod must not start a collection, whose finalizers may pack.
pub(crate) const R_PAIRS: i64 = 17;
/// Closures of `skynet.response`, weak, by the numbers of their slots.
pub(crate) const R_RESPONSES: i64 = 18;
/// The metatable of the object that tells of collections.
pub(crate) const R_SENTINEL: i64 = 19;
/// Channels of `skynet.multicast` by their numbers, weak; false while there are none.
pub(crate) const R_CHANNELS: i64 = 20;
/// The last of the fixed slots.
pub(crate) const R_LAST: i64 = 20;

/// The thread record that belongs to a Lua state: its own, or the root's.
///
/// # Safety
/// `l` is a state of a VM that [`Vm::open`] made.
#[inline]
pub(crate) unsafe fn thread_of(l: *mut lua_State) -> *mut Thread {
    // SAFETY: the extra space holds a pointer that lives as long as the VM.
    unsafe { *ffi::lua_getextraspace(l).cast::<*mut Thread>() }
}

/// The record of the VM that a Lua state belongs to.
///
/// # Safety
/// As [`thread_of`].
#[inline]
pub(crate) unsafe fn vm_of(l: *mut lua_State) -> *mut Vm {
    // SAFETY: see `thread_of`.
    unsafe { (*thread_of(l)).vm }
}

/// What all VMs of the module share.
///
/// # Safety
/// `vm` is alive, and so stays longer than the reference is used.
#[inline]
pub(crate) unsafe fn shared<'a>(vm: *const Vm) -> &'a crate::shared::Shared {
    // SAFETY: the record holds a count on it.
    unsafe { &*std::sync::Arc::as_ptr(&(*vm).shared) }
}
