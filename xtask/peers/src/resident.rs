//! Resident memory of this process, as Linux tells it.

use anyhow::{Context, Result};

/// In KiB.
///
/// # Errors
///
/// Where `/proc/self/status` is not to be read, or has no such line.
pub(crate) fn kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.context("no VmRSS in /proc/self/status")?.trim().parse().context("VmRSS is no number")
}
