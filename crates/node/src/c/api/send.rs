//! `skynet_send`, `skynet_sendname`.

use std::ffi::{c_char, c_int, c_void};

use skynet_core::{Handle, Payload, SendError};

use super::super::context::CContext;
use super::command::leading_hex;
use super::{block, bytes, with_service};

/// The block passes to the runtime.
const DONTCOPY: c_int = 0x10000;
/// The message gets a new session.
const ALLOCSESSION: c_int = 0x20000;

/// There is no such receiver.
const NOBODY: c_int = -1;
/// The message is too large.
const TOO_LARGE: c_int = -2;

/// What is to be sent.
struct Outgoing {
    source: Handle,
    kind: u8,
    session: i32,
    payload: Payload,
    /// There is a block, if perhaps one of no bytes.
    has_block: bool,
}

impl Outgoing {
    /// Reads the arguments of a sending function.
    ///
    /// # Safety
    ///
    /// `msg` is null or has `size` bytes; with [`DONTCOPY`] it is a block of `malloc`, which is given away.
    unsafe fn read(
        ctx: &CContext,
        source: u32,
        kind: c_int,
        session: c_int,
        msg: *mut c_void,
        size: usize,
    ) -> Option<Outgoing> {
        if size > Payload::MAX_LEN {
            if kind & DONTCOPY != 0 {
                // SAFETY: as the caller promises.
                unsafe { libc::free(msg) };
            }
            return None;
        }
        let payload = match (msg.is_null(), kind & DONTCOPY != 0) {
            (true, _) => Payload::empty(),
            // SAFETY: as the caller promises.
            (false, true) => unsafe { Payload::from_raw(msg, size) },
            (false, false) if size == 0 => nothing(),
            // SAFETY: as above.
            (false, false) => Payload::copy_from(unsafe { block(msg.cast(), size) }),
        };
        Some(Outgoing {
            source: if source == 0 { ctx.handle() } else { Handle::from_raw(source) },
            kind: kind as u8,
            session: if kind & ALLOCSESSION == 0 { session } else { ctx.new_session() },
            payload,
            has_block: !msg.is_null(),
        })
    }

    /// Sends it, if there is anything to send: with neither a receiver nor a block it has only made a session.
    fn send(self, ctx: &CContext, dest: Handle) -> c_int {
        let Outgoing { source, kind, session, payload, has_block } = self;
        if dest.is_none() && !has_block {
            return session;
        }
        done(ctx, source, session, ctx.node.send(source, dest, kind, session, payload))
    }
}

/// A block of no bytes: unlike none at all, its receiver gets an address, with a NUL behind it.
fn nothing() -> Payload {
    // SAFETY: a new block of one byte; of its bytes none counts.
    unsafe {
        let block = libc::calloc(1, 1);
        Payload::from_raw(block, 0)
    }
}

/// `int skynet_send(ctx, source, dest, type, session, msg, size)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_send(
    ctx: *mut CContext,
    source: u32,
    dest: u32,
    kind: c_int,
    session: c_int,
    msg: *mut c_void,
    size: usize,
) -> c_int {
    let send = |ctx: &CContext| {
        // SAFETY: the module's arguments are as the header asks.
        let Some(out) = (unsafe { Outgoing::read(ctx, source, kind, session, msg, size) }) else {
            ctx.log(format!("error: The message to {dest:x} is too large"));
            return TOO_LARGE;
        };
        out.send(ctx, Handle::from_raw(dest))
    };
    // SAFETY: as above.
    unsafe { with_service(ctx, NOBODY, send) }
}

/// `int skynet_sendname(ctx, source, name, type, session, msg, size)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_sendname(
    ctx: *mut CContext,
    source: u32,
    name: *const c_char,
    kind: c_int,
    session: c_int,
    msg: *mut c_void,
    size: usize,
) -> c_int {
    let send = |ctx: &CContext| {
        // SAFETY: the module's arguments are as the header asks.
        let (out, name) = unsafe { (Outgoing::read(ctx, source, kind, session, msg, size), bytes(name)) };
        let Some(out) = out else {
            ctx.log(format!("error: The message to {} is too large", String::from_utf8_lossy(name)));
            return TOO_LARGE;
        };
        if let Some((b':', hex)) = name.split_first() {
            return out.send(ctx, Handle::from_raw(leading_hex(hex)));
        }
        let sent = ctx.node.send_name(out.source, name, out.kind, out.session, out.payload);
        done(ctx, out.source, out.session, sent)
    };
    // SAFETY: as above.
    unsafe { with_service(ctx, NOBODY, send) }
}

/// The session, or what a failure is to C. What could not be sent is freed.
fn done(ctx: &CContext, source: Handle, session: i32, sent: Result<(), SendError>) -> c_int {
    match sent {
        Ok(()) => session,
        Err(error) if ctx.node.answer_refused(&error, source, session) => session,
        Err(error) => {
            // C skynet ends the process for these.
            if matches!(error, SendError::NoHarbor { .. } | SendError::NotForRemote { .. }) {
                ctx.log(format!("error: A message was not sent: {error}"));
            }
            NOBODY
        }
    }
}
