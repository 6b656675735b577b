//! The C services in `c/`, compiled with the header that ships, and the modules in Rust, built by cargo: both once, into folders beside
//! the running executable.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder with the built modules: what is to be on `cpath`. Every test binary needs it, so it is built by the first, and anew when
/// a source is another.
///
/// # Errors
/// What the compiler says, or that there is none (`cc`, or what `CC` names).
pub fn folder() -> Result<&'static Path, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build).as_deref().map_err(Clone::clone)
}

fn build() -> Result<PathBuf, String> {
    let sources = sources()?;
    let folder = beside(&format!("c-modules-{:016x}", fingerprint(&sources)?))?;
    if folder.is_dir() {
        return Ok(folder);
    }
    // Several test binaries may be at it at a time: each builds in a folder of its own, and the first to be done gives its one.
    let mine = folder.with_extension(std::process::id().to_string());
    fs::create_dir_all(&mine).map_err(|e| format!("cannot make {}: {e}", mine.display()))?;
    let built = fill(&mine, &sources).and_then(|()| match fs::rename(&mine, &folder) {
        Err(e) if !folder.is_dir() => Err(format!("cannot make {}: {e}", folder.display())),
        _ => Ok(folder),
    });
    // It is there yet if another was first, or something failed; and it is in the way of nobody.
    let _ = fs::remove_dir_all(&mine);
    built
}

/// `name` in the folder of the running executable.
fn beside(name: &str) -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|e| format!("cannot find the running executable: {e}"))?;
    Ok(program.with_file_name(name))
}

/// The files in `c/` and the folder of the headers that ship, in order.
fn sources() -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for folder in [crate::folder().join("c"), headers()] {
        let entries = fs::read_dir(&folder).map_err(|e| format!("cannot list {}: {e}", folder.display()))?;
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort_unstable();
    Ok(files)
}

fn headers() -> PathBuf {
    crate::folder().join("../crates/node/include")
}

fn fingerprint(sources: &[PathBuf]) -> Result<u64, String> {
    let mut hasher = DefaultHasher::new();
    std::env::var_os("CC").hash(&mut hasher);
    // How they are compiled is in this file.
    include_str!("modules.rs").hash(&mut hasher);
    for path in sources.iter().filter(|path| path.is_file()) {
        path.file_name().hash(&mut hasher);
        fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn fill(folder: &Path, sources: &[PathBuf]) -> Result<(), String> {
    for source in sources {
        if source.extension().is_some_and(|extension| extension == "c")
            && let Some(name) = source.file_stem()
        {
            compile(source, &folder.join(name).with_extension("so"), &[])?;
        }
    }
    spoil(folder).map_err(|e| format!("cannot write to {}: {e}", folder.display()))?;
    without_dependency(folder)
}

/// A module that needs a library which is not there any more.
fn without_dependency(folder: &Path) -> Result<(), String> {
    let source = crate::folder().join("c/minimal.c");
    let gone = folder.join("libgone.so");
    // Without a name of its own it would be needed by its path.
    compile(&source, &gone, &["-Wl,-soname,libgone.so".into()])?;
    let needs = ["-Wl,--no-as-needed".into(), gone.clone().into_os_string()];
    compile(&source, &folder.join("no_dependency.so"), &needs)?;
    fs::remove_file(&gone).map_err(|e| format!("cannot remove {}: {e}", gone.display()))
}

/// Files that are no modules: one that is no library, one that is a part of one.
fn spoil(folder: &Path) -> std::io::Result<()> {
    let library = fs::read(folder.join("minimal.so"))?;
    fs::write(
        folder.join("no_library.so"),
        "this is a text, and a long one at that: longer than any header of a library is",
    )?;
    fs::write(folder.join("cut_off.so"), library.get(..library.len() / 3).unwrap_or_default())
}

fn compile(source: &Path, library: &Path, more: &[OsString]) -> Result<(), String> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(&compiler)
        .args(["-shared", "-fPIC", "-g", "-O1", "-pthread", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([library, source, Path::new("-I"), &headers()])
        .args(more)
        .output()
        .map_err(|e| format!("cannot run {}: {e}", compiler.display()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{} does not compile:\n{}", source.display(), String::from_utf8_lossy(&output.stderr)))
}

/// The folder with the modules in Rust, as `lib?.so`: the one in `module/` and the example of the documentation. Cargo builds them,
/// if they are not there yet, into a folder beside the running executable.
///
/// # Errors
/// What cargo says.
pub fn rust_folder() -> Result<&'static Path, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build_rust).as_deref().map_err(Clone::clone)
}

fn build_rust() -> Result<PathBuf, String> {
    // They share nothing with what cargo has built otherwise: other features would have all of it built again.
    let target = beside("rust-modules")?;
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "--offline",
            "-p",
            "skynet-test-module",
            "-p",
            "scores",
            "--manifest-path",
        ])
        .arg(crate::folder().join("../Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .output()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    if output.status.success() {
        return Ok(target.join("debug"));
    }
    Err(format!("the modules in Rust do not build:\n{}", String::from_utf8_lossy(&output.stderr)))
}
