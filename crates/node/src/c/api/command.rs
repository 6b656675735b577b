//! `skynet_command`, `skynet_queryname`.

use std::ffi::c_char;
use std::ptr;
use std::time::Duration;

use skynet_core::Handle;

use super::super::context::CContext;
use super::info::variable;
use super::{bytes, with_service};

/// `const char *skynet_command(ctx, command, parameter)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_command(
    ctx: *mut CContext,
    command: *const c_char,
    parameter: *const c_char,
) -> *const c_char {
    // SAFETY: the module's arguments are as the header asks.
    unsafe {
        with_service(ctx, ptr::null(), |ctx| {
            let (command, parameter) = (std::str::from_utf8(bytes(command)), bytes(parameter));
            ctx.keep(match command {
                // Unlike other results it stays: modules keep the address.
                Ok("GETENV") => return variable(parameter),
                Ok("TIMEOUT") => Some(timeout(ctx, parameter)),
                Ok(command) => ctx.within(|inside| match inside {
                    Some(inside) => inside.command(command, parameter),
                    None => from_elsewhere(ctx, command, parameter),
                }),
                Err(_) => None,
            })
        })
    }
}

/// The session is one of those that `skynet_send` gives out, too.
fn timeout(ctx: &CContext, hundredths: &[u8]) -> Vec<u8> {
    let session = ctx.new_session();
    let hundredths = leading_number(hundredths);
    ctx.node.timeout(ctx.handle(), session, Duration::from_millis(hundredths * 10));
    session.to_string().into_bytes()
}

/// The number at the beginning, up to that of an `int`; 0 if it is negative or none.
fn leading_number(text: &[u8]) -> u64 {
    let text = text.trim_ascii_start();
    let digits =
        text.strip_prefix(b"+").unwrap_or(text).iter().map_while(|byte| char::from(*byte).to_digit(10));
    digits.fold(0, |number, digit| (number * 10 + u64::from(digit)).min(i32::MAX as u64))
}

/// A command that a thread of the module gives: the thread is in no service, so what is about one is said with its handle.
fn from_elsewhere(ctx: &CContext, command: &str, parameter: &[u8]) -> Option<Vec<u8>> {
    let own = || format!(":{:x}", ctx.handle().raw()).into_bytes();
    match command {
        "REG" if parameter.is_empty() => Some(own()),
        "REG" => ctx.node.command("NAME", &[parameter, b" ", &own()].concat()),
        "EXIT" => {
            ctx.log("KILL self");
            ctx.node.kill(ctx.handle());
            None
        }
        _ => ctx.node.command(command, parameter),
    }
}

/// `uint32_t skynet_queryname(ctx, name)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_queryname(ctx: *mut CContext, name: *const c_char) -> u32 {
    // SAFETY: the module's arguments are as the header asks.
    unsafe {
        with_service(ctx, 0, |ctx| {
            let name = bytes(name);
            match name.split_first() {
                Some((b':', hex)) => leading_hex(hex),
                Some((b'.', local)) => ctx.node.find_name(local).map_or(0, Handle::raw),
                _ => {
                    let name = String::from_utf8_lossy(name);
                    ctx.log(format!("error: Don't support query global name {name}"));
                    0
                }
            }
        })
    }
}

/// The hexadecimal number at the beginning; 0 if there is none.
pub(super) fn leading_hex(text: &[u8]) -> u32 {
    let digits = text.iter().map_while(|byte| char::from(*byte).to_digit(16));
    digits.fold(0, |number: u32, digit| number << 4 | digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_like_strtol() {
        let read =
            ["12", " 7x", "+3", "-7", "x", "", "99999999999"].map(|text| leading_number(text.as_bytes()));
        assert_eq!(read, [12, 7, 3, 0, 0, 0, i32::MAX as u64]);
        assert_eq!(["1f", "0000000A z", "z"].map(|text| leading_hex(text.as_bytes())), [0x1f, 10, 0]);
    }
}
