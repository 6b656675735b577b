//! Who is in a group.

use std::collections::HashMap;

use crate::Handle;

/// A set of services that is also a list, since each message goes to all of them.
#[derive(Default)]
pub(super) struct Members {
    list: Vec<Handle>,
    places: HashMap<Handle, usize>,
    /// Members of other nodes that nobody watches yet.
    strangers: Vec<Handle>,
}

impl Members {
    pub(super) fn list(&self) -> &[Handle] {
        &self.list
    }

    /// False if it is among them.
    pub(super) fn add(&mut self, member: Handle) -> bool {
        let place = self.list.len();
        let new = *self.places.entry(member).or_insert(place) == place;
        if new {
            self.list.push(member);
        }
        new
    }

    /// False if it is not among them.
    pub(super) fn remove(&mut self, member: Handle) -> bool {
        let Some(place) = self.places.remove(&member) else { return false };
        self.list.swap_remove(place);
        if let Some(moved) = self.list.get(place) {
            self.places.insert(*moved, place);
        }
        self.strangers.retain(|stranger| *stranger != member);
        true
    }

    pub(super) fn contains(&self, member: Handle) -> bool {
        self.places.contains_key(&member)
    }

    pub(super) fn note_stranger(&mut self, member: Handle) {
        self.strangers.push(member);
    }

    pub(super) fn take_strangers(&mut self) -> Vec<Handle> {
        std::mem::take(&mut self.strangers)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((any::<bool>(), 1_u32..12), 0..200)) {
            let mut members = Members::default();
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
