//! Looking up hosts, away from the poll threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::sync::lock;

type Job = Box<dyn FnOnce() + Send>;

/// Lookups that run at the same time.
const MAX_THREADS: usize = 8;

/// A few threads that are started when they are needed, and then wait for more.
pub(crate) struct Resolver {
    jobs: Mutex<Option<Sender<Job>>>,
    queue: Receiver<Job>,
    /// Jobs that are not done.
    open: Arc<AtomicUsize>,
    threads: AtomicUsize,
}

impl Resolver {
    pub(crate) fn new() -> Resolver {
        let (jobs, queue) = unbounded();
        Resolver {
            jobs: Mutex::new(Some(jobs)),
            queue,
            open: Arc::new(AtomicUsize::new(0)),
            threads: AtomicUsize::new(0),
        }
    }

    /// Runs a job soon. False if no thread can be started for it, or after the end.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let guard = lock(&self.jobs);
        let Some(jobs) = guard.as_ref() else { return false };
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        // Under the lock: nobody else starts one meanwhile.
        let threads = self.threads.load(Ordering::SeqCst);
        if open > threads && threads < MAX_THREADS {
            let (queue, open) = (self.queue.clone(), Arc::clone(&self.open));
            let body = move || {
                for job in queue {
                    job();
                    open.fetch_sub(1, Ordering::SeqCst);
                }
            };
            let name = format!("skynet-resolve-{threads}");
            match thread::Builder::new().name(name).spawn(body) {
                Ok(_) => drop(self.threads.fetch_add(1, Ordering::SeqCst)),
                // Another one comes to it.
                Err(_) if threads > 0 => {}
                Err(_) => {
                    self.open.fetch_sub(1, Ordering::SeqCst);
                    return false;
                }
            }
        }
        jobs.send(Box::new(job)).is_ok()
    }

    /// Lets the threads end when they have done what they are at.
    pub(crate) fn stop(&self) {
        lock(&self.jobs).take();
    }
}
