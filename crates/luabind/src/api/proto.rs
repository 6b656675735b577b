//! Protocol classes: `skynet.register_protocol` and `skynet.dispatch`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::{PTYPE_DEBUG, PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE, PTYPE_SOCKET, Payload};

use super::data;
use crate::vm::{R_LUA_DISPATCH, R_PROTO, Vm, vm_of};

/// Registers the protocol that every service speaks. The others that are always there are registered when somebody asks for
/// them: the engine serves them without.
pub(crate) unsafe fn register_standard(l: *mut lua_State) {
    unsafe {
        if registered(l, PTYPE_LUA) {
            return;
        }
        class(l, c"lua", PTYPE_LUA, true, None);
        // The table of protocols keeps the name alive, so its place stays.
        let name = ffi::lua_pushstring(l, c"lua".as_ptr());
        (*vm_of(l)).lua_protocol = name;
        ffi::lua_settop(l, -2);
    }
}

/// Whether the type name at an index is the lua protocol's, and its class packs, unpacks and dispatches as we know.
#[inline]
pub(crate) unsafe fn is_plain_lua(l: *mut lua_State, vm: *mut Vm, index: c_int) -> bool {
    unsafe {
        let plain = (*vm).lua_protocol;
        !plain.is_null()
            && ffi::lua_type(l, index) == ffi::LUA_TSTRING
            && std::ptr::eq(ffi::lua_tolstring(l, index, std::ptr::null_mut()), plain)
    }
}

/// Pushes the table of protocols for the program to see: from now on its classes may change at any time.
pub(crate) unsafe fn expose(l: *mut lua_State) {
    unsafe {
        register_rest(l);
        (*vm_of(l)).lua_protocol = std::ptr::null();
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_PROTO);
    }
}

/// Registers what [`register_standard`] leaves out.
pub(crate) unsafe fn register_rest(l: *mut lua_State) {
    unsafe {
        if !registered(l, PTYPE_RESPONSE) {
            class(l, c"response", PTYPE_RESPONSE, false, None);
        }
        if !registered(l, PTYPE_ERROR) {
            class(l, c"error", PTYPE_ERROR, false, Some(on_error));
        }
        if !registered(l, PTYPE_DEBUG) {
            class(l, c"debug", PTYPE_DEBUG, true, Some(super::debug::dispatch));
        }
    }
}

unsafe fn registered(l: *mut lua_State, id: u8) -> bool {
    unsafe {
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_PROTO);
        let known = ffi::lua_rawgeti(l, -1, i64::from(id)) == ffi::LUA_TTABLE;
        ffi::lua_settop(l, -3);
        known
    }
}

/// What happens to errors: `(session, source)`.
unsafe extern "C-unwind" fn on_error(l: *mut lua_State) -> c_int {
    unsafe {
        let session = ffi::luaL_optinteger(l, 1, 0) as i32;
        let source = ffi::luaL_optinteger(l, 2, 0) as u32;
        Vm::on_error(vm_of(l), session, source, Payload::empty());
        0
    }
}

unsafe fn class(
    l: *mut lua_State,
    name: &std::ffi::CStr,
    id: u8,
    packs: bool,
    dispatch: Option<ffi::lua_CFunction>,
) {
    unsafe {
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_PROTO);
        ffi::lua_createtable(l, 0, if packs { 5 } else { 2 });
        ffi::lua_pushstring(l, name.as_ptr());
        ffi::lua_setfield(l, -2, c"name".as_ptr());
        ffi::lua_pushinteger(l, i64::from(id));
        ffi::lua_setfield(l, -2, c"id".as_ptr());
        if packs {
            ffi::lua_pushcclosure(l, data::pack, 0);
            ffi::lua_setfield(l, -2, c"pack".as_ptr());
            ffi::lua_pushcclosure(l, data::unpack, 0);
            ffi::lua_setfield(l, -2, c"unpack".as_ptr());
        }
        if let Some(dispatch) = dispatch {
            ffi::lua_pushcclosure(l, dispatch, 0);
            ffi::lua_setfield(l, -2, c"dispatch".as_ptr());
        }
        ffi::lua_pushvalue(l, -1);
        ffi::lua_rawseti(l, -3, i64::from(id));
        ffi::lua_setfield(l, -2, name.as_ptr());
        ffi::lua_settop(l, -2);
    }
}

