//! What only few mailboxes have: a bound, and messages that do not wait in the common queue.

use std::collections::VecDeque;
use std::mem;

use super::bound::{Bound, Class, MailboxStat, Policy};
use super::{ASIDE, BOUNDED, Batch, FULL, Inbox, Mailbox, Push, State, Take, URGENT};
use crate::sync::Ordering;
use crate::{Handle, Message};

#[derive(Default)]
pub(super) struct Aside {
    bound: Option<Bound>,
    /// They go before all others.
    urgent: VecDeque<Message>,
    /// All messages but the urgent ones come here, behind those of the common queue, from the first bound that drops messages until
    /// none has that bound and all are taken.
    lanes: Option<Lanes>,
    rejected: u64,
    dropped: u64,
    paused: u64,
}

/// A queue whose oldest one-way message is found at once: two queues, and numbers that say which message came first.
#[derive(Default)]
struct Lanes {
    next: u64,
    one_way: VecDeque<(u64, Message)>,
    others: VecDeque<(u64, Message)>,
}

impl Lanes {
    fn push(&mut self, message: Message) {
        let lane = if Class::of(&message) == Class::OneWay { &mut self.one_way } else { &mut self.others };
        lane.push_back((self.next, message));
        self.next += 1;
    }

    fn pop(&mut self) -> Option<Message> {
        let first = |lane: &VecDeque<(u64, Message)>| lane.front().map_or(u64::MAX, |(number, _)| *number);
        let lane =
            if first(&self.one_way) < first(&self.others) { &mut self.one_way } else { &mut self.others };
        lane.pop_front().map(|(_, message)| message)
    }

    fn is_empty(&self) -> bool {
        self.one_way.is_empty() && self.others.is_empty()
    }
}

impl Aside {
    /// Gives all that waits here away, after a close.
    pub(super) fn empty_into(&mut self, batch: &mut Batch) {
        for message in mem::take(&mut self.urgent) {
            batch.push(message);
        }
        while let Some(message) = self.lanes.as_mut().and_then(Lanes::pop) {
            batch.push(message);
        }
    }

    fn drops_oldest(&self) -> bool {
        matches!(self.bound, Some(Bound { policy: Policy::DropOldest, .. }))
    }

    fn has_messages(&self) -> bool {
        !self.urgent.is_empty() || self.lanes.as_ref().is_some_and(|lanes| !lanes.is_empty())
    }

    fn is_unused(&self) -> bool {
        let counted = self.rejected + self.dropped + self.paused;
        self.bound.is_none() && self.urgent.is_empty() && self.lanes.is_none() && counted == 0
    }

    /// At the bound, and beyond: makes room for a message, by the one that is returned, or refuses it.
    fn make_room(&mut self, bound: Bound, waiting: usize, message: &Message) -> Result<Option<Message>, ()> {
        let class = Class::of(message);
        let refused = match (bound.policy, class) {
            (_, Class::Always) | (Policy::PauseSockets, _) => false,
            (Policy::Reject, Class::Request) => true,
            (Policy::Reject, Class::OneWay) => waiting >= bound.limit.saturating_mul(2),
            (Policy::DropOldest, _) => {
                if let Some((_, oldest)) = self.lanes.as_mut().and_then(|lanes| lanes.one_way.pop_front()) {
                    self.dropped += 1;
                    return Ok(Some(oldest));
                }
                true
            }
        };
        if !refused {
            return Ok(None);
        }
        if class == Class::Request {
            self.rejected += 1;
        } else {
            self.dropped += 1;
        }
        Err(())
    }
}

impl Inbox {
    fn aside(&mut self) -> &mut Aside {
        self.aside.get_or_insert_default()
    }

    fn update_marks(&mut self) {
        let aside = self.aside();
        if aside.is_unused() {
            (self.marks, self.aside) = (0, None);
            return;
        }
        let bounded = aside.bound.is_some() || aside.lanes.is_some();
        let filled = aside.has_messages();
        self.marks = if bounded { BOUNDED } else { 0 } | if filled { ASIDE } else { 0 };
    }
}

impl Mailbox {
    #[cold]
    pub(super) fn push_bounded(&self, inbox: &mut Inbox, message: Message) -> Push {
        let waiting = self.len();
        let idle = inbox.state == State::Idle;
        let aside = inbox.aside();
        let mut displaced = None;
        // What is idle has handled all, whatever the counters say.
        if let Some(bound) = aside.bound.filter(|bound| waiting >= bound.limit && !idle) {
            match aside.make_room(bound, waiting, &message) {
                Ok(made) => displaced = made,
                Err(()) => return Push::Full(message),
            }
        }
        let pauses = matches!(
            aside.bound,
            Some(Bound { policy: Policy::PauseSockets, limit }) if waiting + 1 >= limit
        );
        if pauses && self.raise(FULL) {
            aside.paused += 1;
        }
        if let Some(lanes) = &mut aside.lanes {
            lanes.push(message);
            inbox.marks |= ASIDE;
        } else {
            inbox.batch.push(message);
        }
        if let Some(displaced) = displaced {
            return Push::Displaced(displaced);
        }
        self.count_queued(1);
        inbox.wake()
    }

