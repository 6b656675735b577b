//! Queues for what cannot go out yet, with bounds.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// What a message costs beside its bytes: its place in a queue, its block, a share of the queue itself.
const MESSAGE_COST: usize = 128;

/// How much may wait in a harbor service, and for how long others may be silent.
///
/// The messages for global names that are not bound, and those for nodes without a link, are counted apart.
///
/// ```
/// let mut limits = skynet_harbor::Limits::default();
/// limits.messages = 1000;
/// let node = skynet_core::Node::builder().module("harbor", skynet_harbor::module_with(limits));
/// ```
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The most messages that wait for one name, or for one node. 65536 by default.
    pub messages: usize,
    /// The most bytes that wait for all names together, or for all nodes together; each message counts its content and
    /// 128 bytes more. Also the most bytes that wait in the connection to one node that takes them too slowly. 256 MiB by
    /// default.
    pub bytes: usize,
    /// How long a node may be silent, if it gives signs of life: then it is taken for gone. The others, nodes of C skynet, are
    /// asked by the system whether they are there. Zero: for ever. 15 s by default.
    pub heartbeat: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { messages: 64 << 10, bytes: 256 << 20, heartbeat: Duration::from_secs(15) }
    }
}

impl Limits {
    /// The heartbeat in 1/100 s.
    pub(crate) fn heartbeat_ticks(&self) -> u64 {
        u64::try_from(self.heartbeat.as_millis() / 10).unwrap_or(u64::MAX)
    }
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Bound {
    /// The messages of one queue.
    Messages(usize),
    /// The bytes of all queues of a stock.
    Bytes(usize),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Messages(limit) => write!(f, "the limit of {limit} waiting messages is reached"),
            Self::Bytes(limit) => write!(f, "the limit of {limit} waiting bytes in all is reached"),
        }
    }
}

/// An item that did not fit.
#[derive(Debug)]
pub(crate) struct Refused<T> {
    pub(crate) item: T,
    /// The limit that it met, if it is the first that did since something went out: one line in the log is enough.
    pub(crate) report: Option<Bound>,
}

/// What the queues of one table have in common: their limits, and what they hold together.
#[derive(Debug)]
pub(crate) struct Stock {
    limits: Limits,
    bytes: usize,
    /// The limit of bytes was reported.
    reported: bool,
}

impl Stock {
    pub(crate) fn new(limits: Limits) -> Stock {
        Stock { limits, bytes: 0, reported: false }
    }
}

/// What waits for one name or node, in order.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    items: VecDeque<T>,
    bytes: usize,
    /// The limit of messages was reported.
    reported: bool,
}

impl<T> Queue<T> {
    /// Appends an item whose content has this many bytes.
    ///
    /// # Errors
    ///
    /// [`Refused`] hands it back: a limit is reached.
    pub(crate) fn push(&mut self, stock: &mut Stock, item: T, bytes: usize) -> Result<(), Refused<T>> {
        let limits = stock.limits;
        if self.items.len() >= limits.messages {
            let first = !std::mem::replace(&mut self.reported, true);
            return Err(Refused { item, report: first.then_some(Bound::Messages(limits.messages)) });
        }
        let cost = bytes.saturating_add(MESSAGE_COST);
        if cost > limits.bytes.saturating_sub(stock.bytes) {
            let first = !std::mem::replace(&mut stock.reported, true);
            return Err(Refused { item, report: first.then_some(Bound::Bytes(limits.bytes)) });
        }
        self.append(stock, item, cost);
        Ok(())
    }

    /// Appends an item without content, whatever the limits are.
    pub(crate) fn push_always(&mut self, stock: &mut Stock, item: T) {
        self.append(stock, item, MESSAGE_COST);
    }

    fn append(&mut self, stock: &mut Stock, item: T, cost: usize) {
        stock.bytes += cost;
        self.bytes += cost;
        self.items.push_back(item);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Takes all that waits.
    pub(crate) fn take(self, stock: &mut Stock) -> VecDeque<T> {
        stock.bytes -= self.bytes;
        stock.reported = false;
        self.items
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue { items: VecDeque::new(), bytes: 0, reported: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_messages_is_for_each_queue_and_reported_once() {
        let mut stock = Stock::new(Limits { messages: 2, ..Limits::default() });
        let (mut one, mut other) = (Queue::default(), Queue::default());
        assert!(one.push(&mut stock, 1, 0).is_ok() && one.push(&mut stock, 2, 0).is_ok());
        let refused = one.push(&mut stock, 3, 0).unwrap_err();
        assert_eq!((refused.item, refused.report), (3, Some(Bound::Messages(2))));
        assert_eq!(one.push(&mut stock, 4, 0).unwrap_err().report, None);
        assert!(other.push(&mut stock, 5, 0).is_ok());
        assert_eq!(one.take(&mut stock), [1, 2]);
    }

    #[test]
    fn the_limit_of_bytes_is_for_all_queues_and_free_again_when_one_is_taken() {
        let mut stock = Stock::new(Limits { bytes: 2 * MESSAGE_COST + 10, ..Limits::default() });
        let (mut one, mut other) = (Queue::default(), Queue::default());
        assert!(one.push(&mut stock, 'a', 5).is_ok());
        let refused = other.push(&mut stock, 'b', 6).unwrap_err();
        assert_eq!((refused.item, refused.report), ('b', Some(Bound::Bytes(2 * MESSAGE_COST + 10))));
        assert!(other.push(&mut stock, 'c', 5).is_ok());
        assert_eq!(one.push(&mut stock, 'd', 0).unwrap_err().report, None);
        assert_eq!(one.take(&mut stock), ['a']);
        assert!(other.push(&mut stock, 'e', 5).is_ok());
        assert!(other.push(&mut stock, 'f', usize::MAX).unwrap_err().report.is_some());
        assert_eq!(other.take(&mut stock), ['c', 'e']);
        assert_eq!(stock.bytes, 0);
    }
}
