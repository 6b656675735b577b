//! Workers without work sleep here.
//!
//! No wake-up is lost: a worker first announces that it will sleep and then looks for work once more, and whoever brings
//! work first queues it and then looks for sleepers. A fence between the two steps on both sides lets one of them see the
//! other.

use crate::sync::{AtomicUsize, Lock, Ordering, Parker, fence};

pub(crate) struct Sleepers {
    /// Who has announced, the last one first to be woken: its caches are the warmest. The one who waits for the system is
    /// at the other end, since it is of use where it is.
    list: Lock<Vec<Sleeper>>,
    count: AtomicUsize,
    beds: Box<[Parker]>,
}

#[derive(Clone, Copy)]
struct Sleeper {
    worker: usize,
    /// It waits for the system, not in its bed.
    polls: bool,
}

/// Who was taken off the list, and has to be woken by the one that took it.
#[must_use]
pub(crate) enum Woken {
    /// Nobody was there.
    Nobody,
    /// A sleeper, which has been woken.
    Sleeper,
    /// The one that waits for the system: the caller has to wake it.
    Polling,
}

impl Sleepers {
    pub(crate) fn new(workers: usize) -> Sleepers {
        Sleepers {
            list: Lock::new(Vec::with_capacity(workers)),
            count: AtomicUsize::new(0),
            beds: (0..workers).map(|_| Parker::default()).collect(),
        }
    }

    /// How many sleep, or are about to.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Ties the calling thread to a bed.
    pub(crate) fn move_in(&self, worker: usize) {
        self.beds[worker].bind();
    }

    /// First step of going to sleep. Then the worker looks for work again, and calls either [`Sleepers::sleep`] or
    /// [`Sleepers::stay`].
    pub(crate) fn announce(&self, worker: usize) {
        let mut list = self.list.lock();
        list.push(Sleeper { worker, polls: false });
        self.count.store(list.len(), Ordering::SeqCst);
        drop(list);
        fence(Ordering::SeqCst);
    }

    /// First step of waiting for the system. Then the worker looks for work again; in either case it calls
    /// [`Sleepers::retract`] afterwards. A wake-up reaches it by way of the system, and may come too late: then the next wait is
    /// cut short.
    pub(crate) fn announce_polling(&self, worker: usize) {
        let mut list = self.list.lock();
        list.insert(0, Sleeper { worker, polls: true });
        self.count.store(list.len(), Ordering::SeqCst);
        drop(list);
        fence(Ordering::SeqCst);
    }

    /// Takes an announcement of [`Sleepers::announce_polling`] back, if nobody has taken it.
    pub(crate) fn retract(&self, worker: usize) {
        let mut list = self.list.lock();
        self.remove(&mut list, worker);
    }

    /// True if it was on the list.
    fn remove(&self, list: &mut Vec<Sleeper>, worker: usize) -> bool {
        let found = list.iter().position(|sleeper| sleeper.worker == worker);
        if let Some(at) = found {
            list.remove(at);
            self.count.store(list.len(), Ordering::SeqCst);
        }
        found.is_some()
    }

    /// Sleeps until woken.
    pub(crate) fn sleep(&self, worker: usize) {
        self.beds[worker].park();
    }

    /// Takes the announcement back.
    pub(crate) fn stay(&self, worker: usize) {
        let found = self.remove(&mut self.list.lock(), worker);
        if !found {
            // Somebody is waking this worker: the mark must not be left for the next sleep.
            self.sleep(worker);
        }
    }

    /// Wakes one, if any sleeps. Called after work was queued.
    pub(crate) fn wake_one(&self) -> Woken {
        fence(Ordering::SeqCst);
        if self.count() == 0 {
            return Woken::Nobody;
        }
        let mut list = self.list.lock();
        let Some(Sleeper { worker, polls }) = list.pop() else { return Woken::Nobody };
        self.count.store(list.len(), Ordering::SeqCst);
        drop(list);
        if polls {
            return Woken::Polling;
        }
        self.beds[worker].unpark();
        Woken::Sleeper
    }
}

/// Models of going to sleep while work comes. Run by
/// `RUSTFLAGS="--cfg loom" cargo test -p skynet-core --lib --release loom_`.
#[cfg(all(test, loom))]
mod models {
    use loom::sync::Arc;

    use super::*;

    struct Model {
        sleepers: Sleepers,
        /// Where the one waits that polls.
        system: Parker,
        work: AtomicUsize,
        done: AtomicUsize,
    }

    impl Model {
        fn new(workers: usize) -> Arc<Model> {
            let sleepers = Sleepers::new(workers);
            let (work, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
            Arc::new(Model { sleepers, system: Parker::default(), work, done })
        }

        fn bring(&self) {
            self.work.fetch_add(1, Ordering::Relaxed);
            if let Woken::Polling = self.sleepers.wake_one() {
                self.system.unpark();
            }
        }

        fn take(&self) -> bool {
            let take =
                self.work.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |work| work.checked_sub(1));
            take.map(|_| self.done.fetch_add(1, Ordering::SeqCst)).is_ok()
        }

        /// The same for a worker that waits for the system.
        fn work_and_poll(&self, worker: usize, mut pieces: usize) {
            self.system.bind();
            while pieces > 0 {
                if self.take() {
                    pieces -= 1;
                    continue;
                }
                self.sleepers.announce_polling(worker);
                if self.work.load(Ordering::Relaxed) == 0 {
                    self.system.park();
                }
                self.sleepers.retract(worker);
            }
        }

        /// Handles so many pieces of work, asleep while there is none. A lost wake-up is a deadlock here.
        fn work(&self, worker: usize, mut pieces: usize) {
            self.sleepers.move_in(worker);
            while pieces > 0 {
                if self.take() {
                    pieces -= 1;
                    continue;
                }
                self.sleepers.announce(worker);
                if self.work.load(Ordering::Relaxed) > 0 {
                    self.sleepers.stay(worker);
                } else {
                    self.sleepers.sleep(worker);
                }
            }
        }
    }

    #[test]
    fn loom_a_worker_never_sleeps_beside_its_work() {
        loom::model(|| {
            let model = Model::new(1);
            let other = model.clone();
            let worker = loom::thread::spawn(move || other.work(0, 2));
            model.bring();
            model.bring();
            worker.join().expect("no thread panics");
            assert_eq!(model.done.load(Ordering::SeqCst), 2);
        });
    }

    #[test]
    fn loom_a_worker_never_waits_for_the_system_beside_its_work() {
        loom::model(|| {
            let model = Model::new(1);
            let other = model.clone();
            let worker = loom::thread::spawn(move || other.work_and_poll(0, 2));
            model.bring();
            model.bring();
            worker.join().expect("no thread panics");
            assert_eq!(model.done.load(Ordering::SeqCst), 2);
        });
    }

    #[test]
    fn loom_each_of_two_workers_gets_its_work() {
        let mut bounded = loom::model::Builder::new();
        bounded.preemption_bound = Some(2);
        bounded.check(|| {
            let model = Model::new(2);
            let workers: Vec<_> = (0..2)
                .map(|worker| {
                    let model = model.clone();
                    loom::thread::spawn(move || model.work(worker, 1))
                })
                .collect();
            model.bring();
            model.bring();
            workers.into_iter().for_each(|worker| worker.join().expect("no thread panics"));
            assert_eq!(model.done.load(Ordering::SeqCst), 2);
        });
    }
}
