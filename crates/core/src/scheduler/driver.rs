//! Waiting for the system: a worker without work lends its thread to the node's [`Driver`], so that what comes is handled where it
//! was noticed, and no message crosses threads.
//!
//! One thread at a time sits in the [`Seat`]. That is a worker that would sleep otherwise; it delivers what came, runs the services that
//! this woke, and comes back. While it is busy nobody waits, which is right for moments: every worker polls now and then between
//! two turns. The monitor sees to longer ones: if another worker sleeps, it is woken to sit down; if all are busy, a thread that stands by
//! takes the seat until one is not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};
use std::thread::{self, Thread};
use std::time::Duration;

use super::Scheduler;
use super::worker::Worker;
use crate::Handle;
use crate::caught::caught;
use crate::node::Node;
use crate::sync::lock;

/// Something that waits for events of the system and turns them into messages, such as a set of sockets.
///
/// One thread at a time is inside of it, now this one, now that.
pub trait Driver: Send {
    /// Waits until something has happened, at most for so long (`None`: until it is woken). A wake-up that came before the wait
    /// ends it at once.
    fn wait(&mut self, limit: Option<Duration>);

    /// Sends the messages about what has happened. Returns whether anything had.
    fn dispatch(&mut self) -> bool;

    /// The node has ended: whatever is open is closed. It is the last call.
    fn close(&mut self);
}

/// How long the thread that stands by waits at a time.
const STANDBY: Duration = Duration::from_millis(5);

/// Ticks that may pass between two polls while workers are busy: some 100 microseconds.
const POLL_EVERY: u64 = 250_000;

/// Where one thread waits for the system.
pub(super) struct Seat {
    driver: Mutex<Option<Box<dyn Driver>>>,
    wake: Box<dyn Fn() + Send + Sync>,
    /// How often somebody polled.
    polls: AtomicU64,
    /// When somebody polled last.
    polled_at: AtomicU64,
    /// The last poll of a worker brought something: more is likely soon.
    lively: AtomicBool,
    standby: OnceLock<Thread>,
    /// The thread that stands by is to take the seat.
    wanted: AtomicBool,
    /// It is in the seat.
    standing_in: AtomicBool,
    /// A worker has nothing to do, and could take over.
    handover: AtomicBool,
}

impl Seat {
    fn try_sit(&self) -> Option<MutexGuard<'_, Option<Box<dyn Driver>>>> {
        match self.driver.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(super) fn wake(&self) {
        (self.wake)();
    }

    fn poll(&self, node: &Node, driver: &mut dyn Driver, limit: Option<Duration>) {
        self.guarded(node, || driver.wait(limit));
        self.dispatch(node, driver);
    }

    fn dispatch(&self, node: &Node, driver: &mut dyn Driver) {
        let mut lively = false;
        self.guarded(node, || lively = driver.dispatch());
        self.lively.store(lively, Ordering::Relaxed);
        self.polls.store(self.polls.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.polled_at.store(node.ticks().read(), Ordering::Relaxed);
    }

    /// A worker must survive a driver that panics.
    fn guarded(&self, node: &Node, part: impl FnOnce()) {
        if let Err(panic) = caught(part) {
            node.log(Handle::NONE, format!("error: what waits for the system panicked: {panic}"));
        }
    }
}

impl Scheduler {
    pub(super) fn seat(&self) -> Option<&Seat> {
        self.seat.get()
    }

