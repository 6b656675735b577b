//! The timers of a node, and the thread that fires them.
//!
//! The thread sleeps until the first deadline; it is woken before only for an earlier one. Nothing polls.

mod places;
mod queue;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};

pub(crate) use queue::Alarm;
pub use queue::TimerKey;
use queue::TimerQueue;

use crate::clock::NodeClock;
use crate::os;
use crate::sync::Lock;

/// Timers taken from the queue under one lock.
const BATCH: usize = 64;

pub(crate) struct Timers {
    state: Lock<State>,
    thread: OnceLock<Thread>,
    stop: AtomicBool,
}

struct State {
    queue: TimerQueue,
    /// When the thread will look by itself; 0 while it is looking.
    looks_at: u64,
}

impl Timers {
    pub(crate) fn new() -> Timers {
        Timers {
            state: Lock::new(State { queue: TimerQueue::new(), looks_at: u64::MAX }),
            thread: OnceLock::new(),
            stop: AtomicBool::new(false),
        }
    }

    /// Arms a timer for this time of the node's clock.
    pub(crate) fn arm(&self, deadline_ns: u64, alarm: Alarm) -> TimerKey {
        let mut state = self.state.lock();
        let key = state.queue.arm(deadline_ns, alarm);
        let earlier = deadline_ns < state.looks_at;
        if earlier {
            state.looks_at = deadline_ns;
        }
        drop(state);
        if earlier {
            self.wake();
        }
        key
    }

    pub(crate) fn cancel(&self, key: TimerKey) -> bool {
        self.state.lock().queue.cancel(key)
    }

    /// Ends [`Timers::run`].
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Fires timers until [`Timers::stop`]: the body of the timer thread.
    pub(crate) fn run(&self, clock: &NodeClock, mut fire: impl FnMut(Alarm)) {
        os::wake_exactly();
        let me = thread::current();
        clock.watch(me.clone());
        let _ = self.thread.set(me.clone());
        let mut batch = Vec::with_capacity(BATCH);
        while !self.stop.load(Ordering::SeqCst) {
            let looks_at = self.take_due(clock.elapsed_ns(), &mut batch);
            batch.drain(..).for_each(&mut fire);
            match looks_at {
                0 => {}
                u64::MAX => thread::park(),
                deadline => match clock.until(deadline) {
                    Some(wait) => thread::park_timeout(wait),
                    None => thread::park(),
                },
            }
        }
        clock.unwatch(&me);
    }

    /// Moves timers that are due to `batch`, and says when to look again; 0 for at once.
    fn take_due(&self, now_ns: u64, batch: &mut Vec<Alarm>) -> u64 {
        let mut state = self.state.lock();
        while batch.len() < BATCH {
            match state.queue.expire(now_ns) {
                Some(alarm) => batch.push(alarm),
                None => {
                    state.looks_at = state.queue.next_wakeup().unwrap_or(u64::MAX);
                    return state.looks_at.max(1);
                }
            }
        }
        state.looks_at = 0;
        0
    }
}
