//! The config file, in two stages: what the file assigns (`chunk`) becomes a typed [`Config`] (`typed`), so that errors
//! in the file never meet the objects of a running node. `keys` defines every key once; `check` and `reference` show
//! them, `misspelling` finds the ones that were meant.

mod check;
mod chunk;
mod error;
mod harbor;
mod keys;
mod misspelling;
mod number;
mod reference;
mod sockets;
mod typed;

pub(crate) use check::report;
pub(crate) use error::Reason;
pub(crate) use harbor::{HarborSettings, INCARNATION_KEY};
pub(crate) use reference::markdown;
pub(crate) use sockets::SocketSettings;
pub(crate) use typed::{Config, Prefer};
