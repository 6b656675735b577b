//! What waits to be sent on one socket.
//!
//! There are two queues: what has low priority goes out when the other queue is empty, and what has been sent in part is always
//! finished first. Nothing here knows sockets: whoever holds the lock shows slices to the system and says how much it took.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;

use skynet_core::Payload;

use crate::cork::Cork;

/// Waiting bytes at which the owner is warned first; then at every doubling.
const FIRST_WARNING: usize = 1024 * 1024;

/// Slices that one gathering write shows to the system.
pub(crate) const GATHER: usize = 64;

/// In what order queued bytes go out.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Priority {
    /// In order, before all that is low.
    #[default]
    High,
    /// In order, when nothing of high priority waits.
    Low,
}

/// What writing is good for.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// Nobody has started it: what is written is discarded.
    Unstarted,
    /// Not connected yet: what is written waits.
    Connecting,
    Open,
    /// A write has failed: what is written is discarded.
    Broken,
    /// The owner has closed it: nothing more is taken, what waits goes out.
    Closing,
    Closed,
}

struct Item {
    data: Payload,
    to: Option<SocketAddr>,
}

#[derive(Default)]
struct Queues {
    high: VecDeque<Item>,
    low: VecDeque<Item>,
    /// The queue whose first item was sent in part, and how much of it was.
    begun: Option<(Priority, usize)>,
}

impl Queues {
    fn of(&mut self, priority: Priority) -> &mut VecDeque<Item> {
        match priority {
            Priority::High => &mut self.high,
            Priority::Low => &mut self.low,
        }
    }

    /// The queue that goes next, and how much of its first item is gone.
    fn next(&self) -> (Priority, usize) {
        let fresh = if self.high.is_empty() { Priority::Low } else { Priority::High };
        self.begun.unwrap_or((fresh, 0))
    }
}

pub(crate) struct Outbox {
    pub(crate) phase: Phase,
    /// Whether the owner knows that the socket is closed.
    pub(crate) close_told: bool,
    /// Where datagrams without an address go.
    pub(crate) peer: Option<Box<SocketAddr>>,
    /// A message that nobody took: the owner was gone. The next owner gets it.
    pub(crate) stash: Option<Payload>,
    /// Small writes that a worker has put off: see `cork`. Nothing else waits then.
    pub(crate) corked: Option<Box<Cork>>,
    /// Above how many waiting bytes the socket is closed.
    pub(crate) limit: usize,
    /// Bytes sent.
    pub(crate) sent: u64,
    /// When something was sent last, in 1/100 s of the node's time.
    pub(crate) sent_at: u64,
    waiting: usize,
    next_warning: usize,
    /// Allocated while something waits.
    queues: Option<Box<Queues>>,
}

impl Outbox {
    pub(crate) fn new() -> Outbox {
        Outbox {
            phase: Phase::Unstarted,
            close_told: false,
            peer: None,
            stash: None,
            corked: None,
            limit: usize::MAX,
            sent: 0,
            sent_at: 0,
            waiting: 0,
            next_warning: FIRST_WARNING,
            queues: None,
        }
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_none()
    }

    /// Queues what is left of `data` after its first `begun` bytes; 0 < `begun` only if nothing waits.
    pub(crate) fn push(&mut self, priority: Priority, data: Payload, begun: usize, to: Option<SocketAddr>) {
        let queues = self.queues.get_or_insert_default();
        if begun > 0 {
            queues.begun = Some((priority, begun));
        }
        self.waiting += data.len() - begun;
        queues.of(priority).push_back(Item { data, to });
    }

    /// The owner is to be warned: so many KiB wait, rounded up.
    pub(crate) fn take_warning(&mut self) -> Option<i32> {
        if self.waiting < self.next_warning {
            return None;
        }
        while self.next_warning <= self.waiting {
            self.next_warning = self.next_warning.saturating_mul(2);
        }
        Some(i32::try_from(self.waiting.div_ceil(1024)).unwrap_or(i32::MAX))
    }

    /// Whether a warning was given and all is sent; asking forgets the warning.
    pub(crate) fn take_all_clear(&mut self) -> bool {
        let warned = self.is_empty() && self.next_warning > FIRST_WARNING;
        if warned {
            self.next_warning = FIRST_WARNING;
        }
        warned
    }

