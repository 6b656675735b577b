//! Finding, compiling and sharing Lua code, and booting a service with it.

mod boot;
mod cache;
mod chunk;
mod find;
mod search;

pub(crate) use boot::{FAILED_TO_START, boot, give_up, tell_launcher_removed};
pub(crate) use cache::{CacheMode, dofile, load_file, loadfile, open_codecache};
pub(crate) use chunk::Chunk;
pub(crate) use search::{find_c_module, os_path, searcher, searchpath};
