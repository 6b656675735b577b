//! Blocks of bytes that services hand to one another.

// Each block has its reason.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::slice;

use crate::abi::Block;

/// The content of a message: a block of the C library's `malloc`, or none. Who has it may read it, change it, keep it, or send it on
/// as it is; dropping it frees it.
///
/// Reads as a slice of bytes. [`Payload::from`] a slice or a text copies it.
pub struct Payload {
    ptr: *mut u8,
    len: usize,
}

// SAFETY: a payload owns its block alone, and `malloc` and `free` work from any thread.
unsafe impl Send for Payload {}
// SAFETY: through a shared reference the block is only read.
unsafe impl Sync for Payload {}

impl Payload {
    /// A payload with no bytes and no block.
    #[must_use]
    pub const fn empty() -> Payload {
        Payload { ptr: ptr::null_mut(), len: 0 }
    }

    /// Copies `bytes` into a new block, with a NUL behind it that is not counted. No bytes make the [empty](Payload::empty) payload.
    ///
    /// # Panics
    ///
    /// If the system has no memory left (as `Vec` does, the process aborts).
    #[must_use]
    pub fn copy_from(bytes: &[u8]) -> Payload {
        let len = bytes.len();
        if len == 0 {
            return Payload::empty();
        }
        // SAFETY: `malloc` takes any size. A block that it gives has room for the bytes and a NUL, and does not overlap them.
        unsafe {
            let block = libc::malloc(len + 1).cast::<u8>();
            if block.is_null() {
                let layout = std::alloc::Layout::array::<u8>(len + 1);
                std::alloc::handle_alloc_error(layout.unwrap_or(std::alloc::Layout::new::<u8>()));
            }
            ptr::copy_nonoverlapping(bytes.as_ptr(), block, len);
            block.add(len).write(0);
            Payload { ptr: block, len }
        }
    }

    /// Takes over a block.
    ///
    /// # Safety
    ///
    /// `ptr` is null with `len` 0, or a block of `malloc` whose first `len` bytes are initialised and which nobody else uses or frees.
    #[must_use]
    pub unsafe fn from_raw(ptr: *mut c_void, len: usize) -> Payload {
        Payload { ptr: ptr.cast(), len }
    }

    /// Gives the block away: the caller frees it with `free`. The empty payload gives null.
    #[must_use]
    pub fn into_raw(self) -> (*mut c_void, usize) {
        let this = ManuallyDrop::new(self);
        (this.ptr.cast(), this.len)
    }

    pub(crate) fn into_block(self) -> Block {
        let (ptr, len) = self.into_raw();
        Block { ptr, len }
    }

    /// As [`Payload::from_raw`].
    ///
    /// # Safety
    ///
    /// As there.
    pub(crate) unsafe fn from_block(block: Block) -> Payload {
        // SAFETY: as the caller promises.
        unsafe { Payload::from_raw(block.ptr, block.len) }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        // SAFETY: the pointer is null or a block of `malloc` that this payload owns alone.
        unsafe { libc::free(self.ptr.cast()) };
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.ptr.is_null() {
            return &[];
        }
        // SAFETY: the block has this many initialised bytes, and stays as it is while `self` is borrowed.
        unsafe { slice::from_raw_parts(self.ptr, self.len) }
    }
}

impl DerefMut for Payload {
    fn deref_mut(&mut self) -> &mut [u8] {
        if self.ptr.is_null() {
            return &mut [];
        }
        // SAFETY: as for reading; `self` is borrowed for writing, and owns the block alone.
        unsafe { slice::from_raw_parts_mut(self.ptr, self.len) }
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
        Payload::copy_from(self)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_goes_out_and_comes_back() {
        let mut payload = Payload::from("block");
        payload[0] = b'c';
        let block = payload.as_ptr();
        let (ptr, len) = payload.into_raw();
        assert_eq!(ptr.cast_const().cast(), block);
        // SAFETY: the block was given away just now.
        let back = unsafe { Payload::from_raw(ptr, len) };
        assert_eq!(&*back, b"clock");
        assert_eq!(back.clone(), back);
    }

    #[test]
    fn no_bytes_need_no_block() {
        for mut payload in [Payload::empty(), Payload::from(""), Payload::from(Vec::new())] {
            assert!(payload.is_empty() && payload.iter_mut().next().is_none());
            assert_eq!(payload.into_raw(), (ptr::null_mut(), 0));
        }
    }
}
