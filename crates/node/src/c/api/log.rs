//! `skynet_error`, behind its formatting in `format.c`.

use std::ffi::{c_char, c_void};

use skynet_core::Handle;

use super::super::context::CContext;
use super::super::process;
use super::{block, guard};

unsafe extern "C" {
    /// Defined in `format.c`.
    pub(super) fn skynet_error(ctx: *mut c_void, format: *const c_char, ...);
}

/// Writes a log line; its source is the node if `ctx` is null.
#[unsafe(no_mangle)]
unsafe extern "C" fn skynet_rs_log(ctx: *const CContext, text: *const u8, size: usize) {
    guard((), || {
        // SAFETY: the C half hands its arguments on: a context whose service lives or null, and a text of that size.
        let (ctx, text) = unsafe { (ctx.as_ref(), block(text, size)) };
        match (ctx, process::node()) {
            (Some(ctx), _) => ctx.log(text),
            (None, Some(node)) => node.log(Handle::NONE, text),
            // Before there is a node there is no log.
            (None, None) => {}
        }
    });
}
