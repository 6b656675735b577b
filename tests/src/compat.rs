//! Scripts that come with C skynet, run unmodified on a node, and the outcome that they should have.
//!
//! The scripts are read from the checkout named by the caller, under a config like the stock ones of its `examples/`.
//! The outcomes are ours: patterns of what each script shows on C skynet, so that running both nodes against them
//! compares the two. Helper services, for scripts that need someone to poke them, are in `compat/`.

mod multicast;
mod network;
mod scripts;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::node::{self, Config, Scratch, Until};
use crate::parallel;
use crate::pattern::{self, Expect, Matcher};

/// Scripts that run at once, unless they listen on ports: most of them wait most of the time.
const JOBS: usize = 2;

/// How often a script that shows times is run before it has failed.
const TRIES: u32 = 4;

/// How a script is run and what is expected of it.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// Its name, which filters look at.
    pub name: &'static str,
    /// The service that the node starts: the script, or a helper that starts it.
    pub start: &'static str,
    /// Config keys beside the stock ones; `{c}` in a value is the folder of C skynet, `{compat}` that of the helpers.
    pub extra: &'static [(&'static str, &'static str)],
    /// When it is over.
    pub until: Until,
    /// Seconds after which it has failed.
    pub deadline_s: u64,
    /// 1/100 s that its times may be off.
    pub tolerance_cs: u32,
    /// Its outcome.
    pub expect: &'static [Expect],
}

/// How one script went.
#[derive(Debug)]
pub struct Outcome {
    /// The script's name.
    pub script: &'static str,
    /// What was wrong, if anything.
    pub failure: Option<String>,
    /// All that the node wrote.
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

/// How the scripts went, in their order.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// One for each script that was run.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Whether every script had its outcome (and there was one).
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.outcomes.is_empty() && self.outcomes.iter().all(|outcome| outcome.failure.is_none())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.outcomes {
            let word = if outcome.failure.is_none() { "ok" } else { "FAILED" };
            writeln!(f, "{:16} {word:6} {:5.1} s", outcome.script, outcome.took.as_secs_f64())?;
        }
        for outcome in &self.outcomes {
            if let Some(failure) = &outcome.failure {
                writeln!(f, "\n---- {} ----\n{failure}\n--- output ---\n{}", outcome.script, outcome.output)?;
            }
        }
        Ok(())
    }
}

/// Runs the scripts whose name holds `filter` on `binary`, with the files of the C skynet in `skynet_c`.
///
/// Two run at a time, those that listen on ports alone. `binary` may be C skynet's own.
#[must_use]
pub fn run_compat(binary: &Path, skynet_c: &Path, filter: Option<&str>) -> Report {
    let chosen = |scripts: &'static [Script]| -> Vec<&'static Script> {
        scripts.iter().filter(|script| filter.is_none_or(|filter| script.name.contains(filter))).collect()
    };
    let mut report = Report::default();
    let lists =
        [(chosen(scripts::SCRIPTS), JOBS), (chosen(multicast::SCRIPTS), JOBS), (chosen(network::SCRIPTS), 1)];
    for (scripts, jobs) in lists {
        let mut outcomes: Vec<Outcome> = Vec::new();
        let run = |script: &&Script| run_with_patience(binary, skynet_c, script);
        parallel::for_each(&scripts, jobs, run, |_, outcome| outcomes.push(outcome));
        outcomes.sort_by_key(|outcome| scripts.iter().position(|script| script.name == outcome.script));
        report.outcomes.extend(outcomes);
    }
    report
}

/// Runs a script that shows times a few more times while it fails: it compares what a busy machine may delay. What is really wrong
/// fails each time.
fn run_with_patience(binary: &Path, skynet_c: &Path, script: &Script) -> Outcome {
    let mut outcome = run_script(binary, skynet_c, script);
    for _ in 1..TRIES {
        if outcome.failure.is_none() || !script.expect.iter().any(|expect| expect.has_times()) {
            break;
        }
        outcome = run_script(binary, skynet_c, script);
    }
    outcome
}

fn run_script(binary: &Path, skynet_c: &Path, script: &Script) -> Outcome {
    let begin = Instant::now();
    let deadline = Duration::from_secs(script.deadline_s);
    let run = Scratch::new(script.name)
        .and_then(|scratch| node::run(binary, &config(skynet_c, script), &scratch, script.until, deadline));
    let (failure, output) = match run {
        Err(e) => (Some(format!("cannot run {}: {e}", binary.display())), String::new()),
        Ok(finished) if !finished.in_time => {
            let waited = begin.elapsed().as_secs();
            let reason = match (finished.status, script.until) {
                (Some(status), _) => format!("ended with status {status} before its last line"),
                (None, until) => format!("was not over after {waited} s; it is over at {until:?}"),
            };
            (Some(reason), finished.output)
        }
        Ok(finished) if finished.status.is_some_and(|status| status != 0) => {
            (Some("ended with a status other than 0".to_owned()), finished.output)
        }
        Ok(finished) => {
            let lines = pattern::lines(&finished.output);
            (Matcher::new(script.tolerance_cs).check(&lines, script.expect).err(), finished.output)
        }
    };
    Outcome { script: script.name, failure, output, took: begin.elapsed() }
}

/// The keys that the stock configs set, for a checkout that is somewhere else.
fn config(skynet_c: &Path, script: &Script) -> Config {
    let c = skynet_c.display();
    let ours = crate::folder().join("compat");
    let services = [
        format!("{c}/service/?.lua"),
        format!("{c}/test/?.lua"),
        format!("{c}/examples/?.lua"),
        format!("{c}/test/?/init.lua"),
        format!("{}/?.lua", ours.display()),
    ];
    let config = Config::new()
        .number("thread", 4)
        .number("harbor", 0)
        .text("bootstrap", "snlua bootstrap")
        .text("start", script.start)
        .text("luaservice", services.join(";"))
        .text("lualoader", format_args!("{c}/lualib/loader.lua"))
        .text("lua_path", format_args!("{c}/lualib/?.lua;{c}/lualib/?/init.lua"))
        .text("lua_cpath", format_args!("{c}/luaclib/?.so"))
        .text("cpath", format_args!("{c}/cservice/?.so"));
    let (c, ours) = (c.to_string(), ours.display().to_string());
    let fill = |value: &str| value.replace("{compat}", &ours).replace("{c}", &c);
    script.extra.iter().fold(config, |config, (key, value)| config.text(key, fill(value)))
}
