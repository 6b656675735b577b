//! `cargo xtask tidy`: small rules that neither compiler nor linter looks at.
//!
//! * no source file over [`LONGEST`] lines
//! * no left-over marks and no paths of somebody's machine, in code and in docs
//! * each Rust file begins with a doc comment that says what it is
//! * each Lua module that ships is mentioned in the docs, and each module of a crate on the architecture page

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell;

/// A file longer than this holds more than one idea.
const LONGEST: usize = 400;

/// What no file may contain. Written in halves, since this file is looked at too.
const FORBIDDEN: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/op", "t/"),
    concat!("/Us", "ers/"),
];

/// The folders and files that the rules hold for.
const PLACES: &[&str] =
    &["crates", "services", "lualib", "xtask", "tests", "docs", ".ci", "README.md", "Cargo.toml"];

/// Looks at every file and prints what breaks a rule.
///
/// # Errors
///
/// When a rule is broken, or a file cannot be read.
pub(crate) fn run(_args: &[String]) -> Result<()> {
    let root = shell::root();
    let mut files = Vec::new();
    for place in PLACES {
        let path = root.join(place);
        if path.exists() {
            collect(&path, &mut files)?;
        }
    }
    files.sort();

    let mut sources = Vec::with_capacity(files.len());
    for path in files {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(&root).unwrap_or(&path).to_path_buf();
        sources.push((name, String::from_utf8_lossy(&bytes).into_owned()));
    }

    let mut complaints = Vec::new();
    for (name, text) in &sources {
        look_at(name, text, &mut complaints);
    }
    complaints.extend(undocumented_modules(&sources));
    complaints.extend(unmapped_modules(&sources));
    for complaint in &complaints {
        println!("{complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        1 => bail!("one rule is broken"),
        count => bail!("{count} rules are broken"),
    }
}

/// All text files under `path`, without what builds leave behind.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let script = extension.is_none();
        if script || matches!(extension, Some("rs" | "lua" | "md" | "toml" | "c" | "h")) {
            files.push(path.to_path_buf());
        }
        return Ok(());
    }
    if path.file_name().is_some_and(|name| name == "target") {
        return Ok(());
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))?;
    for entry in entries {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

/// The rules that hold for one file.
fn look_at(name: &Path, text: &str, complaints: &mut Vec<String>) {
    let shown = name.display();
    let extension = name.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let lines = text.lines().count();
    if matches!(extension, "rs" | "lua") && lines > LONGEST {
        complaints.push(format!("{shown}: {lines} lines; split it, {LONGEST} is the limit"));
    }
    for (number, line) in text.lines().enumerate() {
        for word in FORBIDDEN.iter().filter(|word| line.contains(**word)) {
            complaints.push(format!("{shown}:{}: `{word}` has no place here", number + 1));
        }
    }
    let documented =
        text.lines().find(|line| !line.starts_with("#!")).is_some_and(|line| line.starts_with("//!"));
    if extension == "rs" && !documented {
        complaints.push(format!("{shown}: begins with no `//!` line that says what it is"));
    }
}

/// Modules under `lualib` whose name no page of the docs contains.
fn undocumented_modules(sources: &[(PathBuf, String)]) -> Vec<String> {
    let docs: Vec<&String> =
        sources.iter().filter(|(name, _)| name.starts_with("docs")).map(|(_, text)| text).collect();
    let modules = sources.iter().filter_map(|(name, _)| Some((name, module_name(name)?)));
    modules
        .filter(|(_, module)| !docs.iter().any(|text| text.contains(module.as_str())))
        .map(|(name, module)| format!("{}: module `{module}` is mentioned nowhere in docs", name.display()))
        .collect()
}

/// `lualib/skynet/queue.lua` is `skynet.queue`, `lualib/skynet/init.lua` is `skynet`. The annotations for editors under
/// `meta` are no modules.
fn module_name(path: &Path) -> Option<String> {
    let inside = path.strip_prefix("lualib").ok()?;
    if inside.extension()? != "lua" || inside.components().any(|part| part.as_os_str() == "meta") {
        return None;
    }
    let dotted = inside.with_extension("").to_str()?.replace(std::path::MAIN_SEPARATOR, ".");
    Some(dotted.strip_suffix(".init").unwrap_or(&dotted).to_owned())
}

/// Modules of the crates that the map of the code leaves out.
fn unmapped_modules(sources: &[(PathBuf, String)]) -> Vec<String> {
    let page = Path::new("docs/architecture.md");
    let map = sources.iter().find(|(name, _)| name == page).map_or("", |(_, text)| text.as_str());
    let modules = sources.iter().filter_map(|(name, _)| Some((name, rust_module(name)?)));
    modules
        .filter(|(_, module)| !map.contains(&format!("`{module}`")))
        .map(|(name, module)| {
            format!("{}: `{module}` is not on the map in {}", name.display(), page.display())
        })
        .collect()
}

/// `crates/core/src/node/launch.rs` is `node/launch`, `crates/core/src/node/mod.rs` is `node`. A crate's root is none.
fn rust_module(path: &Path) -> Option<String> {
    let inside = path.strip_prefix("crates").ok()?.to_str()?.split_once("/src/")?.1;
    let module = inside.strip_suffix(".rs")?;
    let module = module.strip_suffix("/mod").unwrap_or(module);
    (module != "lib" && module != "main").then(|| module.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_modules_follow_their_paths() {
        let name = |path: &str| module_name(Path::new(path));
        assert_eq!(name("lualib/skynet/queue.lua").as_deref(), Some("skynet.queue"));
        assert_eq!(name("lualib/skynet/init.lua").as_deref(), Some("skynet"));
        assert_eq!(name("lualib/skynet/meta/core.lua"), None);
        assert_eq!(name("services/launcher.lua"), None);
    }

    #[test]
    fn a_module_of_a_crate_that_the_map_leaves_out_is_named() {
        let file = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
        let sources = [
            file("crates/core/src/lib.rs", ""),
            file("crates/core/src/node/mod.rs", ""),
            file("crates/core/src/node/launch.rs", ""),
            file("crates/core/tests/calls.rs", ""),
            file("docs/architecture.md", "`node`"),
        ];
        let complaints = unmapped_modules(&sources);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("`node/launch`"), "{complaints:?}");
    }

    #[test]
    fn each_broken_rule_of_a_file_is_told_with_its_place() {
        let mut complaints = Vec::new();
        let text = format!("fn main() {{}}\n// {}{}\n", "TO", "DO later");
        look_at(Path::new("crates/x/src/main.rs"), &text, &mut complaints);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("crates/x/src/main.rs:2:"), "{complaints:?}");
        assert!(complaints[1].contains("//!"), "{complaints:?}");
    }

    #[test]
    fn a_module_without_a_word_in_the_docs_is_named() {
        let file = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
        let sources = [
            file("lualib/skynet/a.lua", ""),
            file("lualib/skynet/b.lua", ""),
            file("docs/x.md", "`skynet.a`"),
        ];
        let complaints = undocumented_modules(&sources);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].contains("`skynet.b`"));
    }
}
