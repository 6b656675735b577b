//! Calls of the host's table as functions that are safe to use.
//!
//! What they stand on: a [`Host`] comes from [`Host::new`], whose caller promises that the table is of a version that this crate knows;
//! and a [`Ctx`], a [`RequestPtr`] and a [`SenderPtr`] come from the host, are not copied, and are used on the threads that
//! [`abi`](crate::abi) says.

// Each block has its reason.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;

use crate::abi::{self, Block, HostTable, RawMessage, Text};
use crate::error::SendFailure;
use crate::{Handle, Message, Payload, SendError};

/// A host's table, which stays until the process ends.
#[derive(Copy, Clone)]
pub(crate) struct Host(&'static HostTable);

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({}.{})", self.0.header.major, self.0.header.minor)
    }
}

impl Host {
    /// `None` if the table is not of a version that this crate can use.
    ///
    /// # Safety
    ///
    /// `table` is null, or begins with a header and is what that says, until the process ends.
    pub(crate) unsafe fn new(table: *const HostTable) -> Option<Host> {
        // SAFETY: as the caller promises, there is a header, if there is a table.
        let header = unsafe { table.cast::<abi::Header>().as_ref() }?;
        #[allow(clippy::absurd_extreme_comparisons, reason = "as long as the minor version is 0")]
        let known = header.magic == abi::MAGIC
            && header.major == abi::MAJOR
            && header.minor >= abi::MINOR
            && header.size as usize >= size_of::<HostTable>();
        // SAFETY: it has at least what this version has.
        known.then(|| Host(unsafe { &*table }))
    }
}

/// The host's side of the service that runs, for as long as a call of the module's table takes.
pub(crate) struct Ctx {
    host: Host,
    raw: *const c_void,
}

impl Ctx {
    /// # Safety
    ///
    /// `raw` came with a call of the module's table from this host, on this thread, and that has not returned while the value is used.
    pub(crate) unsafe fn new(host: Host, raw: *const c_void) -> Ctx {
        Ctx { host, raw }
    }

    pub(crate) fn handle(&self) -> Handle {
        // SAFETY: the context is valid, as whoever made this value has promised.
        Handle::from_raw(unsafe { (self.host.0.handle)(self.raw) })
    }

    pub(crate) fn new_session(&self) -> i32 {
        // SAFETY: as above.
        unsafe { (self.host.0.new_session)(self.raw) }
    }

    pub(crate) fn send(&self, dest: Handle, message: Message) -> Result<(), SendError> {
        // SAFETY: as above; the message is a valid one of this thread.
        sent(message, |raw| unsafe { (self.host.0.send)(self.raw, dest.raw(), raw) })
    }

    pub(crate) fn send_name(&self, name: &[u8], message: Message) -> Result<(), SendError> {
        // SAFETY: as above; the name is borrowed meanwhile.
        sent(message, |raw| unsafe { (self.host.0.send_name)(self.raw, Text::new(name), raw) })
    }

    pub(crate) fn forward(&self, dest: Handle, message: Message) -> Result<(), SendError> {
        // SAFETY: as above.
        sent(message, |raw| unsafe { (self.host.0.forward)(self.raw, dest.raw(), raw) })
    }

    pub(crate) fn timeout(&self, nanoseconds: u64) -> i32 {
        // SAFETY: as above.
        unsafe { (self.host.0.timeout)(self.raw, nanoseconds) }
    }

    pub(crate) fn accept(&self, source: Handle, session: i32) -> Option<RequestPtr> {
        // SAFETY: as above.
        let raw = unsafe { (self.host.0.accept)(self.raw, source.raw(), session) };
        Some(RequestPtr { host: self.host, raw: NonNull::new(raw)? })
    }

    pub(crate) fn log(&self, text: &[u8]) {
        // SAFETY: as above; the text is borrowed meanwhile.
        unsafe { (self.host.0.log)(self.raw, Text::new(text)) };
    }

    pub(crate) fn command(&self, command: &str, param: &[u8]) -> Option<Payload> {
        // SAFETY: as above. The block is given away by the host.
        unsafe {
            let result = (self.host.0.command)(self.raw, Text::new(command.as_bytes()), Text::new(param));
            (!result.ptr.is_null()).then(|| Payload::from_block(result))
        }
    }

    pub(crate) fn exit(&self) {
        // SAFETY: as above.
        unsafe { (self.host.0.exit)(self.raw) };
    }

