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
//!
//! What few services need lies aside, in a box that the others do not have: a [bound](Bound), and messages that go before the
//! rest. Two marks say that there is something: `marks` to those who hold the lock, `signals` to the owner between messages.

mod aside;
mod batch;
mod bound;
#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

use std::mem;

pub(crate) use batch::Batch;
pub use bound::{Bound, MailboxStat, Policy};

use aside::Aside;

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
    /// `BOUNDED`, `ASIDE`.
    marks: u8,
    batch: Batch,
    aside: Option<Box<Aside>>,
}

/// Whoever pushes has to look at what lies aside.
const BOUNDED: u8 = 1;
/// Whoever takes has to look there.
const ASIDE: u8 = 2;

/// Signal: messages wait that go before the rest.
const URGENT: u32 = 1;
/// Signal: what feeds the service is to pause.
const FULL: u32 = 2;

/// What came of a [`Mailbox::push`].
#[must_use]
pub(crate) enum Push<T = Message> {
    /// It is in the queue of a service that will run anyway.
    Done,
    /// It is in the queue, and whoever pushed it must put the service into a run queue.
    Wake,
    /// The service is gone: the message comes back.
    Gone(T),
    /// The mailbox is full and refuses the message.
    Full(T),
    /// It is in the queue of a service that will run anyway, and this older one was dropped for it.
    Displaced(Message),
}

/// What the owner finds when it takes.
#[must_use]
pub(crate) enum Take {
    /// All that was queued: at least one message.
    Messages(Batch),
    /// Nothing yet: [`Mailbox::signals`] has something.
    Signals,
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
    /// Whether what feeds it has been told to pause.
    pub(crate) full: bool,
}

#[derive(Default)]
pub(crate) struct Mailbox {
    inbox: Lock<Inbox>,
    /// Counts the messages ever queued, modulo 2^32. Written under the lock.
    queued: AtomicU32,
    /// Counts the messages ever handled. Written by the owner.
    taken: AtomicU32,
    /// `URGENT`, `FULL`. Written under the lock.
    signals: AtomicU32,
}

impl Mailbox {
    /// Gives the free mailbox to a service whose `init` is about to run.
    pub(crate) fn open(&self, owner: Handle) {
        let mut inbox = self.inbox.lock();
        debug_assert_eq!(inbox.state, State::Free);
        inbox.owner = owner;
        inbox.state = State::Held;
        inbox.marks = 0;
        self.signals.store(0, Ordering::Relaxed);
        self.taken.store(self.queued.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Queues a message, if the mailbox still belongs to `dest`.
    #[inline]
    pub(crate) fn push(&self, dest: Handle, message: Message) -> Push {
        let mut inbox = self.inbox.lock();
        if inbox.owner != dest {
            return Push::Gone(message);
        }
        if inbox.marks & BOUNDED != 0 {
            return self.push_bounded(&mut inbox, message);
        }
        inbox.batch.push(message);
        self.count_queued(1);
        inbox.wake()
    }

    #[inline]
    fn count_queued(&self, count: u32) {
        self.queued.store(self.queued.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// Queues several messages, so that their receiver finds all of them at once: `payloads` in the shape of `shape`. On success they
    /// are gone from `payloads`; no more than some dozens, for the sake of the lock. `Full`, with nothing queued, says that they
    /// have to be pushed one by one.
    pub(crate) fn push_all(&self, dest: Handle, shape: &Message, payloads: &mut Vec<Payload>) -> Push<()> {
        let mut inbox = self.inbox.lock();
        if inbox.owner != dest {
            return Push::Gone(());
        }
        if inbox.marks & BOUNDED != 0 {
            return Push::Full(());
        }
        let count = payloads.len() as u32;
        let &Message { kind, session, source, .. } = shape;
        for payload in payloads.drain(..) {
            inbox.batch.push(Message { kind, session, source, payload });
        }
        self.count_queued(count);
        if count > 0 { inbox.wake() } else { Push::Done }
    }

    /// Takes all that is queued, or gives the service up. Only for its owner.
    #[inline]
    pub(crate) fn take(&self) -> Take {
        let mut inbox = self.inbox.lock();
        if inbox.state == State::Closed {
            return Take::Closed;
        }
        if inbox.marks != 0
            && let Some(taken) = self.take_aside(&mut inbox)
        {
            return taken;
        }
        if inbox.batch.is_empty() {
            inbox.state = State::Idle;
            inbox.batch.trim();
            return Take::Idle;
        }
        Take::Messages(mem::take(&mut inbox.batch))
    }

    /// Notes one message as handled, and counts those that still wait. Only for the owner.
    #[inline]
    pub(crate) fn handled(&self) -> usize {
        let taken = self.taken.load(Ordering::Relaxed).wrapping_add(1);
        self.taken.store(taken, Ordering::Relaxed);
        self.waiting(taken)
    }

    /// The number of messages that wait, as seen from any thread.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.waiting(self.taken.load(Ordering::Relaxed))
    }

    #[inline]
    fn waiting(&self, taken: u32) -> usize {
        // The two are not read at one instant: a count below zero is a zero.
        let waiting = self.queued.load(Ordering::Relaxed).wrapping_sub(taken) as i32;
        usize::try_from(waiting).unwrap_or(0)
    }

    /// Whether the owner has to [heed](Mailbox::heed) something before the next message.
    #[inline]
    pub(crate) fn has_signals(&self) -> bool {
        self.signals.load(Ordering::Relaxed) != 0
    }

    /// Ends the held state: `Wake` if messages have come, `Gone` if the service was closed.
    pub(crate) fn release(&self) -> Released {
        let mut inbox = self.inbox.lock();
        if inbox.state == State::Closed {
            return Released::Closed;
        }
        let empty = inbox.batch.is_empty() && inbox.marks & ASIDE == 0;
        inbox.state = if empty { State::Idle } else { State::Scheduled };
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
        inbox.marks = 0;
        let full = self.signals.load(Ordering::Relaxed) & FULL != 0;
        self.signals.store(0, Ordering::Relaxed);
        let (mut messages, aside) = (mem::take(&mut inbox.batch), inbox.aside.take());
        // There may be many.
        drop(inbox);
        if let Some(mut aside) = aside {
            aside.empty_into(&mut messages);
        }
        Some(Closed { messages, wake, full })
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

impl Inbox {
    /// After a push: whoever finds the service idle must put it into a run queue.
    #[inline]
    fn wake<T>(&mut self) -> Push<T> {
        if self.state == State::Idle {
            self.state = State::Scheduled;
            return Push::Wake;
        }
        Push::Done
    }
}

/// What came of a [`Mailbox::release`].
#[must_use]
pub(crate) enum Released {
    Idle,
    Wake,
    Closed,
}
