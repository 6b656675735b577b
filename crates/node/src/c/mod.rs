//! Services written in C: modules from `cpath`, and the functions of `skynet.h` that they call.
//!
//! - `library`: from a loaded file to the entry points of a module in it
//! - `service`: a service of such a module
//! - `context`: what its module knows as `struct skynet_context`
//! - `lua`: the same for the C modules of a Lua service
//! - `api`: the exported functions
//! - `process`: the one node that C code of this process is about, and how much stack it finds
//! - `shipped`: files with the names of what the binary has itself
//! - `format.c`: `skynet_error`, since Rust cannot define a function with a variable number of arguments
//!
//! The contract with C authors is in `crates/node/include`. What a module does wrong with its pointers,
//! such as to use a context after its service has ended, ends the process, as in any C program.

// Pointers of C modules are what all of this is about. Each block has its reason.
#![allow(unsafe_code)]

pub(crate) mod api;
mod context;
mod library;
mod lua;
mod process;
mod service;
mod shipped;

pub(crate) use lua::module_contexts;
pub(crate) use process::{attach, thread_stack};
pub(crate) use service::CModule;
pub(crate) use shipped::{SHIPPED, file_of, name_passed_over};
