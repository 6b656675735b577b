//! `skynet_socket_info`: the figures of all sockets as a list for C.

use std::ffi::{c_char, c_int};
use std::ptr;

use skynet_socket::{Kind, SocketInfo, Sockets};

use super::super::process;
use super::guard;

/// Bytes of a socket's name, with the NUL.
const NAME: usize = 128;

/// `struct socket_info`
#[repr(C)]
pub(super) struct Info {
    id: c_int,
    kind: c_int,
    owner: u64,
    read: u64,
    written: u64,
    read_at: u64,
    written_at: u64,
    waiting: i64,
    reading: u8,
    writing: u8,
    name: [c_char; NAME],
    next: *mut Info,
}

/// `struct socket_info *skynet_socket_info(void)`
#[unsafe(no_mangle)]
pub(super) extern "C" fn skynet_socket_info() -> *mut Info {
    guard(ptr::null_mut(), || {
        let infos =
            process::node().and_then(Sockets::of).map(|sockets| sockets.netstat()).unwrap_or_default();
        // From the last to the first, so that the list is in their order.
        infos.iter().rev().fold(ptr::null_mut(), |next, info| Box::into_raw(Box::new(row(info, next))))
    })
}

/// `void socket_info_release(struct socket_info *)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn socket_info_release(list: *mut Info) {
    guard((), || {
        let mut rest = list;
        while !rest.is_null() {
            // SAFETY: each was made by `skynet_socket_info`, and is given back once.
            rest = unsafe { Box::from_raw(rest) }.next;
        }
    });
}

/// Modules that were compiled with the headers of C skynet count on these places.
#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::{offset_of, size_of};
    assert!(offset_of!(Info, id) == 0 && offset_of!(Info, kind) == 4 && offset_of!(Info, owner) == 8);
    assert!(offset_of!(Info, read) == 16 && offset_of!(Info, written) == 24);
    assert!(offset_of!(Info, read_at) == 32 && offset_of!(Info, written_at) == 40);
    assert!(offset_of!(Info, waiting) == 48 && offset_of!(Info, reading) == 56);
    assert!(offset_of!(Info, writing) == 57 && offset_of!(Info, name) == 58);
    assert!(offset_of!(Info, next) == 192 && size_of::<Info>() == 200);
};

fn row(info: &SocketInfo, next: *mut Info) -> Info {
    let kind = match info.kind {
        _ if info.closing => 5,
        Kind::Listen => 1,
        Kind::Tcp => 2,
        Kind::Udp => 3,
        Kind::Bind => 4,
        _ => 0,
    };
    let mut name = [0; NAME];
    let text = info.address.map(|address| address.to_string()).unwrap_or_default();
    // The last byte stays NUL.
    for (to, from) in name[..NAME - 1].iter_mut().zip(text.bytes()) {
        *to = from as c_char;
    }
    Info {
        id: info.id.raw(),
        kind,
        owner: info.owner.raw().into(),
        read: info.read,
        written: info.written,
        read_at: info.read_at,
        written_at: info.written_at,
        waiting: i64::try_from(info.waiting).unwrap_or(i64::MAX),
        reading: info.reading.into(),
        writing: info.writing.into(),
        name,
        next,
    }
}
