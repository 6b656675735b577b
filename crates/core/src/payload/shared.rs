//! One block that many messages read.
//!
//! A block of `malloc` with a count of its readers in front of the bytes:
//!
//! ```text
//! | readers, a word | length, a word | bytes ... | NUL |
//!                                    ^ the payloads point here
//! ```
//!
//! The bytes do not change while there is a reader. Whoever wants to own a block, as C code does, gets a copy; the last reader gets
//! the block itself, with its bytes moved to the front.

use std::ffi::c_void;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use super::{Payload, RULE_SHIFT, Rule, allocate};

/// What is in front of the bytes.
#[repr(C, align(16))]
struct Head {
    readers: AtomicUsize,
    len: usize,
}

const HEAD: usize = size_of::<Head>();

/// Bytes that many messages share: [`SharedPayload::payload`] gives a payload that reads them, without a copy.
///
/// ```
/// use skynet_core::Payload;
///
/// let shared = Payload::from("news").share();
/// let (one, other) = (shared.payload(), shared.payload());
/// assert_eq!(one.as_ptr(), other.as_ptr());
/// drop((shared, one));
/// assert_eq!(&*other, b"news");
/// ```
#[derive(Clone)]
pub struct SharedPayload(Payload);

impl SharedPayload {
    /// Copies `bytes` into a new block that can be shared.
    ///
    /// # Panics
    ///
    /// If the system has no memory left (as `Vec` does, the process aborts).
    #[must_use]
    pub fn copy_from(bytes: &[u8]) -> SharedPayload {
        if bytes.is_empty() {
            return SharedPayload(Payload::empty());
        }
        let block = allocate(HEAD + bytes.len());
        // SAFETY: the block is new, aligned as `malloc` aligns, and has room for the head, the bytes and a NUL.
        unsafe {
            block.cast::<Head>().write(Head { readers: AtomicUsize::new(1), len: bytes.len() });
            let at = block.add(HEAD);
            ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
            at.add(bytes.len()).write(0);
            SharedPayload(Payload::with_rule(at.cast(), bytes.len(), Rule::Shared))
        }
    }

    /// A payload that reads these bytes.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> Payload {
        self.0.clone()
    }

    /// How many read it, this one included; 1 for no bytes. Others may come and go meanwhile.
    #[must_use]
    pub fn readers(&self) -> usize {
        match self.0.rule() {
            // SAFETY: the rule says what is in front of the bytes, and this reader keeps it.
            Rule::Shared => unsafe { (*head(self.0.ptr)).readers.load(Ordering::Relaxed) },
            _ => 1,
        }
    }

    /// The payloads of so many messages, for one write to the count of readers. Those that are not taken leave when the iterator is
    /// dropped.
    pub(crate) fn payloads(&self, count: usize) -> Readers<'_> {
        if self.0.rule() == Rule::Shared && count > 0 {
            // SAFETY: as in `readers`.
            unsafe { retain(self.0.ptr, count) };
        }
        Readers { shared: self, left: count }
    }

    /// Gives this reader away as the address of its bytes; null for no bytes. [`SharedPayload::from_raw`] takes it back.
    #[must_use]
    pub fn into_raw(self) -> *const u8 {
        // What owns another block is only its bytes then.
        let shared = if self.0.is_shared() { self } else { SharedPayload::copy_from(&self) };
        ManuallyDrop::new(shared).0.ptr
    }

    /// Takes a reader back.
    ///
    /// # Safety
    ///
    /// `bytes` came from [`SharedPayload::into_raw`], and each reader that was given away is taken back once.
    #[must_use]
    pub unsafe fn from_raw(bytes: *const u8) -> SharedPayload {
        if bytes.is_null() {
            return SharedPayload(Payload::empty());
        }
        // SAFETY: the caller's promise: there is a head in front, kept by this reader.
        unsafe {
            let len = (*head(bytes.cast_mut())).len;
            SharedPayload(Payload::with_rule(bytes.cast_mut().cast(), len, Rule::Shared))
        }
    }
}

