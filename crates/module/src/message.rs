//! What travels between services.

use crate::abi::RawMessage;
use crate::ptype::{PTYPE_ERROR, PTYPE_RESPONSE};
use crate::{Handle, Payload};

/// One message.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// What it is: a `PTYPE_*` constant, or a number that the services have agreed on.
    pub kind: u8,
    /// Above 0 the sender waits for an answer that carries this number; 0 if it does not.
    pub session: i32,
    /// Who sent it; [`Handle::NONE`] for timers.
    pub source: Handle,
    /// Its content, which is the receiver's now.
    pub payload: Payload,
}

impl Message {
    /// Whether its sender is owed an answer: a session above 0, and not itself an answer.
    #[must_use]
    pub fn wants_answer(&self) -> bool {
        self.session > 0 && self.kind != PTYPE_RESPONSE && self.kind != PTYPE_ERROR && !self.source.is_none()
    }

    pub(crate) fn into_raw(self) -> RawMessage {
        RawMessage {
            block: self.payload.into_block(),
            source: self.source.raw(),
            session: self.session,
            kind: self.kind,
        }
    }
}
