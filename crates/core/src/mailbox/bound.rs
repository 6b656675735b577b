//! Bounds of mailboxes: what they say, and which messages they are about.

use crate::Message;
use crate::ptype::{
    PTYPE_DEBUG, PTYPE_ERROR, PTYPE_HARBOR, PTYPE_MULTICAST, PTYPE_RESPONSE, PTYPE_SOCKET, PTYPE_SYSTEM,
};

/// A bound of a mailbox: see [`Context::bound_mailbox`](crate::Context::bound_mailbox).
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Bound {
    /// How many messages may wait; 0 is taken as 1.
    pub limit: usize,
    /// What happens then.
    pub policy: Policy,
}

/// What happens at the bound of a mailbox.
///
/// These always get in, whatever the policy: answers and errors, expired timers, events of sockets, messages of the runtime, and
/// those of the kinds `PTYPE_SYSTEM` (one-way), `PTYPE_HARBOR`, `PTYPE_MULTICAST` and `PTYPE_DEBUG`. They count as waiting.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Policy {
    /// Requests are refused. One-way messages, whose senders cannot be told, have as much room again: they are dropped when twice
    /// as many messages wait.
    Reject,
    /// The oldest one-way message is dropped for each new message. If none waits the new message is refused, or dropped if it is
    /// one-way itself.
    DropOldest,
    /// The sockets of the service, and connections whose packages a gate gives to it, are not read until half as many wait. Other
    /// messages get in.
    PauseSockets,
}

/// What is known of a mailbox.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MailboxStat {
    /// Messages that wait.
    pub waiting: usize,
    /// The bound, if it has one.
    pub bound: Option<Bound>,
    /// Requests refused.
    pub rejected: u64,
    /// One-way messages dropped.
    pub dropped: u64,
    /// How often it made sockets pause.
    pub paused: u64,
}

/// How a bound treats a message.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// It gets in.
    Always,
    /// Nobody waits for an answer.
    OneWay,
    /// Somebody does, and can be told.
    Request,
}

impl Class {
    pub(super) fn of(message: &Message) -> Class {
        if !message.payload.is_plain() && !message.payload.is_shared() {
            // Orders of the runtime, messages of sockets, and what goes to other nodes.
            return Class::Always;
        }
        match message.kind {
            PTYPE_RESPONSE | PTYPE_ERROR | PTYPE_SOCKET | PTYPE_HARBOR | PTYPE_DEBUG => Class::Always,
            // Its content may count references, and nobody would.
            PTYPE_MULTICAST => Class::Always,
            _ if message.wants_answer() => Class::Request,
            PTYPE_SYSTEM => Class::Always,
            _ => Class::OneWay,
        }
    }
}