    /// Gives the scheduler its seat. The driver comes back if it has one.
    pub(crate) fn install(
        &self,
        driver: Box<dyn Driver>,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Result<(), Box<dyn Driver>> {
        let mut driver = Some(driver);
        self.seat.get_or_init(|| Seat {
            driver: Mutex::new(driver.take()),
            wake,
            polls: AtomicU64::new(0),
            polled_at: AtomicU64::new(0),
            lively: AtomicBool::new(false),
            standby: OnceLock::new(),
            wanted: AtomicBool::new(false),
            standing_in: AtomicBool::new(false),
            handover: AtomicBool::new(false),
        });
        driver.map_or(Ok(()), Err)
    }

    /// A worker without work waits in the seat, if it is free. True if it did.
    pub(super) fn wait_in_seat(&self, node: &Node, worker: &Worker) -> bool {
        let Some(seat) = self.seat() else { return false };
        let Some(mut sat) = seat.try_sit() else {
            if seat.standing_in.load(Ordering::Relaxed) && !seat.handover.swap(true, Ordering::SeqCst) {
                seat.wake();
            }
            return false;
        };
        let Some(driver) = sat.as_deref_mut() else { return false };
        // Where nothing comes from the system, work comes from other workers, and looking is cheaper than sleeping.
        if !seat.lively.load(Ordering::Relaxed) && self.look_around() {
            return true;
        }
        self.sleepers.announce_polling(worker.index);
        self.monitor.hurry();
        if self.has_work() || self.stopped() {
            self.sleepers.retract(worker.index);
            // It may have taken the announcement for sleep.
            self.monitor.rouse();
            return true;
        }
        seat.guarded(node, || driver.wait(None));
        self.sleepers.retract(worker.index);
        self.monitor.rouse();
        seat.dispatch(node, driver);
        true
    }

    /// Between two turns of a busy worker: polls if nobody did for a while.
    pub(super) fn poll_between(&self, node: &Node) {
        let Some(seat) = self.seat() else { return };
        if node.ticks().read().wrapping_sub(seat.polled_at.load(Ordering::Relaxed)) < POLL_EVERY {
            return;
        }
        if let Some(mut sat) = seat.try_sit()
            && let Some(driver) = sat.as_deref_mut()
        {
            seat.poll(node, driver, Some(Duration::ZERO));
        }
    }

    /// The monitor's part. `seen` is how often somebody had polled when it looked last.
    pub(super) fn watch_seat(&self, seen: &mut u64) {
        let Some(seat) = self.seat() else { return };
        let polls = seat.polls.load(Ordering::Relaxed);
        let unattended = polls == *seen && seat.try_sit().is_some();
        *seen = polls;
        if unattended && !self.wake_one() {
            seat.wanted.store(true, Ordering::SeqCst);
            seat.standby.get().inspect(|thread| thread.unpark());
        }
    }

    /// Lets the thread that stands by find out that the node has ended.
    pub(super) fn dismiss(&self) {
        if let Some(seat) = self.seat() {
            seat.wake();
            seat.standby.get().inspect(|thread| thread.unpark());
        }
    }

    /// The body of the thread that stands by.
    pub(crate) fn run_standby(&self, node: &Node) {
        let Some(seat) = self.seat() else { return };
        let _ = seat.standby.set(thread::current());
        // Workers that sleep already do not know of the seat.
        self.wake_one();
        while !self.stopped() {
            if !seat.wanted.swap(false, Ordering::SeqCst) {
                thread::park();
                continue;
            }
            let Some(mut sat) = seat.try_sit() else { continue };
            let Some(driver) = sat.as_deref_mut() else { break };
            seat.standing_in.store(true, Ordering::Relaxed);
            seat.handover.store(false, Ordering::SeqCst);
            while self.sleepers.count() == 0 && !seat.handover.load(Ordering::SeqCst) && !self.stopped() {
                seat.poll(node, driver, Some(STANDBY));
            }
            seat.standing_in.store(false, Ordering::Relaxed);
            drop(sat);
            // Whoever sleeps can wait here instead.
            self.wake_one();
        }
        if let Some(mut driver) = self.remove_driver() {
            seat.guarded(node, || driver.close());
        }
    }

    /// Takes the driver out for good. A worker that sits with it has been told to get up.
    pub(crate) fn remove_driver(&self) -> Option<Box<dyn Driver>> {
        lock(&self.seat()?.driver).take()
    }
}
