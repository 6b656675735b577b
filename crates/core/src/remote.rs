//! Messages for other nodes, on their way to the harbor service.
//!
//! What a service sends to a remote handle or to a global name is wrapped into a block of this form and given to the harbor
//! service. The layout is that of skynet's C header (`struct remote_message`), so that a harbor written in C reads it too.

use std::ffi::{c_int, c_void};
use std::ptr;

use crate::payload::Rule;
use crate::{Handle, Message, Payload};

/// The number of bytes of a global name that count; longer names are cut.
pub const GLOBAL_NAME_LEN: usize = 16;

/// The block in a wrapped message. It owns `message`.
#[repr(C)]
#[derive(Debug)]
pub struct RemoteMessage {
    name: [u8; GLOBAL_NAME_LEN],
    handle: u32,
    message: *mut c_void,
    size: usize,
    kind: c_int,
}

/// Whom a wrapped message is for.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum RemoteDest {
    /// A service of another node.
    Handle(Handle),
    /// A global name, filled up with NULs.
    Name([u8; GLOBAL_NAME_LEN]),
}

/// A message for another node, unwrapped.
#[derive(Debug)]
pub struct Outgoing {
    /// Whom it is for.
    pub dest: RemoteDest,
    /// Its kind.
    pub kind: u8,
    /// Its content.
    pub payload: Payload,
}

impl RemoteMessage {
    /// Wraps a message.
    pub(crate) fn wrap(dest: RemoteDest, kind: u8, payload: Payload) -> Payload {
        let (name, handle) = match dest {
            RemoteDest::Handle(handle) => ([0; GLOBAL_NAME_LEN], handle.raw()),
            RemoteDest::Name(name) => (name, 0),
        };
        // SAFETY: plain allocation of zeroed bytes, so that the padding is readable too.
        let block = unsafe { libc::calloc(1, size_of::<RemoteMessage>()) }.cast::<RemoteMessage>();
        if block.is_null() {
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<RemoteMessage>());
        }
        let (message, size) = payload.into_raw();
        // SAFETY: `block` is a new block of this size, aligned as `malloc` aligns.
        unsafe {
            (*block).name = name;
            (*block).handle = handle;
            (*block).message = message;
            (*block).size = size;
            (*block).kind = c_int::from(kind);
            Payload::with_rule(block.cast(), size_of::<RemoteMessage>(), Rule::Remote)
        }
    }

    /// Takes the message for another node out of a wrapped one. `None`, and `message` as it was, if it is not wrapped.
    ///
    /// Source and session stay in the fields of `message`; its payload is empty afterwards.
    #[must_use]
    pub fn take(message: &mut Message) -> Option<Outgoing> {
        if message.payload.rule() != Rule::Remote {
            return None;
        }
        let block = message.payload.as_ptr().cast_mut().cast::<RemoteMessage>();
        // SAFETY: the rule says that the block is a `RemoteMessage`; taking its inner block leaves null behind, so that it
        // is freed once.
        let outgoing = unsafe {
            let inner = Payload::from_raw((*block).message, (*block).size);
            (*block).message = ptr::null_mut();
            (*block).size = 0;
            let dest = match (*block).handle {
                0 => RemoteDest::Name((*block).name),
                handle => RemoteDest::Handle(Handle::from_raw(handle)),
            };
            Outgoing { dest, kind: (*block).kind as u8, payload: inner }
        };
        message.payload = Payload::empty();
        Some(outgoing)
    }

    /// The kind of the message in a wrapped one; `None` if the payload is not wrapped.
    pub(crate) fn kind_inside(payload: &Payload) -> Option<u8> {
        if payload.rule() != Rule::Remote {
            return None;
        }
        // SAFETY: the rule says that the block is a `RemoteMessage`, and it stays as it is while `payload` is borrowed.
        Some(unsafe { (*payload.as_ptr().cast::<RemoteMessage>()).kind } as u8)
    }

    /// Frees what a block owns.
    ///
    /// # Safety
    ///
    /// `block` is a block of [`RemoteMessage::wrap`], and its inner block is not used again.
    pub(crate) unsafe fn free_inner(block: *mut RemoteMessage) {
        // SAFETY: as the caller promises.
        unsafe { libc::free((*block).message) };
    }

    /// A copy of a block and of what it owns.
    ///
    /// # Safety
    ///
    /// `block` is a block of [`RemoteMessage::wrap`].
    pub(crate) unsafe fn clone_block(block: *const RemoteMessage) -> Payload {
        // SAFETY: as the caller promises; the inner block is only read, and forgotten before it could be freed.
        unsafe {
            let inner = std::mem::ManuallyDrop::new(Payload::from_raw((*block).message, (*block).size));
            let dest = match (*block).handle {
                0 => RemoteDest::Name((*block).name),
                handle => RemoteDest::Handle(Handle::from_raw(handle)),
            };
            RemoteMessage::wrap(dest, (*block).kind as u8, Payload::copy_from(&inner))
        }
    }
}

/// A global name in its 16 bytes: cut, or filled up with NULs.
pub(crate) fn global_name(name: &[u8]) -> [u8; GLOBAL_NAME_LEN] {
    let mut out = [0; GLOBAL_NAME_LEN];
    out.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::ptype::{PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE, PTYPE_SYSTEM};

    fn wrapped(dest: RemoteDest) -> Message {
        let payload = RemoteMessage::wrap(dest, PTYPE_LUA, Payload::from("inner"));
        Message { kind: PTYPE_LUA, session: 3, source: Handle::from_raw(8), payload }
    }

    #[test]
    fn what_is_wrapped_comes_out() {
        let dest = RemoteDest::Handle(Handle::new(2, 9));
        let mut message = wrapped(dest);
        let copy = message.payload.clone();
        let out = RemoteMessage::take(&mut message).expect("it is wrapped");
        assert_eq!((out.dest, out.kind, &*out.payload), (dest, PTYPE_LUA, &b"inner"[..]));
        assert!(message.payload.is_empty() && RemoteMessage::take(&mut message).is_none());
        message.payload = copy;
        assert_eq!(&*RemoteMessage::take(&mut message).expect("the copy is wrapped too").payload, b"inner");
    }

    #[test]
    fn names_have_sixteen_bytes() {
        let dest = RemoteDest::Name(global_name(b"A_NAME_THAT_IS_TOO_LONG"));
        let out = RemoteMessage::take(&mut wrapped(dest)).expect("it is wrapped");
        assert_eq!(out.dest, RemoteDest::Name(*b"A_NAME_THAT_IS_T"));
        assert_eq!(global_name(b"AB")[..3], *b"AB\0");
    }

    #[test]
    fn an_answer_stays_an_answer_when_it_is_wrapped() {
        for (kind, wants) in [(PTYPE_LUA, true), (PTYPE_RESPONSE, false), (PTYPE_ERROR, false)] {
            let payload = RemoteMessage::wrap(RemoteDest::Handle(Handle::new(2, 9)), kind, Payload::empty());
            let message = Message { kind: PTYPE_SYSTEM, session: 3, source: Handle::from_raw(8), payload };
            assert_eq!(message.wants_answer(), wants, "kind {kind}");
        }
    }

    #[test]
    fn an_unread_one_frees_what_it_owns() {
        drop(wrapped(RemoteDest::Name(global_name(b"N"))));
    }
}
