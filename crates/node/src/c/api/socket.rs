//! `skynet_socket_*`.

use std::ffi::{c_char, c_int, c_void};
use std::os::fd::BorrowedFd;

use skynet_core::{Payload, SocketKind};
use skynet_socket::{Data, OpenError, SendError, SocketId, Sockets, UdpAddress};

use super::super::context::CContext;
use super::{block, bytes, guard, with_service};

const FAILED: c_int = -1;
const DONE: c_int = 0;

/// `buffer` is a block of `malloc`, which is given away.
const MEMORY: c_int = 0;
/// `buffer` is something that the program knows to send. There is nothing of the kind.
const OBJECT: c_int = 1;
/// `buffer` is borrowed.
const RAW: c_int = 2;

/// `struct socket_sendbuffer`
#[repr(C)]
pub(super) struct SendBuffer {
    id: c_int,
    kind: c_int,
    buffer: *const c_void,
    size: usize,
}

/// `struct skynet_socket_message`
#[repr(C)]
pub(super) struct SocketMessage {
    kind: c_int,
    id: c_int,
    ud: c_int,
    buffer: *const u8,
}

/// Modules that were compiled with the headers of C skynet count on these places.
#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::{offset_of, size_of};
    assert!(offset_of!(SendBuffer, id) == 0 && offset_of!(SendBuffer, kind) == 4);
    assert!(offset_of!(SendBuffer, buffer) == 8 && offset_of!(SendBuffer, size) == 16);
    assert!(offset_of!(SocketMessage, kind) == 0 && offset_of!(SocketMessage, id) == 4);
    assert!(offset_of!(SocketMessage, ud) == 8 && offset_of!(SocketMessage, buffer) == 16);
    assert!(size_of::<SendBuffer>() == 24 && size_of::<SocketMessage>() == 24);
};

/// Opens a socket; the reason why there is none goes to the log.
///
/// # Safety
///
/// As [`with_service`].
unsafe fn open(
    ctx: *mut CContext,
    what: &str,
    f: impl FnOnce(&Sockets, &CContext) -> Result<SocketId, OpenError>,
) -> c_int {
    let open = |ctx: &CContext| match ctx.sockets().map(|sockets| f(sockets, ctx)) {
        Some(Ok(id)) => id.raw(),
        Some(Err(error)) => {
            ctx.log(format!("error: {what}: {error}"));
            FAILED
        }
        None => FAILED,
    };
    // SAFETY: as the caller promises.
    unsafe { with_service(ctx, FAILED, open) }
}

/// A host and a port of C. A port beyond 16 bits loses its upper ones, as everywhere in C.
///
/// # Safety
///
/// `host` is null or ends with a NUL.
unsafe fn address(host: *const c_char, port: c_int) -> (String, u16) {
    // SAFETY: as the caller promises.
    (String::from_utf8_lossy(unsafe { bytes(host) }).into_owned(), port as u16)
}

/// `int skynet_socket_listen(ctx, host, port, backlog)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_listen(
    ctx: *mut CContext,
    host: *const c_char,
    port: c_int,
    backlog: c_int,
) -> c_int {
    // SAFETY: the module's arguments are as the header asks.
    unsafe {
        let (host, port) = address(host, port);
        open(ctx, "cannot listen", |sockets, ctx| sockets.listen(ctx.handle(), &host, port, backlog))
    }
}

/// `int skynet_socket_connect(ctx, host, port)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_connect(
    ctx: *mut CContext,
    host: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: the module's arguments are as the header asks.
    unsafe {
        let (host, port) = address(host, port);
        open(ctx, "cannot connect", |sockets, ctx| sockets.connect(ctx.handle(), &host, port))
    }
}

