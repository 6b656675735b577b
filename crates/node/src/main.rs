//! The `skynet` binary: the command line, the config file, and the wiring of the crates into a node.
//!
//! - `cli`: what the user asks for
//! - `config`: the config file, its keys, `skynet check`
//! - `daemon`: the pid file, and running in the background
//! - `signals`: SIGHUP reopens the log, SIGTERM and SIGINT end the node
//! - `wiring`: a config becomes a running node
//! - `ending`: how the process ends, within limits
//! - `embed`: the Lua files in the binary
//! - `demo`: what runs when there is no argument
//! - `module`: services from shared libraries: the file, and in what it is written
//! - `c`: those written in C, and `skynet.h`
//! - `memory`, `exports`: the allocator of the process, and what C modules find in it

// `c`, `daemon`, `memory` and `module` alone may allow it.
#![deny(unsafe_code)]

mod c;
mod cli;
mod config;
mod daemon;
mod demo;
mod embed;
mod ending;
mod exports;
mod memory;
mod module;
mod signals;
mod wiring;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use cli::Command;
use config::Config;

fn main() -> ExitCode {
    let done = match cli::parse(std::env::args_os().skip(1)) {
        Ok(command) => execute(command),
        Err(message) => Err(anyhow::anyhow!(message)),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}

/// The status that the process should end with.
fn execute(command: Command) -> anyhow::Result<u8> {
    let shown = match command {
        Command::Demo => return demo::run(),
        Command::Run(path) => return wiring::run(&Config::load(&path)?),
        Command::Check(path) => print(&config::report(&path, &Config::load(&path)?)),
        Command::Keys => print(&config::markdown()),
        Command::Version => print(&cli::version()),
        Command::Help => print(cli::HELP),
    };
    shown.map(|()| 0)
}

/// Writes a line to the standard error. If nobody takes it, that is no reason to fail.
fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        // The reader has seen enough: `skynet --keys | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}
