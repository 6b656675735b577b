//! Runs scenarios, one after another, and tells how they went.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use super::layout::Programs;
use super::options::Options;
use super::patience;
use super::scenario::{Outcome, Run, Scenario};

/// Runs what the command line asks for; the exit code says whether all went well.
#[must_use]
pub fn main(scenarios: &'static [Scenario]) -> ExitCode {
    match run(scenarios) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(scenarios: &'static [Scenario]) -> Result<bool> {
    let options = Options::parse(std::env::args().skip(1))?;
    let c = crate::find_c_skynet().map_err(anyhow::Error::msg)?;
    let c = c.map(|folder| folder.canonicalize()).transpose().context("SKYNET_C cannot be opened")?;
    let runs = options.runs(scenarios, c.is_some());
    if options.list {
        runs.iter().for_each(|run| println!("{}: test", run.name()));
        return Ok(true);
    }
    let ours = crate::find_binary().map_err(anyhow::Error::msg)?;
    let programs = Programs { ours, c };
    let seed = options.seed.unwrap_or_else(|| if options.all { fresh_seed() } else { 1 });
    let folder = std::env::temp_dir().join(format!("skynet-cluster-{}", std::process::id()));
    patience::catch_interrupts().context("cannot catch signals")?;

    println!("\nrunning {} tests", runs.len());
    let mut outcomes = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        if options.all {
            println!("[{}/{}] {} (seed {seed})", index + 1, runs.len(), run.name());
        }
        let outcome = run.execute(seed, &programs, &folder_of(&folder, run), options.all);
        println!("test {} ... {}", run.name(), word(&outcome));
        // Progress is worth seeing while it is made; a closed pipe is no failure of a test.
        let _ = std::io::stdout().flush();
        outcomes.push(outcome);
        if patience::interrupted() {
            println!("interrupted; all nodes are ended");
            break;
        }
    }
    report(&runs, &outcomes, seed, options.all);
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    if folder.exists() {
        if options.keep_logs || failed > 0 {
            println!("logs and configs of the nodes: {}", folder.display());
        } else {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {result}. {} passed; {failed} failed\n", outcomes.len() - failed);
    Ok(failed == 0 && outcomes.len() == runs.len())
}

fn report(runs: &[Run], outcomes: &[Outcome], seed: u64, table: bool) {
    for (run, outcome) in runs.iter().zip(outcomes) {
        let Some(failure) = &outcome.failure else { continue };
        println!("\n---- {} (--seed {seed}) ----\n{:#}", run.name(), failure.error);
        println!("--- what happened ---\n{}\n{}", failure.steps.join("\n"), failure.logs);
    }
    if table {
        println!("\n{:34} {:>6} {:>7} {:>9} {:>7}", "scenario", "", "seconds", "answered", "failed");
        for (run, outcome) in runs.iter().zip(outcomes) {
            let (answered, failed) = outcome.calls;
            let took = outcome.took.as_secs_f64();
            println!("{:34} {:>6} {took:7.1} {answered:>9} {failed:>7}", run.name(), word(outcome));
        }
    }
}

fn word(outcome: &Outcome) -> &'static str {
    if outcome.failure.is_none() { "ok" } else { "FAILED" }
}

fn folder_of(folder: &std::path::Path, run: &Run) -> PathBuf {
    folder.join(run.name().replace('/', "-"))
}

fn fresh_seed() -> u64 {
    // A number that one can type again.
    std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_micros() as u64 % 1_000_000)
}
