//! `cargo xtask`: everything a developer or CI does with the workspace beyond `cargo build`.
//!
//! [`COMMANDS`] is the whole list; each command is one module:
//!
//! * [`check`]: `test`, the steps that CI runs
//! * [`mod@bench`]: `bench`, the Lua, network, two-node and C benchmarks beside C skynet, and the core beside other actor libraries
//! * [`compat`]: `compat`, C skynet's own test scripts on our node
//! * [`lua_modules`]: `lua-modules`, test scripts of real C modules for Lua on our node
//! * [`cluster`]: `cluster-test`, clusters of real nodes that are killed, frozen and cut off
//! * [`fuzz`]: `fuzz`, the fuzz targets of the crates
//! * [`tidy`]: `tidy`, what compiler and linter do not look at
#![forbid(unsafe_code)]

mod bench;
mod check;
mod cluster;
mod compat;
mod fuzz;
mod lua_modules;
mod memcheck;
mod shell;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

/// One command of the command line.
struct Command {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        usage: "test [--from STEP]",
        about: "everything that CI runs: format, lints, docs, tests, models, packages",
        run: check::run,
    },
    Command {
        name: "bench",
        usage: "bench [FILTER] [--runs N] [--json] [--c-profile-off]",
        about: "Lua benchmarks on our node, and on C skynet where SKYNET_C names its built folder",
        run: bench::run,
    },
    Command {
        name: "bench core",
        usage: "bench core [FILTER] [--runs N] [--json]",
        about: "skynet-core beside tokio, actix, kameo and ractor",
        run: bench::run_core,
    },
    Command {
        name: "bench net",
        usage: "bench net [FILTER] [--runs N] [--json] [--c-profile-off] [--idle N]",
        about: "sockets and the gate under load: rate, latency, memory; --idle connections for the memory (10,000)",
        run: bench::net::run,
    },
    Command {
        name: "bench harbor",
        usage: "bench harbor [FILTER] [--runs N] [--json] [--c-profile-off]",
        about: "calls and messages between two nodes, of one kind and of both",
        run: bench::harbor::run,
    },
    Command {
        name: "bench c",
        usage: "bench c [FILTER] [--runs N] [--json]",
        about: "messages between services written in C, the same module on our node and on C skynet (needs a C compiler)",
        run: bench::c::run,
    },
    Command {
        name: "compat",
        usage: "compat [FILTER]",
        about: "C skynet's test scripts on both nodes, outcomes compared (needs SKYNET_C)",
        run: compat::run,
    },
    Command {
        name: "lua-modules",
        usage: "lua-modules [FILTER] [--dir DIR]",
        about: "test scripts of C modules for Lua, which DIR (or LUA_MODULES) holds as built: NAME.so and NAME/*.lua",
        run: lua_modules::run,
    },
    Command {
        name: "fuzz",
        usage: "fuzz [TARGET] [--seconds N]",
        about: "the fuzz targets of the crates, 30 seconds each if nothing else is said (needs a C++ compiler)",
        run: fuzz::run,
    },
    Command {
        name: "cluster-test",
        usage: "cluster-test [--filter TEXT] [--nodes N] [--seed S] [--layout L] [--keep-logs] [--list]",
        about: "clusters of real nodes: started, killed, frozen, cut off; mixed with C nodes where SKYNET_C is set",
        run: cluster::run,
    },
    Command {
        name: "tidy",
        usage: "tidy",
        about: "long files, left-over marks, absolute paths, missing module docs, undocumented Lua modules",
        run: tidy::run,
    },
    Command { name: "help", usage: "help", about: "this list", run: help },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command whose words the arguments begin with; the longest name wins.
fn dispatch(args: &[String]) -> Result<()> {
    if args.is_empty() || args.iter().any(|arg| arg == "--help" || arg == "-h") {
        return help(&[]);
    }
    let named = COMMANDS
        .iter()
        .filter_map(|command| {
            let words = command.name.split(' ').count();
            let given = args.get(..words)?;
            (given.join(" ") == command.name).then_some((words, command))
        })
        .max_by_key(|(words, _)| *words);
    match named {
        Some((words, command)) => (command.run)(args.get(words..).unwrap_or_default()),
        None => bail!("no command `{}`; `cargo xtask help` lists them", args.join(" ")),
    }
}

fn help(_args: &[String]) -> Result<()> {
    println!("cargo xtask COMMAND\n");
    let width = COMMANDS.iter().map(|command| command.usage.len()).max().unwrap_or(0);
    for command in COMMANDS {
        println!("  {:width$}  {}", command.usage, command.about);
    }
    Ok(())
}
