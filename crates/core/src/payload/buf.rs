//! A payload under construction.

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr;
use std::slice;

use super::{Payload, out_of_memory};

/// A growing block of `malloc` that becomes a [`Payload`] without a copy.
///
/// ```
/// use skynet_core::PayloadBuf;
///
/// let mut buf = PayloadBuf::new();
/// buf.extend_from_slice(b"ab");
/// buf.push(b'c');
/// assert_eq!(&*buf.into_payload(), b"abc");
/// ```
pub struct PayloadBuf {
    ptr: *mut u8,
    len: usize,
    /// Bytes that fit, the NUL not counted.
    capacity: usize,
}

// SAFETY: the buffer owns its block alone, and `malloc` and `free` work from any thread.
unsafe impl Send for PayloadBuf {}
// SAFETY: through a shared reference the block is only read.
unsafe impl Sync for PayloadBuf {}

impl PayloadBuf {
    /// An empty buffer; it allocates with the first byte.
    #[must_use]
    pub const fn new() -> PayloadBuf {
        PayloadBuf { ptr: ptr::null_mut(), len: 0, capacity: 0 }
    }

    /// An empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> PayloadBuf {
        let mut buf = PayloadBuf::new();
        if capacity > 0 {
            buf.resize_block(capacity);
        }
        buf
    }

    /// The number of bytes written.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets what was written, keeps the block.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Makes room for `additional` more bytes.
    #[inline]
    pub fn reserve(&mut self, additional: usize) {
        if additional > self.capacity - self.len {
            self.grow(additional);
        }
    }

    /// Appends one byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.reserve(1);
        // SAFETY: there is room for one more byte.
        unsafe { self.ptr.add(self.len).write(byte) };
        self.len += 1;
    }

    /// Appends `bytes`.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        if !bytes.is_empty() {
            // SAFETY: there is room, and a borrowed slice cannot lie in the unused part of our block.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.ptr.add(self.len), bytes.len()) };
            self.len += bytes.len();
        }
    }

    /// The payload with these bytes, in the same block.
    #[must_use]
    pub fn into_payload(self) -> Payload {
        if self.len == 0 {
            return Payload::empty();
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: the block always has one byte more than `capacity` for the NUL; it is ours, and `len` bytes of it are
        // initialised.
        unsafe {
            this.ptr.add(this.len).write(0);
            Payload::from_raw(this.ptr.cast(), this.len)
        }
    }

    #[cold]
    fn grow(&mut self, additional: usize) {
        let needed = self.len.saturating_add(additional);
        self.resize_block(needed.max(self.capacity.saturating_mul(2)).max(32));
    }

    fn resize_block(&mut self, capacity: usize) {
        assert!(capacity <= Payload::MAX_LEN, "a payload of {capacity} bytes is too large");
        // SAFETY: the pointer is null or a block of `malloc` that only this buffer knows.
        let block = unsafe { libc::realloc(self.ptr.cast(), capacity + 1) };
        if block.is_null() {
            out_of_memory(capacity + 1);
        }
        self.ptr = block.cast();
        self.capacity = capacity;
    }
}

impl Drop for PayloadBuf {
    fn drop(&mut self) {
        // SAFETY: the pointer is null or a block of `malloc` that only this buffer knows.
        unsafe { libc::free(self.ptr.cast()) };
    }
}

impl Deref for PayloadBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.ptr.is_null() {
            return &[];
        }
        // SAFETY: `len` bytes of the block are initialised, and stay so while `self` is borrowed.
        unsafe { slice::from_raw_parts(self.ptr, self.len) }
    }
}

impl Default for PayloadBuf {
    fn default() -> PayloadBuf {
        PayloadBuf::new()
    }
}

impl fmt::Debug for PayloadBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayloadBuf({} of {} bytes)", self.len, self.capacity)
    }
}

impl io::Write for PayloadBuf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn it_grows_and_keeps_what_was_written() {
        let mut buf = PayloadBuf::new();
        for byte in 0..=255 {
            buf.push(byte);
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(&*buf, &all[..]);
        assert_eq!(&*buf.into_payload(), &all[..]);
    }

    #[test]
    fn cleared_and_untouched_buffers_give_the_empty_payload() {
        let mut buf = PayloadBuf::with_capacity(10);
        write!(buf, "{}", 12).expect("a buffer takes all");
        buf.clear();
        assert!(buf.is_empty() && buf.into_payload().as_ptr().is_null());
        assert!(PayloadBuf::new().into_payload().is_empty());
    }
}
