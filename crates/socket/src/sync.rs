//! Locks that a panic of somebody else does not spoil.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; what the lock guards is consistent between any two statements, so a poisoned one is as good.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
