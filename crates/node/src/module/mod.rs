//! Services from shared libraries on `cpath`: a module in Rust, if the library has the one function that makes it one, else one in C.
//!
//! - `file`: from the name of a module to a loaded library
//! - `elf`: files that are cut off
//! - `rust`: a library as a module in Rust
//!
//! Those in C are in `c`. No library is ever unloaded: threads of it may run, and data of it may be anywhere.

// Loading a library runs its code.
#![allow(unsafe_code)]

mod elf;
mod file;
mod rust;

use std::sync::OnceLock;

use skynet_core::{Module, Node, Service, ServiceError};

pub(crate) use elf::fault;
pub(crate) use file::{LoadedFile, candidates};

use crate::c::CModule;

/// Finds a module on the patterns of `cpath`.
///
/// # Errors
///
/// Why it cannot be loaded, with its path.
pub(crate) fn load(patterns: &[String], name: &str) -> Result<Box<dyn Module>, ServiceError> {
    let file = file::load(patterns, name).map_err(ServiceError::new)?;
    match rust::module(&file)? {
        Some(module) => Ok(Box::new(module)),
        None => Ok(Box::new(CModule::new(&file, name)?)),
    }
}

/// A module from a file, which is loaded when its first service is launched.
pub(crate) struct FileModule {
    patterns: Vec<String>,
    name: String,
    loaded: OnceLock<Box<dyn Module>>,
}

impl FileModule {
    /// A module that is to be looked for on these patterns of `cpath`.
    pub(crate) fn new(patterns: Vec<String>, name: String) -> FileModule {
        FileModule { patterns, name, loaded: OnceLock::new() }
    }
}

impl Module for FileModule {
    fn create(&self, node: &Node, args: &[u8]) -> Result<Box<dyn Service>, ServiceError> {
        if let Some(module) = self.loaded.get() {
            return module.create(node, args);
        }
        let loaded = load(&self.patterns, &self.name)?;
        // Another thread may have been faster; its library is the same.
        self.loaded.get_or_init(|| loaded).create(node, args)
    }
}
