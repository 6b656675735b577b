//! The scratch buffer that packing writes to.

use std::ffi::c_void;
use std::ptr;

use skynet_core::Payload;

/// The first allocation. Nearly every message fits.
const FIRST: usize = 256;
/// A buffer that outgrew this is handed over instead of being copied and kept.
const KEEP: usize = 32 * 1024;

/// A growing block of `malloc` memory without a destructor: it may be moved out of the VM's record while a
/// metamethod runs, and a jump over the frame that holds it leaks nothing as long as that frame catches errors.
#[derive(Clone, Copy)]
pub(crate) struct Scratch {
    ptr: *mut u8,
    len: usize,
    cap: usize,
}

impl Scratch {
    pub(crate) const EMPTY: Scratch = Scratch { ptr: ptr::null_mut(), len: 0, cap: 0 };

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    #[inline]
    pub(crate) fn push(&mut self, byte: u8) -> bool {
        self.append(&[byte])
    }

    /// Appends bytes; false when memory is exhausted.
    #[inline]
    pub(crate) fn append(&mut self, bytes: &[u8]) -> bool {
        if self.cap - self.len < bytes.len() && !self.grow(bytes.len()) {
            return false;
        }
        // SAFETY: there is room for `bytes` behind `len`, and the block is ours alone.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.ptr.add(self.len), bytes.len()) };
        self.len += bytes.len();
        true
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) -> bool {
        let Some(need) = self.len.checked_add(more) else { return false };
        let cap = need.max(self.cap.saturating_mul(2)).max(FIRST);
        // One byte more than the capacity, so that a buffer that is handed over has room for its hidden NUL.
        // SAFETY: `ptr` is null or a block of ours from the same allocator.
        let grown = unsafe { libc::realloc(self.ptr.cast(), cap.saturating_add(1)) };
        if grown.is_null() {
            return false;
        }
        self.ptr = grown.cast();
        self.cap = cap;
        true
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        if self.ptr.is_null() {
            return &[];
        }
        // SAFETY: `len` bytes have been written.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }

    /// The content as a payload. A small one is copied to a block of its exact size, and the buffer stays; a
    /// large one is handed over.
    #[inline]
    pub(crate) fn take_payload(&mut self) -> Payload {
        if self.len <= KEEP {
            return Payload::copy_from(self.bytes());
        }
        let Scratch { ptr, len, .. } = std::mem::replace(self, Scratch::EMPTY);
        // SAFETY: the block has room for one byte behind its capacity; shrinking never moves the content out of reach,
        // and when it fails the old block is still good.
        unsafe {
            *ptr.add(len) = 0;
            let fitted = libc::realloc(ptr.cast(), len + 1);
            let block = if fitted.is_null() { ptr.cast::<c_void>() } else { fitted };
            Payload::from_raw(block, len)
        }
    }

    /// Gives the memory back.
    pub(crate) fn free(&mut self) {
        // SAFETY: null or ours.
        unsafe { libc::free(self.ptr.cast()) };
        *self = Scratch::EMPTY;
    }
}
