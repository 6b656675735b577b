//! `cargo xtask lua-modules`: real Lua modules in C, built elsewhere, and their own test scripts, on our node.
//!
//! The folder that is given holds `NAME.so`, a module that `require "NAME"` loads, and beside it a folder `NAME`: each `.lua` file in that is
//! a test script, run in a service of a node of its own; what lies there beside them comes along, and `NAME/lib` is on `lua_path`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::bench::node::{output, tail};
use crate::shell;

/// A script, and the folder that it belongs to.
struct Script {
    /// `NAME/script.lua`
    name: String,
    folder: PathBuf,
    file: PathBuf,
}

/// Runs the scripts of a folder, and tells for each how it went. Without a folder there is nothing to do.
///
/// # Errors
///
/// When the arguments are wrong, there are no scripts, or one fails.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let (folder, filter) = parse(args, std::env::var_os("LUA_MODULES").map(PathBuf::from))?;
    let Some(folder) = folder else {
        println!(
            "lua-modules: skipped, since neither --dir nor LUA_MODULES names a folder with built modules"
        );
        return Ok(());
    };
    let folder = folder.canonicalize().with_context(|| format!("{} cannot be opened", folder.display()))?;
    let mut scripts = scripts(&folder)?;
    if scripts.is_empty() {
        bail!("{} holds no NAME.so with test scripts NAME/*.lua beside it", folder.display());
    }
    scripts.retain(|script| filter.as_ref().is_none_or(|filter| script.name.contains(filter.as_str())));
    let node = shell::build_node()?;
    let mut failed = 0;
    for script in &scripts {
        match run_script(&node, &folder, script) {
            Ok(()) => println!("{:40} ok", script.name),
            Err(error) => {
                failed += 1;
                println!("{:40} FAILED: {error:#}", script.name);
            }
        }
    }
    println!("{} scripts, {failed} failed", scripts.len());
    if failed > 0 { bail!("{failed} scripts failed") } else { Ok(()) }
}

fn parse(args: &[String], default: Option<PathBuf>) -> Result<(Option<PathBuf>, Option<String>)> {
    let (mut folder, mut filter) = (default.filter(|path| !path.as_os_str().is_empty()), None);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--dir" => folder = Some(rest.next().context("--dir needs a folder")?.into()),
            flag if flag.starts_with('-') => {
                bail!("`lua-modules` does not know `{flag}`; it takes --dir DIR")
            }
            name if filter.is_none() => filter = Some(name.to_owned()),
            name => bail!("`{name}` is one filter too many"),
        }
    }
    Ok((folder, filter))
}

/// What is to be run, by name.
fn scripts(folder: &Path) -> Result<Vec<Script>> {
    let mut scripts = Vec::new();
    for library in files(folder, "so")? {
        let own = library.with_extension("");
        if !own.is_dir() {
            println!("{}: no folder {} with test scripts", library.display(), own.display());
            continue;
        }
        for file in files(&own, "lua")? {
            let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
            scripts.push(Script { name, folder: own.clone(), file });
        }
    }
    Ok(scripts)
}

/// The files of a folder whose names end so, sorted.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.is_file() && path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

/// Runs one script in a copy of its folder, since it may write there.
fn run_script(node: &Path, modules: &Path, script: &Script) -> Result<()> {
    let scratch = shell::target_dir()?.join("lua-modules").join(std::process::id().to_string());
    let work = scratch.join("work");
    copy(&script.folder, &work)?;
    let file = work.join(script.file.file_name().unwrap_or_default());
    let config = scratch.join("config");
    fs::write(&config, config_text(modules, &work, &file, &scratch))
        .with_context(|| format!("cannot write {}", config.display()))?;
    let printed = scratch.join("output");
    let mut command = Command::new(node);
    command.arg(&config).current_dir(&work);
    // For `lua`, should the script start it.
    command.env("LUA_CPATH", modules.join("?.so")).env("LUA_PATH", work.join("lib").join("?.lua"));
    let outcome = output(&mut command, &printed);
    let text = fs::read(&printed).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let log = fs::read_to_string(scratch.join("log")).unwrap_or_default();
    fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    let text = text.unwrap_or_default();
    let verdict = outcome.and_then(|text| judge(&text));
    verdict.with_context(|| {
        format!("it printed, at last:\n{}\nthe log ended with:\n{}", tail(&text, 12), tail(&log, 5))
    })
}

/// A script that has come to its end has said so.
fn judge(printed: &str) -> Result<()> {
    match printed.lines().rev().find_map(|line| line.strip_prefix("ENDED ")) {
        Some("true") => Ok(()),
        Some(_) => bail!("it ended with an error"),
        None => bail!("the node ended before the script did"),
    }
}

fn config_text(modules: &Path, work: &Path, script: &Path, scratch: &Path) -> String {
    let runner = shell::root().join("xtask").join("lua_modules").join("?.lua");
    let (work, modules) = (work.display(), modules.display());
    format!(
        "thread = 2\nharbor = 0\nstart = \"run_script\"\nluaservice = \"{}\"\nlua_cpath = \"{modules}/?.so\"\n\
         lua_path = \"{work}/lib/?.lua;{work}/lib/?/init.lua\"\ntest_script = \"{}\"\nlogger = \"{}\"\n",
        runner.display(),
        script.display(),
        scratch.join("log").display(),
    )
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_folder_of_the_command_line_wins_over_that_of_the_environment() {
        let parsed = parse(&words("cjson --dir a"), Some("b".into())).unwrap();
        assert_eq!(parsed, (Some("a".into()), Some("cjson".to_owned())));
        assert_eq!(parse(&[], Some("b".into())).unwrap().0, Some("b".into()));
        assert_eq!(parse(&[], Some("".into())).unwrap().0, None);
        for line in ["--dir", "--fast", "a b"] {
            assert!(parse(&words(line), None).is_err(), "{line}");
        }
    }

    #[test]
    fn a_script_that_never_said_how_it_ended_has_failed() {
        assert!(judge("one\nENDED true\n").is_ok());
        assert!(judge("ENDED false\n").is_err());
        assert!(judge("all fine\n").is_err());
    }
}