impl Payload {
    /// Makes it one that many can read, for one copy; none if it is shared already. One that owns another block, as those of
    /// sockets do, cannot be read by many: its readers get copies of both blocks.
    #[must_use]
    pub fn share(self) -> SharedPayload {
        if self.is_plain() { SharedPayload::copy_from(&self) } else { SharedPayload(self) }
    }

    /// Whether others may read the same block.
    #[inline]
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.word >> RULE_SHIFT == Rule::Shared as usize
    }

    /// Makes it one that owns its block alone, if it shares it: for those who give the block to code that frees it.
    #[inline]
    pub fn unshare(&mut self) {
        if self.is_shared() {
            let (ptr, len) = std::mem::take(self).into_raw();
            // SAFETY: given away just now.
            *self = unsafe { Payload::from_raw(ptr, len) };
        }
    }
}

/// See [`SharedPayload::payloads`].
pub(crate) struct Readers<'a> {
    shared: &'a SharedPayload,
    left: usize,
}

impl Iterator for Readers<'_> {
    type Item = Payload;

    #[inline]
    fn next(&mut self) -> Option<Payload> {
        self.left = self.left.checked_sub(1)?;
        if !self.shared.0.is_shared() {
            return Some(self.shared.payload());
        }
        let Payload { ptr, word } = self.shared.0;
        // It was counted when the iterator was made.
        Some(Payload { ptr, word })
    }
}

impl Drop for Readers<'_> {
    fn drop(&mut self) {
        if self.shared.0.is_shared() {
            self.for_each(drop);
        }
    }
}

fn head(bytes: *mut u8) -> *mut Head {
    bytes.wrapping_sub(HEAD).cast()
}

/// Counts more readers of a block.
///
/// # Safety
///
/// The block is one of this module, and the caller holds a reader of it.
unsafe fn retain(bytes: *mut u8, count: usize) {
    // SAFETY: as the caller promises. Nothing is read under this count that was not readable before.
    unsafe { (*head(bytes)).readers.fetch_add(count, Ordering::Relaxed) };
}

/// Takes one reader away. True if it was the last: the block is the caller's.
///
/// # Safety
///
/// As [`retain`]; the reader is gone then.
unsafe fn release(bytes: *mut u8) -> bool {
    // SAFETY: as the caller promises.
    let last = unsafe { (*head(bytes)).readers.fetch_sub(1, Ordering::Release) == 1 };
    if last {
        // What other readers did with the block happened before this.
        fence(Ordering::Acquire);
    }
    last
}

/// Another reader of a shared payload.
pub(super) fn clone_payload(payload: &Payload) -> Payload {
    // SAFETY: the caller has looked at the rule; `payload` is a reader.
    unsafe { retain(payload.ptr, 1) };
    Payload { ptr: payload.ptr, word: payload.word }
}

/// Ends a reader, and the block with the last one.
///
/// # Safety
///
/// `bytes` is that of a payload of this rule, which is used no more.
pub(super) unsafe fn drop_reader(bytes: *mut u8) {
    // SAFETY: as the caller promises; the last reader frees the block.
    unsafe {
        if release(bytes) {
            libc::free(head(bytes).cast());
        }
    }
}

/// A block that the caller owns, in the place of a reader.
///
/// # Safety
///
/// As [`drop_reader`]; the bytes are `len`.
pub(super) unsafe fn take_block(bytes: *mut u8, len: usize) -> *mut c_void {
    // SAFETY: as the caller promises. The last reader moves the bytes and the NUL to the front of its own block; another one
    // copies them while it still is a reader.
    unsafe {
        // Whoever is the only reader stays it: only a reader makes others.
        if (*head(bytes)).readers.load(Ordering::Acquire) == 1 {
            let block = head(bytes).cast::<u8>();
            ptr::copy(bytes, block, len + 1);
            return block.cast();
        }
        let copy = Payload::copy_from(std::slice::from_raw_parts(bytes, len)).into_raw().0;
        drop_reader(bytes);
        copy
    }
}

impl Deref for SharedPayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<SharedPayload> for Payload {
    fn from(shared: SharedPayload) -> Payload {
        shared.0
    }
}

