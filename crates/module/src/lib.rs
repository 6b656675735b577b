//! Services in Rust that are loaded, or linked in.
//!
//! A crate of the type `cdylib` that implements [`Service`] and says [`export!`] is a module: the `skynet` binary finds it on `cpath`, as
//! it finds modules in C, and launches services of it by name. It depends on this crate alone, and was not built with the node:
//! what crosses between them are tables of C functions with a version ([`abi`]).
//!
//! ```
//! use skynet_module::{Context, Error, Message, Service};
//!
//! struct Greeter {
//!     greeting: String,
//! }
//!
//! impl Service for Greeter {
//!     fn init(_: &Context, args: &[u8]) -> Result<Self, Error> {
//!         Ok(Greeter { greeting: String::from_utf8(args.to_vec())? })
//!     }
//!
//!     fn on_message(&mut self, ctx: &Context, msg: Message) {
//!         // A request that is dropped unanswered is answered with an error.
//!         let Ok((request, name)) = ctx.accept(msg) else { return };
//!         let name = String::from_utf8_lossy(&name);
//!         let _ = request.respond(format!("{}, {name}", self.greeting));
//!     }
//! }
//!
//! skynet_module::export!(greeter = Greeter);
//! # fn main() {}
//! ```
//!
//! # Modules of this crate
//!
//! - [`abi`]: the interface, its versions and rules
//! - `service`, `context`, `message`, `payload`, `request`, `sender`, `handle`, [`ptype`], `error`: what a service is, has, and may do
//! - [`mod@export`]: a service type as a table; `caught`: its panics
//! - `calls`: the host's table as functions that are safe to use
//! - `host`, with the feature of that name: runs such services on a node of `skynet-core`

// `calls`, `export`, `payload` and `host` alone may allow it.
#![deny(unsafe_code)]

pub mod abi;
mod calls;
mod caught;
mod context;
mod error;
pub mod export;
mod handle;
#[cfg(feature = "host")]
pub mod host;
mod message;
mod payload;
pub mod ptype;
mod request;
mod sender;
mod service;

pub use context::Context;
pub use error::{Error, SendError, SendFailure};
pub use handle::Handle;
pub use message::Message;
pub use payload::Payload;
pub use ptype::*;
pub use request::Request;
pub use sender::Sender;
pub use service::{Service, SignalHandler};
