//! Messages of sockets, in the layout of skynet's C header (`struct skynet_socket_message`).
//!
//! Three `int`s and a pointer. With the kinds that carry bytes the pointer is a block of `malloc` that belongs to the message;
//! with the others it is null, and a text of at most [`SocketMessage::MAX_TEXT`] bytes may follow the structure.

use std::ffi::c_int;
use std::ptr;
use std::slice;

use super::{Payload, Rule};

/// What a socket message tells. The numbers are protocol.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
#[repr(i32)]
pub enum SocketKind {
    /// Bytes were read; `ud` is their number, the buffer has them.
    Data = 1,
    /// A connection, a listener or a start succeeded; the text says what, `ud` is the port of a listener.
    Connect = 2,
    /// The socket is closed, or its peer sends no more.
    Close = 3,
    /// A listener took a connection: `ud` is its id, the text its address.
    Accept = 4,
    /// Something failed; the text says what.
    Error = 5,
    /// A datagram; `ud` is its size, the buffer has it and the sender's address behind it.
    Udp = 6,
    /// `ud` KiB wait to be sent; 0 if nothing does any more.
    Warning = 7,
}

impl SocketKind {
    /// The kind with this number.
    #[must_use]
    pub fn from_raw(kind: i32) -> Option<SocketKind> {
        use SocketKind::{Accept, Close, Connect, Data, Error, Udp, Warning};
        [Data, Connect, Close, Accept, Error, Udp, Warning].into_iter().find(|known| *known as i32 == kind)
    }

    fn has_buffer(self) -> bool {
        matches!(self, SocketKind::Data | SocketKind::Udp)
    }
}

/// The head of the payload of a `PTYPE_SOCKET` message.
#[derive(Copy, Clone, Debug)]
#[repr(C)]
pub struct SocketMessage {
    kind: c_int,
    id: c_int,
    ud: c_int,
    buffer: *mut u8,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<SocketMessage>() == 24, "the layout is protocol");

impl SocketMessage {
    /// The most bytes of text behind the head; longer ones are cut.
    pub const MAX_TEXT: usize = 128;

    /// A message with text, which may be empty. `kind` is one of those without a buffer.
    #[must_use]
    pub fn with_text(kind: SocketKind, id: i32, ud: i32, text: &[u8]) -> Payload {
        debug_assert!(!kind.has_buffer());
        let text = text.get(..SocketMessage::MAX_TEXT).unwrap_or(text);
        let head = size_of::<SocketMessage>();
        let mut bytes = [0; size_of::<SocketMessage>() + SocketMessage::MAX_TEXT];
        for (at, part) in [kind as i32, id, ud].into_iter().enumerate() {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&part.to_ne_bytes());
        }
        bytes[head..head + text.len()].copy_from_slice(text);
        Payload::copy_from(&bytes[..head + text.len()])
    }

    /// A message with bytes that were read. It owns `data` until somebody takes it, and frees it if nobody does.
    #[must_use]
    pub fn with_data(id: i32, data: Payload) -> Payload {
        let ud = data.len();
        SocketMessage::with_buffer(SocketKind::Data, id, ud, data)
    }

    /// A message with a datagram: `data` ends in the blob of the sender's address, one byte 1 (IPv4) or 2 (IPv6), the port in
    /// network order, then 4 or 16 bytes of address. `None` if it does not.
    #[must_use]
    pub fn with_datagram(id: i32, size: usize, data: Payload) -> Option<Payload> {
        let blob = address_len(*data.get(size)?)?;
        (data.len() == size + blob).then(|| SocketMessage::with_buffer(SocketKind::Udp, id, size, data))
    }

    fn with_buffer(kind: SocketKind, id: i32, ud: usize, data: Payload) -> Payload {
        debug_assert!(data.is_plain());
        let Ok(ud) = c_int::try_from(ud) else {
            panic!("a socket message of {ud} bytes is too large");
        };
        // SAFETY: plain allocation of zeroed bytes, so that the padding is readable too.
        let block = unsafe { libc::calloc(1, size_of::<SocketMessage>()) }.cast::<SocketMessage>();
        if block.is_null() {
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<SocketMessage>());
        }
        let (buffer, _) = data.into_raw();
        // SAFETY: `block` is a new block of this size, aligned as `malloc` aligns; the fields are written one by one, so that
        // the padding stays zero. It is what the rule says.
        unsafe {
            (*block).kind = kind as c_int;
            (*block).id = id;
            (*block).ud = ud;
            (*block).buffer = buffer.cast();
            Payload::with_rule(block.cast(), size_of::<SocketMessage>(), Rule::Socket)
        }
    }

    /// The kind, the id of the socket, and the number whose meaning depends on the kind. `None` if these bytes are no
    /// socket message.
    #[must_use]
    pub fn head(payload: &Payload) -> Option<(SocketKind, i32, i32)> {
        let number = |at: usize| Some(i32::from_ne_bytes(payload.get(at..at + 4)?.try_into().ok()?));
        payload.get(size_of::<SocketMessage>() - 1)?;
        Some((SocketKind::from_raw(number(0)?)?, number(4)?, number(8)?))
    }

    /// The text behind the head.
    #[must_use]
    pub fn text(payload: &Payload) -> &[u8] {
        payload.get(size_of::<SocketMessage>()..).unwrap_or_default()
    }

    /// The bytes that the message owns. A pointer in a payload that was not made here is not looked at.
    #[must_use]
    pub fn buffer(payload: &Payload) -> Option<&[u8]> {
        let (block, len) = owned(payload)?;
        // SAFETY: the message owns that many bytes, and stays as it is while `payload` is borrowed.
        Some(unsafe { slice::from_raw_parts(block, len) })
    }

    /// Takes the bytes out of the message; later there are none in it.
    pub fn take_buffer(payload: &mut Payload) -> Option<Payload> {
        let (block, len) = owned(payload)?;
        // SAFETY: the rule says that the block is a `SocketMessage`, borrowed for writing; leaving null behind makes the buffer
        // the caller's alone.
        unsafe {
            (*payload.ptr.cast::<SocketMessage>()).buffer = ptr::null_mut();
            Some(Payload::from_raw(block.cast(), len))
        }
    }

    /// A copy of the message and of what it owns.
    pub(super) fn clone_payload(payload: &Payload) -> Payload {
        match (SocketMessage::head(payload), SocketMessage::buffer(payload)) {
            (Some((kind, id, ud)), Some(data)) => SocketMessage::with_buffer(
                kind,
                id,
                usize::try_from(ud).unwrap_or(0),
                Payload::copy_from(data),
            ),
            _ => Payload::copy_from(payload),
        }
    }
}

