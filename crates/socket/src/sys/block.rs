//! Blocks of `malloc` that are read into.

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use skynet_core::Payload;

/// A new block; what is read into it becomes a payload without a copy.
pub(crate) struct Block {
    block: *mut c_void,
    capacity: usize,
    len: usize,
}

impl Block {
    /// A block for `capacity` bytes, at least one.
    ///
    /// # Errors
    ///
    /// If the system has no memory left.
    pub(crate) fn new(capacity: usize) -> io::Result<Block> {
        let capacity = capacity.max(1);
        // SAFETY: `malloc` may be called with any size.
        let block = unsafe { libc::malloc(capacity) };
        if block.is_null() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(Block { block, capacity, len: 0 })
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Reads once, into the beginning of the block.
    pub(crate) fn read(&mut self, fd: BorrowedFd<'_>) -> io::Result<usize> {
        // SAFETY: the block has this many bytes and is ours alone; the descriptor is open while it is borrowed.
        let read = unsafe { libc::read(fd.as_raw_fd(), self.block, self.capacity) };
        self.len = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
        Ok(self.len)
    }

    /// What was read.
    pub(crate) fn into_payload(mut self) -> Payload {
        let block = std::mem::replace(&mut self.block, ptr::null_mut());
        // SAFETY: the block came from `malloc`, has that many initialised bytes, and is forgotten here.
        unsafe { Payload::from_raw(block, self.len) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the pointer is null, or a block of `malloc` that only this value knows.
        unsafe { libc::free(self.block) };
    }
}
