//! Requests that wait for their answer: `skynet.call`, `rawcall`, `newservice`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::{Handle, PTYPE_LUA, Payload};

use super::address::{self, Dest, Sent};
use super::{deadline, proto, send, suspend, suspendable, trace};
use crate::codec;
use crate::vm::{NO_LIMIT, Parked, Vm, Waiter};

/// The answer is unpacked natively.
const NATIVE: ffi::lua_KContext = 0;
/// The unpack function is at stack index 1.
const CUSTOM: ffi::lua_KContext = 1;
/// The answer is given as it is.
const RAW: ffi::lua_KContext = 2;

/// `skynet.call(addr, typename, ...) -> ...`
pub(crate) unsafe extern "C-unwind" fn call(l: *mut lua_State) -> c_int {
    unsafe {
        let (vm, _) = suspendable(l);
        begin(l, vm, (*vm).call_limit)
    }
}

/// A call whose arguments are on the stack, and how many cs it may take.
#[inline]
pub(super) unsafe fn begin(l: *mut lua_State, vm: *mut Vm, limit: i32) -> c_int {
    unsafe {
        let dest = address::destination(l, vm, 1);
        let top = ffi::lua_gettop(l);
        if proto::is_plain_lua(l, vm, 2) {
            codec::pack(l, vm, 3, top);
            let payload = (*vm).scratch.take_payload();
            if ask(l, vm, dest, PTYPE_LUA, payload).is_none() {
                return invalid_address(l, vm, dest);
            }
            ffi::lua_settop(l, 0);
            return wait(l, vm, NATIVE, limit, dest);
        }
        let kind = proto::push_class(l, 2);
        // Where the name of the protocol was: a pack function may yield, and make calls of its own.
        ffi::lua_pushinteger(l, i64::from(limit));
        ffi::lua_replace(l, 2);
        match send::pack_arguments(l, vm, top, top + 1, packed) {
            Some(payload) => request(l, vm, dest, kind, payload, top + 1),
            None => packed(l, ffi::LUA_OK, (top + 1) as ffi::lua_KContext),
        }
    }
}

/// After a pack function of the program's.
unsafe extern "C-unwind" fn packed(l: *mut lua_State, _: c_int, class: ffi::lua_KContext) -> c_int {
    unsafe {
        let (vm, _) = suspendable(l);
        let class = class as c_int;
        let (dest, kind, payload) = send::packed_message(l, vm, class);
        request(l, vm, dest, kind, payload, class)
    }
}

/// Sends the request and suspends; the class that unpacks the answer is at an index.
#[inline]
unsafe fn request(
    l: *mut lua_State,
    vm: *mut Vm,
    dest: Dest,
    kind: u8,
    payload: Payload,
    class: c_int,
) -> c_int {
    unsafe {
        if ask(l, vm, dest, kind, payload).is_none() {
            return invalid_address(l, vm, dest);
        }
        let limit = ffi::lua_tointegerx(l, 2, std::ptr::null_mut()) as i32;
        ffi::lua_getfield(l, class, c"unpack".as_ptr());
        if crate::vm::is_unpack(l, -1) {
            ffi::lua_settop(l, 0);
            return wait(l, vm, NATIVE, limit, dest);
        }
        ffi::lua_copy(l, -1, 1);
        ffi::lua_settop(l, 1);
        wait(l, vm, CUSTOM, limit, dest)
    }
}

/// Suspends the thread until the request that it has just sent is answered, or for so many cs.
#[inline]
unsafe fn wait(l: *mut lua_State, vm: *mut Vm, how: ffi::lua_KContext, limit: i32, dest: Dest) -> c_int {
    unsafe {
        if limit < 0 {
            return suspend(l, vm, how, answered);
        }
        deadline::arm(l, vm, limit, watched(dest));
        suspend(l, vm, how, answered_in_time)
    }
}