/// The buffer of a message that has one, and its length.
fn owned(payload: &Payload) -> Option<(*mut u8, usize)> {
    if payload.rule() != Rule::Socket {
        return None;
    }
    // SAFETY: the rule says that the block is a `SocketMessage`.
    let SocketMessage { kind, ud, buffer, .. } = unsafe { payload.ptr.cast::<SocketMessage>().read() };
    if buffer.is_null() {
        return None;
    }
    let size = usize::try_from(ud).ok()?;
    if kind == SocketKind::Data as c_int {
        return Some((buffer, size));
    }
    // SAFETY: a datagram is followed by the blob of its sender, whose first byte is the family.
    let family = unsafe { buffer.add(size).read() };
    Some((buffer, size + address_len(family)?))
}

/// How long the blob of an address of this family is.
fn address_len(family: u8) -> Option<usize> {
    match family {
        1 => Some(1 + 2 + 4),
        2 => Some(1 + 2 + 16),
        _ => None,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn data_is_taken_once_and_freed_otherwise() {
        let mut message = SocketMessage::with_data(7, Payload::from("bytes"));
        assert_eq!(message.len(), size_of::<SocketMessage>());
        assert_eq!(SocketMessage::head(&message), Some((SocketKind::Data, 7, 5)));
        let copy = message.clone();
        let data = SocketMessage::take_buffer(&mut message).expect("it has a buffer");
        assert_eq!(&*data, b"bytes");
        assert!(SocketMessage::take_buffer(&mut message).is_none());
        assert!(message.clone().len() == message.len() && SocketMessage::buffer(&copy) == Some(b"bytes"));
    }

    #[test]
    fn text_follows_the_head_and_is_cut() {
        let message = SocketMessage::with_text(SocketKind::Accept, 1, 2, b"127.0.0.1:80");
        assert_eq!(SocketMessage::head(&message), Some((SocketKind::Accept, 1, 2)));
        assert_eq!(SocketMessage::text(&message), b"127.0.0.1:80");
        assert_eq!(message[16..24], [0; 8]);
        let long = SocketMessage::with_text(SocketKind::Error, 1, 0, &[b'x'; 200]);
        assert_eq!(SocketMessage::text(&long).len(), SocketMessage::MAX_TEXT);
    }

    #[test]
    fn a_datagram_has_its_sender_behind_it() {
        let message = SocketMessage::with_datagram(3, 2, Payload::from(b"hi\x01\x00\x50\x7f\x00\x00\x01"));
        let message = message.expect("the blob is whole");
        assert_eq!(SocketMessage::buffer(&message).map(<[u8]>::len), Some(9));
        assert!(SocketMessage::with_datagram(3, 2, Payload::from(b"hi\x01\x00")).is_none());
        assert!(SocketMessage::with_datagram(3, 2, Payload::from(b"hi")).is_none());
    }

    #[test]
    fn a_pointer_that_somebody_else_wrote_is_not_followed() {
        let mut forged = Payload::from(&[1; 24]);
        assert!(
            SocketMessage::buffer(&forged).is_none() && SocketMessage::take_buffer(&mut forged).is_none()
        );
        assert_eq!(SocketMessage::head(&Payload::from("short")), None);
    }
}