    /// What goes next on a stream, in order.
    pub(crate) fn slices<'a>(&'a self, slices: &mut Vec<IoSlice<'a>>) {
        let Some(queues) = &self.queues else { return };
        let (priority, mut skip) = queues.next();
        // A low item that was begun is followed by the high ones.
        let (first, then) = match (priority, queues.begun) {
            (Priority::High, _) => (queues.high.iter().take(GATHER), queues.low.iter().take(GATHER)),
            (Priority::Low, Some(_)) => (queues.low.iter().take(1), queues.high.iter().take(GATHER)),
            (Priority::Low, None) => (queues.low.iter().take(GATHER), queues.high.iter().take(0)),
        };
        for item in first.chain(then).take(GATHER) {
            slices.push(IoSlice::new(item.data.get(skip..).unwrap_or_default()));
            skip = 0;
        }
    }

    /// The first so many bytes of [`Outbox::slices`] were taken.
    pub(crate) fn advance(&mut self, mut taken: usize) {
        self.waiting = self.waiting.saturating_sub(taken);
        let Some(queues) = &mut self.queues else { return };
        loop {
            let (priority, gone) = queues.next();
            let Some(item) = queues.of(priority).front() else {
                self.queues = None;
                return;
            };
            let left = item.data.len() - gone;
            if taken < left {
                if gone + taken > 0 {
                    queues.begun = Some((priority, gone + taken));
                }
                return;
            }
            taken -= left;
            queues.begun = None;
            queues.of(priority).pop_front();
        }
    }

    /// The datagram that goes next.
    pub(crate) fn datagram(&self) -> Option<(&[u8], Option<SocketAddr>)> {
        let queues = self.queues.as_ref()?;
        let item = queues.high.front().or_else(|| queues.low.front())?;
        Some((&item.data, item.to))
    }

    /// It was sent, or is given up.
    pub(crate) fn drop_datagram(&mut self) {
        let Some(queues) = &mut self.queues else { return };
        let item = queues.high.pop_front().or_else(|| queues.low.pop_front());
        self.waiting = self.waiting.saturating_sub(item.map_or(0, |item| item.data.len()));
        if queues.high.is_empty() && queues.low.is_empty() {
            self.queues = None;
        }
    }

    /// Forgets all that waits.
    pub(crate) fn clear(&mut self) {
        self.queues = None;
        self.corked = None;
        self.waiting = 0;
        self.next_warning = FIRST_WARNING;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends up to `room` bytes.
    fn send(out: &mut Outbox, room: usize) -> String {
        let mut slices = Vec::new();
        out.slices(&mut slices);
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(room).collect();
        out.advance(bytes.len());
        String::from_utf8(bytes).expect("the tests send text")
    }

    fn outbox(items: &[(Priority, &str)]) -> Outbox {
        let mut out = Outbox::new();
        items.iter().for_each(|(priority, text)| out.push(*priority, Payload::from(*text), 0, None));
        out
    }

    #[test]
    fn high_goes_before_low() {
        let mut out = outbox(&[(Priority::Low, "low"), (Priority::High, "a"), (Priority::High, "b")]);
        assert_eq!(out.waiting(), 5);
        assert_eq!(send(&mut out, 99), "ablow");
        assert!(out.is_empty() && out.waiting() == 0);
    }

    #[test]
    fn what_was_begun_is_finished_first() {
        let mut out = outbox(&[(Priority::Low, "low"), (Priority::Low, "er")]);
        assert_eq!(send(&mut out, 1), "l");
        out.push(Priority::High, Payload::from("HIGH"), 0, None);
        assert_eq!(send(&mut out, 3), "owH");
        assert_eq!(send(&mut out, 99), "IGHer");
        assert!(out.is_empty());
    }

    #[test]
    fn any_split_of_the_writes_sends_the_same() {
        for step in 1..12 {
            let mut out = outbox(&[(Priority::High, "one"), (Priority::High, ""), (Priority::Low, "two")]);
            let mut all = String::new();
            while !out.is_empty() {
                all += &send(&mut out, step);
            }
            assert_eq!((all.as_str(), out.waiting()), ("onetwo", 0), "steps of {step}");
        }
    }

    #[test]
    fn a_rest_is_queued_as_begun() {
        let mut out = Outbox::new();
        out.push(Priority::Low, Payload::from("abc"), 1, None);
        out.push(Priority::High, Payload::from("X"), 0, None);
        assert_eq!((out.waiting(), send(&mut out, 99).as_str()), (3, "bcX"));
    }

    #[test]
    fn warnings_come_at_doublings_and_end_when_all_is_sent() {
        let mut out = Outbox::new();
        let add = |out: &mut Outbox, kib: usize| {
            out.push(Priority::High, Payload::from(vec![0; kib * 1024]), 0, None);
            out.take_warning()
        };
        assert_eq!(add(&mut out, 1023), None);
        assert_eq!(add(&mut out, 1), Some(1024));
        assert_eq!(add(&mut out, 1000), None);
        assert_eq!(add(&mut out, 25), Some(2049));
        assert_eq!(add(&mut out, 7000), Some(9049));
        assert!(!out.take_all_clear());
        out.advance(out.waiting());
        assert!(out.take_all_clear() && !out.take_all_clear());
        assert_eq!(add(&mut out, 1024), Some(1024));
    }
}
