//! One worker: its queues, and what others may see of its progress.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use crate::cell::{Cell, CellRef};
use crate::clock::Ticks;
use crate::os::ThreadId;
use crate::sync::{Lock, lock};
use crate::{Handle, Message};

/// How often in a row a worker runs what was handed to it just now, before it looks at its queue.
const HANDOFFS: u32 = 64;

/// A worker's place. Everything in it is written by the worker, but for thieves at the queue and the monitor.
#[repr(align(128))]
pub(crate) struct Worker {
    pub(super) index: usize,
    weight: i32,
    /// A service woken by the one that runs just now: next to run, so that a request and its answer stay on one core. The worker
    /// alone fills it; the monitor may empty it.
    next: AtomicPtr<Cell>,
    local: Lock<VecDeque<CellRef>>,
    local_len: AtomicUsize,
    /// Turns taken.
    turns: AtomicU64,
    /// Messages begun.
    version: AtomicU64,
    /// The service that it is in.
    current: AtomicPtr<Cell>,
    /// From (high half) and to whom the message goes that is being handled; to 0 if none is.
    route: AtomicU64,
    /// Its session (from the 9th bit on) and its kind.
    shape: AtomicU64,
    /// The counter when something was put off to the end of the turn; 0 if nothing is.
    deferred: AtomicU64,
    thread: Mutex<Option<ThreadId>>,
}

/// A worker that is inside a service: see [`ServiceControl`](crate::ServiceControl).
#[derive(Copy, Clone)]
pub struct WorkerThread<'a>(&'a Worker);

impl WorkerThread<'_> {
    /// Sends the signal SIGURG to the worker's thread. Nothing here installs a handler for it: whoever wants an effect does
    /// (and must expect that the worker has gone on to another service meanwhile).
    pub fn interrupt(&self) {
        let thread = lock(&self.0.thread);
        if let Some(thread) = *thread {
            // SAFETY: the thread takes its id out of the lock, which is held here, before it ends, even by a panic.
            unsafe { thread.interrupt() };
        }
    }
}

impl std::fmt::Debug for WorkerThread<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkerThread({})", self.0.index)
    }
}

/// The thread of a worker, while there is one.
pub(super) struct Occupied<'a>(&'a Worker);

impl Drop for Occupied<'_> {
    fn drop(&mut self) {
        *lock(&self.0.thread) = None;
    }
}

/// The share of a mailbox that a worker handles in a turn: all of it, shifted right by the weight; one message if it is below
/// zero.
fn weight(index: usize) -> i32 {
    match index {
        0..=3 => -1,
        4..=7 => 0,
        8..=15 => 1,
        16..=23 => 2,
        24..=31 => 3,
        _ => 0,
    }
}

impl Worker {
    pub(super) fn new(index: usize) -> Worker {
        Worker {
            index,
            weight: weight(index),
            next: AtomicPtr::default(),
            local: Lock::new(VecDeque::with_capacity(64)),
            local_len: AtomicUsize::new(0),
            turns: AtomicU64::new(0),
            version: AtomicU64::new(0),
            current: AtomicPtr::default(),
            route: AtomicU64::new(0),
            shape: AtomicU64::new(0),
            deferred: AtomicU64::new(0),
            thread: Mutex::new(None),
        }
    }

    /// How many of so many messages a turn handles.
    pub(crate) fn share(&self, waiting: usize) -> usize {
        if self.weight < 0 { 1 } else { (waiting >> self.weight).max(1) }
    }

