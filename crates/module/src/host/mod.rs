//! Running such services on a node of `skynet-core`, loaded or linked in. Both go through the same tables.
//!
//! ```
//! use skynet_core::{LogTarget, Node, PTYPE_TEXT};
//! use skynet_module::{Context, Error, Message, Service, host};
//!
//! struct Echo;
//!
//! impl Service for Echo {
//!     fn init(_: &Context, _: &[u8]) -> Result<Self, Error> {
//!         Ok(Echo)
//!     }
//!
//!     fn on_message(&mut self, ctx: &Context, msg: Message) {
//!         if let Ok((request, payload)) = ctx.accept(msg) {
//!             let _ = request.respond(payload);
//!         }
//!     }
//! }
//!
//! let node = Node::builder().workers(1).log(LogTarget::Null).module("echo", host::linked::<Echo>("echo")).start()?;
//! let echo = node.launch("echo", b"")?;
//! assert_eq!(&*node.call(echo, PTYPE_TEXT, "hello").wait()?, b"hello");
//! node.stop(std::time::Duration::from_secs(5))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Each block has its reason.
#![allow(unsafe_code)]

mod functions;
mod service;

use std::fmt;
use std::marker::PhantomData;

use skynet_core::{Module, Node, ServiceError};

use crate::abi::{self, Entry, Header, ModuleTable};
use crate::{Service, export};

/// A module whose table is known and of a version that this crate can use. It is a kind of service: give it to
/// `NodeBuilder::module`.
#[derive(Debug)]
pub struct HostedModule {
    table: &'static ModuleTable,
    /// What its errors begin with.
    origin: String,
}

/// A service type of this program as a module, for `NodeBuilder::module`. `name` is what errors of its services begin with.
#[must_use]
pub fn linked<S: Service>(name: impl Into<String>) -> HostedModule {
    HostedModule { table: Linked::<S>::TABLE, origin: name.into() }
}

/// A service type of this program.
struct Linked<S>(PhantomData<S>);

impl<S: Service> Linked<S> {
    const TABLE: &'static ModuleTable = &export::table::<S>("linked");
}

impl HostedModule {
    /// Asks a library for its table. `origin` is what errors of its services begin with: the path.
    ///
    /// # Errors
    ///
    /// [`AbiError`] if it is not a table that this node can use. Nothing but its header was looked at then.
    ///
    /// # Safety
    ///
    /// `entry` is the function named [`abi::ENTRY`] of a library that is never unloaded. What it gives is null, or points to a [`Header`]
    /// that tells the truth.
    pub unsafe fn from_entry(entry: Entry, origin: impl Into<String>) -> Result<HostedModule, AbiError> {
        // SAFETY: as the caller promises; the function asks for nothing.
        let table = unsafe { entry() };
        // SAFETY: as the caller promises, a header, if anything.
        check(unsafe { table.cast::<Header>().as_ref() })?;
        // SAFETY: the header says that it is a whole table of this version.
        Ok(HostedModule { table: unsafe { &*table }, origin: origin.into() })
    }
}

impl Module for HostedModule {
    fn create(&self, _: &Node, args: &[u8]) -> Result<Box<dyn skynet_core::Service>, ServiceError> {
        Ok(Box::new(service::HostedService::new(self.table, self.origin.clone(), args)))
    }
}

/// Why a module cannot be used.
#[derive(Debug, Copy, Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum AbiError {
    /// Its function gave null.
    NoTable,
    /// What it gave does not begin with [`abi::MAGIC`].
    Magic {
        /// What it begins with.
        found: u64,
    },
    /// It was built for another major version, or for a newer minor one.
    Version {
        /// The major version.
        major: u16,
        /// The minor version.
        minor: u16,
    },
    /// Its table is not as large as its version says.
    Size {
        /// Its bytes.
        found: u32,
        /// The bytes of a table of its version.
        expected: usize,
    },
}

impl fmt::Display for AbiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entry, ours) = (abi::ENTRY, format_args!("{}.{}", abi::MAJOR, abi::MINOR));
        match self {
            Self::NoTable => write!(f, "{entry} gave no table"),
            Self::Magic { found } => write!(
                f,
                "{entry} gave no table of a module: it begins with {found:#018x}, not {:#018x}",
                abi::MAGIC
            ),
            Self::Version { major, minor } => {
                write!(f, "built for the module interface {major}.{minor}, this node has {ours} (")?;
                f.write_str(if *major == abi::MAJOR {
                    "it takes no newer minor version: build the module with an older skynet-module, or take a newer node)"
                } else {
                    "build the module with a skynet-module of that major version)"
                })
            }
            Self::Size { found, expected } => write!(
                f,
                "its table has {found} bytes, one of the module interface {ours} has {expected} (was it built for \
                 another kind of processor?)"
            ),
        }
    }
}

impl std::error::Error for AbiError {}

/// Whether the table behind a header can be used.
fn check(header: Option<&Header>) -> Result<(), AbiError> {
    let header = header.ok_or(AbiError::NoTable)?;
    if header.magic != abi::MAGIC {
        return Err(AbiError::Magic { found: header.magic });
    }
    if header.major != abi::MAJOR || header.minor > abi::MINOR {
        return Err(AbiError::Version { major: header.major, minor: header.minor });
    }
    // All minor versions up to now have a table of this size.
    let expected = size_of::<ModuleTable>();
    if header.size as usize != expected {
        return Err(AbiError::Size { found: header.size, expected });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doctored(change: impl FnOnce(&mut Header)) -> Result<(), AbiError> {
        let mut header = abi::header("doctored", size_of::<ModuleTable>());
        change(&mut header);
        check(Some(&header))
    }

    #[test]
    fn a_table_of_this_version_is_taken() {
        assert_eq!(doctored(|_| {}), Ok(()));
    }

    #[test]
    fn what_does_not_fit_is_named_with_what_was_found_and_expected() {
        let text = |result: Result<(), AbiError>| result.expect_err("refused").to_string();
        assert_eq!(text(check(None)), "skynet_rs_module gave no table");
        assert!(text(doctored(|header| header.magic = 1)).contains("begins with 0x0000000000000001, not 0x"));
        let major = text(doctored(|header| header.major = 7));
        assert!(major.starts_with("built for the module interface 7.0, this node has 1.0 (build"), "{major}");
        let minor = text(doctored(|header| header.minor = 9));
        assert!(
            minor.starts_with("built for the module interface 1.9, this node has 1.0 (it takes"),
            "{minor}"
        );
        let size = text(doctored(|header| header.size = 40));
        assert!(size.starts_with("its table has 40 bytes, one of the module interface 1.0 has 88"), "{size}");
    }

    #[test]
    fn the_kinds_of_messages_are_those_of_the_core() {
        use skynet_core::ptype as core;
        assert_eq!(crate::PTYPE_TEXT, core::PTYPE_TEXT);
        assert_eq!(crate::PTYPE_RESPONSE, core::PTYPE_RESPONSE);
        assert_eq!(crate::PTYPE_CLIENT, core::PTYPE_CLIENT);
        assert_eq!(crate::PTYPE_ERROR, core::PTYPE_ERROR);
        assert_eq!(crate::PTYPE_LUA, core::PTYPE_LUA);
    }
}
