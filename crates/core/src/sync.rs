//! Locks and atomics. Under `cfg(loom)` they are loom's, so that the models in this crate can explore every order.

#[cfg(not(loom))]
mod spin {
    use std::cell::UnsafeCell;
    use std::hint;
    use std::ops::{Deref, DerefMut};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    /// How often a waiter looks before it gives its time away.
    const SPINS: u32 = 64;

    /// A lock for sections of a few instructions. It costs one atomic read-modify-write (a `std` mutex costs two), and
    /// makes no system call unless its holder lost its core.
    #[derive(Default)]
    pub(crate) struct Lock<T> {
        locked: AtomicBool,
        value: UnsafeCell<T>,
    }

    // SAFETY: the value is reached only through a guard, and there is one guard at most.
    unsafe impl<T: Send> Send for Lock<T> {}
    // SAFETY: as above.
    unsafe impl<T: Send> Sync for Lock<T> {}

    impl<T> Lock<T> {
        pub(crate) const fn new(value: T) -> Lock<T> {
            Lock { locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
        }

        #[inline]
        pub(crate) fn lock(&self) -> Guard<'_, T> {
            if self.locked.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
                self.contend();
            }
            Guard { lock: self }
        }

        #[cold]
        fn contend(&self) {
            let mut spins = 0;
            loop {
                while self.locked.load(Ordering::Relaxed) {
                    spins += 1;
                    if spins < SPINS {
                        hint::spin_loop();
                    } else {
                        thread::yield_now();
                    }
                }
                if self
                    .locked
                    .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
                {
                    return;
                }
            }
        }
    }

    /// Where one thread waits to be woken. A wake-up that comes before the wait is kept.
    #[derive(Default)]
    pub(crate) struct Parker {
        woken: AtomicBool,
        thread: Lock<Option<thread::Thread>>,
    }

    impl Parker {
        /// Makes the calling thread the one that waits here.
        pub(crate) fn bind(&self) {
            *self.thread.lock() = Some(thread::current());
        }

        /// Waits for a wake-up, and consumes it.
        pub(crate) fn park(&self) {
            while !self.woken.swap(false, Ordering::SeqCst) {
                thread::park();
            }
        }

        pub(crate) fn unpark(&self) {
            self.woken.store(true, Ordering::SeqCst);
            let thread = self.thread.lock().clone();
            if let Some(thread) = thread {
                thread.unpark();
            }
        }
    }

    pub(crate) struct Guard<'a, T> {
        lock: &'a Lock<T>,
    }

    impl<T> Deref for Guard<'_, T> {
        type Target = T;

        #[inline]
        fn deref(&self) -> &T {
            // SAFETY: the guard holds the lock.
            unsafe { &*self.lock.value.get() }
        }
    }

    impl<T> DerefMut for Guard<'_, T> {
        #[inline]
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: the guard holds the lock, and is borrowed exclusively.
            unsafe { &mut *self.lock.value.get() }
        }
    }

    impl<T> Drop for Guard<'_, T> {
        #[inline]
        fn drop(&mut self) {
            self.lock.locked.store(false, Ordering::Release);
        }
    }
}

#[cfg(loom)]
mod spin {
    /// The lock of the models.
    #[derive(Default)]
    pub(crate) struct Lock<T>(loom::sync::Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Lock<T> {
            Lock(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("a model does not panic under a lock")
        }
    }

    /// The parker of the models: loom's own `park` forgets a wake-up that comes while its thread waits for a lock.
    #[derive(Default)]
    pub(crate) struct Parker {
        woken: Lock<bool>,
        changed: loom::sync::Condvar,
    }

    impl Parker {
        pub(crate) fn bind(&self) {}

        pub(crate) fn park(&self) {
            let mut woken = self.woken.lock();
            while !std::mem::take(&mut *woken) {
                woken = self.changed.wait(woken).expect("a model does not panic under a lock");
            }
        }

        pub(crate) fn unpark(&self) {
            *self.woken.lock() = true;
            self.changed.notify_one();
        }
    }
}

pub(crate) use spin::{Lock, Parker};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

/// Locks a `std` mutex; what a panic left behind is used as it is, since no section of this crate leaves a value half
/// changed.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn the_lock_admits_one_at_a_time() {
        let counter = Lock::new(0_u64);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| *counter.lock() += 1));
            }
        });
        assert_eq!(*counter.lock(), 40_000);
    }
}
