//! The few calls to the system that `std` does not offer.

use std::path::PathBuf;
use std::time::Duration;

/// A thread to which signals can be sent.
#[derive(Copy, Clone)]
pub(crate) struct ThreadId(libc::pthread_t);

impl ThreadId {
    /// The calling thread.
    pub(crate) fn current() -> ThreadId {
        // SAFETY: the call has no conditions.
        ThreadId(unsafe { libc::pthread_self() })
    }

    /// Sends SIGURG to the thread: whoever wants an effect has installed a handler; without one the signal is ignored.
    ///
    /// # Safety
    ///
    /// The thread has not ended.
    pub(crate) unsafe fn interrupt(self) {
        // SAFETY: the caller promises that the thread lives.
        unsafe { libc::pthread_kill(self.0, libc::SIGURG) };
    }
}

/// Asks the system to wake the calling thread without the usual slack of 50 microseconds.
pub(crate) fn wake_exactly() {
    #[cfg(target_os = "linux")]
    // SAFETY: the option takes a number of nanoseconds and no pointers.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong);
    }
}

/// The monotonic clock as of the system's last tick: some milliseconds late, for a fifth of the price. `None` where there
/// is none.
#[inline]
pub(crate) fn coarse_ns() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the clock exists on every Linux, and the structure is the caller's.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &mut time) };
        Some((time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// The path with this name.
#[cfg(unix)]
pub(crate) fn path_from(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// The path with this name.
#[cfg(not(unix))]
pub(crate) fn path_from(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// A broken-down local time.
pub(crate) struct LocalTime {
    pub(crate) year: i32,
    pub(crate) month: i32,
    pub(crate) day: i32,
    pub(crate) hour: i32,
    pub(crate) minute: i32,
    pub(crate) second: i32,
    /// Days since Sunday.
    pub(crate) weekday: i32,
}

/// The local time at so long after the epoch.
pub(crate) fn local_time(since_epoch: Duration) -> LocalTime {
    let seconds = libc::time_t::try_from(since_epoch.as_secs()).unwrap_or(libc::time_t::MAX);
    // SAFETY: `tm` is a plain structure for which zeroes are a value, and `localtime_r` fills it.
    let tm = unsafe {
        let mut tm = std::mem::zeroed::<libc::tm>();
        libc::localtime_r(&seconds, &mut tm);
        tm
    };
    LocalTime {
        year: tm.tm_year + 1900,
        month: tm.tm_mon + 1,
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
        weekday: tm.tm_wday,
    }
}