/// Pushes the class that the type name (or number) at `index` names; its number.
///
/// Jumping: raises if there is none.
#[inline]
pub(crate) unsafe fn push_class(l: *mut lua_State, index: c_int) -> u8 {
    unsafe {
        if !find_class(l, index) {
            unknown(l, index);
        }
        ffi::lua_getfield(l, -1, c"id".as_ptr());
        let id = ffi::lua_tointegerx(l, -1, std::ptr::null_mut());
        ffi::lua_settop(l, -2);
        id as u8
    }
}

/// Pushes the class or nil.
#[inline]
unsafe fn find_class(l: *mut lua_State, index: c_int) -> bool {
    unsafe {
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_PROTO);
        ffi::lua_pushvalue(l, index);
        let found = ffi::lua_rawget(l, -2) == ffi::LUA_TTABLE;
        ffi::lua_copy(l, -1, -2);
        ffi::lua_settop(l, -2);
        if !found && is_late(l, index) {
            register_rest(l);
            ffi::lua_settop(l, -2);
            return find_class(l, index);
        }
        found
    }
}

/// Whether the name or number is one of those that [`register_rest`] registers, and has not.
unsafe fn is_late(l: *mut lua_State, index: c_int) -> bool {
    unsafe {
        if registered(l, PTYPE_DEBUG) {
            return false;
        }
        match ffi::lua_type(l, index) {
            ffi::LUA_TSTRING => matches!(super::bytes_at(l, index), b"debug" | b"error" | b"response"),
            ffi::LUA_TNUMBER => {
                let id = ffi::lua_tointegerx(l, index, std::ptr::null_mut());
                [PTYPE_DEBUG, PTYPE_ERROR, PTYPE_RESPONSE].iter().any(|late| i64::from(*late) == id)
            }
            _ => false,
        }
    }
}

#[cold]
unsafe fn unknown(l: *mut lua_State, index: c_int) {
    unsafe {
        let name = ffi::luaL_tolstring(l, index, std::ptr::null_mut());
        ffi::luaL_error(
            l,
            c"unknown protocol '%s': register it with skynet.register_protocol (attempt to index a nil value)"
                .as_ptr(),
            name,
        );
    }
}

/// `skynet.register_protocol(class)`
pub(crate) unsafe extern "C-unwind" fn register_protocol(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::luaL_checktype(l, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(l, 1);
        let named = ffi::lua_getfield(l, 1, c"name".as_ptr()) == ffi::LUA_TSTRING; // 2
        ffi::lua_getfield(l, 1, c"id".as_ptr()); // 3
        let mut exact: c_int = 0;
        let id = ffi::lua_tointegerx(l, 3, &mut exact);
        let numbered = ffi::lua_type(l, 3) == ffi::LUA_TNUMBER && exact != 0 && (0..=255).contains(&id);
        if !named || !numbered || find_class(l, 2) || find_class(l, 3) {
            // The text that programs may match on comes without a position.
            ffi::lua_pushstring(l, c"assertion failed!".as_ptr());
            ffi::lua_error(l);
        }
        ffi::lua_getfield(l, 1, c"trace".as_ptr());
        if ffi::lua_type(l, -1) != ffi::LUA_TNIL {
            (*vm_of(l)).tracing = true;
        }
        ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_PROTO);
        ffi::lua_pushvalue(l, 2);
        ffi::lua_pushvalue(l, 1);
        ffi::lua_rawset(l, -3);
        ffi::lua_pushvalue(l, 1);
        ffi::lua_rawseti(l, -2, id);
        0
    }
}

/// `skynet.dispatch(typename, func?)`
pub(crate) unsafe extern "C-unwind" fn dispatch(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 2);
        if ffi::lua_type(l, 2) == ffi::LUA_TNIL {
            if ffi::lua_type(l, 1) == ffi::LUA_TNIL || !find_class(l, 1) {
                return 0;
            }
            ffi::lua_getfield(l, -1, c"dispatch".as_ptr());
            return 1;
        }
        match push_class(l, 1) {
            PTYPE_ERROR => (*vm_of(l)).own_errors = true,
            PTYPE_SOCKET => release_sockets(vm_of(l)),
            PTYPE_LUA => {
                ffi::lua_pushvalue(l, 2);
                ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_LUA_DISPATCH);
            }
            _ => {}
        } // 3
        ffi::lua_getfield(l, 3, c"dispatch".as_ptr()); // 4
        ffi::lua_pushvalue(l, 2);
        ffi::lua_setfield(l, 3, c"dispatch".as_ptr());
        1
    }
}

/// The program dispatches the messages of sockets itself. A leaf.
unsafe fn release_sockets(vm: *mut Vm) {
    // SAFETY: the caller is inside the VM.
    if let Some(net) = unsafe { (*vm).net.as_deref_mut() } {
        net.direct = false;
    }
}
