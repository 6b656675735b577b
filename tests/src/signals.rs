//! The signals that a node is started with.

use std::fs;
use std::io;
use std::sync::{Arc, Once};

use signal_hook::consts::SIGINT;

/// Lets nodes that are started from now on hear of `SIGINT`, also when this process was started to ignore it, as shells start what
/// runs in the background: that is handed down to its children, and a node keeps to it. A handler is not handed down.
///
/// # Errors
/// When the system does not let it be handled.
pub(crate) fn let_children_hear() -> io::Result<()> {
    static ONCE: Once = Once::new();
    let mut result = Ok(());
    ONCE.call_once(|| {
        let ignored = fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, SIGINT));
        if ignored {
            // Nobody looks at the flag: the signal goes on to be without effect here.
            result = signal_hook::flag::register(SIGINT, Arc::default()).map(drop);
        }
    });
    result
}

/// Whether a signal is ignored by the process of which Linux says this.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_told_from_others() {
        let status = "Name:\tx\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001006\n";
        assert!(ignores(status, 2) && ignores(status, 3) && ignores(status, 13));
        assert!(!ignores(status, 1) && !ignores(status, 15));
        assert!(!ignores("Name:\tx\n", 2));
    }
}
