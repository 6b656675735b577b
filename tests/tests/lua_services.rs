//! Runs every Lua service test on the built node, and, when asked for ignored tests and `SKYNET_C` names a built C
//! skynet, on that node too (as `c::<name>`), and those of [`FILES`] on ours with C's services in place of ours (as
//! `files::<name>`). Understands the arguments of the standard test harness that matter:
//! a filter, `--exact`, `--skip`, `--list`, `--ignored`, `--include-ignored`, `--test-threads`.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use skynet_tests::parallel;
use skynet_tests::services::{self, Runtime};

/// A node runs two workers, so more tests at once only get in one another's way.
const JOBS: usize = 2;

/// Tests of what C's gate, logger and harbor do for Lua services, and of Lua's C modules.
const FILES: [&str; 5] = ["gate_native", "gate_load", "lua_modules", "services", "cservice"];

struct Test {
    name: String,
    file: String,
    runtime: Runtime,
    ignored: bool,
}

#[derive(Default)]
struct Arguments {
    filters: Vec<String>,
    skip: Vec<String>,
    exact: bool,
    list: bool,
    ignored: bool,
    include_ignored: bool,
    jobs: Option<usize>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Self {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            match word.split_once('=').unwrap_or((&word, "")) {
                ("--exact", _) => arguments.exact = true,
                ("--list", _) => arguments.list = true,
                ("--ignored", _) => arguments.ignored = true,
                ("--include-ignored", _) => arguments.include_ignored = true,
                ("--skip", "") => arguments.skip.extend(words.next()),
                ("--skip", value) => arguments.skip.push(value.to_owned()),
                ("--test-threads", "") => arguments.jobs = words.next().and_then(|n| n.parse().ok()),
                ("--test-threads", value) => arguments.jobs = value.parse().ok(),
                // Options about the output take a value that must not be read as a filter.
                ("--format" | "--color" | "--logfile" | "-Z", "") => drop(words.next()),
                (option, _) if option.starts_with('-') => {}
                _ => arguments.filters.push(word),
            }
        }
        arguments
    }

    fn wants(&self, name: &str) -> bool {
        let hit = |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        (self.filters.is_empty() || self.filters.iter().any(hit)) && !self.skip.iter().any(hit)
    }

    fn runs(&self, test: &Test) -> bool {
        self.include_ignored || self.ignored == test.ignored
    }
}

fn tests() -> Result<Vec<Test>, String> {
    let files = services::list().map_err(|e| format!("cannot list the Lua tests: {e}"))?;
    let ours = Runtime::Ours(skynet_tests::find_binary()?);
    let c = skynet_tests::find_c_skynet()?.map(Runtime::C);
    let test = |file: &String, name: String, runtime: &Runtime, ignored| Test {
        name,
        file: file.clone(),
        runtime: runtime.clone(),
        ignored,
    };
    let mut tests: Vec<Test> = files.iter().map(|file| test(file, file.clone(), &ours, false)).collect();
    if let Some(Runtime::C(c)) = &c {
        let Runtime::Ours(binary) = &ours else { return Ok(tests) };
        let both = Runtime::Files { binary: binary.clone(), c: c.clone() };
        let named = files.iter().filter(|file| FILES.contains(&file.as_str()));
        tests.extend(named.map(|file| test(file, format!("files::{file}"), &both, true)));
    }
    if let Some(c) = c {
        tests.extend(files.iter().map(|file| test(file, format!("c::{file}"), &c, true)));
    }
    Ok(tests)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse(std::env::args().skip(1));
    let mut tests = match tests() {
        Ok(tests) => tests,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::FAILURE;
        }
    };
    let all = tests.len();
    tests.retain(|test| arguments.wants(&test.name));
    if arguments.list {
        for test in tests.iter().filter(|test| !arguments.ignored || test.ignored) {
            println!("{}: test", test.name);
        }
        return ExitCode::SUCCESS;
    }
    let filtered = all - tests.len();
    let (tests, ignored): (Vec<Test>, Vec<Test>) = tests.into_iter().partition(|test| arguments.runs(test));
    println!("\nrunning {} tests", tests.len() + ignored.len());
    for test in &ignored {
        println!("test {} ... ignored", test.name);
    }
    let mut failures = Vec::new();
    parallel::for_each(
        &tests,
        arguments.jobs.unwrap_or(JOBS),
        |test| services::run(&test.runtime, &test.file),
        |test, result| {
            println!("test {} ... {}", test.name, if result.is_ok() { "ok" } else { "FAILED" });
            // Progress is worth seeing while it is made; a closed pipe is no failure of a test.
            let _ = std::io::stdout().flush();
            failures.extend(result.err().map(|failure| (&test.name, failure)));
        },
    );
    for (name, failure) in &failures {
        println!("\n---- {name} ----\n{failure}");
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; {} ignored; 0 measured; {filtered} filtered out\n",
        if failures.is_empty() { "ok" } else { "FAILED" },
        tests.len() - failures.len(),
        failures.len(),
        ignored.len(),
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