/// When the answer of a call with a time limit has come, or the limit was reached.
unsafe extern "C-unwind" fn answered_in_time(
    l: *mut lua_State,
    status: c_int,
    how: ffi::lua_KContext,
) -> c_int {
    unsafe {
        deadline::disarm(l);
        ffi::lua_settop(l, c_int::from(how == CUSTOM));
        answered(l, status, how)
    }
}

/// Sends a request of a kind that need not be a protocol of the program's, and suspends. Its answer is unpacked as those of the lua
/// protocol are. The address is at index 1.
pub(super) unsafe fn ask_and_wait(
    l: *mut lua_State,
    vm: *mut Vm,
    dest: Dest,
    kind: u8,
    payload: Payload,
) -> c_int {
    unsafe {
        if ask(l, vm, dest, kind, payload).is_none() {
            return invalid_address(l, vm, dest);
        }
        ffi::lua_settop(l, 0);
        wait(l, vm, NATIVE, (*vm).call_limit, dest)
    }
}

/// Sends a request of the running thread and notes that it waits for the answer. Never raises.
#[inline]
pub(crate) unsafe fn ask(
    l: *mut lua_State,
    vm: *mut Vm,
    dest: Dest,
    kind: u8,
    payload: Payload,
) -> Option<i32> {
    unsafe {
        let thread = (*vm).current;
        if (*thread).tag().is_some() {
            trace::on_call(l, vm, thread, dest);
        }
        let session = (*vm).new_session();
        match address::deliver(l, vm, dest, Handle::NONE, kind, session, payload) {
            Sent::Done => {
                let waiter = Waiter::Thread { slot: (*thread).slot, dest: watched(dest) };
                (*vm).sessions.insert(session, waiter);
                (*thread).wait = session;
                if let Dest::Global(index) = dest {
                    note_name(l, vm, index, session);
                }
                Some(session)
            }
            Sent::Invalid => None,
        }
    }
}

/// Whom a call is counted to. A call by a global name cannot be told apart from a timer by handle 0, so it counts to an
/// address that no service has.
pub(crate) fn watched(dest: Dest) -> u32 {
    match dest.raw() {
        0 => u32::MAX,
        handle => handle,
    }
}

/// Remembers by which name a call was made, so that `skynet.term` finds it.
#[cold]
pub(crate) unsafe fn note_name(l: *mut lua_State, vm: *mut Vm, index: c_int, session: i32) {
    unsafe {
        let vm = &mut *vm;
        if vm.named_calls.len() >= 64 {
            vm.named_calls.retain(|session, _| vm.sessions.get(*session).is_some());
        }
        vm.named_calls.insert(session, super::bytes_at(l, index).into());
    }
}

/// Raises the error about a request that could not be sent; the address is at index 1.
#[cold]
unsafe fn invalid_address(l: *mut lua_State, vm: *mut Vm, dest: Dest) -> c_int {
    unsafe {
        (*vm).hidden.clear();
        address::push_address(l, 1);
        let text = ffi::lua_tolstring(l, -1, std::ptr::null_mut());
        if !(*vm).explains {
            return ffi::luaL_error(l, c"call to invalid address %s".as_ptr(), text);
        }
        let why = address::why_invalid(vm, dest);
        ffi::luaL_error(l, c"call to invalid address %s: %s".as_ptr(), text, why.as_ptr())
    }
}

/// When the answer has come.
unsafe extern "C-unwind" fn answered(l: *mut lua_State, _: c_int, how: ffi::lua_KContext) -> c_int {
    unsafe {
        let vm = crate::vm::vm_of(l);
        let (block, len) = match (*vm).parked {
            Parked::Answer { block, len } => (block, len),
            Parked::Failed { block, len } => return failed(l, block, len),
            _ => return failed(l, std::ptr::null(), 0),
        };
        if (*(*vm).current).tag().is_some() {
            trace::log(l, vm, (*vm).current, c"resume");
        }
        match how {
            NATIVE => {
                // It is read here and nowhere else, also where responses belong to the program.
                (*vm).keep = false;
                let cache = codec::open_cache(l, vm, len);
                codec::unpack(l, vm, block, len, cache)
            }
            CUSTOM => {
                ffi::lua_pushvalue(l, 1);
                ffi::lua_pushlightuserdata(l, block.cast_mut().cast());
                ffi::lua_pushinteger(l, len as i64);
                ffi::lua_callk(l, 2, ffi::LUA_MULTRET, 0, Some(unpacked));
                unpacked(l, ffi::LUA_OK, 0)
            }
            _ => {
                ffi::lua_pushlightuserdata(l, block.cast_mut().cast());
                ffi::lua_pushinteger(l, len as i64);
                2
            }
        }
    }
}

