//! Lua 5.5 services for `skynet-core`: the `skynet` API of C skynet, with its sessions in native code.
//!
//! [`snlua`] gives the native module that hosts Lua services; what they may `require` without a file comes as a
//! value, [`Sources`]. This crate reads no folder but those that the node's environment names (`luaservice`, `lua_path`, …).
//!
//! ```
//! use skynet_core::Node;
//! use skynet_luabind::{LuaOptions, Sources, snlua};
//!
//! let hello = r#"
//!     local skynet = require "skynet"
//!     -- Here and not in the start function, since the call below may come before that has run.
//!     skynet.dispatch("lua", function(_, _, name) skynet.retpack("hello, " .. name) end)
//!     skynet.start(function() end)
//! "#;
//! let sources = Sources::new().service("hello", hello);
//! let node = Node::builder().module("snlua", snlua(LuaOptions { sources, ..Default::default() })).start()?;
//! let service = node.launch("snlua", b"hello")?;
//! let answer = node.call(service, skynet_core::PTYPE_LUA, b"\x2cworld").wait()?; // "world", packed
//! assert_eq!(&answer[1..], b"hello, world");
//! node.stop(std::time::Duration::from_secs(5))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Model
//!
//! A service is a VM of its own. Its messages are handled one after the other, each in a coroutine (a *framework thread*)
//! from a pool. A native function that waits (`skynet.call`, `sleep`, `wait`) notes the session and yields; the worker
//! that takes the answer finds the thread by the session and resumes it, and the continuation unpacks the payload straight
//! onto the stack. What is woken, failed or forked meanwhile runs before the next message, in that order.
//!
//! Two doors lead to one engine: `require "skynet"` is native, and `require "skynet.core"` offers the low-level functions
//! for frameworks that dispatch messages themselves.
//!
//! # The jump rule
//!
//! Lua errors and yields leave native frames by `longjmp`, so there are two kinds of functions. *Leaf* functions are
//! ordinary Rust and call no API that can raise. *Jumping* functions (nearly everything under `api` and `codec`) call such
//! API: they own nothing that needs dropping at that moment and cannot panic. What must live longer belongs to the VM's
//! record. Outside of `lua_resume` and `lua_pcallk` only API that cannot raise is called.
//!
//! # Unsafe code
//!
//! The modules below that talk to Lua are unsafe throughout, on one ground: the `lua_State` and the record behind it are
//! alive, and this thread alone is inside of them. The core gives the second half (a service runs on one worker at a
//! time), `service` the first (a VM is closed once, by its owner, and never entered again). Blocks that stand on more than that
//! say so.

#![allow(clippy::undocumented_unsafe_blocks, reason = "one reason for all of them: see the section above")]

mod api;
mod channel;
mod codec;
mod interrupt;
mod loader;
mod net;
mod service;
mod shared;
mod sources;
mod stdin;
mod vm;

pub use api::c_modules::{ModuleContext, ModuleContexts};
pub use service::{LuaOptions, snlua};
pub use shared::PreferFiles;
pub use sources::Sources;

/// Names of everything native that Lua code can see: (module, field). For tests of the documentation.
pub fn native_names() -> Vec<(&'static str, &'static str)> {
    let text = |name: &'static std::ffi::CStr| name.to_str().unwrap_or_default();
    api::skynet::names()
        .map(|name| ("skynet", text(name)))
        .chain(api::core::names().map(|name| ("skynet.core", text(name))))
        .chain(api::socketdriver::names().map(|name| ("skynet.socketdriver", text(name))))
        .chain(api::netpack::names().map(|name| ("skynet.netpack", text(name))))
        .chain(api::multicast::names().map(|name| ("skynet.multicast.core", text(name))))
        .collect()
}
