//! The harbor service: global names, and messages for services of other nodes.
//!
//! A [`Node`](skynet_core::Node) delivers what is for one of its own services. What is for a handle of another node, or
//! for a global name, it gives to its harbor service, which knows where such things are. [`module`] makes that service;
//! a *slave*, a service of the program's own, tells it the names.
//!
//! ```
//! use std::sync::mpsc;
//! use std::time::Duration;
//! use skynet_core::{Context, Handle, LogTarget, Message, Node};
//! use skynet_core::{PTYPE_CLIENT, PTYPE_HARBOR, PTYPE_RESPONSE, PTYPE_TEXT};
//!
//! let node = Node::builder().workers(1).log(LogTarget::Null).module("harbor", skynet_harbor::module()).start()?;
//! // The slave of a node that is alone: it need not look up the names that it is asked for.
//! let slave = node.spawn(|_: &Context, _: Message| {})?;
//! let harbor = node.launch("harbor", format!("0 {}", slave.raw()).as_bytes())?;
//!
//! let (answer, answers) = mpsc::channel();
//! let caller = node.spawn(move |ctx: &Context, msg: Message| match msg.kind {
//!     PTYPE_RESPONSE => answer.send(msg.payload.to_vec()).unwrap_or_default(),
//!     _ => ctx
//!         .send_name(Handle::NONE, b"ECHO", PTYPE_TEXT, ctx.new_session(), "hello".into())
//!         .unwrap_or_else(|error| ctx.log(error.to_string())),
//! })?;
//! // Nobody has this name yet: the request waits in the harbor service.
//! node.send(Handle::NONE, caller, PTYPE_CLIENT, 0, "go")?;
//!
//! let echo = node.spawn(|ctx: &Context, msg: Message| {
//!     if let Ok((request, payload)) = ctx.accept(msg) {
//!         let _ = request.respond(payload.to_ascii_uppercase());
//!     }
//! })?;
//! // The source of the command is the service that gets the name.
//! node.send(echo, harbor, PTYPE_HARBOR, 0, "N ECHO")?;
//! assert_eq!(answers.recv_timeout(Duration::from_secs(5))?, b"HELLO");
//! node.stop(Duration::from_secs(5))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The model
//!
//! 1. The service is launched as `harbor <id> <slave>`: the harbor id of the node, or 0, and the slave's handle in decimal.
//! 2. What a service sends to a global name or to another node arrives as `PTYPE_SYSTEM`, and is passed on with its kind,
//!    session and source, as if it had been sent directly.
//! 3. Texts of `PTYPE_HARBOR` are commands; `N <name>` binds a global name of 1 to 15 bytes to the *source* of the text.
//! 4. A message for a name that is not bound waits, and the slave gets `Q <name>` as `PTYPE_TEXT`, once for each message.
//! 5. When the name is bound, all that waits for it goes out, in order, before anything that is sent to it later.
//! 6. With id 0 the node is alone: what is for another node is refused. With another id it waits for a link to that node;
//!    this version makes no links.
//! 7. What waits is bounded by [`Limits`]; at a bound the newest message is refused.
//! 8. A refused request is answered with `PTYPE_ERROR`, and so is all that waits when the service ends. No call is lost.
//!
//! The texts are those of skynet's harbor service, so its `cslave` and `cdummy` can be the slave.

#![forbid(unsafe_code)]

mod args;
mod calls;
mod command;
pub mod frame;
mod gather;
mod incarnation;
mod link;
mod names;
pub mod peers;
mod pulse;
mod queue;
mod service;

pub use incarnation::first_local_id;
pub use queue::Limits;
pub use service::{module, module_with};
