//! Requests that a service has accepted.

use std::fmt;

use crate::calls::RequestPtr;
use crate::{Handle, Payload, SendError};

/// A request whose answer is owed. Dropped unanswered it answers with `PTYPE_ERROR`, so that the caller is never left waiting. It may be
/// kept, and moved to other threads.
#[must_use = "dropping a request answers it with an error"]
pub struct Request {
    /// None once answered.
    request: Option<RequestPtr>,
    source: Handle,
    session: i32,
}

impl Request {
    pub(crate) fn new(request: RequestPtr, source: Handle, session: i32) -> Request {
        Request { request: Some(request), source, session }
    }

    /// Who asks.
    #[must_use]
    pub fn source(&self) -> Handle {
        self.source
    }

    /// The number that the answer will carry.
    #[must_use]
    pub fn session(&self) -> i32 {
        self.session
    }

    /// Answers.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the one who asked is gone; it hands the payload back.
    pub fn respond(mut self, payload: impl Into<Payload>) -> Result<(), SendError> {
        let payload = payload.into();
        self.request.take().map_or(Ok(()), |request| request.respond(payload))
    }

    /// Answers with an error and its reason, which the caller is shown unless the node is set not to explain errors.
    pub fn refuse(mut self, reason: impl AsRef<str>) {
        if let Some(request) = self.request.take() {
            request.refuse(reason.as_ref());
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            request.refuse("");
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("source", &self.source).field("session", &self.session).finish()
    }
}