/// `int skynet_socket_bind(ctx, fd)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_bind(ctx: *mut CContext, fd: c_int) -> c_int {
    let bind = |sockets: &Sockets, ctx: &CContext| {
        // SAFETY: it is only copied, in the call below. A number that is no open descriptor is an error there; -1 alone must not
        // get there.
        let fd = unsafe { BorrowedFd::borrow_raw(fd.max(0)) };
        sockets.bind(ctx.handle(), &fd)
    };
    if fd < 0 {
        return FAILED;
    }
    // SAFETY: the module's arguments are as the header asks.
    unsafe { open(ctx, "skynet_socket_bind", bind) }
}

/// Does something with the sockets of the node.
///
/// # Safety
///
/// As [`with_service`].
unsafe fn on_sockets(ctx: *mut CContext, f: impl FnOnce(&Sockets, &CContext)) {
    // SAFETY: as the caller promises.
    unsafe { with_service(ctx, (), |ctx| ctx.sockets().map(|sockets| f(sockets, ctx)).unwrap_or_default()) }
}

/// `void skynet_socket_start(ctx, id)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_start(ctx: *mut CContext, id: c_int) {
    // SAFETY: the module's arguments are as the header asks.
    unsafe { on_sockets(ctx, |sockets, ctx| sockets.start(ctx.handle(), SocketId::from_raw(id))) }
}

/// `void skynet_socket_pause(ctx, id)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_pause(ctx: *mut CContext, id: c_int) {
    // SAFETY: the module's arguments are as the header asks.
    unsafe { on_sockets(ctx, |sockets, _| sockets.pause(SocketId::from_raw(id))) }
}

/// `void skynet_socket_close(ctx, id)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_close(ctx: *mut CContext, id: c_int) {
    // SAFETY: the module's arguments are as the header asks.
    unsafe { on_sockets(ctx, |sockets, _| sockets.close(SocketId::from_raw(id))) }
}

/// `void skynet_socket_shutdown(ctx, id)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_shutdown(ctx: *mut CContext, id: c_int) {
    // SAFETY: the module's arguments are as the header asks.
    unsafe { on_sockets(ctx, |sockets, _| sockets.shutdown(SocketId::from_raw(id))) }
}

/// `void skynet_socket_nodelay(ctx, id)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_nodelay(ctx: *mut CContext, id: c_int) {
    // SAFETY: the module's arguments are as the header asks.
    unsafe { on_sockets(ctx, |sockets, _| sockets.nodelay(SocketId::from_raw(id))) }
}

/// Sends what a buffer has.
///
/// # Safety
///
/// `ctx` as in [`with_service`]; `buffer` is as the header asks.
unsafe fn transmit(
    ctx: *mut CContext,
    buffer: *const SendBuffer,
    send: impl FnOnce(&Sockets, SocketId, Data<'_>) -> Result<(), SendError>,
) -> c_int {
    // SAFETY: as the caller promises.
    let Some(buffer) = (unsafe { buffer.as_ref() }) else { return FAILED };
    // SAFETY: as above.
    let data = unsafe {
        match buffer.kind {
            MEMORY if buffer.buffer.is_null() => Data::Bytes(&[]),
            MEMORY => Data::Payload(Payload::from_raw(buffer.buffer.cast_mut(), buffer.size)),
            RAW => Data::Bytes(block(buffer.buffer.cast(), buffer.size)),
            other => {
                let what = if other == OBJECT {
                    "a user object (SOCKET_BUFFER_OBJECT)".to_owned()
                } else {
                    format!("a buffer of type {other}")
                };
                let text = format!(
                    "error: a socket cannot send {what}: send its bytes, as SOCKET_BUFFER_MEMORY (0) or SOCKET_BUFFER_RAWPOINTER (2)"
                );
                return with_service(ctx, FAILED, |ctx| {
                    ctx.log(text);
                    FAILED
                });
            }
        }
    };
    let transmit = |ctx: &CContext| {
        let sent = ctx.sockets().map(|sockets| send(sockets, SocketId::from_raw(buffer.id), data));
        if matches!(sent, Some(Ok(()))) { DONE } else { FAILED }
    };
    // SAFETY: as the caller promises.
    unsafe { with_service(ctx, FAILED, transmit) }
}

/// `int skynet_socket_sendbuffer(ctx, buffer)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_sendbuffer(
    ctx: *mut CContext,
    buffer: *const SendBuffer,
) -> c_int {
    // SAFETY: the module's arguments are as the header asks.
    unsafe { transmit(ctx, buffer, |sockets, id, data| sockets.send(id, data)) }
}

