//! Blocks of bytes that services hand to one another.
//!
//! A payload is a block of the C library's `malloc`, so that Rust, Lua and C services pass one on by its pointer, and any
//! of them may `free` it. Blocks made here have a NUL after their last byte, which is not counted in the length.
//!
//! The top byte of the length says by which rule the block is dropped ([`Rule`]); a size has 56 bits.

mod buf;
mod shared;
mod socket;

use std::ffi::c_void;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr;
use std::slice;

pub use buf::PayloadBuf;
pub use shared::SharedPayload;
pub use socket::{SocketKind, SocketMessage};

use crate::remote::RemoteMessage;

const RULE_SHIFT: u32 = usize::BITS - 8;
const LEN_MASK: usize = (1 << RULE_SHIFT) - 1;

/// How a block is dropped, cloned and understood: the top byte of the length word.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    /// `free`.
    Plain,
    /// A [`RemoteMessage`], which owns another block.
    Remote,
    /// No block at all: an order of the runtime to the service's turn. The low bits say which.
    Order,
    /// A [`SocketMessage`], which owns another block.
    Socket,
    /// One of the readers of a block: see [`SharedPayload`].
    Shared,
}

/// The content of a message: a block of bytes that was allocated by `malloc`, or none.
///
/// Reads as a slice of bytes. [`Payload::from`] a slice or a text copies it; [`PayloadBuf`] builds one in place.
pub struct Payload {
    ptr: *mut u8,
    /// The rule in the top byte, the number of bytes below it.
    word: usize,
}

// SAFETY: a payload owns its block alone, or is counted as one of its readers, and `malloc` and `free` work from any thread.
unsafe impl Send for Payload {}
// SAFETY: through a shared reference the block is only read.
unsafe impl Sync for Payload {}

impl Payload {
    /// The largest number of bytes in one payload: 2^56 - 1 on 64-bit systems.
    pub const MAX_LEN: usize = LEN_MASK;

    /// A payload with no bytes and no block.
    #[must_use]
    pub const fn empty() -> Payload {
        Payload { ptr: ptr::null_mut(), word: 0 }
    }

    /// Copies `bytes` into a new block; no bytes make the [empty](Payload::empty) payload.
    ///
    /// # Panics
    ///
    /// If the system has no memory left (as `Vec` does, the process aborts).
    #[must_use]
    pub fn copy_from(bytes: &[u8]) -> Payload {
        if bytes.is_empty() {
            return Payload::empty();
        }
        let block = allocate(bytes.len());
        // SAFETY: the block has room for `bytes` and a NUL, and is new, so it cannot overlap them.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), block, bytes.len());
            block.add(bytes.len()).write(0);
        }
        Payload { ptr: block, word: bytes.len() }
    }

    /// Takes over a block.
    ///
    /// # Safety
    ///
    /// `ptr` is null with `len` 0, or a block of `malloc` whose first `len` bytes are initialised and which nobody else
    /// uses or frees. `len` is at most [`Payload::MAX_LEN`]. A NUL after the last byte is not needed.
    #[must_use]
    pub unsafe fn from_raw(ptr: *mut c_void, len: usize) -> Payload {
        debug_assert!(len <= Payload::MAX_LEN);
        Payload { ptr: ptr.cast(), word: len & LEN_MASK }
    }

    /// Gives the block away: the caller frees it with `free`. The empty payload gives null, a shared one a copy unless nobody
    /// else reads it.
    #[inline]
    #[must_use]
    pub fn into_raw(self) -> (*mut c_void, usize) {
        let this = ManuallyDrop::new(self);
        let len = this.word & LEN_MASK;
        if this.is_shared() {
            // SAFETY: the rule says what it is, and it is forgotten.
            return (unsafe { shared::take_block(this.ptr, len) }, len);
        }
        (this.ptr.cast(), len)
    }

    /// Cuts off the first `count` bytes, or all; what is left moves to the beginning of the same block.
    pub fn cut_front(&mut self, count: usize) {
        let len = self.len();
        let count = count.min(len);
        if count == 0 {
            return;
        }
        if !self.is_plain() {
            // What is left of a block that owns another one is only bytes.
            *self = Payload::copy_from(self.get(count..).unwrap_or_default());
            return;
        }
        // SAFETY: the block has `len` initialised bytes and is borrowed for writing; the NUL takes the place of one that is cut off.
        unsafe {
            ptr::copy(self.ptr.add(count), self.ptr, len - count);
            self.ptr.add(len - count).write(0);
        }
        self.word = len - count;
    }

    /// Where the bytes are; null if there is no block.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.ptr
    }

    /// A payload that is dropped by a rule of its own.
    ///
    /// # Safety
    ///
    /// As [`Payload::from_raw`], and the block is what `rule` says.
    pub(crate) unsafe fn with_rule(ptr: *mut c_void, len: usize, rule: Rule) -> Payload {
        Payload { ptr: ptr.cast(), word: len & LEN_MASK | (rule as usize) << RULE_SHIFT }
    }

    /// An order of the runtime to a service's turn. It reads as no bytes.
    pub(crate) fn order(code: u8) -> Payload {
        Payload { ptr: ptr::null_mut(), word: (Rule::Order as usize) << RULE_SHIFT | usize::from(code) }
    }

    /// The code of an order.
    pub(crate) fn order_code(&self) -> Option<u8> {
        (self.rule() == Rule::Order).then_some(self.word as u8)
    }

    #[inline]
    pub(crate) fn is_order(&self) -> bool {
        self.word >> RULE_SHIFT == Rule::Order as usize
    }

    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.word >> RULE_SHIFT == 0
    }

    #[inline]
    pub(crate) fn rule(&self) -> Rule {
        match self.word >> RULE_SHIFT {
            0 => Rule::Plain,
            1 => Rule::Remote,
            3 => Rule::Socket,
            4 => Rule::Shared,
            _ => Rule::Order,
        }
    }
}