impl fmt::Debug for SharedPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn readers_share_a_block_and_the_last_one_frees_it() {
        let shared = Payload::from("hello").share();
        let readers: Vec<Payload> = shared.payloads(3).collect();
        let clone = readers[0].clone();
        assert!(clone.is_shared() && clone.as_ptr() == readers[2].as_ptr());
        assert_eq!((shared.readers(), &*clone), (5, &b"hello"[..]));
        drop(readers);
        assert_eq!(shared.readers(), 2);
        drop(shared);
        assert_eq!(&*clone, b"hello");
        assert_eq!(SharedPayload(clone).readers(), 1);
    }

    #[test]
    fn readers_that_nobody_takes_leave() {
        let shared = SharedPayload::copy_from(b"news");
        let mut readers = shared.payloads(10);
        let one = readers.next();
        assert_eq!(shared.readers(), 11);
        drop(readers);
        assert_eq!(shared.readers(), 2);
        drop(one);
        assert_eq!(shared.readers(), 1);
    }

    #[test]
    fn who_owns_a_block_gets_a_copy_and_the_last_reader_the_block() {
        let shared = SharedPayload::copy_from(b"bytes");
        for expect in [1, 1] {
            let (block, len) = shared.payload().into_raw();
            // SAFETY: given away just now; a NUL is behind the bytes.
            let owned = unsafe { Payload::from_raw(block, len) };
            assert!(!owned.is_shared() && &*owned == b"bytes");
            // SAFETY: as above.
            assert_eq!(unsafe { owned.as_ptr().add(len).read() }, 0);
            assert_eq!(shared.readers(), expect);
        }
        let at = shared.as_ptr();
        let mut last = Payload::from(shared);
        last.unshare();
        assert!(!last.is_shared() && &*last == b"bytes");
        assert_eq!(last.as_ptr().wrapping_add(HEAD), at, "moved inside of its block");
        // SAFETY: as above.
        assert_eq!(unsafe { last.as_ptr().add(5).read() }, 0);
    }

    #[test]
    fn no_bytes_are_shared_without_a_block() {
        let shared = Payload::empty().share();
        assert!(shared.is_empty() && shared.payloads(2).all(|payload| payload.as_ptr().is_null()));
        assert!(shared.into_raw().is_null());
        // SAFETY: null is what no bytes give.
        assert!(unsafe { SharedPayload::from_raw(ptr::null()) }.is_empty());
    }

    #[test]
    fn what_owns_another_block_is_copied_for_each_reader() {
        use crate::SocketMessage;
        let shared = SocketMessage::with_data(1, Payload::from("data")).share();
        let mut readers = shared.payloads(3);
        for mut reader in readers.by_ref().take(2) {
            assert_eq!(SocketMessage::take_buffer(&mut reader).as_deref(), Some(&b"data"[..]));
        }
        drop(readers);
        assert_eq!(SocketMessage::buffer(&shared.payload()), Some(&b"data"[..]));
    }

    #[test]
    fn a_reader_goes_out_as_an_address_and_comes_back() {
        let shared = SharedPayload::copy_from(b"abc");
        let out = shared.clone().into_raw();
        assert_eq!(shared.readers(), 2);
        // SAFETY: given away just now.
        let back = unsafe { SharedPayload::from_raw(out) };
        assert!(&*back == b"abc" && back.as_ptr() == shared.as_ptr());
        drop(back);
        assert_eq!(shared.readers(), 1);
    }

    #[test]
    fn the_front_of_a_shared_one_is_cut_off_for_one_reader() {
        let shared = SharedPayload::copy_from(b"headbody");
        let mut one = shared.payload();
        one.cut_front(4);
        assert_eq!((&*one, &*shared, shared.readers()), (&b"body"[..], &b"headbody"[..], 1));
    }

    #[test]
    fn many_threads_read_and_leave() {
        let shared = SharedPayload::copy_from(&[7; 1000]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for mut payload in shared.payloads(500) {
                        assert!(payload.iter().all(|byte| *byte == 7));
                        if payload.as_ptr().addr() % 3 == 0 {
                            payload.unshare();
                        }
                    }
                });
            }
        });
        assert_eq!(shared.readers(), 1);
    }
}