    /// Makes the calling thread the worker's, until the result is dropped.
    pub(super) fn occupy(&self) -> Occupied<'_> {
        *lock(&self.thread) = Some(ThreadId::current());
        Occupied(self)
    }

    /// Takes a service that was woken by this worker. Only for the worker itself.
    #[inline]
    pub(super) fn hand_over(&self, cell: CellRef) {
        // Nobody but this thread makes the slot full, so an empty one needs no swap.
        if self.next.load(Ordering::Relaxed).is_null() {
            self.next.store(cell.as_ptr(), Ordering::Release);
            return;
        }
        let before = self.next.swap(cell.as_ptr(), Ordering::AcqRel);
        // SAFETY: the slot holds pointers of `CellRef`s of this node alone, which lives while its workers do.
        if let Some(before) = unsafe { CellRef::from_ptr(before) } {
            self.push_back(before);
        }
    }

    /// Empties the slot of the next service.
    #[inline]
    pub(super) fn take_next(&self) -> Option<CellRef> {
        if self.next.load(Ordering::Relaxed).is_null() {
            return None;
        }
        let next = self.next.swap(std::ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: as in `hand_over`.
        unsafe { CellRef::from_ptr(next) }
    }

    pub(super) fn has_next(&self) -> bool {
        !self.next.load(Ordering::Relaxed).is_null()
    }

    pub(super) fn queued(&self) -> usize {
        self.local_len.load(Ordering::Relaxed)
    }

    pub(super) fn push_back(&self, cell: CellRef) {
        let mut local = self.local.lock();
        local.push_back(cell);
        self.local_len.store(local.len(), Ordering::Release);
    }

    pub(super) fn push_all(&self, cells: &mut Vec<CellRef>) {
        let mut local = self.local.lock();
        local.extend(cells.drain(..));
        self.local_len.store(local.len(), Ordering::Release);
    }

    fn pop_front(&self) -> Option<CellRef> {
        if self.queued() == 0 {
            return None;
        }
        let mut local = self.local.lock();
        let cell = local.pop_front();
        self.local_len.store(local.len(), Ordering::Release);
        cell
    }

    /// The next service of its own. `handoffs` counts how often it was the one handed over. Only for the worker itself.
    #[inline]
    pub(super) fn take_own(&self, handoffs: &mut u32) -> Option<CellRef> {
        if let Some(next) = self.take_next() {
            if *handoffs < HANDOFFS || self.queued() == 0 {
                *handoffs += 1;
                return Some(next);
            }
            self.push_back(next);
        }
        *handoffs = 0;
        self.pop_front()
    }

    /// Takes half of what is queued, the oldest first: for thieves, and for the monitor (`all`).
    pub(super) fn steal(&self, all: bool) -> VecDeque<CellRef> {
        if self.queued() == 0 {
            return VecDeque::new();
        }
        let mut local = self.local.lock();
        let count = if all { local.len() } else { local.len().div_ceil(2) };
        let stolen = local.drain(..count).collect();
        self.local_len.store(local.len(), Ordering::Release);
        stolen
    }

    #[inline]
    pub(crate) fn begin_turn(&self, cell: CellRef) {
        self.turns.store(self.turns.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.current.store(cell.as_ptr(), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn begin_message(&self, msg: &Message, dest: Handle) {
        self.version.store(self.version.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        let route = u64::from(msg.source.raw()) << 32 | u64::from(dest.raw());
        self.route.store(route, Ordering::Relaxed);
        self.shape.store(u64::from(msg.session as u32) << 8 | u64::from(msg.kind), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn end_turn(&self) {
        self.route.store(0, Ordering::Relaxed);
        self.current.store(std::ptr::null_mut(), Ordering::Relaxed);
    }

    /// Notes that something is put off to the end of the turn. False if the worker is in none. Only for the worker itself.
    pub(super) fn defer(&self, ticks: &Ticks) -> bool {
        if self.current.load(Ordering::Relaxed).is_null() {
            return false;
        }
        if self.deferred_since() == 0 {
            self.deferred.store(ticks.read().max(1), Ordering::Release);
        }
        true
    }

    /// The counter when the first thing was put off; 0 if nothing is.
    #[inline]
    pub(super) fn deferred_since(&self) -> u64 {
        self.deferred.load(Ordering::Relaxed)
    }

    /// Whether something was put off; nothing is then.
    pub(super) fn take_deferred(&self) -> bool {
        self.deferred.swap(0, Ordering::Acquire) != 0
    }

    pub(super) fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// The number of the message that it handles, its source and its destination (none between turns).
    pub(super) fn progress(&self) -> (u64, Handle, Handle) {
        let route = self.route.load(Ordering::Relaxed);
        let (source, dest) = (Handle::from_raw((route >> 32) as u32), Handle::from_raw(route as u32));
        (self.version.load(Ordering::Relaxed), source, dest)
    }

    /// Kind and session of the message that it handles.
    pub(super) fn shape(&self) -> (u8, i32) {
        let shape = self.shape.load(Ordering::Relaxed);
        (shape as u8, (shape >> 8) as i32)
    }

    /// The worker as services' side doors see it.
    pub(super) fn thread(&self) -> WorkerThread<'_> {
        WorkerThread(self)
    }

    /// This worker, if it is inside that service.
    pub(super) fn inside(&self, cell: CellRef) -> Option<WorkerThread<'_>> {
        (self.current.load(Ordering::Relaxed) == cell.as_ptr()).then_some(WorkerThread(self))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_weights() {
        let shares: Vec<usize> = [0, 3, 4, 8, 16, 24, 32].map(|index| Worker::new(index).share(100)).into();
        assert_eq!(shares, [1, 1, 100, 50, 25, 12, 100]);
        assert_eq!(Worker::new(31).share(3), 1, "a turn handles one message at least");
    }

    #[test]
    fn what_was_handed_over_comes_first_but_not_for_ever() {
        let cells: Vec<Cell> = (0..2).map(|_| Cell::default()).collect();
        let (queued, handed) = (CellRef::new(&cells[0]), CellRef::new(&cells[1]));
        let worker = Worker::new(0);
        worker.push_back(queued);
        let mut handoffs = 0;
        for _ in 0..HANDOFFS {
            worker.hand_over(handed);
            assert!(worker.take_own(&mut handoffs) == Some(handed));
        }
        worker.hand_over(handed);
        assert!(worker.take_own(&mut handoffs) == Some(queued));
        assert!(worker.take_own(&mut handoffs) == Some(handed));
    }

    #[test]
    fn a_displaced_service_goes_to_the_queue_and_thieves_take_half() {
        let cells: Vec<Cell> = (0..4).map(|_| Cell::default()).collect();
        let worker = Worker::new(0);
        cells.iter().for_each(|cell| worker.hand_over(CellRef::new(cell)));
        assert!(worker.has_next() && worker.queued() == 3);
        let stolen = worker.steal(false);
        assert!(stolen.len() == 2 && stolen[0] == CellRef::new(&cells[0]));
        assert_eq!(worker.steal(true).len(), 1);
    }
}
