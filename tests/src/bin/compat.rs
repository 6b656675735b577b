//! Runs C skynet's own scripts (from `SKYNET_C`) on C skynet and on our node, and compares both with their outcome.
//!
//! `cargo run -p skynet-tests --bin compat [--c-only | --ours-only] [FILTER]`

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use skynet_tests::compat::{self, Report};

const USAGE: &str = "usage: SKYNET_C=<folder of a built C skynet> compat [--c-only | --ours-only] [FILTER]";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, String> {
    let (mut c_side, mut our_side, mut filter) = (true, true, None);
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "--c-only" => our_side = false,
            "--ours-only" => c_side = false,
            option if option.starts_with('-') => return Err(format!("unknown option {option}\n{USAGE}")),
            _ if filter.is_some() => return Err(format!("one filter at most\n{USAGE}")),
            _ => filter = Some(word),
        }
    }
    let folder = skynet_tests::find_c_skynet()?.ok_or_else(|| format!("SKYNET_C is not set\n{USAGE}"))?;
    let filter = filter.as_deref();
    let mut passed = true;
    if c_side {
        passed &= show("C skynet", &folder.join("skynet"), &folder, filter)?;
    }
    if our_side {
        passed &= show("skynet-rs", &skynet_tests::find_binary()?, &folder, filter)?;
    }
    Ok(passed)
}

fn show(title: &str, binary: &Path, folder: &Path, filter: Option<&str>) -> Result<bool, String> {
    let report: Report = compat::run_compat(binary, folder, filter);
    if report.outcomes.is_empty() {
        return Err(format!("no script has {} in its name", filter.unwrap_or_default()));
    }
    println!("== {title}: {}\n{report}", binary.display());
    Ok(report.passed())
}
