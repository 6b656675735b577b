//! What can go wrong, an enum an operation.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::{Handle, Payload};

/// A message could not be delivered. It hands the payload back.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The destination is 0.
    NoDestination {
        /// What was to be sent.
        payload: Payload,
    },
    /// No service with this handle is alive on this node.
    DeadHandle {
        /// The destination.
        dest: Handle,
        /// What was to be sent.
        payload: Payload,
    },
    /// No service of this node has this local name.
    UnknownName {
        /// The name, with its dot.
        name: String,
        /// What was to be sent.
        payload: Payload,
    },
    /// The destination is on another node, and this node has no harbor service.
    NoHarbor {
        /// What was to be sent.
        payload: Payload,
    },
    /// A message of the kinds `PTYPE_SYSTEM` and `PTYPE_HARBOR` cannot leave the node.
    NotForRemote {
        /// What was to be sent.
        payload: Payload,
    },
    /// The mailbox of the service is full, and its [`Policy`](crate::Policy) refuses the message.
    Overloaded {
        /// The destination.
        dest: Handle,
        /// How many messages wait there.
        waiting: usize,
        /// What was to be sent.
        payload: Payload,
    },
    /// The node has stopped.
    Stopped {
        /// What was to be sent.
        payload: Payload,
    },
}

impl SendError {
    /// The payload that was not sent.
    #[must_use]
    pub fn into_payload(self) -> Payload {
        match self {
            Self::NoDestination { payload }
            | Self::DeadHandle { payload, .. }
            | Self::UnknownName { payload, .. }
            | Self::NoHarbor { payload }
            | Self::NotForRemote { payload }
            | Self::Overloaded { payload, .. }
            | Self::Stopped { payload } => payload,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDestination { .. } => f.write_str("the destination of a message cannot be 0"),
            Self::DeadHandle { dest, .. } => write!(f, "no service {dest} is alive on this node"),
            Self::UnknownName { name, .. } => write!(f, "no service of this node is named {name}"),
            Self::NoHarbor { .. } => {
                f.write_str("the destination is on another node, and no harbor service runs here to reach it")
            }
            Self::NotForRemote { .. } => {
                f.write_str("messages of the kinds system (4) and harbor (5) cannot leave the node")
            }
            Self::Overloaded { dest, waiting, .. } => {
                write!(f, "service {dest} is overloaded: {waiting} messages wait")
            }
            Self::Stopped { .. } => f.write_str("the node has stopped"),
        }
    }
}

impl Error for SendError {}

/// Bytes of the reason of a failed call that are kept: others may send anything.
const MOST_OF_REASON: usize = 8 * 1024;

/// A call got no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The request could not be delivered.
    Send(SendError),
    /// The callee answered with an error, or ended before it answered.
    Failed {
        /// Whom the request was sent to.
        dest: Handle,
        /// What was said about it; empty if nothing was.
        reason: String,
    },
    /// No answer came in time.
    TimedOut {
        /// Whom the request was sent to.
        dest: Handle,
        /// How long was waited.
        after: Duration,
    },
    /// The service that called has ended, or the node has stopped.
    Stopped,
    /// A blocking wait on a worker thread of the node: the answer may need that very worker. Services call with
    /// [`Context::call`](crate::Context::call).
    OnWorker,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(cause) => write!(f, "the request was not sent: {cause}"),
            Self::Failed { dest, reason } if reason.is_empty() => {
                write!(f, "the call to {dest} failed: it answered with an error, or ended")
            }
            Self::Failed { dest, reason } => write!(f, "the call to {dest} failed: {reason}"),
            Self::TimedOut { dest, after } => write!(f, "no answer from {dest} within {after:?}"),
            Self::Stopped => f.write_str("the caller or its node has ended"),
            Self::OnWorker => {
                f.write_str("a worker thread must not block on a call: inside a service use Context::call")
            }
        }
    }
}

