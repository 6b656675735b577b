//! Who has sent what, and what became of it.

use std::collections::HashMap;

use skynet_core::Handle;

/// The number of messages that come by way of a third service.
pub(crate) const UNORDERED: u32 = 0;

/// What a message says of itself: which one it is of those from its source to its destination, and whom it is for.
pub(crate) fn content(number: u32, dest: Handle, filler: usize) -> Vec<u8> {
    let mut bytes = [number.to_be_bytes(), dest.raw().to_be_bytes()].concat();
    bytes.resize(bytes.len() + filler, number as u8);
    bytes
}

fn read(content: &[u8]) -> (u32, Handle) {
    let word = |at: usize| u32::from_be_bytes(content[at..at + 4].try_into().expect("four bytes"));
    assert!(content[8..].iter().all(|byte| *byte == word(0) as u8), "the content is whole");
    (word(0), Handle::from_raw(word(4)))
}

#[derive(Debug)]
struct Call {
    answered: bool,
    /// It was passed on to a third node: if that dies nobody notices.
    passed_on: bool,
}

#[derive(Default)]
pub(crate) struct Books {
    calls: HashMap<(Handle, i32), Call>,
    /// How many were sent from one to the other, and which was delivered last.
    sent: HashMap<(Handle, Handle), u32>,
    seen: HashMap<(Handle, Handle), u32>,
}

impl Books {
    /// The number of the next message on this way.
    pub(crate) fn number(&mut self, source: Handle, dest: Handle) -> u32 {
        let number = self.sent.entry((source, dest)).or_default();
        *number += 1;
        *number
    }

    pub(crate) fn asked(&mut self, source: Handle, session: i32) {
        let old = self.calls.insert((source, session), Call { answered: false, passed_on: false });
        assert!(old.is_none(), "sessions are new");
    }

    pub(crate) fn passed_on(&mut self, source: Handle, session: i32) {
        self.calls.get_mut(&(source, session)).expect("it was asked").passed_on = true;
    }

    /// A message has reached a service.
    pub(crate) fn delivered(&mut self, source: Handle, dest: Handle, content_of: &[u8]) {
        let (number, meant) = read(content_of);
        assert_eq!(meant, dest, "a message from {source} for {meant} has reached another");
        if number == UNORDERED {
            return;
        }
        let last = self.seen.insert((source, dest), number).unwrap_or(0);
        assert!(number > last, "from {source} to {dest} number {number} came after {last}");
    }

    pub(crate) fn answered(&mut self, source: Handle, session: i32, what: &str) {
        let call = self.calls.get_mut(&(source, session)).expect("it was asked");
        assert!(!call.answered, "the call {session} of {source} is answered again, by {what}");
        call.answered = true;
    }

    pub(crate) fn is_answered(&self, source: Handle, session: i32) -> bool {
        self.calls.get(&(source, session)).is_some_and(|call| call.answered)
    }

    /// The calls of services that live and have no answer.
    pub(crate) fn open(&self, is_alive: impl Fn(Handle) -> bool) -> Vec<(Handle, i32)> {
        let open = self
            .calls
            .iter()
            .filter(|((source, _), call)| !call.answered && !call.passed_on && is_alive(*source));
        open.map(|(key, _)| *key).collect()
    }
}