/// Raises the error of a call that failed, with the reason in a payload.
#[cold]
unsafe fn failed(l: *mut lua_State, block: *const u8, len: usize) -> c_int {
    unsafe {
        ffi::luaL_where(l, 1);
        push_failure(l, block, len);
        ffi::lua_concat(l, 2);
        ffi::lua_error(l)
    }
}

/// Pushes the text of that error, without its position.
///
/// Jumping: may raise.
pub(super) unsafe fn push_failure(l: *mut lua_State, block: *const u8, len: usize) {
    unsafe {
        if note_hidden(crate::vm::vm_of(l), block, len) {
            ffi::lua_pushstring(l, c"call failed".as_ptr());
            return;
        }
        ffi::lua_pushstring(l, c"call failed: ".as_ptr());
        super::push_bytes(l, crate::vm::shown(std::slice::from_raw_parts(block, len)));
        ffi::lua_concat(l, 2);
    }
}

/// Whether a reason is kept from the program, in which case it is noted for the framework. A leaf.
unsafe fn note_hidden(vm: *mut Vm, block: *const u8, len: usize) -> bool {
    unsafe {
        let hidden = &mut (*vm).hidden;
        hidden.clear();
        if len == 0 || (*vm).explains {
            return len == 0;
        }
        hidden.extend_from_slice(crate::vm::shown(std::slice::from_raw_parts(block, len)));
        true
    }
}

/// `hidden() -> string`: the reason of the last failure that a thread was told of, if `skynet.explain_errors` hid it; else empty.
pub(super) unsafe extern "C-unwind" fn hidden(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = crate::vm::vm_of(l);
        super::push_bytes(l, (*vm).hidden.as_slice());
        1
    }
}

unsafe extern "C-unwind" fn unpacked(l: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe { ffi::lua_gettop(l) - 1 }
}

/// `skynet.rawcall(addr, typename, msg, sz?) -> msg, sz`
pub(crate) unsafe extern "C-unwind" fn rawcall(l: *mut lua_State) -> c_int {
    unsafe {
        let (vm, _) = suspendable(l);
        let dest = address::destination(l, vm, 1);
        address::check_message(l, 3);
        ffi::lua_settop(l, 4);
        let kind = proto::push_class(l, 2);
        let payload = address::payload_at(l, 3);
        if ask(l, vm, dest, kind, payload).is_none() {
            if (*vm).explains {
                return invalid_address(l, vm, dest);
            }
            return ffi::luaL_error(l, c"call to invalid address".as_ptr());
        }
        ffi::lua_settop(l, 0);
        wait(l, vm, RAW, (*vm).call_limit, dest)
    }
}

/// `skynet.newservice(name, ...) -> handle | nil`
pub(crate) unsafe extern "C-unwind" fn newservice(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checkany(l, 1);
        ffi::luaL_checkstack(l, 4, c"too many arguments".as_ptr());
        ffi::lua_pushstring(l, c".launcher".as_ptr());
        ffi::lua_pushstring(l, c"lua".as_ptr());
        ffi::lua_pushstring(l, c"LAUNCH".as_ptr());
        ffi::lua_pushstring(l, c"snlua".as_ptr());
        ffi::lua_rotate(l, 1, 4);
        let (vm, _) = suspendable(l);
        begin(l, vm, NO_LIMIT)
    }
}
