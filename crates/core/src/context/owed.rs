//! Messages that ask for an answer: who owes it.

use super::Context;
use crate::request::Request;
use crate::{Handle, Message, Payload, SendError};

impl Context {
    /// Takes a message as a request, which answers with an error if it is dropped unanswered.
    ///
    /// # Errors
    ///
    /// The message, if its sender does not wait for an answer.
    pub fn accept(&self, msg: Message) -> Result<(Request, Payload), Message> {
        if !msg.wants_answer() {
            return Err(msg);
        }
        if self.open_request.get() == (msg.source, msg.session) {
            self.open_request.set((Handle::NONE, 0));
        }
        Ok((Request::new(self.link().clone(), msg.source, msg.session), msg.payload))
    }

    /// Passes a message on as it came. If its sender waits for an answer, `dest` owes that from then on.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the payload back; the answer is then still owed by this service.
    pub fn forward(&self, dest: Handle, msg: Message) -> Result<(), SendError> {
        let request = (msg.source, msg.session);
        self.node.deliver(dest, msg)?;
        if self.open_request.get() == request {
            self.open_request.set((Handle::NONE, 0));
        }
        Ok(())
    }

    /// The request that the current message is, unless it was accepted.
    pub(crate) fn take_open_request(&self) -> Option<(Handle, i32)> {
        let (source, session) = self.open_request.replace((Handle::NONE, 0));
        (session > 0).then_some((source, session))
    }
}
