//! `skynet`: the table that services see. Its fields come into being when they are first looked at, because an idle
//! service uses a handful of the seventy, and a full table costs several kilobytes.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};
use skynet_core::*;

use super::{
    Entry, bytes_at, call, data, deadline, info, life, mailbox, proto, reply, require, send, sleep, trace,
};

/// Native functions, sorted by name.
const FUNCTIONS: &[Entry] = &[
    (c"address", info::address_),
    (c"answer_forgotten", reply::answer_forgotten),
    (c"bound_mailbox", mailbox::bound_mailbox),
    (c"call", call::call),
    (c"call_timeout", deadline::call_timeout),
    (c"context", reply::context),
    (c"dispatch", proto::dispatch),
    (c"endless", info::endless),
    (c"error", info::error),
    (c"exit", life::exit),
    (c"explain_errors", reply::explain_errors),
    (c"fork", sleep::fork),
    (c"genid", info::genid),
    (c"getenv", info::getenv),
    (c"harbor", info::harbor),
    (c"hpc", info::hpc),
    (c"ignoreret", reply::ignoreret),
    (c"init", life::init),
    (c"init_service", life::init_service),
    (c"localname", info::localname),
    (c"memlimit", info::memlimit),
    (c"mqlen", info::mqlen),
    (c"newservice", call::newservice),
    (c"now", info::now),
    (c"pack", data::pack),
    (c"packstring", data::packstring),
    (c"rawcall", call::rawcall),
    (c"rawsend", send::rawsend),
    (c"redirect", send::redirect),
    (c"register_protocol", proto::register_protocol),
    (c"response", reply::response),
    (c"ret", reply::ret),
    (c"retpack", reply::retpack),
    (c"runaway", deadline::runaway),
    (c"self", info::self_),
    (c"send", send::send),
    (c"setenv", info::setenv),
    (c"sleep", sleep::sleep),
    (c"start", life::start),
    (c"starttime", info::starttime),
    (c"stat", info::stat),
    (c"time", info::time),
    (c"timeout", sleep::timeout),
    (c"timeout_call", deadline::timeout_call),
    (c"tostring", data::tostring),
    (c"tracelog", trace::core_trace),
    (c"trash", data::trash),
    (c"unpack", data::unpack),
    (c"wait", sleep::wait),
    (c"wakeup", sleep::wakeup),
    (c"yield", sleep::yield_now),
];

/// Message types.
const TYPES: &[(&CStr, u8)] = &[
    (c"PTYPE_TEXT", PTYPE_TEXT),
    (c"PTYPE_RESPONSE", PTYPE_RESPONSE),
    (c"PTYPE_MULTICAST", PTYPE_MULTICAST),
    (c"PTYPE_CLIENT", PTYPE_CLIENT),
    (c"PTYPE_SYSTEM", PTYPE_SYSTEM),
    (c"PTYPE_HARBOR", PTYPE_HARBOR),
    (c"PTYPE_SOCKET", PTYPE_SOCKET),
    (c"PTYPE_ERROR", PTYPE_ERROR),
    (c"PTYPE_QUEUE", PTYPE_QUEUE),
    (c"PTYPE_DEBUG", PTYPE_DEBUG),
    (c"PTYPE_LUA", PTYPE_LUA),
    (c"PTYPE_SNAX", PTYPE_SNAX),
    (c"PTYPE_TRACE", PTYPE_TRACE),
];

/// Fields that the Lua half (`skynet.api`) defines. Looking at one loads it.
const LUA_HALF: &[&CStr] = &[
    c"cache",
    c"dispatch_message",
    c"dispatch_unknown_request",
    c"dispatch_unknown_response",
    c"filter",
    c"forward_type",
    c"info_func",
    c"killthread",
    c"pcall",
    c"queryservice",
    c"request",
    c"shutdown",
    c"task",
    c"term",
    c"trace",
    c"trace_timeout",
    c"tracecall",
    c"traceproto",
    c"tracetag",
    c"uniqtask",
    c"uniqueservice",
    c"watch",
];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe {
        proto::register_standard(l);
        ffi::lua_createtable(l, 0, 8);
        ffi::lua_createtable(l, 0, 2);
        ffi::lua_pushcclosure(l, index, 0);
        ffi::lua_setfield(l, -2, c"__index".as_ptr());
        ffi::lua_pushcclosure(l, pairs, 0);
        ffi::lua_setfield(l, -2, c"__pairs".as_ptr());
        ffi::lua_setmetatable(l, -2);
    }
}

