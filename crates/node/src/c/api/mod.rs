//! The functions that C modules call. Their contracts are in the headers in `crates/node/include`; what is here is the way from there
//! to the core.

mod command;
mod info;
mod log;
mod send;
mod service;
mod socket;
mod socket_info;

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::context::CContext;

/// The address of an exported function. It is only there so that the linker takes the function.
#[repr(transparent)]
pub(crate) struct Symbol(*const ());

// SAFETY: nobody reads it.
unsafe impl Sync for Symbol {}

/// Every exported function.
pub(crate) static SYMBOLS: [Symbol; 34] = [
    Symbol(log::skynet_error as *const ()),
    Symbol(send::skynet_send as *const ()),
    Symbol(send::skynet_sendname as *const ()),
    Symbol(service::skynet_callback as *const ()),
    Symbol(service::skynet_current_handle as *const ()),
    Symbol(service::skynet_harbor_start as *const ()),
    Symbol(service::skynet_isremote as *const ()),
    Symbol(command::skynet_command as *const ()),
    Symbol(command::skynet_queryname as *const ()),
    Symbol(info::skynet_now as *const ()),
    Symbol(info::skynet_starttime as *const ()),
    Symbol(info::skynet_getenv as *const ()),
    Symbol(info::skynet_setenv as *const ()),
    Symbol(info::skynet_handle_findname as *const ()),
    Symbol(info::skynet_debug_memory as *const ()),
    Symbol(info::skynet_lalloc as *const ()),
    Symbol(socket::skynet_socket_listen as *const ()),
    Symbol(socket::skynet_socket_connect as *const ()),
    Symbol(socket::skynet_socket_bind as *const ()),
    Symbol(socket::skynet_socket_start as *const ()),
    Symbol(socket::skynet_socket_pause as *const ()),
    Symbol(socket::skynet_socket_close as *const ()),
    Symbol(socket::skynet_socket_shutdown as *const ()),
    Symbol(socket::skynet_socket_nodelay as *const ()),
    Symbol(socket::skynet_socket_sendbuffer as *const ()),
    Symbol(socket::skynet_socket_sendbuffer_lowpriority as *const ()),
    Symbol(socket::skynet_socket_udp as *const ()),
    Symbol(socket::skynet_socket_udp_listen as *const ()),
    Symbol(socket::skynet_socket_udp_dial as *const ()),
    Symbol(socket::skynet_socket_udp_connect as *const ()),
    Symbol(socket::skynet_socket_udp_sendbuffer as *const ()),
    Symbol(socket::skynet_socket_udp_address as *const ()),
    Symbol(socket_info::skynet_socket_info as *const ()),
    Symbol(socket_info::socket_info_release as *const ()),
];

/// Runs the Rust side of a call from C: no panic goes on into C.
fn guard<R>(failure: R, f: impl FnOnce() -> R) -> R {
    // The panic's own report is on the standard error by now.
    catch_unwind(AssertUnwindSafe(f)).unwrap_or(failure)
}

/// As [`guard`], with the service that calls. A null context is a mistake of the module, not the end of the process.
///
/// # Safety
///
/// `ctx` is null, or what the module's `_init` got, and its service lives.
unsafe fn with_service<R: Copy>(ctx: *const CContext, failure: R, f: impl FnOnce(&CContext) -> R) -> R {
    // SAFETY: as the caller promises.
    let ctx = unsafe { ctx.as_ref() };
    guard(failure, || ctx.map_or(failure, f))
}

/// The bytes of a C text; none for null.
///
/// # Safety
///
/// `text` is null or ends with a NUL, and stays as it is while the result is used.
unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// `bytes` of a block, which may be null.
///
/// # Safety
///
/// `block` has that many bytes, and stays as it is while the result is used.
unsafe fn block<'a>(block: *const u8, size: usize) -> &'a [u8] {
    if block.is_null() {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { &*ptr::slice_from_raw_parts(block, size) }
}
