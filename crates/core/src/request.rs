//! Requests that a service has accepted.

use std::fmt;
use std::sync::Arc;

use crate::node::Node;
use crate::ptype::{PTYPE_ERROR, PTYPE_RESPONSE};
use crate::{Handle, Message, Payload, SendError};

/// What is needed to send in the name of a service, from any thread, also after its end.
pub(crate) struct Link {
    node: Node,
    handle: Handle,
}

impl Link {
    pub(crate) fn new(node: Node, handle: Handle) -> Link {
        Link { node, handle }
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle
    }

    pub(crate) fn send(
        &self,
        dest: Handle,
        kind: u8,
        session: i32,
        payload: Payload,
    ) -> Result<(), SendError> {
        self.node.deliver(dest, Message { kind, session, source: self.handle, payload })
    }
}

/// A request whose answer is owed. Dropped unanswered it answers with `PTYPE_ERROR`, so that the caller is never left
/// waiting. It may be kept, and moved to other threads.
#[must_use = "dropping a request answers it with an error"]
pub struct Request {
    link: Arc<Link>,
    source: Handle,
    /// 0 once answered.
    session: i32,
}

impl Request {
    pub(crate) fn new(link: Arc<Link>, source: Handle, session: i32) -> Request {
        Request { link, source, session }
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
        let session = std::mem::take(&mut self.session);
        self.link.send(self.source, PTYPE_RESPONSE, session, payload.into())
    }

    /// Answers with an error.
    pub fn fail(self) {
        let text = format!("service {} answered with an error", self.link.handle);
        self.fail_with(&text);
    }

    /// Answers with an error and its reason, which the caller is shown unless the node does not
    /// [explain](crate::NodeBuilder::explain_errors) errors. A few KiB at most are shown.
    pub fn fail_with(mut self, reason: &str) {
        self.end(reason);
    }

    fn end(&mut self, reason: &str) {
        let session = std::mem::take(&mut self.session);
        if session > 0 {
            // If the one who asked is gone, nobody waits.
            let _ = self.link.send(self.source, PTYPE_ERROR, session, self.link.node.reason(reason));
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if self.session > 0 {
            let alive = self.link.node.is_alive(self.link.handle);
            let how = if alive { "gave the request up" } else { "has ended" };
            self.end(&format!("service {} {how}", self.link.handle));
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("source", &self.source).field("session", &self.session).finish()
    }
}
