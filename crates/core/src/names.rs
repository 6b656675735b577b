//! The local names of services.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::Handle;

#[derive(Default)]
pub(crate) struct Names(RwLock<Maps>);

#[derive(Default)]
struct Maps {
    handles: HashMap<Box<[u8]>, Handle>,
    names: HashMap<Handle, Vec<Box<[u8]>>>,
}

impl Names {
    /// Gives `handle` a name without its dot. False if the name is taken, or `is_alive` says that the service is gone.
    pub(crate) fn add(&self, name: &[u8], handle: Handle, is_alive: impl FnOnce() -> bool) -> bool {
        let mut maps = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Whoever ends a service takes it from the table first and from here then, so asked under the lock this is final.
        if maps.handles.contains_key(name) || !is_alive() {
            return false;
        }
        maps.handles.insert(name.into(), handle);
        maps.names.entry(handle).or_default().push(name.into());
        true
    }

    /// The service with this name, without the dot.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Handle> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).handles.get(name).copied()
    }

    /// Removes all names of a service.
    pub(crate) fn remove_all(&self, handle: Handle) {
        if !self.0.read().unwrap_or_else(PoisonError::into_inner).names.contains_key(&handle) {
            return;
        }
        let mut maps = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for name in maps.names.remove(&handle).unwrap_or_default() {
            maps.handles.remove(&name);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_service_and_goes_with_it() {
        let (names, one, two) = (Names::default(), Handle::from_raw(1), Handle::from_raw(2));
        assert!(names.add(b"a", one, || true) && names.add(b"b", one, || true));
        assert!(!names.add(b"a", one, || true) && !names.add(b"a", two, || true));
        assert!(!names.add(b"c", two, || false));
        names.remove_all(one);
        assert_eq!((names.find(b"a"), names.find(b"b")), (None, None));
        assert!(names.add(b"a", two, || true));
        assert_eq!(names.find(b"a"), Some(two));
    }
}
