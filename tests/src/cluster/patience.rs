//! Waiting: for something to happen, for a limited time, and not any longer once the user has pressed Ctrl-C.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often something that cannot wake us is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How long whatever should happen soon may take on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// From the first call on, Ctrl-C and `SIGTERM` do not end the process at once; what waits here fails instead, so that
/// nodes are ended on the way out. The second time they do.
pub fn catch_interrupts() -> std::io::Result<()> {
    let flag = flag();
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The order matters: the first time the flag is not set yet when this one looks.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(flag))?;
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    Ok(())
}

/// Whether the user wants to stop.
#[must_use]
pub fn interrupted() -> bool {
    flag().load(Ordering::Relaxed)
}

fn flag() -> &'static Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    FLAG.get_or_init(Arc::default)
}

/// Looks until `look` gives something.
///
/// # Errors
/// What `look` fails with; or, when `limit` is over, that it never came to `what`.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("waited {} s in vain: {what}", limit.as_secs());
        }
        pause(LOOK)?;
    }
}

/// Sleeps.
///
/// # Errors
/// When the user has pressed Ctrl-C.
pub fn pause(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    loop {
        if interrupted() {
            bail!("interrupted");
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(Duration::from_millis(100)));
    }
}
