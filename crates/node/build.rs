//! Writes the table of the Lua files that the binary carries, compiles the part of `skynet.h` that is C, and makes the binary export
//! that API and the one of Lua.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Dotted module or service names with their files.
type Files = BTreeMap<String, PathBuf>;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let mut table = String::new();
    for (constant, folder, skipped) in [
        ("SERVICES", "services", None),
        // Definitions for editors; nothing that runs.
        ("MODULES", "lualib", Some("skynet/meta")),
        ("CHAT", "docs/examples/chat", None),
    ] {
        let folder = root.join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Files::new();
        collect(&folder, &mut Vec::new(), skipped.map(|inner| folder.join(inner)).as_deref(), &mut files)?;
        write_table(&mut table, constant, &files)?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("embedded.rs"), table)?;

    println!("cargo::rerun-if-changed=src/c/format.c");
    cc::Build::new().file("src/c/format.c").warnings(true).extra_warnings(true).compile("skynet_format");

    // C modules find Lua's API and skynet's in the binary itself.
    println!("cargo::rustc-link-arg-bins=-rdynamic");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

fn collect(
    folder: &Path,
    inside: &mut Vec<String>,
    skipped: Option<&Path>,
    files: &mut Files,
) -> Result<(), Box<dyn Error>> {
    if !folder.is_dir() || Some(folder) == skipped {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else {
            continue;
        };
        if path.is_dir() {
            inside.push(stem);
            collect(&path, inside, skipped, files)?;
            inside.pop();
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            let mut name = inside.clone();
            // `a/init.lua` is the module `a`.
            if stem != "init" || name.is_empty() {
                name.push(stem);
            }
            files.insert(name.join("."), path);
        }
    }
    Ok(())
}

fn write_table(out: &mut String, constant: &str, files: &Files) -> std::fmt::Result {
    writeln!(out, "pub(crate) static {constant}: &[(&str, &str)] = &[")?;
    for (name, path) in files {
        writeln!(out, "    ({name:?}, include_str!({:?})),", path.display().to_string())?;
    }
    writeln!(out, "];")
}
