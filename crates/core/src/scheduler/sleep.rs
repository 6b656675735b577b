//! Workers without work sleep here.
//!
//! No wake-up is lost: a worker first announces that it will sleep and then looks for work once more, and whoever brings
//! work first queues it and then looks for sleepers. A fence between the two steps on both sides lets one of them see the
//! other.

use crate::sync::{AtomicBool, AtomicUsize, Lock, Ordering, fence, thread};

pub(crate) struct Sleepers {
    /// Who has announced, the last one first to be woken: its caches are the warmest.
    list: Lock<Vec<usize>>,
    count: AtomicUsize,
    beds: Box<[Bed]>,
}

#[derive(Default)]
struct Bed {
    woken: AtomicBool,
    thread: Lock<Option<thread::Thread>>,
}

impl Sleepers {
    pub(crate) fn new(workers: usize) -> Sleepers {
        Sleepers {
            list: Lock::new(Vec::with_capacity(workers)),
            count: AtomicUsize::new(0),
            beds: (0..workers).map(|_| Bed::default()).collect(),
        }
    }

    /// How many sleep, or are about to.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Ties the calling thread to a bed.
    pub(crate) fn move_in(&self, worker: usize) {
        *self.beds[worker].thread.lock() = Some(thread::current());
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
        while !self.beds[worker].woken.swap(false, Ordering::SeqCst) {
            thread::park();
        }
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
        let bed = &self.beds[worker];
        bed.woken.store(true, Ordering::SeqCst);
        if let Some(thread) = &*bed.thread.lock() {
            thread.unpark();
        }
        true
    }
}
