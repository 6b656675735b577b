//! Runs tests on a few threads and hands out the results in their order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Calls `work` for each item on `jobs` threads (at least one), and `done` on this thread for each result as it comes.
///
/// # Panics
/// Where `work` or `done` panics.
pub fn for_each<'a, T: Sync, R: Send>(
    items: &'a [T],
    jobs: usize,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(&'a T, R),
) {
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    let sender = Mutex::new(sender);
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            let Ok(sender) = sender.lock().map(|sender| sender.clone()) else { return };
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((item, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (item, result) in results {
            done(item, result);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        let items: Vec<u32> = (0..100).collect();
        let mut seen = Vec::new();
        for_each(&items, 4, |n| n * 2, |n, double| seen.push((*n, double)));
        seen.sort_unstable();
        assert_eq!(seen, items.iter().map(|n| (*n, n * 2)).collect::<Vec<_>>());
    }

    #[test]
    fn no_item_is_no_work() {
        for_each(&[] as &[u32], 0, |_| (), |_, ()| panic!("nothing to report"));
    }
}
