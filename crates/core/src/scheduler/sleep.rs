//! Workers without work sleep here.
//!
//! No wake-up is lost: a worker first announces that it will sleep and then looks for work once more, and whoever brings
//! work first queues it and then looks for sleepers. A fence between the two steps on both sides lets one of them see the
//! other.

use crate::sync::{AtomicUsize, Lock, Ordering, Parker, fence};

pub(crate) struct Sleepers {
    /// Who has announced, the last one first to be woken: its caches are the warmest.
    list: Lock<Vec<usize>>,
    count: AtomicUsize,
    beds: Box<[Parker]>,
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
        list.push(worker);
        self.count.store(list.len(), Ordering::SeqCst);
        drop(list);
        fence(Ordering::SeqCst);
    }

    /// Sleeps until woken.
    pub(crate) fn sleep(&self, worker: usize) {
        self.beds[worker].park();
    }

    /// Takes the announcement back.
    pub(crate) fn stay(&self, worker: usize) {
        let mut list = self.list.lock();
        let found = list.iter().position(|other| *other == worker);
        if let Some(at) = found {
            list.remove(at);
            self.count.store(list.len(), Ordering::SeqCst);
        }
        drop(list);
        if found.is_none() {
            // Somebody is waking this worker: the mark must not be left for the next sleep.
            self.sleep(worker);
        }
    }

    /// Wakes one, if any sleeps. Called after work was queued.
    pub(crate) fn wake_one(&self) -> bool {
        fence(Ordering::SeqCst);
        if self.count() == 0 {
            return false;
        }
        let mut list = self.list.lock();
        let Some(worker) = list.pop() else { return false };
        self.count.store(list.len(), Ordering::SeqCst);
        drop(list);
        self.beds[worker].unpark();
        true
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
        work: AtomicUsize,
        done: AtomicUsize,
    }

    impl Model {
        fn new(workers: usize) -> Arc<Model> {
            let sleepers = Sleepers::new(workers);
            Arc::new(Model { sleepers, work: AtomicUsize::new(0), done: AtomicUsize::new(0) })
        }

        fn bring(&self) {
            self.work.fetch_add(1, Ordering::Relaxed);
            self.sleepers.wake_one();
        }

        fn take(&self) -> bool {
            let take =
                self.work.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |work| work.checked_sub(1));
            take.map(|_| self.done.fetch_add(1, Ordering::SeqCst)).is_ok()
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
