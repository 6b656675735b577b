//! Signals. SIGHUP reopens the log file, so that logs can be rotated. SIGPIPE is ignored, by the Rust runtime before
//! `main`. Everything else keeps its default action.

use std::thread;

use anyhow::anyhow;
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;
use skynet_core::{Handle, Node, PTYPE_SYSTEM, Payload};

/// SIGHUP, caught from here on; it no longer ends the process.
pub(crate) struct Hangups(Signals);

impl Hangups {
    /// Catches the signal.
    ///
    /// # Errors
    ///
    /// The system has no descriptors left.
    pub(crate) fn catch() -> anyhow::Result<Hangups> {
        Signals::new([SIGHUP]).map(Hangups).map_err(|error| anyhow!("Can't handle SIGHUP: {error}"))
    }

    /// Starts the thread that makes a message to the log service of each signal. It sleeps until a signal comes, and
    /// ends with the process.
    ///
    /// # Errors
    ///
    /// The system has no threads left.
    pub(crate) fn forward_to(mut self, node: Node) -> anyhow::Result<()> {
        let forward = move || {
            for _ in self.0.forever() {
                if let Some(logger) = node.find_name("logger") {
                    // A log service that just ended has no file to reopen.
                    let _ = node.send(Handle::NONE, logger, PTYPE_SYSTEM, 0, Payload::empty());
                }
            }
        };
        match thread::Builder::new().name("signals".to_owned()).spawn(forward) {
            Ok(_) => Ok(()),
            Err(error) => Err(anyhow!("Can't start the thread for signals: {error}")),
        }
    }
}
