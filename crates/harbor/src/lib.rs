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
//! 6. With id 0 the node is alone: what is for another node is refused.
//! 7. With another id it waits for a *link* to that node: a connection that the slave has made (`S <socket> <id>`) or accepted
//!    (`A <socket> <id>`). The service takes the [socket](skynet_socket) over. Both sides say their harbor id, one byte, and
//!    then [frames](frame). What waits goes out first, in order.
//! 8. A link ends with its connection, with bytes that are no frames, with silence, or when the slave says that the node is gone
//!    (`D <id>`). Then every call that waits for an answer of that node fails, at once, and so does what waits for a link;
//!    later messages are refused until there is another link. The slave gets `D <id>`, unless it was the one who said so.
//! 9. Each call is answered once: an answer that comes over a later link, after the call has failed, is dropped. The one
//!    exception is a request that was passed on to a third node: whoever waits for it is not told of the end of that one.
//! 10. Signs of life are exchanged with nodes that know them: the slave adds `h<seconds>` to `S` or `A`. From the others, nodes of
//!     C skynet, the system's own probes are all there is.
//! 11. What waits is bounded by [`Limits`], also in a connection whose other end does not read; at a bound the newest message
//!     is refused.
//! 12. A refused request is answered with `PTYPE_ERROR`, and so is all that waits when the service ends. An answer that is
//!     refused, or too long for a frame, becomes an error for whoever waits. No call is lost.
//! 13. A node that comes back gives out other handles: see [`first_local_id`].
//!
//! The texts and the bytes on a link are those of skynet's harbor service, so its `cslave` and `cdummy` can be the slave, and its
//! nodes the others.
//!
//! # How it is built
//!
//! [`peers`] has all links, without I/O and without a clock; the service around it moves bytes. So the tests can play
//! a whole network with faults, thousands of times a second.

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
