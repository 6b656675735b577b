//! `cargo xtask fuzz`: runs the fuzz targets of the crates for a while each.
//!
//! The targets are those of `crates/*/fuzz`, in the shape that cargo-fuzz wants; cargo-fuzz itself and a nightly compiler are not
//! needed. They are built with the coverage that libFuzzer reads and, where the toolchain has it, with the address
//! sanitizer, which the stable compiler gives when it is told to be one in development.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell;

/// Seconds that each target runs.
const SECONDS: u32 = 30;

/// What libFuzzer needs to see where an input leads.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cdebug-assertions=on -Cforce-frame-pointers=yes -Ccodegen-units=1";

/// One target of one crate.
struct Target {
    /// The folder with the `Cargo.toml`.
    folder: PathBuf,
    name: String,
}

/// Runs all targets, or the one that is named.
///
/// # Errors
///
/// When an input breaks a target, a target does not build, or the arguments are wrong.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let (wanted, seconds) = parse(args)?;
    match fuzz(wanted, seconds)? {
        Some(why) => println!("skipped: {why}"),
        None => println!("no input broke anything"),
    }
    Ok(())
}

fn parse(args: &[String]) -> Result<(Option<&str>, u32)> {
    let (mut wanted, mut seconds) = (None, SECONDS);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let number = args.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
            seconds = number.context("`--seconds` needs a number above 0")?;
        } else if arg.starts_with('-') || wanted.is_some() {
            bail!("`fuzz` does not know `{arg}`; it takes a target and `--seconds N`");
        } else {
            wanted = Some(arg.as_str());
        }
    }
    Ok((wanted, seconds))
}

/// Runs the targets for so many seconds each; the reason if they cannot be run here.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn fuzz(wanted: Option<&str>, seconds: u32) -> Result<Option<&'static str>> {
    let mut targets = targets()?;
    if let Some(wanted) = wanted {
        let names = targets.iter().map(|target| target.name.clone()).collect::<Vec<_>>().join(", ");
        targets.retain(|target| target.name == wanted);
        if targets.is_empty() {
            bail!("no fuzz target `{wanted}`; there are {names}");
        }
    }
    if Command::new("c++").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return Ok(Some("there is no `c++`, with which libFuzzer is built"));
    }
    let host = host()?;
    for target in &targets {
        run_target(target, &host, seconds)?;
    }
    Ok(None)
}

fn targets() -> Result<Vec<Target>> {
    let crates = shell::root().join("crates");
    let mut targets = Vec::new();
    for member in list(&crates)? {
        let folder = member.join("fuzz");
        if !folder.join("Cargo.toml").is_file() {
            continue;
        }
        for source in list(&folder.join("fuzz_targets"))? {
            if let Some(name) = source.file_stem().and_then(|name| name.to_str()) {
                targets.push(Target { folder: folder.clone(), name: name.to_owned() });
            }
        }
    }
    Ok(targets)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The triple of this machine: with it cargo keeps the flags away from build scripts.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot start `rustc`")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

fn run_target(target: &Target, host: &str, seconds: u32) -> Result<()> {
    let place = shell::target_dir()?.join("fuzz");
    // Elsewhere the sanitizer's runtime is not among what rustup installs.
    let sanitizer = host == "x86_64-unknown-linux-gnu" || host == "aarch64-apple-darwin";
    let flags = if sanitizer { format!("{COVERAGE} -Zsanitizer=address") } else { COVERAGE.to_owned() };
    let mut build = shell::cargo(&["build", "--release", "--quiet", "--target", host, "--bin", &target.name]);
    build.current_dir(&target.folder).env("CARGO_TARGET_DIR", &place).env("RUSTFLAGS", flags);
    if sanitizer {
        build.env("RUSTC_BOOTSTRAP", "1");
    }
    shell::run(&mut build)?;

    // What has been found so far is where the next run begins.
    let corpus = place.join("corpus").join(&target.name);
    let artifacts = place.join("artifacts").join(&target.name);
    for folder in [&corpus, &artifacts] {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    println!("fuzz {}: {seconds} s", target.name);
    let log = place.join(format!("{}.log", target.name));
    let output = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let status = Command::new(place.join(host).join("release").join(&target.name))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-max_len=4096")
        .arg("-timeout=10")
        .arg(&corpus)
        .stdout(Stdio::null())
        .stderr(output)
        .status()
        .with_context(|| format!("cannot start the fuzz target {}", target.name))?;
    let text =
        std::fs::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let last: Vec<&str> = text.lines().rev().take(30).collect();
    if !status.success() {
        last.iter().rev().for_each(|line| println!("  {line}"));
        bail!("the fuzz target {} ended with {status}; the input is in {}", target.name, artifacts.display());
    }
    println!("  {}", last.first().unwrap_or(&"(it said nothing)"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_a_target_and_seconds() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parse(&[]).unwrap(), (None, SECONDS));
        assert_eq!(parse(&words("decode --seconds 5")).unwrap(), (Some("decode"), 5));
        for wrong in ["--seconds", "--seconds 0", "--seconds x", "-x", "one two"] {
            assert!(parse(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_targets_of_all_crates_are_found() {
        let names: Vec<String> = targets().unwrap().into_iter().map(|target| target.name).collect();
        assert!(names.contains(&"decode".to_owned()) && names.contains(&"framing".to_owned()), "{names:?}");
    }
}
