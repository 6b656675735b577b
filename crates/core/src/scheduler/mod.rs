//! Who runs when, and where.
//!
//! A service with messages is in one run queue at most: a worker's slot for what was handed over just now, that worker's own
//! queue, or the queue that all share. A worker looks there in this order (at the shared one first now and then), then takes
//! from others, then sleeps. A send from a worker touches only that worker's slot; what comes from other threads goes to the
//! shared queue and wakes a sleeper. Spreading work over sleeping workers is the `monitor`'s task, so that a send between
//! services is never a system call.

mod driver;
mod monitor;
mod overdue;
pub(crate) mod seat;
mod sleep;
pub(crate) mod turn;
mod worker;

use std::collections::VecDeque;
use std::hint;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

pub use driver::Driver;
use driver::Seat;
use worker::Worker;
pub use worker::WorkerThread;

use crate::cell::CellRef;
use crate::clock::Ticks;
use crate::node::Node;
use crate::sync::Lock;
use monitor::Monitor;
use sleep::{Sleepers, Woken};

/// Orders of the runtime to a turn: messages that no service sees.
pub(crate) mod order {
    /// Poll the tasks that were woken.
    pub(crate) const POLL: u8 = 1;
    /// End the service.
    pub(crate) const EXIT: u8 = 2;
    /// For a group: there are new members to be watched.
    pub(crate) const LOOK: u8 = 3;
}

/// Turns between two looks at the shared queue first.
const SHARED_FIRST: u32 = 61;
/// The same in ticks, for turns that take long: some milliseconds at the most.
const SHARED_AFTER: u64 = 2_500_000;
/// Services moved from the shared queue to a worker's own at a time.
const GRAB: usize = 32;
/// Looks at the queues before a worker sleeps: some microseconds.
const SPINS: u32 = 200;
/// Between two looks of one who relieves the workers.
const RELIEF: Duration = Duration::from_millis(2);

pub(crate) struct Scheduler {
    workers: Box<[Worker]>,
    shared: Lock<VecDeque<CellRef>>,
    shared_len: AtomicUsize,
    sleepers: Sleepers,
    monitor: Monitor,
    /// Where workers wait that would sleep otherwise.
    seat: OnceLock<Seat>,
    /// What is told that a turn has ended on a worker, if it has asked for that.
    turn_end: OnceLock<Box<dyn Fn(usize) + Send + Sync>>,
    stop: AtomicBool,
}

