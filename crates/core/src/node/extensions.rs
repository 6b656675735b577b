//! What other parts of a program tie to a node: one value a type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::Node;
use crate::sync::lock;

#[derive(Default)]
pub(super) struct Extensions(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Extensions {
    /// The values may hold the node: they go when it ends.
    pub(super) fn clear(&self) {
        let values = std::mem::take(&mut *lock(&self.0));
        drop(values);
    }
}

impl Node {
    /// Ties a value to the node, where [`Node::extension`] finds it until the node ends. It replaces an earlier one of its type.
    pub fn extend<T: Any + Send + Sync>(&self, value: T) {
        let before = lock(&self.0.extensions.0).insert(TypeId::of::<T>(), Arc::new(value));
        // Its drop may come back here, so the lock is free by now.
        drop(before);
        if self.0.life.has_ended() {
            self.0.extensions.clear();
        }
    }

    /// The value of this type that is tied to the node.
    #[must_use]
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = lock(&self.0.extensions.0).get(&TypeId::of::<T>()).cloned();
        value.and_then(|value| value.downcast().ok())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{LogTarget, StartError};

    #[test]
    fn a_value_is_found_by_its_type_until_the_node_ends() {
        let tied = Arc::new(());
        let value = Arc::clone(&tied);
        let node = Node::builder()
            .workers(1)
            .log(LogTarget::Null)
            .setup(move |node| {
                // It holds the node, as values do that work on it.
                node.extend((node.clone(), value));
                Ok::<_, StartError>(())
            })
            .start()
            .expect("it starts");
        assert!(node.extension::<(Node, Arc<()>)>().is_some() && node.extension::<u8>().is_none());
        node.extend(1_u8);
        node.extend(2_u8);
        assert_eq!(node.extension::<u8>().as_deref(), Some(&2));
        node.stop(Duration::from_secs(20)).expect("all end");
        assert!(node.extension::<u8>().is_none() && Arc::strong_count(&tied) == 1);
        node.extend(Arc::clone(&tied));
        assert_eq!(Arc::strong_count(&tied), 1, "nothing is tied to a node that has ended");
    }

    #[test]
    fn a_setup_that_fails_keeps_the_node_from_starting() {
        let node = Node::builder().log(LogTarget::Null).setup(|_| Err("no sockets")).start();
        let error = node.expect_err("the setup failed");
        assert!(matches!(error, StartError::Setup(_)) && error.to_string().contains("no sockets"), "{error}");
    }
}
