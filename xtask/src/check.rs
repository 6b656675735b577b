//! `cargo xtask test`: the steps of CI in order, and a summary.
//!
//! The oldest Rust that the crates build with is watched twice: by clippy's `incompatible_msrv` in the lints step, and by
//! a build with exactly that toolchain where rustup has it.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::shell::{self, cargo};

/// How a step ended, when it did not fail.
enum Outcome {
    Passed,
    Skipped(&'static str),
}

struct Step {
    name: &'static str,
    run: fn() -> Result<Outcome>,
}

/// Quick steps first, so that a slip is told early.
const STEPS: &[Step] = &[
    Step { name: "format", run: || done(&mut cargo(&["fmt", "--all", "--check"])) },
    Step { name: "tidy", run: || crate::tidy::run(&[]).map(|()| Outcome::Passed) },
    Step { name: "lints", run: lints },
    Step { name: "docs", run: docs },
    Step { name: "tests", run: || done(&mut cargo(&["test", "--workspace", "--quiet"])) },
    Step { name: "memcheck", run: memcheck },
    Step { name: "release", run: release },
    Step { name: "models", run: models },
    Step { name: "fuzz", run: fuzz },
    Step { name: "msrv", run: msrv },
    Step { name: "packages", run: packages },
];

/// The members that are not published.
const UNPUBLISHED: &[&str] =
    &["skynet-node", "skynet-tests", "skynet-test-module", "scores", "netload", "xtask"];

/// Runs all steps, or those from `--from STEP` on; stops at the first that fails.
///
/// # Errors
///
/// When a step fails, or the arguments name none.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let steps = chosen(args)?;
    let mut summary: Vec<(&str, Outcome, Duration)> = Vec::new();
    for step in steps {
        println!("--- {}", step.name);
        let start = Instant::now();
        match (step.run)() {
            Ok(outcome) => summary.push((step.name, outcome, start.elapsed())),
            Err(error) => {
                print_summary(&summary);
                println!("  {:10} FAILED after {:.0} s", step.name, start.elapsed().as_secs_f64());
                return Err(error.context(format!("step `{}` failed", step.name)));
            }
        }
    }
    print_summary(&summary);
    Ok(())
}

fn chosen(args: &[String]) -> Result<&'static [Step]> {
    let [flag, name] = args else {
        if args.is_empty() {
            return Ok(STEPS);
        }
        bail!("`test` takes nothing, or `--from STEP`");
    };
    if flag != "--from" {
        bail!("`test` does not know `{flag}`; it takes `--from STEP`");
    }
    let names = || STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    let first = STEPS
        .iter()
        .position(|step| step.name == name)
        .with_context(|| format!("no step `{name}`; the steps are {}", names()))?;
    Ok(STEPS.get(first..).unwrap_or_default())
}

fn print_summary(summary: &[(&str, Outcome, Duration)]) {
    println!("--- summary");
    for (name, outcome, time) in summary {
        match outcome {
            Outcome::Passed => println!("  {name:10} ok, {:.0} s", time.as_secs_f64()),
            Outcome::Skipped(why) => println!("  {name:10} skipped: {why}"),
        }
    }
}

fn done(command: &mut Command) -> Result<Outcome> {
    shell::run(command).map(|()| Outcome::Passed)
}

fn lints() -> Result<Outcome> {
    done(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
}

fn docs() -> Result<Outcome> {
    done(cargo(&["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// What the release binary offers to C modules: its profile must not strip that.
fn release() -> Result<Outcome> {
    done(&mut cargo(&["test", "--release", "--package", "skynet-node", "--test", "exports", "--quiet"]))
}

/// The concurrency models of the core: under this `--cfg` they are its only unit tests. It rebuilds everything, so they
/// have a target folder of their own.
fn models() -> Result<Outcome> {
    done(
        cargo(&["test", "--package", "skynet-core", "--lib", "--quiet"])
            .env("RUSTFLAGS", "--cfg loom")
            .env("CARGO_TARGET_DIR", shell::target_dir()?.join("loom"))
            // Exploring interleavings is the whole cost here.
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "2"),
    )
}

/// Who owns which block, where there is valgrind.
fn memcheck() -> Result<Outcome> {
    Ok(crate::memcheck::memcheck()?.map_or(Outcome::Passed, Outcome::Skipped))
}

/// A short run of each fuzz target.
fn fuzz() -> Result<Outcome> {
    Ok(crate::fuzz::fuzz(None, 10)?.map_or(Outcome::Passed, Outcome::Skipped))
}

/// A build with the oldest Rust that the workspace promises, where rustup has it.
fn msrv() -> Result<Outcome> {
    let manifest =
        std::fs::read_to_string(shell::root().join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let version = manifest
        .lines()
        .find_map(|line| line.trim().strip_prefix("rust-version = \"")?.strip_suffix('"'))
        .context("Cargo.toml of the workspace names no rust-version")?;
    let Ok(list) = Command::new("rustup").args(["toolchain", "list"]).output() else {
        return Ok(Outcome::Skipped("rustup is not there; clippy has looked for newer API"));
    };
    let list = String::from_utf8_lossy(&list.stdout);
    if !list.lines().any(|line| line.starts_with(version)) {
        return Ok(Outcome::Skipped("that toolchain is not installed; clippy has looked for newer API"));
    }
    let toolchain = format!("+{version}");
    done(
        Command::new("cargo")
            .args([&toolchain, "check", "--workspace", "--quiet"])
            .current_dir(shell::root())
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("RUSTC")
            .env("CARGO_TARGET_DIR", shell::target_dir()?.join("msrv")),
    )
}

/// Packages the library crates, and builds each from its package. All in one go, so that cargo finds those that depend on
/// one another though none is published yet.
fn packages() -> Result<Outcome> {
    // A folder that was never used: cargo remembers what it unpacked for a folder and a version, and would build against what the
    // crates were at the last run.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let folder = shell::target_dir()?.join(format!("packages-{}", since_epoch.as_secs()));
    let mut command = cargo(&["package", "--workspace", "--allow-dirty", "--quiet"]);
    command.arg("--target-dir").arg(&folder);
    for name in UNPUBLISHED {
        command.args(["--exclude", name]);
    }
    let outcome = done(&mut command);
    // It is in the way of nobody, if it cannot be removed.
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}