/// (table, key): makes the field.
unsafe extern "C-unwind" fn index(l: *mut lua_State) -> c_int {
    unsafe {
        if ffi::lua_type(l, 2) != ffi::LUA_TSTRING {
            return 0;
        }
        ffi::lua_settop(l, 2);
        let name = bytes_at(l, 2);
        if !push_field(l, name) {
            return lua_half(l, name);
        }
        ffi::lua_pushvalue(l, 2);
        ffi::lua_pushvalue(l, 3);
        ffi::lua_rawset(l, 1);
        1
    }
}

unsafe fn push_field(l: *mut lua_State, name: &[u8]) -> bool {
    unsafe {
        if let Ok(at) = FUNCTIONS.binary_search_by(|(known, _)| known.to_bytes().cmp(name))
            && let Some((_, function)) = FUNCTIONS.get(at)
        {
            ffi::lua_pushcclosure(l, *function, 0);
            return true;
        }
        for (known, kind) in TYPES {
            if known.to_bytes() == name {
                ffi::lua_pushinteger(l, i64::from(*kind));
                return true;
            }
        }
        if name == b"_proto" {
            proto::expose(l);
            return true;
        }
        false
    }
}

/// Loads the Lua half, which fills its fields into the table, and looks again.
unsafe fn lua_half(l: *mut lua_State, name: &[u8]) -> c_int {
    unsafe {
        let mut wanted = false;
        for known in LUA_HALF {
            wanted |= known.to_bytes() == name;
        }
        if !wanted {
            return 0;
        }
        load_lua_half(l);
        ffi::lua_pushvalue(l, 2);
        ffi::lua_rawget(l, 1);
        1
    }
}

unsafe fn load_lua_half(l: *mut lua_State) {
    unsafe {
        require::push_module(l, c"skynet.api");
        // function(skynet): its fields are set without asking us.
        if ffi::lua_type(l, -1) == ffi::LUA_TFUNCTION {
            ffi::lua_pushvalue(l, 1);
            ffi::lua_callk(l, 1, 0, 0, None);
        } else {
            ffi::lua_settop(l, -2);
        }
    }
}

/// `pairs(skynet)`: makes all fields first.
unsafe extern "C-unwind" fn pairs(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 1);
        load_lua_half(l);
        for (name, function) in FUNCTIONS {
            ffi::lua_pushstring(l, name.as_ptr());
            if ffi::lua_rawget(l, 1) == ffi::LUA_TNIL {
                ffi::lua_pushstring(l, name.as_ptr());
                ffi::lua_pushcclosure(l, *function, 0);
                ffi::lua_rawset(l, 1);
            }
            ffi::lua_settop(l, 1);
        }
        for (name, kind) in TYPES {
            ffi::lua_pushstring(l, name.as_ptr());
            ffi::lua_pushinteger(l, i64::from(*kind));
            ffi::lua_rawset(l, 1);
        }
        ffi::lua_getglobal(l, c"next".as_ptr());
        ffi::lua_pushvalue(l, 1);
        ffi::lua_pushnil(l);
        3
    }
}

/// All fields, for the documentation's test.
pub(crate) fn names() -> impl Iterator<Item = &'static CStr> {
    FUNCTIONS
        .iter()
        .map(|(name, _)| *name)
        .chain(TYPES.iter().map(|(name, _)| *name))
        .chain(LUA_HALF.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_sorted_for_the_search() {
        assert!(FUNCTIONS.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn no_field_is_defined_twice() {
        let mut all: Vec<_> = names().collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
