//! What a service is and does: its callback, its address, the part of the harbor.

use std::ffi::{c_int, c_void};

use skynet_core::{Context, Handle};

use super::super::context::{CContext, Callback};
use super::{guard, with_service};

/// `void skynet_callback(ctx, data, callback)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_callback(
    ctx: *mut CContext,
    data: *mut c_void,
    callback: Option<Callback>,
) {
    let name = |ctx: &CContext| {
        if ctx.is_lua() {
            ctx.log("error: skynet_callback: the messages of a Lua service go to its VM, not to a C module");
        } else {
            ctx.set_callback(callback, data);
        }
    };
    // SAFETY: the module's arguments are as the header asks.
    unsafe { with_service(ctx, (), name) }
}

/// `uint32_t skynet_current_handle(void)`
#[unsafe(no_mangle)]
pub(super) extern "C" fn skynet_current_handle() -> u32 {
    guard(0, || Context::with(|ctx| ctx.map_or(0, |ctx| ctx.handle().raw())))
}

/// `void skynet_harbor_start(ctx)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_harbor_start(ctx: *mut CContext) {
    let start = |ctx: &CContext| {
        if !ctx.node.set_harbor(ctx.handle()) {
            ctx.log("error: skynet_harbor_start: the service has been ended");
        }
    };
    // SAFETY: the module's arguments are as the header asks.
    unsafe { with_service(ctx, (), start) }
}

/// `int skynet_isremote(ctx, handle, int *harbor)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_isremote(
    ctx: *mut CContext,
    handle: u32,
    harbor: *mut c_int,
) -> c_int {
    let handle = Handle::from_raw(handle);
    // SAFETY: the module's arguments are as the header asks: null, or a place for an int.
    if let Some(harbor) = unsafe { harbor.as_mut() } {
        *harbor = handle.harbor().into();
    }
    // SAFETY: as above.
    unsafe { with_service(ctx, 0, |ctx| ctx.node.is_remote(handle).into()) }
}