    /// Queues a message that goes before all others, but for earlier ones of its sort.
    #[cold]
    pub(crate) fn push_urgent(&self, dest: Handle, message: Message) -> Push {
        let mut inbox = self.inbox.lock();
        if inbox.owner != dest {
            return Push::Gone(message);
        }
        inbox.aside().urgent.push_back(message);
        inbox.marks |= ASIDE;
        self.raise(URGENT);
        self.count_queued(1);
        inbox.wake()
    }

    /// For [`Mailbox::take`]: what lies aside is taken message by message, so that the rest stays within reach of the bound.
    #[cold]
    pub(super) fn take_aside(&self, inbox: &mut Inbox) -> Option<Take> {
        let nothing = inbox.batch.is_empty();
        let aside = inbox.aside();
        if !aside.urgent.is_empty() {
            return Some(Take::Signals);
        }
        if nothing && let Some(message) = aside.lanes.as_mut().and_then(Lanes::pop) {
            let mut batch = Batch::default();
            batch.push(message);
            if !aside.has_messages() && !aside.drops_oldest() {
                aside.lanes = None;
            }
            inbox.update_marks();
            return Some(Take::Messages(batch));
        }
        // Nothing waits any more, so what feeds it may go on.
        (nothing && self.has_signals()).then_some(Take::Signals)
    }

    /// What the owner does about signals: the next urgent message, and whether what feeds the service may go on.
    #[cold]
    pub(crate) fn heed(&self) -> (Option<Message>, bool) {
        let mut inbox = self.inbox.lock();
        if inbox.state == State::Closed {
            return (None, false);
        }
        let relieved = self.relieve(&mut inbox);
        let aside = inbox.aside();
        let urgent = aside.urgent.pop_front();
        if aside.urgent.is_empty() {
            aside.urgent = VecDeque::new();
            self.lower(URGENT);
        }
        inbox.update_marks();
        (urgent, relieved)
    }

    /// Whether what feeds the service is to go on reading: less than half waits, or it is not bounded like that any more.
    fn relieve(&self, inbox: &mut Inbox) -> bool {
        let stays = match inbox.aside().bound {
            Some(Bound { policy: Policy::PauseSockets, limit }) => self.len() > limit / 2,
            _ => false,
        };
        !stays && self.lower(FULL)
    }

    /// Sets or removes the bound. `None` if the mailbox does not belong to `owner`; otherwise whether what feeds the service may go
    /// on.
    pub(crate) fn set_bound(&self, owner: Handle, bound: Option<Bound>) -> Option<bool> {
        let mut inbox = self.inbox.lock();
        if inbox.owner != owner {
            return None;
        }
        let waiting = self.len();
        let aside = inbox.aside();
        aside.bound = bound.map(|Bound { limit, policy }| Bound { limit: limit.max(1), policy });
        if aside.drops_oldest() {
            aside.lanes.get_or_insert_default();
        } else if aside.lanes.as_ref().is_some_and(Lanes::is_empty) {
            aside.lanes = None;
        }
        if let Some(Bound { policy: Policy::PauseSockets, limit }) = aside.bound
            && waiting >= limit
            && self.raise(FULL)
        {
            aside.paused += 1;
        }
        let relieved = self.relieve(&mut inbox);
        inbox.update_marks();
        Some(relieved)
    }

    /// The bound and its counters; `None` if the mailbox does not belong to `owner`.
    pub(crate) fn stat(&self, owner: Handle) -> Option<MailboxStat> {
        let inbox = self.inbox.lock();
        if inbox.owner != owner {
            return None;
        }
        let waiting = self.len();
        Some(match &inbox.aside {
            None => MailboxStat { waiting, ..MailboxStat::default() },
            Some(aside) => {
                let &Aside { bound, rejected, dropped, paused, .. } = &**aside;
                MailboxStat { waiting, bound, rejected, dropped, paused }
            }
        })
    }

    /// Whether what feeds the service `owner` is to pause.
    #[inline]
    pub(crate) fn is_full(&self, owner: Handle) -> bool {
        // A look without the lock: whoever is told to go on later is told by the one who lowers the signal.
        self.signals.load(Ordering::Relaxed) & FULL != 0 && self.is_full_of(owner)
    }

    #[cold]
    fn is_full_of(&self, owner: Handle) -> bool {
        let inbox = self.inbox.lock();
        inbox.owner == owner && self.signals.load(Ordering::Relaxed) & FULL != 0
    }

    /// True if the signal was not there. Only under the lock.
    fn raise(&self, signal: u32) -> bool {
        let signals = self.signals.load(Ordering::Relaxed);
        self.signals.store(signals | signal, Ordering::Relaxed);
        signals & signal == 0
    }

    /// True if the signal was there. Only under the lock.
    fn lower(&self, signal: u32) -> bool {
        let signals = self.signals.load(Ordering::Relaxed);
        self.signals.store(signals & !signal, Ordering::Relaxed);
        signals & signal != 0
    }
}
