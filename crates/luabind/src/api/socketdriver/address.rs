//! Where to connect and listen: `host:port`, `[v6]:port`, or host and port as two arguments.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::api::check_bytes;

/// A host and a port. The host belongs to the Lua string that it came from.
#[derive(Clone, Copy)]
pub(super) struct Address<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
}

/// What is wrong with a text that should be an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    Shape,
    Port,
}

/// Reads the address at a stack index, and the port at the next one if it is there.
///
/// Jumping: raises if it is none.
pub(super) unsafe fn address_at<'a>(l: *mut lua_State, arg: c_int) -> Address<'a> {
    unsafe {
        let text = check_bytes(l, arg);
        if ffi::lua_isnoneornil(l, arg + 1) == 0 {
            // A port beyond 16 bits loses its upper ones, as in C.
            let port = ffi::luaL_checkinteger(l, arg + 1) as u16;
            let Ok(host) = std::str::from_utf8(text) else { return invalid(l, arg, Fault::Shape) };
            return Address { host, port };
        }
        match split(text) {
            Ok(address) => address,
            Err(fault) => invalid(l, arg, fault),
        }
    }
}

/// [`address_at`] for connections: port 0 is none.
pub(super) unsafe fn peer_at<'a>(l: *mut lua_State, arg: c_int) -> Address<'a> {
    unsafe {
        let address = address_at(l, arg);
        if address.port == 0 {
            ffi::luaL_error(l, c"Invalid port".as_ptr());
        }
        address
    }
}

fn split(text: &[u8]) -> Result<Address<'_>, Fault> {
    let text = std::str::from_utf8(text).map_err(|_| Fault::Shape)?;
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once("]:").ok_or(Fault::Shape)?,
        None => text.split_once(':').ok_or(Fault::Shape)?,
    };
    Ok(Address { host, port: port.parse().map_err(|_| Fault::Port)? })
}

#[cold]
unsafe fn invalid<'a>(l: *mut lua_State, arg: c_int, fault: Fault) -> Address<'a> {
    unsafe {
        let text = ffi::lua_tolstring(l, arg, std::ptr::null_mut());
        match fault {
            Fault::Shape => ffi::luaL_error(l, c"Invalid address %s.".as_ptr(), text),
            Fault::Port => ffi::luaL_error(l, c"Invalid port in address %s.".as_ptr(), text),
        };
        Address { host: "", port: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> Result<(&str, u16), Fault> {
        split(text.as_bytes()).map(|address| (address.host, address.port))
    }

    #[test]
    fn host_and_port_are_told_apart() {
        assert_eq!(both("127.0.0.1:80"), Ok(("127.0.0.1", 80)));
        assert_eq!(both("localhost:0"), Ok(("localhost", 0)));
        assert_eq!(both("[::1]:65535"), Ok(("::1", 65535)));
        assert_eq!(both(":1"), Ok(("", 1)));
    }

    #[test]
    fn what_is_wrong_is_told_apart_too() {
        for text in ["", "127.0.0.1", "[::1", "[::1]"] {
            assert_eq!(both(text), Err(Fault::Shape), "{text}");
        }
        for text in ["127.0.0.1:", "::1", "127.0.0.1:abc", "127.0.0.1:70000", "[::1]:x"] {
            assert_eq!(both(text), Err(Fault::Port), "{text}");
        }
    }
}
