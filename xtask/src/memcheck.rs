//! Services from libraries under valgrind: blocks go back and forth between them and the node, and each has one owner.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::shell::{self, cargo};

/// The test files: services in C, services in Rust, C modules for Lua that act for their service.
const TOPICS: &[&str] = &["cservice", "rust_modules", "lua_context"];

/// What stands in for the binary: the tests start it, and expect the exit status of the node.
const WRAPPER: &str = r#"#!/bin/sh
exec valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    --show-leak-kinds=definite "$(dirname "$0")/plain" "$@"
"#;

/// Runs those tests on a node with the allocator of the system, which valgrind knows. What is missing, if it cannot be done.
pub(crate) fn memcheck() -> Result<Option<&'static str>> {
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        return Ok(Some("valgrind is not installed"));
    }
    let folder = shell::target_dir()?.join("memcheck");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let build = &["build", "--package", "skynet-node", "--quiet"];
    shell::run(cargo(build).arg("--no-default-features"))?;
    let plain = copy_binary(&folder);
    // For those who come after this, whatever became of it.
    shell::run(&mut cargo(build))?;
    plain?;
    let wrapper = folder.join("skynet");
    fs::write(&wrapper, WRAPPER).with_context(|| format!("cannot write {}", wrapper.display()))?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    let mut tests = cargo(&["test", "--package", "skynet-tests", "--test", "lua_services", "--quiet", "--"]);
    shell::run(tests.args(TOPICS).env("SKYNET_BIN", wrapper))?;
    Ok(None)
}

fn copy_binary(folder: &Path) -> Result<()> {
    let binary = shell::target_dir()?.join("debug").join("skynet");
    fs::copy(&binary, folder.join("plain")).with_context(|| format!("cannot copy {}", binary.display()))?;
    Ok(())
}
