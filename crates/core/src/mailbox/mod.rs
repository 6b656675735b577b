//! The queue of one service: many producers, one consumer, first in first out per producer.
//!
//! The state under the lock says who may run the service:
//!
//! ```text
//! Free --open--> Held --release--> Idle <--take: empty-- Scheduled --close--> Closed --free--> Free
//!                  |                 `----push: wake----->   |
//!                  `--close--> Closed           Idle --close: wake--> Closed
//! ```
//!
//! In `Scheduled` and `Closed` exactly one party owns the service: the run queue that holds it, then the worker that took
//! it from there. In `Held` the thread that launches owns it. Nobody owns an idle one, and a push or a close makes one owner.
//!
//! The first message lies in the mailbox itself and further ones in chunks, so that a service with one message at a time
//! allocates nothing, and a long queue grows without being copied.

mod batch;
#[cfg(all(test, loom))]
mod models;

use std::mem;

pub(crate) use batch::Batch;

use crate::sync::{AtomicU32, Lock, Ordering};
use crate::{Handle, Message, Payload};

#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Free,
    Held,
    Idle,
    Scheduled,
    Closed,
}

#[derive(Default)]
struct Inbox {
    owner: Handle,
    state: State,
    batch: Batch,
}

/// What came of a [`Mailbox::push`].
#[must_use]
pub(crate) enum Push<T = Message> {
    /// It is in the queue of a service that will run anyway.
    Done,
    /// It is in the queue, and whoever pushed it must put the service into a run queue.
    Wake,
    /// The service is gone: the message comes back.
    Gone(T),
}

/// What the owner finds when it takes.
#[must_use]
pub(crate) enum Take {
    /// All that was queued: at least one message.
    Messages(Batch),
    /// Nothing: the service is idle and no longer owned by the caller.
    Idle,
    /// The service was closed: its owner ends it.
    Closed,
}

/// What came of a [`Mailbox::close`].
#[must_use]
pub(crate) struct Closed {
    /// What was queued.
    pub(crate) messages: Batch,
    /// Whether the caller must put the service into a run queue, so that a worker ends it. Otherwise its owner does.
    pub(crate) wake: bool,
}

#[derive(Default)]
pub(crate) struct Mailbox {
    inbox: Lock<Inbox>,
    /// Counts the messages ever queued, modulo 2^32. Written under the lock.
    queued: AtomicU32,
    /// Counts the messages ever handled. Written by the owner.
    taken: AtomicU32,
}

