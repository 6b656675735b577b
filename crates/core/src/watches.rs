//! Who wants to be told of whose end.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::Handle;

#[derive(Default)]
pub(crate) struct Watches {
    /// Somebody has watched somebody: until then an end costs one load.
    used: AtomicBool,
    maps: Mutex<Maps>,
}

/// The same pairs from both sides.
#[derive(Default)]
struct Maps {
    watchers: HashMap<Handle, HashSet<Handle>>,
    watched: HashMap<Handle, HashSet<Handle>>,
}

impl Watches {
    /// From now on `watcher` is among those who are told of the end of `target`. False if that is no longer alive.
    pub(crate) fn add(&self, watcher: Handle, target: Handle, is_alive: impl FnOnce() -> bool) -> bool {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        self.used.store(true, Ordering::SeqCst);
        // Whoever ends a service takes it out of the table first and looks here then: who is alive after the mark is set
        // has not looked.
        if !is_alive() {
            return false;
        }
        maps.watchers.entry(target).or_default().insert(watcher);
        maps.watched.entry(watcher).or_default().insert(target);
        true
    }

    /// From now on `watcher` is not told of the end of `target` any more.
    pub(crate) fn remove(&self, watcher: Handle, target: Handle) {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        Maps::take(&mut maps.watchers, target, watcher);
        Maps::take(&mut maps.watched, watcher, target);
    }

    /// A service has ended: it watches nobody any more. Those who watched it, in no order.
    pub(crate) fn end(&self, handle: Handle) -> Vec<Handle> {
        if !self.used.load(Ordering::SeqCst) {
            return Vec::new();
        }
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        for target in maps.watched.remove(&handle).unwrap_or_default() {
            Maps::take(&mut maps.watchers, target, handle);
        }
        let watchers = maps.watchers.remove(&handle).unwrap_or_default();
        for watcher in &watchers {
            Maps::take(&mut maps.watched, *watcher, handle);
        }
        watchers.into_iter().collect()
    }
}

impl Maps {
    fn take(map: &mut HashMap<Handle, HashSet<Handle>>, key: Handle, other: Handle) {
        if let Some(set) = map.get_mut(&key) {
            set.remove(&other);
            if set.is_empty() {
                map.remove(&key);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn those_who_watch_are_told_once_and_leave_nothing_behind() {
        let watches = Watches::default();
        let [a, b, c] = [1, 2, 3].map(Handle::from_raw);
        assert!(watches.end(c).is_empty());
        assert!(!watches.add(a, c, || false));
        assert!(watches.add(a, c, || true) && watches.add(a, c, || true) && watches.add(b, c, || true));
        assert!(watches.add(c, a, || true));
        let d = Handle::from_raw(4);
        assert!(watches.add(d, c, || true));
        watches.remove(d, c);
        watches.remove(d, c);
        // The watcher goes first: it is not told, and watches nobody any more.
        assert!(watches.end(b).is_empty());
        assert_eq!(watches.end(c), [a]);
        assert!(watches.end(c).is_empty() && watches.end(a).is_empty());
        let maps = watches.maps.lock().expect("no test panicked");
        assert!(maps.watchers.is_empty() && maps.watched.is_empty());
    }
}
