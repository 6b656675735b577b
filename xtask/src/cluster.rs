//! `cargo xtask cluster-test`: clusters of real nodes, run by the test `cluster` of `tests/`.

use anyhow::Result;

use crate::shell::{self, cargo};

/// Builds our node as developers do, with its assertions, and hands over to the runner; arguments go to it as they are.
///
/// # Errors
///
/// When something does not build, or a scenario fails.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let skynet_c = shell::skynet_c()?;
    if skynet_c.is_none() {
        println!("cluster-test: our nodes only, since SKYNET_C names no built C skynet");
    }
    if std::env::var_os("SKYNET_BIN").is_none_or(|value| value.is_empty()) {
        shell::run(&mut cargo(&["build", "--quiet", "--package", "skynet-node"]))?;
    }
    let mut command =
        cargo(&["test", "--quiet", "--package", "skynet-tests", "--test", "cluster", "--", "--all"]);
    shell::run(command.args(args))
}