impl Mailbox {
    /// Gives the free mailbox to a service whose `init` is about to run.
    pub(crate) fn open(&self, owner: Handle) {
        let mut inbox = self.inbox.lock();
        debug_assert_eq!(inbox.state, State::Free);
        inbox.owner = owner;
        inbox.state = State::Held;
        self.taken.store(self.queued.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Queues a message, if the mailbox still belongs to `dest`.
    #[inline]
    pub(crate) fn push(&self, dest: Handle, message: Message) -> Push {
        let mut inbox = self.inbox.lock();
        if inbox.owner != dest {
            return Push::Gone(message);
        }
        inbox.batch.push(message);
        self.queued.store(self.queued.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        if inbox.state == State::Idle {
            inbox.state = State::Scheduled;
            return Push::Wake;
        }
        Push::Done
    }

    /// Queues several messages, so that their receiver finds all of them at once: `payloads` in the shape of `shape`. On success they
    /// are gone from `payloads`; no more than some dozens, for the sake of the lock.
    pub(crate) fn push_all(&self, dest: Handle, shape: &Message, payloads: &mut Vec<Payload>) -> Push<()> {
        let mut inbox = self.inbox.lock();
        if inbox.owner != dest {
            return Push::Gone(());
        }
        let count = payloads.len() as u32;
        let &Message { kind, session, source, .. } = shape;
        for payload in payloads.drain(..) {
            inbox.batch.push(Message { kind, session, source, payload });
        }
        self.queued.store(self.queued.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
        if inbox.state == State::Idle && count > 0 {
            inbox.state = State::Scheduled;
            return Push::Wake;
        }
        Push::Done
    }

    /// Takes all that is queued, or gives the service up. Only for its owner.
    #[inline]
    pub(crate) fn take(&self) -> Take {
        let mut inbox = self.inbox.lock();
        if inbox.state == State::Closed {
            return Take::Closed;
        }
        if inbox.batch.is_empty() {
            inbox.state = State::Idle;
            inbox.batch.trim();
            return Take::Idle;
        }
        Take::Messages(mem::take(&mut inbox.batch))
    }

    /// Notes one message as handled. Only for the owner.
    #[inline]
    pub(crate) fn handled(&self) {
        self.taken.store(self.taken.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// The number of messages that wait, as seen from any thread.
    pub(crate) fn len(&self) -> usize {
        let taken = self.taken.load(Ordering::Relaxed);
        // The two are not read at one instant: a count below zero is a zero.
        let waiting = self.queued.load(Ordering::Relaxed).wrapping_sub(taken) as i32;
        usize::try_from(waiting).unwrap_or(0)
    }

    /// Ends the held state: `Wake` if messages have come, `Gone` if the service was closed.
    pub(crate) fn release(&self) -> Released {
        let mut inbox = self.inbox.lock();
        if inbox.state == State::Closed {
            return Released::Closed;
        }
        inbox.state = if inbox.batch.is_empty() { State::Idle } else { State::Scheduled };
        if inbox.state == State::Idle { Released::Idle } else { Released::Wake }
    }

    /// Refuses what comes from now on, and takes what is there. `None` if the mailbox does not belong to `owner` (any more).
    pub(crate) fn close(&self, owner: Handle) -> Option<Closed> {
        let mut inbox = self.inbox.lock();
        if inbox.owner != owner || inbox.state == State::Free {
            return None;
        }
        let wake = inbox.state == State::Idle;
        inbox.owner = Handle::NONE;
        inbox.state = State::Closed;
        Some(Closed { messages: mem::take(&mut inbox.batch), wake })
    }

    /// Whether it belongs to `owner`.
    pub(crate) fn is_owned_by(&self, owner: Handle) -> bool {
        self.inbox.lock().owner == owner
    }

    /// Whether it was closed. Only for the owner.
    pub(crate) fn is_closed(&self) -> bool {
        self.inbox.lock().state == State::Closed
    }

    /// Makes a closed mailbox free. Only for its owner.
    pub(crate) fn free(&self) {
        self.inbox.lock().state = State::Free;
    }
}

/// What came of a [`Mailbox::release`].
#[must_use]
pub(crate) enum Released {
    Idle,
    Wake,
    Closed,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ME: Handle = Handle::from_raw(1);

    fn message(session: i32) -> Message {
        Message { session, ..Message::default() }
    }

    fn idle() -> Mailbox {
        let mailbox = Mailbox::default();
        mailbox.open(ME);
        assert!(matches!(mailbox.release(), Released::Idle));
        mailbox
    }

    #[test]
    fn the_first_push_wakes_and_the_next_does_not() {
        let mailbox = idle();
        assert!(matches!(mailbox.push(ME, message(1)), Push::Wake));
        assert!(matches!(mailbox.push(ME, message(2)), Push::Done));
        assert_eq!(mailbox.len(), 2);
        assert!(matches!(mailbox.take(), Take::Messages(batch) if batch.len() == 2));
        assert!(matches!(mailbox.take(), Take::Idle));
    }

    #[test]
    fn what_comes_during_init_waits() {
        let mailbox = Mailbox::default();
        mailbox.open(ME);
        assert!(matches!(mailbox.push(ME, message(1)), Push::Done));
        assert!(matches!(mailbox.release(), Released::Wake));
    }

    #[test]
    fn another_handle_is_refused_and_gets_its_message_back() {
        let mailbox = idle();
        assert!(
            matches!(mailbox.push(Handle::from_raw(2), message(7)), Push::Gone(back) if back.session == 7)
        );
    }

    #[test]
    fn closing_makes_one_owner() {
        let mailbox = idle();
        let closed = mailbox.close(ME).expect("it is open");
        assert!(closed.wake && closed.messages.is_empty());
        assert!(mailbox.close(ME).is_none());
        assert!(matches!(mailbox.push(ME, message(1)), Push::Gone(_)));
        assert!(matches!(mailbox.take(), Take::Closed));

        let running = idle();
        assert!(matches!(running.push(ME, message(1)), Push::Wake));
        let closed = running.close(ME).expect("it is open");
        assert!(!closed.wake && closed.messages.len() == 1);
    }

    proptest! {
        /// Pushes and takes in any pattern give the messages in the order of the pushes.
        #[test]
        fn order_is_kept(pattern in prop::collection::vec((0_usize..200, 0_usize..200), 1..20)) {
            let mailbox = idle();
            let mut batch = Batch::default();
            let (mut sent, mut received) = (0, 0);
            for (pushes, pops) in pattern {
                for _ in 0..pushes {
                    sent += 1;
                    let _ = mailbox.push(ME, message(sent));
                }
                for _ in 0..pops {
                    if batch.is_empty() && let Take::Messages(more) = mailbox.take() {
                        batch = more;
                    }
                    if let Some(message) = batch.pop() {
                        mailbox.handled();
                        received += 1;
                        prop_assert_eq!(message.session, received);
                    }
                }
                prop_assert_eq!(mailbox.len() as i32, sent - received);
            }
        }
    }
}
