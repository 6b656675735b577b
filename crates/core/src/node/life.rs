//! The life of a node: it runs while services live, and ends when the last one has.
//!
//! It goes from *running* to *aborting* (all are told to end, but the log service, so that the last words of the others are
//! written, and the harbor service) to *halting* (none that counts is left: the rest is told to end) to *ended* (nothing
//! is left: the threads end).

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Node;
use crate::cell::UNCOUNTED;
use crate::context::Context;
use crate::message::Message;
use crate::ptype::PTYPE_SYSTEM;
use crate::scheduler::{order, seat};
use crate::sync::lock;
use crate::{Handle, Payload, StopError};

const RUNNING: u8 = 0;
const ABORTING: u8 = 1;
const HALTING: u8 = 2;
const ENDED: u8 = 3;

#[derive(Default)]
pub(super) struct Life {
    /// Services that keep the node alive: all but the harbor service and the runtime's own.
    counted: AtomicUsize,
    total: AtomicUsize,
    phase: AtomicU8,
    changed: Condvar,
    lock: Mutex<()>,
    /// What runs when the node has ended.
    ends: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

impl Life {
    pub(super) fn begin(&self, counted: bool) {
        self.total.fetch_add(1, Ordering::SeqCst);
        self.counted.fetch_add(usize::from(counted), Ordering::SeqCst);
    }

