//! A counter that is cheap to read, for the accounting of every message.
//!
//! On x86-64 with an invariant time-stamp counter that is the counter (8 ns a read); elsewhere the monotonic clock (20 ns
//! and more). How long a tick is follows from both clocks at the start and at the time of the question, so nothing is
//! measured in advance.

use std::time::{Duration, Instant};

/// The counter, with where it stood at its making.
pub(crate) struct Ticks {
    invariant: bool,
    start: Instant,
    start_ticks: u64,
}

impl Ticks {
    pub(crate) fn new() -> Ticks {
        let mut ticks = Ticks { invariant: has_invariant_counter(), start: Instant::now(), start_ticks: 0 };
        ticks.start_ticks = ticks.read();
        ticks
    }

    #[inline]
    pub(crate) fn read(&self) -> u64 {
        if self.invariant { read_counter() } else { self.start.elapsed().as_nanos() as u64 }
    }

    /// How long so many ticks take.
    pub(crate) fn duration(&self, ticks: u64) -> Duration {
        if !self.invariant {
            return Duration::from_nanos(ticks);
        }
        let (ns, counted) = loop {
            let ns = self.start.elapsed().as_nanos();
            // Below this the two reads are too close to make a ratio.
            if ns >= 100_000 {
                break (ns, self.read().saturating_sub(self.start_ticks).max(1));
            }
            std::hint::spin_loop();
        };
        Duration::from_nanos((u128::from(ticks) * ns / u128::from(counted)) as u64)
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn read_counter() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and systems do not forbid it to programs.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(target_arch = "x86_64")]
#[allow(unused_unsafe)]
fn has_invariant_counter() -> bool {
    use std::arch::x86_64::__cpuid;
    // SAFETY: every x86-64 processor has the instruction; the second leaf is asked for only if the first says it exists.
    unsafe { __cpuid(0x8000_0000).eax >= 0x8000_0007 && __cpuid(0x8000_0007).edx & (1 << 8) != 0 }
}

#[cfg(not(target_arch = "x86_64"))]
fn read_counter() -> u64 {
    0
}

#[cfg(not(target_arch = "x86_64"))]
fn has_invariant_counter() -> bool {
    false
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn ticks_measure_what_the_clock_measures() {
        let ticks = Ticks::new();
        let (clock, first) = (Instant::now(), ticks.read());
        while clock.elapsed() < Duration::from_millis(5) {}
        let (by_clock, by_ticks) = (clock.elapsed(), ticks.duration(ticks.read() - first));
        // A preemption between two reads shows as a difference: only the order of magnitude is certain.
        assert!(by_ticks >= Duration::from_millis(4), "{by_ticks:?} for {by_clock:?}");
    }
}
