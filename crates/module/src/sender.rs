//! Sending from threads of a module's own.

use std::fmt;

use crate::calls::SenderPtr;
use crate::{Handle, Message, SendError};

/// Sends in the name of a service, from any thread, also after its end. A thread that works for a service gives its results to it
/// by this: a message to [`Sender::handle`].
#[derive(Clone)]
pub struct Sender {
    sender: SenderPtr,
    handle: Handle,
}

impl Sender {
    pub(crate) fn new(sender: SenderPtr, handle: Handle) -> Sender {
        Sender { sender, handle }
    }

    /// The service in whose name it sends.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// As [`Context::send_message`](crate::Context::send_message). A session of the service's comes from its context.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the payload back.
    pub fn send_message(&self, dest: Handle, message: Message) -> Result<(), SendError> {
        self.sender.send(dest, message)
    }

    /// As [`Context::send_name`](crate::Context::send_name).
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the payload back.
    pub fn send_name(&self, name: impl AsRef<[u8]>, message: Message) -> Result<(), SendError> {
        self.sender.send_name(name.as_ref(), message)
    }

    /// Writes a log line with the service as its source.
    pub fn log(&self, text: impl AsRef<[u8]>) {
        self.sender.log(text.as_ref());
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender({})", self.handle)
    }
}
