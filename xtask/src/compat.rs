//! `cargo xtask compat`: the scripts of a built C skynet, run on both nodes by the `compat` program of `tests/`.

use anyhow::Result;

use crate::shell::{self, cargo};

/// Builds our node and hands over to the runner; arguments go to it as they are.
///
/// # Errors
///
/// When something does not build, or an outcome differs.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let Some(skynet_c) = shell::skynet_c()? else {
        println!("compat: skipped, since SKYNET_C names no built C skynet");
        return Ok(());
    };
    let node = shell::build_node()?;
    let mut command = cargo(&["run", "--quiet", "--package", "skynet-tests", "--bin", "compat", "--"]);
    shell::run(command.args(args).env("SKYNET_C", skynet_c).env("SKYNET_BIN", node))
}