    pub(super) fn uncount(&self) {
        self.counted.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn is_running(&self) -> bool {
        self.phase.load(Ordering::SeqCst) == RUNNING
    }

    pub(super) fn has_ended(&self) -> bool {
        self.phase.load(Ordering::SeqCst) == ENDED
    }

    fn reach(&self, phase: u8) -> bool {
        let before = self.phase.fetch_max(phase, Ordering::SeqCst);
        drop(lock(&self.lock));
        self.changed.notify_all();
        before < phase
    }

    /// Waits for the end; false if the deadline came first.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut guard = lock(&self.lock);
        while self.phase.load(Ordering::SeqCst) != ENDED {
            guard = match deadline {
                None => self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
                    self.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}

impl Node {
    /// Ends every service, as the command `ABORT` does, without notices to the monitor service. The log service ends after
    /// the others, so that their last lines are written. No service can be started any more.
    pub fn abort(&self) {
        self.abort_with(|| {});
    }

    /// The same; if nobody has done it before, `first` runs before any service ends.
    pub(super) fn abort_with(&self, first: impl FnOnce()) {
        if self.0.life.reach(ABORTING) {
            first();
        }
        let logger = Handle::from_raw(self.0.log_service.load(Ordering::SeqCst));
        // The service that asks for it comes last, so that it is not interrupted while the others are told.
        let own = seat::with_context(|ctx| ctx.map(Context::handle));
        for cell in self.0.table.cells() {
            if !cell.has(UNCOUNTED)
                && let Some((handle, _)) = cell.identity()
                && handle != logger
                && Some(handle) != own
            {
                self.retire(handle, 0);
            }
        }
        if let Some(own) =
            own.filter(|own| *own != logger && self.cell_of(*own).is_some_and(|cell| !cell.has(UNCOUNTED)))
        {
            self.retire(own, 0);
        }
        self.check_life();
    }

    /// Whether the node runs: nobody has told it to end.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.0.life.is_running()
    }

    /// Waits until no service is left (the harbor service does not count) and the node's threads have ended; all log lines
    /// are written then. On a thread of the node this waits for ever.
    pub fn wait(&self) {
        self.0.life.wait(None);
        self.join_threads();
    }

    /// Ends every service and waits for it, and for the node's threads. All log lines are written then.
    ///
    /// # Errors
    ///
    /// [`StopError`] names the services that did not end within `deadline`, such as those stuck in C code. Their threads
    /// go on; `stop` and [`Node::wait`] may be called again.
    pub fn stop(&self, deadline: Duration) -> Result<(), StopError> {
        let until = Instant::now().checked_add(deadline);
        self.abort();
        if !self.0.life.wait(until) {
            return Err(StopError { stuck: self.still_running(), after: deadline });
        }
        self.join_threads();
        Ok(())
    }

    /// Ties threads of a part of the program to the node: `end` runs once when the last service has ended (at once if that was
    /// before), on whatever thread comes to it; it tells the threads to end and does not wait. [`Node::wait`] and
    /// [`Node::stop`] wait for `threads`.
    pub fn attach(
        &self,
        threads: impl IntoIterator<Item = JoinHandle<()>>,
        end: impl FnOnce() + Send + 'static,
    ) {
        lock(&self.0.threads).extend(threads);
        lock(&self.0.life.ends).push(Box::new(end));
        if self.0.life.phase.load(Ordering::SeqCst) == ENDED {
            self.run_ends();
        }
    }

    /// Ends the log service alone, and waits until its lines are written: for a node some of whose services do not end, be it that all
    /// workers are stuck in them. It gives up after `limit`.
    pub fn close_log(&self, limit: Duration) {
        let until = Instant::now() + limit;
        self.end_logger();
        let node = self.clone();
        let done = move || !node.has_log() || Instant::now() >= until;
        let (node, over) = (self.clone(), done.clone());
        // A thread of its own, which may get stuck like the workers. Without one the log may stay as it is.
        let relief = move || node.0.scheduler.relieve(&node, over);
        let _ = thread::Builder::new().name("skynet-relief".to_owned()).spawn(relief);
        while !done() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the log service has not ended.
    fn has_log(&self) -> bool {
        let logger = Handle::from_raw(self.0.log_service.load(Ordering::SeqCst));
        let mut cells = self.0.table.all_cells().into_iter();
        cells.any(|cell| cell.identity().is_some_and(|(handle, _)| handle == logger))
    }

    /// Ends the log service behind all lines that it has got.
    fn end_logger(&self) {
        let payload = Payload::order(order::EXIT);
        let message = Message { kind: PTYPE_SYSTEM, session: 0, source: Handle::NONE, payload };
        let logger = Handle::from_raw(self.0.log_service.load(Ordering::SeqCst));
        // If it has ended, or is ending, that is as good.
        let _ = self.deliver(logger, message);
    }

    fn run_ends(&self) {
        let ends = std::mem::take(&mut *lock(&self.0.life.ends));
        ends.into_iter().for_each(|end| end());
        self.0.extensions.clear();
    }

    /// Services that were retired and have not ended. Those that end last, which are the log service and then the ones that
    /// do not count, wait for the others, and are named only where nobody else is to blame.
    fn still_running(&self) -> Vec<(Handle, String)> {
        let logger = Handle::from_raw(self.0.log_service.load(Ordering::SeqCst));
        let running: Vec<_> = self
            .0
            .table
            .all_cells()
            .into_iter()
            .filter_map(|cell| {
                let (handle, name) = cell.identity()?;
                let rank = if cell.has(UNCOUNTED) { 2 } else { u8::from(handle == logger) };
                Some((rank, (handle, name)))
            })
            .collect();
        let first = running.iter().map(|(rank, _)| *rank).min();
        running.into_iter().filter(|(rank, _)| Some(*rank) == first).map(|(_, service)| service).collect()
    }

    fn join_threads(&self) {
        let threads = std::mem::take(&mut *lock(&self.0.threads));
        for thread in threads {
            if thread.thread().id() != thread::current().id() {
                // Bodies of threads catch the panics of services; one of the runtime was reported on the standard error.
                let _ = thread.join();
            }
        }
    }

    /// A service has ended, or did not come up.
    pub(super) fn one_ended(&self, counted: bool) {
        let life = &self.0.life;
        let counted_before = life.counted.fetch_sub(usize::from(counted), Ordering::SeqCst);
        let total_before = life.total.fetch_sub(1, Ordering::SeqCst);
        if counted_before - usize::from(counted) <= 1 || total_before == 1 {
            self.check_life();
        }
    }

    /// Goes on to the next phase if it is time.
    pub(super) fn check_life(&self) {
        let life = &self.0.life;
        let phase = life.phase.load(Ordering::SeqCst);
        match life.counted.load(Ordering::SeqCst) {
            0 => {
                if life.reach(HALTING) {
                    for cell in self.0.table.cells() {
                        cell.identity().map(|(handle, _)| self.retire(handle, 0));
                    }
                }
                if life.total.load(Ordering::SeqCst) == 0 && life.reach(ENDED) {
                    self.0.timers.stop();
                    self.0.scheduler.stop();
                    self.run_ends();
                }
            }
            1 if phase == ABORTING => self.end_logger(),
            _ => {}
        }
    }
}
