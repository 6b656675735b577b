//! A set of services that is also a list.

use std::collections::HashMap;

use crate::Handle;

/// A set of services that is also a list, for [`Node::send_to_many`](crate::Node::send_to_many): adding and removing take the same time
/// however many there are.
#[derive(Debug, Default)]
pub struct HandleSet {
    list: Vec<Handle>,
    places: HashMap<Handle, usize>,
}

impl HandleSet {
    /// All of them, in no order.
    #[must_use]
    pub fn list(&self) -> &[Handle] {
        &self.list
    }

    /// Adds one; false if it is among them.
    pub fn add(&mut self, handle: Handle) -> bool {
        let place = self.list.len();
        let new = *self.places.entry(handle).or_insert(place) == place;
        if new {
            self.list.push(handle);
        }
        new
    }

    /// Takes one out; false if it is not among them.
    pub fn remove(&mut self, handle: Handle) -> bool {
        let Some(place) = self.places.remove(&handle) else { return false };
        self.list.swap_remove(place);
        if let Some(moved) = self.list.get(place) {
            self.places.insert(*moved, place);
        }
        true
    }

    /// Whether one is among them.
    #[must_use]
    pub fn contains(&self, handle: Handle) -> bool {
        self.places.contains_key(&handle)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((any::<bool>(), 1_u32..12), 0..200)) {
            let mut members = HandleSet::default();
            let mut model = std::collections::BTreeSet::new();
            for (add, raw) in steps {
                let handle = Handle::from_raw(raw);
                if add {
                    prop_assert_eq!(members.add(handle), model.insert(raw));
                } else {
                    prop_assert_eq!(members.remove(handle), model.remove(&raw));
                }
                let mut list: Vec<u32> = members.list().iter().map(|handle| handle.raw()).collect();
                list.sort_unstable();
                prop_assert_eq!(list, model.iter().copied().collect::<Vec<_>>());
                prop_assert!((1..12).all(|raw| members.contains(Handle::from_raw(raw)) == model.contains(&raw)));
            }
        }
    }
}
