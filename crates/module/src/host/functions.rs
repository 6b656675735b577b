//! The functions of the host's table, on the core.

use std::ffi::c_void;
use std::ptr;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use skynet_core::{Context, Handle, Message, Node, PTYPE_TEXT, Payload, Request, SendError};

use crate::abi::{self, Block, HostTable, RawMessage, Text};
use crate::caught::caught;

/// What every module gets.
pub(super) static HOST: HostTable = HostTable {
    header: abi::header("skynet-module", size_of::<HostTable>()),
    handle,
    new_session,
    send,
    send_name,
    forward,
    timeout,
    accept,
    respond,
    refuse,
    log,
    command,
    exit,
    now,
    mqlen,
    sender,
    sender_share,
    sender_drop,
    sender_send,
    sender_send_name,
    sender_log,
};

// SAFETY: the table is only read. Its text is one that lives for ever.
unsafe impl Sync for HostTable {}

/// What sends in the name of a service.
struct Link {
    node: Node,
    handle: Handle,
}

/// Runs the host's side of a call: a panic goes no further. Its own report is on the standard error by then.
fn guard<R>(failure: R, f: impl FnOnce() -> R) -> R {
    caught(f).unwrap_or(failure)
}

/// The context that a module got with the call that it has not returned from.
///
/// # Safety
///
/// As [`abi`](crate::abi) asks of a `ctx`.
unsafe fn context<'a>(ctx: *const c_void) -> &'a Context {
    // SAFETY: the host gave the address of a context, which stays as long as the service.
    unsafe { &*ctx.cast::<Context>() }
}

/// # Safety
///
/// As [`abi`](crate::abi) asks of a `sender`.
unsafe fn link<'a>(sender: *const c_void) -> &'a Link {
    // SAFETY: the host gave the address of a link, which somebody still holds.
    unsafe { &*sender.cast::<Link>() }
}