/// `int skynet_socket_sendbuffer_lowpriority(ctx, buffer)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_sendbuffer_lowpriority(
    ctx: *mut CContext,
    buffer: *const SendBuffer,
) -> c_int {
    // SAFETY: the module's arguments are as the header asks.
    unsafe { transmit(ctx, buffer, |sockets, id, data| sockets.send_low(id, data)) }
}

/// `int skynet_socket_udp(ctx, host, port)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_udp(
    ctx: *mut CContext,
    host: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: the module's arguments are as the header asks.
    unsafe { skynet_socket_udp_listen(ctx, host, port) }
}

/// `int skynet_socket_udp_listen(ctx, host, port)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_udp_listen(
    ctx: *mut CContext,
    host: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: the module's arguments are as the header asks.
    unsafe {
        let (host, port) = address(host, port);
        open(ctx, "cannot receive datagrams", |sockets, ctx| sockets.udp_listen(ctx.handle(), &host, port))
    }
}

/// `int skynet_socket_udp_dial(ctx, host, port)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_udp_dial(
    ctx: *mut CContext,
    host: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: the module's arguments are as the header asks.
    unsafe {
        let (host, port) = address(host, port);
        open(ctx, "cannot send datagrams", |sockets, ctx| sockets.udp_dial(ctx.handle(), &host, port))
    }
}

/// `int skynet_socket_udp_connect(ctx, id, host, port)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_udp_connect(
    ctx: *mut CContext,
    id: c_int,
    host: *const c_char,
    port: c_int,
) -> c_int {
    // SAFETY: the module's arguments are as the header asks.
    unsafe {
        let (host, port) = address(host, port);
        let id = SocketId::from_raw(id);
        let connected = open(ctx, "cannot send datagrams", |sockets, _| {
            sockets.udp_connect(id, &host, port).map(|()| id)
        });
        if connected == FAILED { FAILED } else { DONE }
    }
}

/// `int skynet_socket_udp_sendbuffer(ctx, address, buffer)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_udp_sendbuffer(
    ctx: *mut CContext,
    address: *const c_char,
    buffer: *const SendBuffer,
) -> c_int {
    // SAFETY: the module's arguments are as the header asks: an address has the length that its first byte says.
    unsafe {
        let to = match address.cast::<u8>().as_ref() {
            Some(family) => UdpAddress::from_bytes(block(address.cast(), address_len(*family))),
            None => None,
        };
        transmit(ctx, buffer, |sockets, id, data| match to {
            Some(to) => sockets.udp_send(id, to, data),
            // Without one it goes to the peer of the socket, or nowhere.
            None => sockets.send(id, data),
        })
    }
}

/// `const char *skynet_socket_udp_address(message, int *size)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_socket_udp_address(
    message: *const SocketMessage,
    size: *mut c_int,
) -> *const c_char {
    // SAFETY: the module's arguments are as the header asks. Behind the `ud` bytes of a datagram is its sender's address.
    unsafe {
        let found = message.as_ref().filter(|message| {
            message.kind == SocketKind::Udp as c_int && !message.buffer.is_null() && message.ud >= 0
        });
        guard(std::ptr::null(), || {
            let Some(message) = found else { return std::ptr::null() };
            let address = message.buffer.add(message.ud as usize);
            if let Some(size) = size.as_mut() {
                *size = address_len(*address) as c_int;
            }
            address.cast()
        })
    }
}

/// How long the blob of an address of this family is.
fn address_len(family: u8) -> usize {
    match family {
        1 => 1 + 2 + 4,
        2 => 1 + 2 + 16,
        _ => 0,
    }
}
