//! The monitor: a thread that is awake only while workers are busy. It
//!
//! - wakes a sleeping worker for a service that waits behind a busy one, so that none waits longer than a millisecond while a
//!   worker sleeps;
//! - frees the queue of a worker that is stuck in one long turn, and does what was put off to the end of it;
//! - sees to it that somebody waits for the system (`driver`);
//! - sees to messages that run for seconds (`overdue`).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

use super::Scheduler;
use super::overdue::{ENDLESS, Watched};
use super::worker::Worker;
use crate::node::Node;
use crate::os;

/// Between two looks while some work and others sleep.
const TICK: Duration = Duration::from_micros(700);
/// The same after a look that found something waiting: if it still waits then, it has waited for a millisecond at the most.
const SOON: Duration = Duration::from_micros(250);
/// Between two looks while all work: there is nobody to wake, but what is put off in long turns must not wait long.
const SLOW_TICK: Duration = Duration::from_millis(2);
/// Looks at an idle node before the monitor sleeps too: a worker that wakes up meanwhile need not wake it.
const LINGER: u32 = 5;

pub(super) struct Monitor {
    thread: OnceLock<Thread>,
    asleep: AtomicBool,
    /// All workers work: it looks seldom.
    slow: AtomicBool,
}

/// What was seen of a worker.
struct Seen {
    turns: u64,
    waiting: bool,
    queued: bool,
    deferred: u64,
    message: Watched,
}

impl Monitor {
    pub(super) fn new() -> Monitor {
        Monitor { thread: OnceLock::new(), asleep: AtomicBool::new(false), slow: AtomicBool::new(false) }
    }

    /// Ends a slow wait. Called by a worker that goes to sleep: there is somebody to wake now.
    pub(super) fn hurry(&self) {
        if self.slow.load(Ordering::SeqCst)
            && self.slow.swap(false, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Makes sure that it is awake. Called by a worker that has just woken up.
    pub(super) fn rouse(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst)
            && self.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

impl Scheduler {
    /// The body of the monitor thread.
    pub(crate) fn run_monitor(&self, node: &Node) {
        os::wake_exactly();
        let _ = self.monitor.thread.set(thread::current());
        let mut seen: Vec<Seen> = self.workers.iter().map(look).collect();
        let mut idle_looks = 0;
        let mut polls = 0;
        while !self.stopped() {
            let sleeping = self.sleepers.count();
            if sleeping == self.workers.len() {
                idle_looks += 1;
                if idle_looks > LINGER {
                    self.sleep_with_workers();
                    seen = self.workers.iter().map(look).collect();
                    idle_looks = 0;
                }
            } else {
                idle_looks = 0;
            }
            let waiting = seen.iter().any(|seen| seen.waiting || seen.deferred != 0);
            self.pause(sleeping > 0, if waiting { SOON } else { TICK });
            for (worker, seen) in self.workers.iter().zip(&mut seen) {
                self.help(worker, seen);
                seen.message.look(node, worker, ENDLESS);
            }
            self.watch_seat(&mut polls);
            if self.shared_len.load(Ordering::Relaxed) > 0 {
                self.wake_one();
            }
        }
    }

    /// The time between two looks.
    fn pause(&self, somebody_sleeps: bool, tick: Duration) {
        if somebody_sleeps {
            return thread::park_timeout(tick);
        }
        self.monitor.slow.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if self.sleepers.count() == 0 && !self.stopped() {
            thread::park_timeout(SLOW_TICK);
        }
        self.monitor.slow.store(false, Ordering::SeqCst);
    }

    fn sleep_with_workers(&self) {
        self.monitor.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        while self.monitor.asleep.load(Ordering::SeqCst) {
            if self.sleepers.count() < self.workers.len() || self.stopped() {
                self.monitor.asleep.store(false, Ordering::SeqCst);
                return;
            }
            thread::park();
        }
    }

    /// Looks at what waits behind a worker, and passes it on if it waited before.
    fn help(&self, worker: &Worker, seen: &mut Seen) {
        let (turns, queued) = (worker.turns(), worker.queued() > 0);
        let waiting = queued || worker.has_next();
        if turns == seen.turns && waiting && seen.waiting {
            // One long turn: what waits goes where every worker looks.
            let rescued: Vec<_> = worker.take_next().into_iter().chain(worker.steal(true)).collect();
            if !rescued.is_empty() {
                self.inject(rescued);
            }
        } else if queued && seen.queued {
            self.wake_one();
        }
        // What was put off in a long turn does not wait for its end.
        let deferred = worker.deferred_since();
        if deferred != 0 && deferred == seen.deferred {
            self.end_deferral(worker);
        }
        (seen.turns, seen.waiting, seen.queued, seen.deferred) = (turns, waiting, queued, deferred);
    }
}

fn look(worker: &Worker) -> Seen {
    Seen { turns: worker.turns(), waiting: false, queued: false, deferred: 0, message: Watched::new(worker) }
}