impl CallError {
    /// The failure that a `PTYPE_ERROR` with this payload tells of.
    pub(crate) fn failed(dest: Handle, reason: &[u8]) -> CallError {
        let shown = reason.get(..MOST_OF_REASON).unwrap_or(reason);
        CallError::Failed { dest, reason: String::from_utf8_lossy(shown).into_owned() }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Send(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Why a service could not be made or started: any error or text.
#[derive(Debug)]
pub struct ServiceError(Box<dyn Error + Send + Sync>);

impl ServiceError {
    /// Wraps an error or a text.
    #[must_use]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> ServiceError {
        ServiceError(cause.into())
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl From<String> for ServiceError {
    fn from(text: String) -> ServiceError {
        ServiceError(text.into())
    }
}

impl From<&str> for ServiceError {
    fn from(text: &str) -> ServiceError {
        ServiceError(text.into())
    }
}

impl From<io::Error> for ServiceError {
    fn from(cause: io::Error) -> ServiceError {
        ServiceError(cause.into())
    }
}

impl From<Box<dyn Error + Send + Sync>> for ServiceError {
    fn from(cause: Box<dyn Error + Send + Sync>) -> ServiceError {
        ServiceError(cause)
    }
}

/// A service did not come up.
#[derive(Debug)]
#[non_exhaustive]
pub enum LaunchError {
    /// No module of this name is registered with the node.
    UnknownModule {
        /// The name.
        module: String,
    },
    /// The module could not make the service.
    Create {
        /// The module.
        module: String,
        /// Why.
        cause: ServiceError,
    },
    /// The service refused to start: its `init` failed.
    Init {
        /// The handle that it would have had.
        handle: Handle,
        /// Why.
        cause: ServiceError,
    },
    /// The service was killed while it was starting.
    Killed {
        /// The handle that it had.
        handle: Handle,
    },
    /// All 2^24 - 1 handles are taken.
    Full,
    /// The node is stopping.
    Stopped,
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownModule { module } => {
                write!(
                    f,
                    "no module named {module:?} is part of this node (NodeBuilder::module registers one)"
                )
            }
            Self::Create { module, cause } => {
                write!(f, "module {module:?} could not make a service: {cause}")
            }
            Self::Init { handle, cause } => write!(f, "service {handle} could not start: {cause}"),
            Self::Killed { handle } => write!(f, "service {handle} was killed while it started"),
            Self::Full => f.write_str("every handle is taken: 16777215 services are alive"),
            Self::Stopped => f.write_str("the node is stopping and starts no more services"),
        }
    }
}

impl Error for LaunchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Create { cause, .. } | Self::Init { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// A node did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The number of workers is not in 1..=1024.
    Workers {
        /// What was asked for.
        count: usize,
    },
    /// The log service could not be started.
    Logger {
        /// Its module.
        module: String,
        /// Why.
        cause: LaunchError,
    },
    /// What the program ties to the node could not be set up.
    Setup(Box<dyn Error + Send + Sync>),
    /// A thread could not be started.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workers { count } => write!(f, "a node has 1 to 1024 workers, not {count}"),
            Self::Logger { module, cause } => write!(f, "can't launch {module} service: {cause}"),
            Self::Setup(cause) => write!(f, "{cause}"),
            Self::Thread(cause) => write!(f, "a thread of the node could not be started: {cause}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Logger { cause, .. } => Some(cause),
            Self::Thread(cause) => Some(cause),
            Self::Workers { .. } => None,
            Self::Setup(cause) => Some(cause.as_ref()),
        }
    }
}

/// Services did not end before the deadline of [`Node::stop`](crate::Node::stop).
#[derive(Debug)]
#[non_exhaustive]
pub struct StopError {
    /// Those that still run: their handles, and what they were launched as.
    pub stuck: Vec<(Handle, String)>,
    /// How long was waited.
    pub after: Duration,
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} services did not end within {:?}:", self.stuck.len(), self.after)?;
        self.stuck.iter().take(16).try_for_each(|(handle, name)| write!(f, " {handle} ({name})"))
    }
}

impl Error for StopError {}

/// A variable of the environment exists already: it is set once.
#[derive(Debug)]
#[non_exhaustive]
pub struct EnvError {
    /// Its name.
    pub key: String,
}

impl fmt::Display for EnvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "environment variable {:?} is set already and cannot change", self.key)
    }
}

impl Error for EnvError {}

/// A service cannot join a group, or leave it.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub enum GroupError {
    /// No group of this node has this handle.
    NoGroup {
        /// What was taken for a group.
        group: Handle,
    },
    /// The service is not alive.
    NotAlive {
        /// Who was to join.
        member: Handle,
    },
    /// A group cannot be a member of itself: its messages would go round for ever.
    Itself {
        /// The group.
        group: Handle,
    },
    /// The member, a group or a tunnel, leads back to the group.
    Circle {
        /// The group.
        group: Handle,
        /// Who was to join.
        member: Handle,
    },
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGroup { group } => write!(f, "no group of this node has the handle {group}"),
            Self::NotAlive { member } => write!(f, "{member} is not alive and cannot join a group"),
            Self::Itself { group } => write!(f, "the group {group} cannot be a member of itself"),
            Self::Circle { group, member } => {
                write!(
                    f,
                    "{member} leads back to the group {group} and cannot join it: messages would go round for ever"
                )
            }
        }
    }
}

impl Error for GroupError {}
