//! Signals. SIGHUP reopens the log file, so that logs can be rotated. SIGTERM and SIGINT end the node in an orderly way, a second one
//! at once. SIGPIPE is ignored, by the Rust runtime before `main`. Everything else keeps its default action.

use std::sync::mpsc::Sender;
use std::{fs, thread};

use anyhow::anyhow;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;
use skynet_core::{Handle, Node, PTYPE_SYSTEM, Payload};

use crate::ending::Event;

/// Orders to end after which nobody is asked any more: whoever should see to the others does not.
const MOST_ORDERS: usize = 3;

/// The signals, caught from here on; they no longer end the process by themselves.
pub(crate) struct Caught(Signals);

impl Caught {
    /// Catches the signals. SIGINT stays ignored where the process was started so, as shells do in the background.
    ///
    /// # Errors
    ///
    /// The system has no descriptors left.
    pub(crate) fn catch() -> anyhow::Result<Caught> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let signals =
            if ignores(&status, SIGINT) { &[SIGHUP, SIGTERM][..] } else { &[SIGHUP, SIGTERM, SIGINT] };
        Signals::new(signals).map(Caught).map_err(|error| anyhow!("Can't handle signals: {error}"))
    }

    /// Starts the thread that makes a message to the log service of each SIGHUP, and an event of each order to end. It sleeps
    /// until a signal comes, and ends with the process.
    ///
    /// # Errors
    ///
    /// The system has no threads left.
    pub(crate) fn forward_to(mut self, node: Node, events: Sender<Event>) -> anyhow::Result<()> {
        let forward = move || {
            let mut orders = 0;
            for signal in self.0.forever() {
                if signal == SIGHUP {
                    reopen_log(&node);
                    continue;
                }
                orders += 1;
                if orders >= MOST_ORDERS || events.send(Event::Signal(signal)).is_err() {
                    low_level::exit(128 + signal);
                }
            }
        };
        match thread::Builder::new().name("signals".to_owned()).spawn(forward) {
            Ok(_) => Ok(()),
            Err(error) => Err(anyhow!("Can't start the thread for signals: {error}")),
        }
    }
}

fn reopen_log(node: &Node) {
    if let Some(logger) = node.find_name("logger") {
        // A log service that just ended has no file to reopen.
        let _ = node.send(Handle::NONE, logger, PTYPE_SYSTEM, 0, Payload::empty());
    }
}

/// Whether a signal is ignored, by what the system says of a process. False where it does not tell.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

/// The name of an order to end.
pub(crate) fn name(signal: i32) -> &'static str {
    if signal == SIGINT { "SIGINT" } else { "SIGTERM" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status_of_the_process() {
        let status = "Name:\tskynet\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001002\nSigCgt:\t0\n";
        assert!(ignores(status, SIGINT));
        assert!(!ignores(status, SIGTERM) && !ignores("", SIGINT) && !ignores("SigIgn:\tx", SIGINT));
    }
}
