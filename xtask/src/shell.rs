//! Where things are, and how commands are started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder that cargo builds into: xtask itself lies in `<target>/<profile>/`.
///
/// # Errors
///
/// When the path of the running executable cannot be told.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let exe = std::env::current_exe().context("cannot tell where xtask itself lies")?;
    exe.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .with_context(|| format!("{} lies in no target folder", exe.display()))
}

/// A cargo command with the workspace's root as its folder, by the cargo that runs xtask.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(args).current_dir(root());
    command
}

/// Runs a command to its end, its output shown as it comes.
///
/// # Errors
///
/// When the program cannot be started, or ends with anything but success.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// The command line as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// The built C skynet that `SKYNET_C` names, if it names one.
///
/// # Errors
///
/// When the variable names a folder without a `skynet` binary in it.
pub(crate) fn skynet_c() -> Result<Option<PathBuf>> {
    let Some(folder) = std::env::var_os("SKYNET_C").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let folder = PathBuf::from(folder);
    let folder = folder
        .canonicalize()
        .with_context(|| format!("SKYNET_C names {}, which cannot be opened", folder.display()))?;
    if !folder.join("skynet").is_file() {
        bail!("SKYNET_C names {}, where no built `skynet` lies; run make there", folder.display());
    }
    Ok(Some(folder))
}

/// Builds the release node and tells where it lies; or takes the one that `SKYNET_BIN` names.
///
/// # Errors
///
/// When it does not build, or the variable names no file.
pub(crate) fn build_node() -> Result<PathBuf> {
    if let Some(node) = std::env::var_os("SKYNET_BIN").filter(|value| !value.is_empty()) {
        let node = PathBuf::from(node);
        return node
            .canonicalize()
            .with_context(|| format!("SKYNET_BIN names {}, which cannot be opened", node.display()));
    }
    run(&mut cargo(&["build", "--release", "--package", "skynet-node"]))?;
    let node = target_dir()?.join("release").join(format!("skynet{}", std::env::consts::EXE_SUFFIX));
    if !node.is_file() {
        bail!("the build made no {}", node.display());
    }
    Ok(node)
}