/// A block for `len` bytes and a NUL.
fn allocate(len: usize) -> *mut u8 {
    assert!(len <= Payload::MAX_LEN, "a payload of {len} bytes is too large");
    // SAFETY: `malloc` may be called with any size.
    let block = unsafe { libc::malloc(len + 1) };
    if block.is_null() {
        out_of_memory(len + 1);
    }
    block.cast()
}

#[cold]
fn out_of_memory(len: usize) -> ! {
    match std::alloc::Layout::from_size_align(len, 1) {
        Ok(layout) => std::alloc::handle_alloc_error(layout),
        Err(_) => panic!("a payload of {len} bytes is too large"),
    }
}

impl Drop for Payload {
    #[inline]
    fn drop(&mut self) {
        if self.ptr.is_null() {
            return;
        }
        if !self.is_plain() {
            if self.is_shared() {
                // SAFETY: the rule says what it is, and nobody uses this reader after its drop.
                return unsafe { shared::drop_reader(self.ptr) };
            }
            drop_by_rule(self);
        }
        // SAFETY: the block came from `malloc` and is owned by this payload alone.
        unsafe { libc::free(self.ptr.cast()) };
    }
}

#[cold]
fn drop_by_rule(payload: &mut Payload) {
    match payload.rule() {
        // SAFETY: the rule says that the block is a `RemoteMessage`, and nobody reads it after this.
        Rule::Remote => unsafe { RemoteMessage::free_inner(payload.ptr.cast()) },
        Rule::Socket => drop(SocketMessage::take_buffer(payload)),
        Rule::Plain | Rule::Order | Rule::Shared => {}
    }
}

impl Deref for Payload {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        if self.ptr.is_null() {
            return &[];
        }
        // SAFETY: the block has this many initialised bytes, and lives and stays unchanged while `self` is borrowed.
        unsafe { slice::from_raw_parts(self.ptr, self.word & LEN_MASK) }
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Default for Payload {
    fn default() -> Payload {
        Payload::empty()
    }
}

impl Clone for Payload {
    fn clone(&self) -> Payload {
        match self.rule() {
            Rule::Plain => Payload::copy_from(self),
            // SAFETY: the rule says that the block is a `RemoteMessage`.
            Rule::Remote => unsafe { RemoteMessage::clone_block(self.ptr.cast()) },
            Rule::Socket => SocketMessage::clone_payload(self),
            Rule::Shared => shared::clone_payload(self),
            Rule::Order => Payload { ptr: ptr::null_mut(), word: self.word },
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        match self.get(..SHOWN) {
            None => write!(f, "\"{}\"", self.escape_ascii()),
            Some(head) => write!(f, "\"{}\"... ({} bytes)", head.escape_ascii(), self.len()),
        }
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        **self == **other
    }
}

impl Eq for Payload {}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Payload {
        Payload::copy_from(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Payload {
    fn from(bytes: &[u8; N]) -> Payload {
        Payload::copy_from(bytes)
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Payload {
        Payload::copy_from(text.as_bytes())
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Payload {
        Payload::copy_from(&bytes)
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Payload {
        Payload::copy_from(text.as_bytes())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_copy_reads_back_and_has_a_hidden_nul() {
        let payload = Payload::from("hello");
        assert_eq!(&*payload, b"hello");
        // SAFETY: blocks made by this module have a NUL after the last byte.
        assert_eq!(unsafe { payload.as_ptr().add(5).read() }, 0);
    }

    #[test]
    fn no_bytes_need_no_block() {
        for payload in [Payload::empty(), Payload::from(""), Payload::default(), Payload::copy_from(&[])] {
            assert!(payload.as_ptr().is_null() && payload.is_empty());
            assert_eq!(payload.into_raw(), (ptr::null_mut(), 0));
        }
    }

    #[test]
    fn a_block_goes_out_and_comes_back() {
        let (ptr, len) = Payload::from("block").into_raw();
        // SAFETY: the block was given away just now.
        let back = unsafe { Payload::from_raw(ptr, len) };
        assert_eq!(&*back, b"block");
        assert_eq!(back.clone(), back);
    }

    #[test]
    fn the_front_is_cut_off_in_place() {
        let mut payload = Payload::from("headbody");
        let block = payload.as_ptr();
        payload.cut_front(4);
        assert!(&*payload == b"body" && payload.as_ptr() == block);
        // SAFETY: a byte that was cut off holds the NUL.
        assert_eq!(unsafe { payload.as_ptr().add(4).read() }, 0);
        payload.cut_front(9);
        assert!(payload.is_empty() && payload.into_raw().1 == 0);
        let mut socket = SocketMessage::with_data(1, Payload::from("owned"));
        socket.cut_front(12);
        assert!(socket.is_plain() && socket.len() == 12 && SocketMessage::buffer(&socket).is_none());
        let mut order = Payload::order(3);
        order.cut_front(1);
        assert_eq!(order.order_code(), Some(3));
    }

    #[test]
    fn an_order_reads_as_nothing() {
        let order = Payload::order(7);
        assert_eq!(order.order_code(), Some(7));
        assert!(order.is_empty() && !order.is_plain());
        assert_eq!(order.clone().order_code(), Some(7));
        assert_eq!(Payload::from("x").order_code(), None);
    }
}
