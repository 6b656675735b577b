//! Files on `cpath` with the names of services that the binary has itself. Those in the binary win, unless `rs_prefer_files` names
//! them.

use std::path::PathBuf;

use skynet_core::{Handle, Node};

use crate::config::Config;
use crate::module::candidates;

/// The service that no file replaces: its VMs are part of the engine.
const NEVER: &str = "snlua";

/// The services that the binary has itself.
pub(crate) const SHIPPED: [&str; 6] = [NEVER, "logger", "harbor", "gate", "group", "tunnel"];

/// Whether services of this name come from a file, though the binary has them.
pub(crate) fn file_of(config: &Config, name: &str) -> Option<PathBuf> {
    let preferred = name != NEVER && config.prefer.includes(name);
    preferred.then(|| found(config, name)).flatten()
}

/// Names in the log what is not used, a line each.
pub(crate) fn name_passed_over(node: &Node, config: &Config) {
    for name in SHIPPED {
        if file_of(config, name).is_some() {
            continue;
        }
        if let Some(file) = found(config, name) {
            let hint = match name {
                NEVER => String::new(),
                _ => format!(" (rs_prefer_files = \"{name}\" lets the file win)"),
            };
            let file = file.display();
            node.log(Handle::NONE, format!("The built-in service {name} is used instead of {file}{hint}"));
        }
    }
}

fn found(config: &Config, name: &str) -> Option<PathBuf> {
    candidates(&config.module_path, name).find(|path| path.is_file())
}
