//! The variables of a node: texts that are set once.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::EnvError;

#[derive(Default)]
pub(crate) struct Env(RwLock<HashMap<Vec<u8>, Vec<u8>>>);

impl Env {
    pub(crate) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn set(&self, key: &[u8], value: &[u8]) -> Result<(), EnvError> {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if map.contains_key(key) {
            return Err(EnvError { key: String::from_utf8_lossy(key).into_owned() });
        }
        map.insert(key.into(), value.into());
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_set_once() {
        let env = Env::default();
        assert!(env.set(b"key", b"value").is_ok());
        assert_eq!(env.set(b"key", b"other").map_err(|error| error.key), Err("key".to_owned()));
        assert_eq!((env.get(b"key").as_deref(), env.get(b"none")), (Some(&b"value"[..]), None));
    }
}
