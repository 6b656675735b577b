//! What the standard library lacks: limits, and the time that this process has used.

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

use anyhow::{Context, Result};

/// As many descriptors as the system lets a process have, for loads of many connections.
const DESCRIPTORS: libc::rlim_t = 1 << 20;

/// Raises the limit of open files as far as it goes.
///
/// # Errors
///
/// When the system does not tell its limits.
pub(crate) fn raise_file_limit() -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a value of the type that the call fills.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error()).context("cannot read the limit of open files");
    }
    // Only those with the right to may exceed the hard limit; the others go up to it.
    let wishes = [DESCRIPTORS.max(limit.rlim_max), limit.rlim_max];
    for wish in wishes {
        let wanted = libc::rlimit { rlim_cur: wish, rlim_max: wish };
        // SAFETY: the pointer is to a value that lives through the call, which only reads it.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) } == 0 {
            break;
        }
    }
    Ok(())
}

/// The processor time that this process has used; nothing if the system does not tell.
pub(crate) fn cpu_time() -> Option<Duration> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is to room for the value that the call writes.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, time.as_mut_ptr()) } != 0;
    if failed {
        return None;
    }
    // SAFETY: the call succeeded, so it has written the value.
    let time = unsafe { time.assume_init() };
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}
