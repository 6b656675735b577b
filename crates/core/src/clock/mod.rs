//! Time: a monotonic clock that tests can replace, and a cheap counter for accounting.

mod ticks;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) use ticks::Ticks;

use crate::os;
use crate::sync::lock;

/// Where a node takes the time from: the system, or a [`ManualClock`].
#[derive(Clone, Default)]
pub struct Clock(Option<ManualClock>);

impl Clock {
    /// The monotonic clock of the system.
    #[must_use]
    pub fn system() -> Clock {
        Clock(None)
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Clock {
        Clock(Some(clock))
    }
}

/// A clock that stands still until it is told to go on: for tests of what depends on time.
///
/// ```
/// use std::time::Duration;
/// use skynet_core::{LogTarget, ManualClock, Node};
///
/// let clock = ManualClock::new();
/// let node = Node::builder().clock(clock.clone()).log(LogTarget::Null).start()?;
/// let before = node.now();
/// clock.advance(Duration::from_secs(1));
/// assert_eq!(node.now() - before, 100);
/// node.stop(Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct ManualClock(Arc<Manual>);

#[derive(Default)]
struct Manual {
    now_ns: AtomicU64,
    /// Threads that wait for a time to come.
    waiting: Mutex<Vec<Thread>>,
}

impl ManualClock {
    /// A clock at zero.
    #[must_use]
    pub fn new() -> ManualClock {
        ManualClock::default()
    }

    /// Moves the time on; timers that are due then fire.
    pub fn advance(&self, by: Duration) {
        let ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let later = |now: u64| Some(now.saturating_add(ns));
        // The closure always gives a value.
        let _ = self.0.now_ns.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
        lock(&self.0.waiting).iter().for_each(Thread::unpark);
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManualClock({} ns)", self.0.now_ns.load(Ordering::SeqCst))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(manual) => manual.fmt(f),
            None => f.write_str("Clock(system)"),
        }
    }
}

/// The time of one node, counted from its start.
pub(crate) struct NodeClock {
    source: Clock,
    start: Instant,
    /// What the coarse clock showed at the start.
    coarse_start: u64,
    manual_start_ns: u64,
    wall_start: Duration,
}

impl NodeClock {
    pub(crate) fn new(source: Clock) -> NodeClock {
        NodeClock {
            manual_start_ns: source.0.as_ref().map_or(0, |manual| manual.0.now_ns.load(Ordering::SeqCst)),
            source,
            start: Instant::now(),
            coarse_start: os::coarse_ns().unwrap_or(0),
            wall_start: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }

    /// Nanoseconds since the start.
    #[inline]
    pub(crate) fn elapsed_ns(&self) -> u64 {
        match &self.source.0 {
            None => self.start.elapsed().as_nanos() as u64,
            Some(manual) => manual.0.now_ns.load(Ordering::SeqCst) - self.manual_start_ns,
        }
    }

    /// Hundredths of a second since the full second before the start.
    pub(crate) fn now_cs(&self) -> u64 {
        u64::from(self.wall_start.subsec_millis() / 10) + self.elapsed_ns() / 10_000_000
    }

    /// The same, some milliseconds late and cheaper.
    pub(crate) fn coarse_cs(&self) -> u64 {
        match os::coarse_ns() {
            Some(now) if self.source.0.is_none() => {
                let elapsed = now.saturating_sub(self.coarse_start);
                u64::from(self.wall_start.subsec_millis() / 10) + elapsed / 10_000_000
            }
            _ => self.now_cs(),
        }
    }

    /// Seconds from the epoch to the start.
    pub(crate) fn starttime(&self) -> u64 {
        self.wall_start.as_secs()
    }

    /// The wall-clock time that goes with [`NodeClock::elapsed_ns`], since the epoch.
    pub(crate) fn wall(&self) -> Duration {
        self.wall_start + Duration::from_nanos(self.elapsed_ns())
    }

    /// Lets `thread` be unparked whenever the time jumps.
    pub(crate) fn watch(&self, thread: Thread) {
        if let Some(manual) = &self.source.0 {
            lock(&manual.0.waiting).push(thread);
        }
    }

    pub(crate) fn unwatch(&self, thread: &Thread) {
        if let Some(manual) = &self.source.0 {
            lock(&manual.0.waiting).retain(|other| other.id() != thread.id());
        }
    }

    /// How long the calling thread may sleep until `deadline_ns`; `None` if only a jump of the time or an unpark can end
    /// the wait.
    pub(crate) fn until(&self, deadline_ns: u64) -> Option<Duration> {
        match &self.source.0 {
            None => Some(Duration::from_nanos(deadline_ns.saturating_sub(self.elapsed_ns()))),
            Some(_) => None,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_when_told() {
        let manual = ManualClock::new();
        manual.advance(Duration::from_secs(9));
        let clock = NodeClock::new(manual.clone().into());
        assert_eq!(clock.elapsed_ns(), 0);
        let start = clock.now_cs();
        assert!(start < 100, "it begins within the second of the start");
        manual.advance(Duration::from_millis(25));
        assert_eq!((clock.elapsed_ns(), clock.now_cs() - start), (25_000_000, 2));
        manual.advance(Duration::MAX);
        assert_eq!(clock.elapsed_ns(), u64::MAX - 9_000_000_000, "it stops at the end of time");
    }

    #[test]
    fn the_system_clock_climbs() {
        let clock = NodeClock::new(Clock::system());
        let first = clock.elapsed_ns();
        assert!(clock.elapsed_ns() >= first && clock.starttime() > 1_600_000_000);
        let (before, coarse, after) = (clock.now_cs(), clock.coarse_cs(), clock.now_cs());
        assert!(before.saturating_sub(2) <= coarse && coarse <= after + 1, "{before} {coarse} {after}");
    }
}
