//! The pack format between Lua stacks and payloads, straight in both directions.
//!
//! The format itself is described in `skynet_seri::wire`. Both halves are *jumping* functions (see the crate's docs):
//! they call Lua API that may raise, so they own nothing that needs dropping; what grows lives in the VM's record.

mod buffer;
mod keys;
mod pack;
mod unpack;

pub(crate) use buffer::Scratch;
pub(crate) use keys::KeyCache;
pub(crate) use pack::pack;
pub(crate) use unpack::{open_cache, unpack};