impl Scheduler {
    pub(crate) fn new(workers: usize) -> Scheduler {
        Scheduler {
            workers: (0..workers).map(Worker::new).collect(),
            shared: Lock::new(VecDeque::new()),
            shared_len: AtomicUsize::new(0),
            sleepers: Sleepers::new(workers),
            monitor: Monitor::new(),
            seat: OnceLock::new(),
            turn_end: OnceLock::new(),
            stop: AtomicBool::new(false),
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Queues a service that has just got something to do.
    #[inline]
    pub(crate) fn schedule(&self, cell: CellRef) {
        seat::with_worker(self, |worker| match worker {
            Some(worker) => worker.hand_over(cell),
            None => self.inject(std::iter::once(cell)),
        });
    }

    /// Queues services that have just got something to do; none is left in `cells`. They go to the end of the caller's own queue, from
    /// where a worker without work takes its share.
    pub(crate) fn schedule_many(&self, cells: &mut Vec<CellRef>) {
        match cells.as_slice() {
            [] => return,
            [_] => {
                cells.drain(..).for_each(|cell| self.schedule(cell));
                return;
            }
            _ => {}
        }
        seat::with_worker(self, |worker| match worker {
            Some(worker) => {
                worker.push_all(cells);
                self.wake_one();
            }
            None => self.inject(cells.drain(..)),
        });
    }

    /// Puts services into the shared queue, and wakes a worker for them.
    fn inject(&self, cells: impl IntoIterator<Item = CellRef>) {
        let mut shared = self.shared.lock();
        shared.extend(cells);
        self.shared_len.store(shared.len(), Ordering::Release);
        drop(shared);
        self.wake_one();
    }

    /// Wakes a worker, if one sleeps.
    fn wake_one(&self) -> bool {
        match self.sleepers.wake_one() {
            Woken::Nobody => return false,
            Woken::Sleeper => {}
            Woken::Polling => {
                self.seat().inspect(|seat| seat.wake());
            }
        }
        true
    }

    /// The worker that is inside this service, if one is.
    pub(crate) fn worker_inside(&self, cell: CellRef) -> Option<WorkerThread<'_>> {
        self.workers.iter().find_map(|worker| worker.inside(cell))
    }

    /// Ends [`Scheduler::run_worker`] and [`Scheduler::run_monitor`] on all threads.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        while self.wake_one() {}
        self.monitor.rouse();
        self.dismiss();
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Names whom [`Scheduler::defer`] is for. False if there is somebody.
    pub(crate) fn on_turn_end(&self, hook: Box<dyn Fn(usize) + Send + Sync>) -> bool {
        self.turn_end.set(hook).is_ok()
    }

    /// Asks for the hook to be called when the turn ends that the calling thread is in. The number is that of its worker;
    /// `None` if it is in none.
    pub(crate) fn defer(&self, ticks: &Ticks) -> Option<usize> {
        seat::with_worker(self, |worker| {
            worker.filter(|worker| worker.defer(ticks)).map(|worker| worker.index)
        })
    }

    #[cold]
    fn end_deferral(&self, worker: &Worker) {
        if worker.take_deferred()
            && let Some(hook) = self.turn_end.get()
        {
            hook(worker.index);
        }
    }

    /// The body of a worker thread.
    pub(crate) fn run_worker(&self, node: &Node, index: usize) {
        let worker = &self.workers[index];
        let _here = worker.occupy();
        self.sleepers.move_in(index);
        seat::sit(self, worker, || self.work(node, worker));
    }

    fn work(&self, node: &Node, worker: &Worker) {
        let mut turn = turn::Turn::new(node, self, worker);
        let mut handoffs = 0;
        let mut turns = 0_u32;
        let mut shared_at = 0;
        while !self.stopped() {
            turns = turns.wrapping_add(1);
            let mut found = None;
            let now = turn.ended_at();
            if turns.is_multiple_of(SHARED_FIRST) || now.saturating_sub(shared_at) > SHARED_AFTER {
                shared_at = now;
                self.poll_between(node);
                found = self.take_shared(worker);
            }
            let found =
                found.or_else(|| worker.take_own(&mut handoffs)).or_else(|| self.take_foreign(worker));
            let Some(cell) = found else {
                turn.pause();
                self.rest(node, worker);
                continue;
            };
            if turn.run(cell) {
                worker.push_back(cell);
            }
        }
    }

    /// Takes the turns of services that wait, on the calling thread, until `done`: for a node whose workers may all be stuck. It must be
    /// no worker. What waits behind a stuck worker the monitor puts into the shared queue.
    pub(crate) fn relieve(&self, node: &Node, done: impl Fn() -> bool) {
        // One beyond the others: none of them takes anything from it.
        let worker = Worker::new(self.workers.len());
        seat::sit(self, &worker, || {
            let mut turn = turn::Turn::new(node, self, &worker);
            let mut handoffs = 0;
            while !done() && !self.stopped() {
                match worker.take_own(&mut handoffs).or_else(|| self.take_shared(&worker)) {
                    Some(cell) if turn.run(cell) => worker.push_back(cell),
                    Some(_) => {}
                    None => thread::sleep(RELIEF),
                }
            }
        });
        self.inject(worker.take_next().into_iter().chain(worker.steal(true)));
    }

    /// Whether another service waits that this worker would run next.
    #[inline]
    fn others_wait(&self, worker: &Worker) -> bool {
        worker.has_next() || worker.queued() > 0 || self.shared_len.load(Ordering::Relaxed) > 0
    }

    fn take_foreign(&self, worker: &Worker) -> Option<CellRef> {
        self.take_shared(worker).or_else(|| self.steal(worker))
    }

    /// Takes a service from the shared queue, and a part of the others to the worker's own.
    fn take_shared(&self, worker: &Worker) -> Option<CellRef> {
        if self.shared_len.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut shared = self.shared.lock();
        let cell = shared.pop_front()?;
        let more = (shared.len() / self.workers.len()).min(GRAB);
        shared.drain(..more).for_each(|cell| worker.push_back(cell));
        self.shared_len.store(shared.len(), Ordering::Release);
        Some(cell)
    }

    fn steal(&self, thief: &Worker) -> Option<CellRef> {
        let (before, from) = self.workers.split_at(thief.index);
        from.iter().skip(1).chain(before).find_map(|victim| {
            let mut stolen = victim.steal(false);
            let first = stolen.pop_front();
            stolen.into_iter().for_each(|cell| thief.push_back(cell));
            first
        })
    }

    /// Whether there is something that a worker without work could take.
    fn has_work(&self) -> bool {
        self.shared_len.load(Ordering::Acquire) > 0 || self.workers.iter().any(|worker| worker.queued() > 0)
    }

    /// Looks for work for some microseconds. True if there is some.
    fn look_around(&self) -> bool {
        for _ in 0..SPINS {
            if self.has_work() || self.stopped() {
                return true;
            }
            hint::spin_loop();
        }
        false
    }

    /// Waits for work: in the seat, or a little by looking, then asleep.
    fn rest(&self, node: &Node, worker: &Worker) {
        if self.wait_in_seat(node, worker) || self.look_around() {
            return;
        }
        self.sleepers.announce(worker.index);
        self.monitor.hurry();
        if self.has_work() || self.stopped() {
            self.sleepers.stay(worker.index);
        } else {
            self.sleepers.sleep(worker.index);
        }
        self.monitor.rouse();
    }
}
