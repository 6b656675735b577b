//! `netpack.filter`: from a message of a socket to an event of a gate.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};
use skynet_core::{Payload, SocketKind, SocketMessage};

use super::inbox::Came;
use super::push_package;
use crate::api::push_bytes;
use crate::vm::{Vm, vm_of};

/// The beginning of a message of a socket, in the layout that all runtimes share.
#[repr(C)]
struct Head {
    kind: c_int,
    id: c_int,
    ud: c_int,
    buffer: *mut u8,
}

/// `filter(queue?, msg, sz) -> queue, type?, ...`
pub(super) unsafe extern "C-unwind" fn filter(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 3);
        let inbox = super::check_inbox(l, 1);
        let vm = vm_of(l);
        let block: *mut Head = ffi::lua_touserdata(l, 2).cast();
        let len = usize::try_from(ffi::luaL_checkinteger(l, 3)).unwrap_or(0);
        if block.is_null() || len < size_of::<Head>() {
            return ffi::luaL_error(l, c"netpack.filter: this is no message of a socket".as_ptr());
        }
        // Messages of the core are aligned; nobody knows about others.
        let Head { kind, id, ud, .. } = block.read_unaligned();
        let text = std::slice::from_raw_parts(block.add(1).cast::<u8>(), len - size_of::<Head>());
        ffi::lua_settop(l, 1);
        ffi::luaL_checkstack(l, 4, std::ptr::null());
        let ctx = (*vm).context();
        match SocketKind::from_raw(kind) {
            Some(SocketKind::Data) => {
                // What may raise comes before the bytes are taken out of the message.
                push_event(l, c"data", id);
                // A pointer in a message that the sockets have not sent is not to be followed.
                if block.cast_const().cast() != (*vm).socket_message {
                    return ffi::luaL_error(
                        l,
                        c"netpack.filter: these bytes are not in the message in hand".as_ptr(),
                    );
                }
                match (*inbox).on_data(ctx, id, take_buffer(block)) {
                    Came::Nothing => {
                        ffi::lua_settop(l, 1);
                        1
                    }
                    Came::One(package) => {
                        let (package, size) = package.into_raw();
                        push_package(l, package, size);
                        5
                    }
                    Came::Several => {
                        ffi::lua_settop(l, 1);
                        ffi::lua_pushstring(l, c"more".as_ptr());
                        2
                    }
                }
            }
            Some(SocketKind::Connect) => {
                if text == b"start" {
                    (*inbox).on_start(ctx, id);
                }
                push_event(l, c"init", id);
                push_bytes(l, text);
                ffi::lua_pushinteger(l, i64::from(ud));
                5
            }
            Some(SocketKind::Close) => {
                (*inbox).on_close(id);
                push_event(l, c"close", id);
                3
            }
            Some(SocketKind::Accept) => {
                (*inbox).on_accept(ud, text);
                push_event(l, c"open", ud);
                push_bytes(l, text);
                4
            }
            Some(SocketKind::Error) => {
                (*inbox).on_error(ctx, id, text);
                push_event(l, c"error", id);
                push_bytes(l, text);
                4
            }
            Some(SocketKind::Warning) => {
                push_event(l, c"warning", id);
                ffi::lua_pushinteger(l, i64::from(ud));
                4
            }
            // A gate has no datagrams.
            Some(SocketKind::Udp) | None => 1,
        }
    }
}

unsafe fn push_event(l: *mut lua_State, name: &CStr, id: i32) {
    unsafe {
        ffi::lua_pushstring(l, name.as_ptr());
        ffi::lua_pushinteger(l, i64::from(id));
    }
}

/// Takes the bytes out of a message of the kind DATA. A leaf.
unsafe fn take_buffer(block: *mut Head) -> Payload {
    unsafe {
        let buffer = std::mem::replace(&mut (*block).buffer, std::ptr::null_mut());
        match usize::try_from((*block).ud) {
            Ok(size) if !buffer.is_null() => Payload::from_raw(buffer.cast(), size),
            _ => Payload::empty(),
        }
    }
}

/// Packages of connections with a route go their way before any Lua code runs. False if the message is about something else.
/// A leaf.
pub(crate) unsafe fn deliver(vm: *mut Vm, payload: &mut Payload) -> bool {
    unsafe {
        let inbox = (*vm).netpack;
        if let Some((SocketKind::Data, id, _)) = SocketMessage::head(payload)
            && (*inbox).routes(id)
            && let Some(block) = SocketMessage::take_buffer(payload)
        {
            (*inbox).deliver((*vm).context(), id, block);
            return true;
        }
        false
    }
}