    pub(crate) fn now(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (self.host.0.now)(self.raw) }
    }

    pub(crate) fn mqlen(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (self.host.0.mqlen)(self.raw) }
    }

    pub(crate) fn sender(&self) -> Option<SenderPtr> {
        // SAFETY: as above.
        let raw = unsafe { (self.host.0.sender)(self.raw) };
        Some(SenderPtr { host: self.host, raw: NonNull::new(raw)? })
    }
}

/// The host's side of a request that was accepted.
pub(crate) struct RequestPtr {
    host: Host,
    raw: NonNull<c_void>,
}

// SAFETY: the host takes answers on any thread.
unsafe impl Send for RequestPtr {}
// SAFETY: through a shared reference nothing can be done.
unsafe impl Sync for RequestPtr {}

impl RequestPtr {
    pub(crate) fn respond(self, payload: Payload) -> Result<(), SendError> {
        let mut block = payload.into_block();
        // SAFETY: the request is the host's own, and used up here.
        let code = unsafe { (self.host.0.respond)(self.raw.as_ptr(), &raw mut block) };
        outcome(code, block)
    }

    /// No reason says that the request was given up.
    pub(crate) fn refuse(self, reason: &str) {
        // SAFETY: as above; the reason is borrowed meanwhile.
        unsafe { (self.host.0.refuse)(self.raw.as_ptr(), Text::new(reason.as_bytes())) };
    }
}

/// The host's side of a sender: one of those that hold it.
pub(crate) struct SenderPtr {
    host: Host,
    raw: NonNull<c_void>,
}

// SAFETY: the host's functions for it may be called on any thread.
unsafe impl Send for SenderPtr {}
// SAFETY: as above, also at the same time.
unsafe impl Sync for SenderPtr {}

impl SenderPtr {
    pub(crate) fn send(&self, dest: Handle, message: Message) -> Result<(), SendError> {
        // SAFETY: the sender lives until the last one of these is dropped; the message is a valid one of this thread.
        sent(message, |raw| unsafe { (self.host.0.sender_send)(self.raw.as_ptr(), dest.raw(), raw) })
    }

    pub(crate) fn send_name(&self, name: &[u8], message: Message) -> Result<(), SendError> {
        // SAFETY: as above; the name is borrowed meanwhile.
        sent(message, |raw| unsafe {
            (self.host.0.sender_send_name)(self.raw.as_ptr(), Text::new(name), raw)
        })
    }

    pub(crate) fn log(&self, text: &[u8]) {
        // SAFETY: as above.
        unsafe { (self.host.0.sender_log)(self.raw.as_ptr(), Text::new(text)) };
    }
}

impl Clone for SenderPtr {
    fn clone(&self) -> SenderPtr {
        // SAFETY: this one lives, so the sender does.
        unsafe { (self.host.0.sender_share)(self.raw.as_ptr()) };
        SenderPtr { host: self.host, raw: self.raw }
    }
}

impl Drop for SenderPtr {
    fn drop(&mut self) {
        // SAFETY: this one was counted, and is used no more.
        unsafe { (self.host.0.sender_drop)(self.raw.as_ptr()) };
    }
}

/// Hands a message over by a function of the host.
fn sent(message: Message, send: impl FnOnce(*mut RawMessage) -> i32) -> Result<(), SendError> {
    let mut raw = message.into_raw();
    let code = send(&raw mut raw);
    outcome(code, raw.block)
}

fn outcome(code: i32, left: Block) -> Result<(), SendError> {
    // SAFETY: what is left is this side's again; nothing is, if it was sent.
    let payload = unsafe { Payload::from_block(left) };
    match code {
        abi::SENT => Ok(()),
        code => Err(SendError { reason: SendFailure::from_code(code), payload }),
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    fn taken(header: &abi::Header) -> bool {
        // SAFETY: each of these headers says that something is wrong, so no more than it is looked at.
        unsafe { Host::new(ptr::from_ref(header).cast()) }.is_some()
    }

    #[test]
    fn a_host_of_another_version_is_not_called() {
        let size = size_of::<HostTable>();
        assert!(!taken(&abi::Header { magic: 1, ..abi::header("host", size) }));
        assert!(!taken(&abi::Header { major: abi::MAJOR + 1, ..abi::header("host", size) }));
        assert!(!taken(&abi::header("host", size - 1)));
        // SAFETY: null is no table.
        assert!(unsafe { Host::new(ptr::null()) }.is_none());
    }
}
