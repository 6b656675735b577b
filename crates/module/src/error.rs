//! What can go wrong.

use std::fmt;

use crate::{Payload, abi};

/// Why a service could not start: any error or text.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A message could not be delivered. It has what was not sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct SendError {
    /// Why.
    pub reason: SendFailure,
    /// What was to be sent.
    pub payload: Payload,
}

/// Why a message could not be delivered.
#[derive(Debug, Copy, Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum SendFailure {
    /// The destination is 0.
    NoDestination,
    /// No service with this handle is alive on this node.
    DeadHandle,
    /// No service of this node has this local name.
    UnknownName,
    /// The destination is on another node, and this node has no harbor service.
    NoHarbor,
    /// A message of the kinds system (4) and harbor (5) cannot leave the node.
    NotForRemote,
    /// The node has stopped.
    Stopped,
    /// The node could not do it, for a reason of its own.
    Host,
}

impl SendFailure {
    pub(crate) fn from_code(code: i32) -> SendFailure {
        match code {
            abi::NO_DESTINATION => Self::NoDestination,
            abi::DEAD_HANDLE => Self::DeadHandle,
            abi::UNKNOWN_NAME => Self::UnknownName,
            abi::NO_HARBOR => Self::NoHarbor,
            abi::NOT_FOR_REMOTE => Self::NotForRemote,
            abi::STOPPED => Self::Stopped,
            _ => Self::Host,
        }
    }
}

impl fmt::Display for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDestination => "the destination of a message cannot be 0",
            Self::DeadHandle => "no such service is alive on this node",
            Self::UnknownName => "no service of this node has this name",
            Self::NoHarbor => {
                "the destination is on another node, and no harbor service runs here to reach it"
            }
            Self::NotForRemote => "messages of the kinds system (4) and harbor (5) cannot leave the node",
            Self::Stopped => "the node has stopped",
            Self::Host => "the node could not send it",
        })
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)
    }
}

impl std::error::Error for SendError {}
