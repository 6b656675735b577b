//! The skynet actor runtime: services that exchange one-way messages inside one process, over all its cores.
//!
//! A [`Service`] owns its state and handles one [`Message`] at a time. It has an address ([`Handle`]), a mailbox, and a
//! [`Context`] with which it sends, calls, arms timers and gives text commands. A [`Node`] is the runtime: worker threads, a
//! timer, names, a log. Requests, timers and failures are all messages: whoever asks gets a `PTYPE_RESPONSE` or, however the other
//! side ends, a `PTYPE_ERROR` with the session of the request.
//!
//! ```
//! use std::time::Duration;
//! use skynet_core::{Context, LogTarget, Message, Node, PTYPE_TEXT};
//!
//! let node = Node::builder().workers(2).log(LogTarget::Null).start()?;
//! let echo = node.spawn(|ctx: &Context, msg: Message| {
//!     if let Ok((request, payload)) = ctx.accept(msg) {
//!         let _ = request.respond(payload.to_ascii_uppercase());
//!     }
//! })?;
//! let answer = node.call(echo, PTYPE_TEXT, "hello").wait()?;
//! assert_eq!(&*answer, b"HELLO");
//! node.stop(Duration::from_secs(5))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The model
//!
//! 1. A message goes from [`Context::send`] through the handle table into the mailbox of its receiver.
//! 2. If the receiver was idle it becomes runnable, and goes to the worker that sent, as the next to run there.
//! 3. A service is in one run queue at most and on one worker at most: it needs no locks of its own.
//! 4. A turn handles a share of the mailbox, so that no service keeps the others waiting.
//! 5. Messages from one sender to one receiver arrive in order; nothing else is promised about order.
//! 6. A handle is not given out again until all 2^24 local ids have had their turn.
//! 7. A service ends by [`Context::exit`], [`Node::kill`], a panic or with its node. Its handle is dead at once, and every
//!    request that it had not answered is answered with an error.
//! 8. A panic ends the one service. A [`Request`] that is dropped answers with an error.
//! 9. Workers without work sleep, and an idle node wakes nobody.
//! 10. The node ends when its last service has; [`Node::stop`] ends them all.

mod call;
mod caught;
mod cell;
mod clock;
mod command;
mod context;
mod env;
mod error;
mod group;
mod handle;
mod logger;
mod mailbox;
mod message;
mod msglog;
mod names;
mod node;
mod os;
mod payload;
pub mod ptype;
mod remote;
mod request;
mod scheduler;
mod service;
mod sync;
mod table;
mod timer;
mod watches;

pub use call::{Call, PendingCall};
pub use clock::{Clock, ManualClock};
pub use context::Context;
pub use error::{
    CallError, EnvError, GroupError, LaunchError, SendError, ServiceError, StartError, StopError,
};
pub use group::{GroupInfo, HandleSet, group_module, tunnel_module};
pub use handle::{Handle, ParseHandleError};
pub use mailbox::{Bound, MailboxStat, Policy};
pub use message::Message;
pub use node::{
    EXIT_UNCLEAN, LogTarget, Node, NodeBuilder, ServiceInfo, ShutdownEvent, ShutdownOrder, ShutdownScope,
    ShutdownStep,
};
pub use payload::{Payload, PayloadBuf, SharedPayload, SocketKind, SocketMessage};
pub use ptype::*;
pub use remote::{GLOBAL_NAME_LEN, Outgoing, RemoteDest, RemoteMessage};
pub use request::Request;
pub use scheduler::{Driver, WorkerThread};
pub use service::{LongMessage, Module, Overdue, Service, ServiceControl};
pub use timer::TimerKey;
