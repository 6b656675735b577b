//! `netload`: the load generator of the network benchmarks, and the servers that they are held against.
//!
//! The generator is one thread that waits for the system, so what it costs is little beside a server's work: see [`echo`].
//!
//! * [`args`]: the command line
//! * [`pattern`]: the bytes that are sent, and expected back
//! * [`echo`], [`accept`], [`idle`]: the loads
//! * [`link`]: connections; [`system`]: what the standard library lacks
//! * [`histogram`], [`report`]: what is measured, and how it is told
//! * [`epoll`], [`native`]: the servers

mod accept;
mod args;
mod echo;
mod epoll;
mod histogram;
mod idle;
mod link;
mod native;
mod pattern;
mod report;
mod system;

use std::process::ExitCode;

use anyhow::Result;

use args::Command;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // On both ways: for those who look, and for the program that reads the results.
            eprintln!("netload: {error:#}");
            println!("BENCH-ERROR {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    system::raise_file_limit()?;
    match args::parse(&words)? {
        Command::Echo(load) => echo::run(&load),
        Command::Accept(load) => accept::run(&load),
        Command::Idle(load) => idle::run(&load),
        Command::ServeEpoll => epoll::serve(epoll::Manner::Echo),
        Command::ServeEpollOnce => epoll::serve(epoll::Manner::OneLine),
        Command::ServeNative => native::serve(),
    }
}