/// # Safety
///
/// The text has that many bytes, and stays as it is while the result is used.
unsafe fn bytes<'a>(text: Text) -> &'a [u8] {
    if text.len == 0 {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { slice::from_raw_parts(text.ptr, text.len) }
}

/// Takes the block out; an empty one is left.
///
/// # Safety
///
/// The block is null or one of `malloc`, and given away.
unsafe fn take(block: &mut Block) -> Payload {
    let Block { ptr, len } = std::mem::replace(block, Block::NONE);
    // SAFETY: as the caller promises.
    unsafe { Payload::from_raw(ptr, len) }
}

/// Sends the message by `send`. What was not sent is put back into it.
///
/// # Safety
///
/// The message is a valid one, whose block is given away.
unsafe fn deliver(
    message: *mut RawMessage,
    own: Handle,
    send: impl FnOnce(Message) -> Result<(), SendError>,
) -> i32 {
    guard(abi::HOST_FAILED, || {
        // SAFETY: as the caller promises.
        let raw = unsafe { &mut *message };
        // SAFETY: as above.
        let payload = unsafe { take(&mut raw.block) };
        let source = if raw.source == 0 { own } else { Handle::from_raw(raw.source) };
        outcome(send(Message { kind: raw.kind, session: raw.session, source, payload }), &mut raw.block)
    })
}

/// The code of a result, and what was not sent.
fn outcome(result: Result<(), SendError>, left: &mut Block) -> i32 {
    let Err(error) = result else { return abi::SENT };
    let code = match error {
        SendError::NoDestination { .. } => abi::NO_DESTINATION,
        SendError::DeadHandle { .. } => abi::DEAD_HANDLE,
        SendError::UnknownName { .. } => abi::UNKNOWN_NAME,
        SendError::NoHarbor { .. } => abi::NO_HARBOR,
        SendError::NotForRemote { .. } => abi::NOT_FOR_REMOTE,
        SendError::Stopped { .. } => abi::STOPPED,
        _ => abi::HOST_FAILED,
    };
    let (ptr, len) = error.into_payload().into_raw();
    *left = Block { ptr, len };
    code
}

unsafe extern "C" fn handle(ctx: *const c_void) -> u32 {
    // SAFETY: the module's arguments are as `abi` asks.
    unsafe { context(ctx) }.handle().raw()
}

unsafe extern "C" fn new_session(ctx: *const c_void) -> i32 {
    // SAFETY: as above.
    unsafe { context(ctx) }.new_session()
}

unsafe extern "C" fn send(ctx: *const c_void, dest: u32, message: *mut RawMessage) -> i32 {
    // SAFETY: as above.
    unsafe {
        let ctx = context(ctx);
        deliver(message, ctx.handle(), |message| {
            let Message { kind, session, source, payload } = message;
            ctx.send_from(source, Handle::from_raw(dest), kind, session, payload)
        })
    }
}

unsafe extern "C" fn send_name(ctx: *const c_void, name: Text, message: *mut RawMessage) -> i32 {
    // SAFETY: as above.
    unsafe {
        let (ctx, name) = (context(ctx), bytes(name));
        deliver(message, ctx.handle(), |message| {
            let Message { kind, session, source, payload } = message;
            ctx.send_name(source, name, kind, session, payload)
        })
    }
}

unsafe extern "C" fn forward(ctx: *const c_void, dest: u32, message: *mut RawMessage) -> i32 {
    // SAFETY: as above.
    unsafe {
        let ctx = context(ctx);
        deliver(message, ctx.handle(), |message| ctx.forward(Handle::from_raw(dest), message))
    }
}

unsafe extern "C" fn timeout(ctx: *const c_void, nanoseconds: u64) -> i32 {
    // SAFETY: as above.
    let ctx = unsafe { context(ctx) };
    guard(0, || ctx.timeout(Duration::from_nanos(nanoseconds)))
}

unsafe extern "C" fn accept(ctx: *const c_void, source: u32, session: i32) -> *mut c_void {
    // SAFETY: as above.
    let ctx = unsafe { context(ctx) };
    guard(ptr::null_mut(), || {
        // Its content is with the module.
        let source = Handle::from_raw(source);
        let request = Message { kind: PTYPE_TEXT, session, source, payload: Payload::empty() };
        match ctx.accept(request) {
            Ok((request, _)) => Box::into_raw(Box::new(request)).cast(),
            Err(_) => ptr::null_mut(),
        }
    })
}

unsafe extern "C" fn respond(request: *mut c_void, block: *mut Block) -> i32 {
    guard(abi::HOST_FAILED, || {
        // SAFETY: as above: a request of `accept`, used up here.
        let (request, block) = unsafe { (Box::from_raw(request.cast::<Request>()), &mut *block) };
        // SAFETY: as above: the block is given away.
        let payload = unsafe { take(block) };
        outcome(request.respond(payload), block)
    })
}

unsafe extern "C" fn refuse(request: *mut c_void, reason: Text) {
    guard((), || {
        // SAFETY: as above: a request of `accept`, used up here.
        let (request, reason) = unsafe { (Box::from_raw(request.cast::<Request>()), bytes(reason)) };
        if !reason.is_empty() {
            request.fail_with(&String::from_utf8_lossy(reason));
        }
    });
}

unsafe extern "C" fn log(ctx: *const c_void, text: Text) {
    // SAFETY: the module's arguments are as `abi` asks.
    let (ctx, text) = unsafe { (context(ctx), bytes(text)) };
    guard((), || ctx.log(text));
}

unsafe extern "C" fn command(ctx: *const c_void, command: Text, param: Text) -> Block {
    // SAFETY: as above.
    let (ctx, command, param) = unsafe { (context(ctx), bytes(command), bytes(param)) };
    guard(Block::NONE, || {
        // No command has a name that is not one of letters.
        let Some(result) = std::str::from_utf8(command).ok().and_then(|command| ctx.command(command, param))
        else {
            return Block::NONE;
        };
        if result.is_empty() {
            // SAFETY: a new block, of whose bytes none counts: unlike none at all, it has an address.
            return Block { ptr: unsafe { libc::calloc(1, 1) }, len: 0 };
        }
        let (ptr, len) = Payload::from(result).into_raw();
        Block { ptr, len }
    })
}

unsafe extern "C" fn exit(ctx: *const c_void) {
    // SAFETY: as above.
    let ctx = unsafe { context(ctx) };
    guard((), || ctx.exit());
}

unsafe extern "C" fn now(ctx: *const c_void) -> u64 {
    // SAFETY: as above.
    let ctx = unsafe { context(ctx) };
    guard(0, || ctx.node().now())
}

unsafe extern "C" fn mqlen(ctx: *const c_void) -> u64 {
    // SAFETY: as above.
    let ctx = unsafe { context(ctx) };
    guard(0, || ctx.mqlen() as u64)
}

unsafe extern "C" fn sender(ctx: *const c_void) -> *mut c_void {
    // SAFETY: as above.
    let ctx = unsafe { context(ctx) };
    guard(ptr::null_mut(), || {
        Arc::into_raw(Arc::new(Link { node: ctx.node().clone(), handle: ctx.handle() })).cast_mut().cast()
    })
}

unsafe extern "C" fn sender_share(sender: *mut c_void) {
    // SAFETY: as above: the address of an `Arc`'s content, which somebody holds.
    unsafe { Arc::increment_strong_count(sender.cast::<Link>()) };
}

unsafe extern "C" fn sender_drop(sender: *mut c_void) {
    // SAFETY: as above; one holder less.
    guard((), || unsafe { Arc::decrement_strong_count(sender.cast::<Link>()) });
}

unsafe extern "C" fn sender_send(sender: *const c_void, dest: u32, message: *mut RawMessage) -> i32 {
    // SAFETY: as above.
    unsafe {
        let link = link(sender);
        deliver(message, link.handle, |Message { kind, session, source, payload }| {
            link.node.send(source, Handle::from_raw(dest), kind, session, payload)
        })
    }
}

unsafe extern "C" fn sender_send_name(sender: *const c_void, name: Text, message: *mut RawMessage) -> i32 {
    // SAFETY: as above.
    unsafe {
        let (link, name) = (link(sender), bytes(name));
        deliver(message, link.handle, |Message { kind, session, source, payload }| {
            link.node.send_name(source, name, kind, session, payload)
        })
    }
}

unsafe extern "C" fn sender_log(sender: *const c_void, text: Text) {
    // SAFETY: as above.
    let (link, text) = unsafe { (link(sender), bytes(text)) };
    guard((), || link.node.log(link.handle, text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::Host;

    #[test]
    fn a_module_takes_a_node_of_a_newer_minor_version() {
        let minor = abi::MINOR + 1;
        // Its table has more functions, behind those that this version knows.
        let size = HOST.header.size + 64;
        let newer =
            Box::leak(Box::new(HostTable { header: abi::Header { minor, size, ..HOST.header }, ..HOST }));
        // SAFETY: the table stays, and has all functions of this version; of those behind it nothing is read.
        assert!(unsafe { Host::new(newer) }.is_some());
    }
}
