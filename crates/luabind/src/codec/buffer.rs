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

    /// Makes room for some more bytes; false when memory is exhausted.
    #[inline]
    pub(crate) fn reserve(&mut self, more: usize) -> bool {
        self.cap - self.len >= more || self.grow(more)
    }

    /// Appends the first `len` bytes of a small fixed buffer; false when memory is exhausted.
    #[inline]
    pub(crate) fn append_head<const N: usize>(&mut self, (buffer, len): ([u8; N], usize)) -> bool {
        if !self.reserve(N) {
            return false;
        }
        // SAFETY: there is room for all of it, which compiles to a store or two; what is beyond `len` is overwritten next.
        unsafe { self.ptr.add(self.len).cast::<[u8; N]>().write_unaligned(buffer) };
        self.len += len.min(N);
        true
    }

    /// Appends a byte and a string of less than 32 bytes; false when memory is exhausted.
    #[inline]
    pub(crate) fn append_short(&mut self, head: u8, text: &[u8]) -> bool {
        if !self.reserve(text.len() + 1) {
            return false;
        }
        // SAFETY: room was made for both.
        unsafe {
            let to = self.ptr.add(self.len);
            *to = head;
            copy_short(text.as_ptr(), to.add(1), text.len());
        }
        self.len += text.len() + 1;
        true
    }

    /// Appends a string and what comes before it; false when memory is exhausted.
    #[inline]
    pub(crate) fn append_string<const N: usize>(&mut self, head: ([u8; N], usize), text: &[u8]) -> bool {
        if !self.reserve(text.len() + N) || !self.append_head(head) {
            return false;
        }
        // SAFETY: room was made for it.
        unsafe { copy_short(text.as_ptr(), self.ptr.add(self.len), text.len()) };
        self.len += text.len();
        true
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

/// Copies, without a call for the short strings that messages are made of.
///
/// # Safety
/// As `copy_nonoverlapping`.
#[inline]
unsafe fn copy_short(from: *const u8, to: *mut u8, len: usize) {
    // Two overlapping words cover every length between one and two of them.
    macro_rules! words {
        ($word:ty) => {{
            let last = len - size_of::<$word>();
            let a = from.cast::<$word>().read_unaligned();
            let b = from.add(last).cast::<$word>().read_unaligned();
            to.cast::<$word>().write_unaligned(a);
            to.add(last).cast::<$word>().write_unaligned(b);
        }};
    }
    // SAFETY: every word lies within the `len` bytes on both sides.
    unsafe {
        match len {
            0 => {}
            1 => *to = *from,
            2..=3 => words!(u16),
            4..=7 => words!(u32),
            8..=15 => words!(u64),
            16..=31 => words!(u128),
            _ => ptr::copy_nonoverlapping(from, to, len),
        }
    }
}

/// Whether two blocks of the same length are equal, without a call for short ones.
///
/// # Safety
/// Both have `len` readable bytes.
#[inline]
pub(super) unsafe fn equal_short(a: *const u8, b: *const u8, len: usize) -> bool {
    macro_rules! words {
        ($word:ty) => {{
            let last = len - size_of::<$word>();
            let first = a.cast::<$word>().read_unaligned() == b.cast::<$word>().read_unaligned();
            first
                && a.add(last).cast::<$word>().read_unaligned()
                    == b.add(last).cast::<$word>().read_unaligned()
        }};
    }
    // SAFETY: every word lies within the `len` bytes of both.
    unsafe {
        match len {
            0 => true,
            1 => *a == *b,
            2..=3 => words!(u16),
            4..=7 => words!(u32),
            8..=15 => words!(u64),
            16..=31 => words!(u128),
            _ => std::slice::from_raw_parts(a, len) == std::slice::from_raw_parts(b, len),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_copies_and_comparisons_cover_every_length() {
        let source: Vec<u8> = (1..=100).collect();
        for len in 0..=64 {
            let mut copy = vec![0_u8; len + 1];
            // SAFETY: both are long enough.
            unsafe {
                copy_short(source.as_ptr(), copy.as_mut_ptr(), len);
                assert_eq!(copy[..len], source[..len]);
                assert_eq!(copy[len], 0);
                assert!(equal_short(source.as_ptr(), copy.as_ptr(), len));
                for at in 0..len {
                    copy[at] ^= 0x80;
                    assert!(!equal_short(source.as_ptr(), copy.as_ptr(), len), "{len} {at}");
                    copy[at] ^= 0x80;
                }
            }
        }
    }

    #[test]
    fn payloads_of_every_size_hold_what_was_appended() {
        let mut scratch = Scratch::EMPTY;
        for size in [0, 1, 255, 256, 257, KEEP - 1, KEEP, KEEP + 1, 4 * KEEP] {
            scratch.clear();
            for i in 0..size {
                assert!(scratch.push(i as u8));
            }
            let payload = scratch.take_payload();
            assert_eq!(payload.len(), size);
            assert!(payload.iter().enumerate().all(|(i, byte)| *byte == i as u8));
        }
        scratch.free();
    }
}
