//! What travels between services.

use crate::ptype::{PTYPE_ERROR, PTYPE_MULTICAST, PTYPE_RESPONSE};
use crate::remote::RemoteMessage;
use crate::{Handle, Payload};

/// One message.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// What it is: a `PTYPE_*` constant, or a number that the services have agreed on.
    pub kind: u8,
    /// Above 0 the sender waits for an answer that carries this number; 0 if it does not.
    pub session: i32,
    /// Who sent it; [`Handle::NONE`] for timers and sockets.
    pub source: Handle,
    /// Its content.
    pub payload: Payload,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Message>() == 32, "two messages a cache line");

impl Message {
    /// Whether its sender is owed an answer: a session above 0, and not itself an answer. What counts in a message that
    /// is wrapped for another node is the message inside. In a publication the number is that of a channel, and nobody waits.
    #[inline]
    #[must_use]
    pub fn wants_answer(&self) -> bool {
        let kind = if self.payload.is_plain() { self.kind } else { self.wrapped_kind() };
        let one_way = matches!(kind, PTYPE_RESPONSE | PTYPE_ERROR | PTYPE_MULTICAST);
        self.session > 0 && !one_way && !self.source.is_none()
    }

    #[cold]
    fn wrapped_kind(&self) -> u8 {
        RemoteMessage::kind_inside(&self.payload).unwrap_or(self.kind)
    }
}
