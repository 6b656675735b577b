//! Requests that other nodes have and have not answered.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use skynet_core::Handle;

/// So many calls are never swept.
const FEW: usize = 1024;

/// The calls of this node's services that wait for an answer of another node.
///
/// An answer may take other ways: a request that was passed on is answered by a third service, maybe of this node. And the one
/// who asked may have ended. So what is left over is swept out when the table has doubled.
#[derive(Debug)]
pub(crate) struct Calls {
    table: HashMap<u64, Call, BuildHasherDefault<KeyHasher>>,
    /// The number of calls at which the table is swept.
    sweep_at: usize,
}

#[derive(Debug, Clone, Copy, Eq, PartialEq)]
enum Call {
    /// It waits for this node.
    Waits(u8),
    /// It has been answered with an error, since the link to the node has ended: a later answer is one too many. `old` after a
    /// sweep.
    Failed { old: bool },
}

impl Calls {
    pub(crate) fn new() -> Calls {
        Calls { table: HashMap::default(), sweep_at: FEW }
    }

    /// A request goes to a node.
    #[inline]
    pub(crate) fn note(&mut self, source: Handle, session: i32, node: u8) {
        self.table.insert(key(source, session), Call::Waits(node));
    }

    /// An answer has come. False if this call had one: then it must not be delivered.
    #[inline]
    pub(crate) fn answered(&mut self, source: Handle, session: i32) -> bool {
        self.table.is_empty()
            || !matches!(self.table.remove(&key(source, session)), Some(Call::Failed { .. }))
    }

    /// A node answers no more: the calls that wait for it are to be failed, in the order of their callers and sessions.
    pub(crate) fn fail(&mut self, node: u8) -> Vec<(Handle, i32)> {
        let waiting = self.table.iter_mut().filter(|(_, call)| **call == Call::Waits(node));
        let mut keys: Vec<u64> = waiting
            .map(|(key, call)| {
                *call = Call::Failed { old: false };
                *key
            })
            .collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| (Handle::from_raw((key >> 32) as u32), key as i32)).collect()
    }

    /// Whether there are so many that it is time for [`Calls::sweep`].
    #[inline]
    pub(crate) fn are_many(&self) -> bool {
        self.table.len() >= self.sweep_at
    }

    /// Forgets the calls of services that are gone, and those that failed before the last sweep.
    pub(crate) fn sweep(&mut self, is_alive: impl Fn(Handle) -> bool) {
        self.table.retain(|key, call| match call {
            Call::Failed { old: true } => false,
            Call::Failed { old } => {
                *old = true;
                is_alive(Handle::from_raw((*key >> 32) as u32))
            }
            Call::Waits(_) => is_alive(Handle::from_raw((*key >> 32) as u32)),
        });
        self.sweep_at = (self.table.len() * 2).max(FEW);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

#[inline]
fn key(source: Handle, session: i32) -> u64 {
    u64::from(source.raw()) << 32 | u64::from(session as u32)
}

/// Handles and sessions are numbers of this node's own, which need no protection against being chosen.
#[derive(Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    #[inline]
    fn write_i32(&mut self, value: i32) {
        self.write_u64(u64::from(value as u32));
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        let mixed = u128::from(self.0 ^ value) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (mixed as u64) ^ (mixed >> 64) as u64;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Handle = Handle::new(1, 10);
    const B: Handle = Handle::new(1, 11);

    #[test]
    fn those_that_wait_for_a_node_fail_once_and_in_order() {
        let mut calls = Calls::new();
        for (source, session, node) in [(B, 1, 2), (A, 7, 2), (A, 5, 2), (A, 6, 3), (A, 8, 2)] {
            calls.note(source, session, node);
        }
        assert!(calls.answered(A, 8));
        assert_eq!(calls.fail(2), [(A, 5), (A, 7), (B, 1)]);
        assert_eq!(calls.fail(2), []);
        assert_eq!(calls.fail(3), [(A, 6)]);
    }

    #[test]
    fn an_answer_after_the_failure_is_one_too_many() {
        let mut calls = Calls::new();
        calls.note(A, 1, 2);
        assert_eq!(calls.fail(2), [(A, 1)]);
        assert!(!calls.answered(A, 1));
        assert!(calls.answered(A, 1), "nothing is known of it any more");
        calls.note(A, 2, 2);
        calls.fail(2);
        calls.note(A, 2, 3);
        assert!(calls.answered(A, 2), "the number has come round");
    }

    #[test]
    fn what_is_left_over_is_swept_out() {
        let mut calls = Calls::new();
        for session in 1..=FEW as i32 {
            assert!(!calls.are_many());
            calls.note(if session % 4 == 0 { A } else { B }, session, 2);
        }
        assert!(calls.are_many());
        calls.sweep(|handle| handle == A);
        assert_eq!(calls.len(), FEW / 4);
        assert_eq!(calls.fail(2).len(), FEW / 4);
        calls.sweep(|_| true);
        assert!(!calls.answered(A, 4), "it failed not long ago");
        calls.sweep(|_| true);
        assert_eq!(calls.len(), 0);
    }
}
