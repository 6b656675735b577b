//! The other nodes: what waits for a link to them.
//!
//! A link is a connection to the node with a given harbor id. Until there is one, what is for that node waits here.

use std::collections::HashMap;

use skynet_core::{Handle, Message};

use crate::queue::{Limits, Queue, Refused, Stock};

/// A message for a service of another node.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) dest: Handle,
    pub(crate) message: Message,
}

/// What becomes of a message for another node.
#[derive(Debug)]
pub(crate) enum Dispatch {
    /// It waits for a link.
    Waits,
    /// There is no way to that node.
    Down(Parcel),
    /// As much waits as may.
    Refused(Refused<Parcel>),
}

/// The nodes of the network, by harbor id.
///
/// Each parcel comes back once: from [`send`](Peers::send) or from [`clear`](Peers::clear), which keeps the order of those
/// for one node.
#[derive(Debug)]
pub(crate) struct Peers {
    /// This node is in no network: all others are down.
    alone: bool,
    waiting: HashMap<u8, Queue<Parcel>>,
    stock: Stock,
}

impl Peers {
    /// The others of the node with the harbor id `own`, which is alone if that is 0.
    pub(crate) fn new(own: u8, limits: Limits) -> Peers {
        Peers { alone: own == 0, waiting: HashMap::new(), stock: Stock::new(limits) }
    }

    /// Whether there is no way to any of them.
    pub(crate) fn are_down(&self) -> bool {
        self.alone
    }

    /// Sends, or keeps for later.
    pub(crate) fn send(&mut self, dest: Handle, message: Message) -> Dispatch {
        let parcel = Parcel { dest, message };
        if self.are_down() {
            return Dispatch::Down(parcel);
        }
        let bytes = parcel.message.payload.len();
        match self.waiting.entry(dest.harbor()).or_default().push(&mut self.stock, parcel, bytes) {
            Ok(()) => Dispatch::Waits,
            Err(refused) => Dispatch::Refused(refused),
        }
    }

    /// Gives out all that waits.
    pub(crate) fn clear(&mut self) -> Vec<Parcel> {
        let stock = &mut self.stock;
        self.waiting.drain().flat_map(|(_, queue)| queue.take(stock)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(session: i32) -> Message {
        Message { session, ..Message::default() }
    }

    #[test]
    fn to_a_node_that_is_alone_all_others_are_down() {
        let mut peers = Peers::new(0, Limits::default());
        let dest = Handle::new(2, 9);
        let down = peers.send(dest, message(1));
        assert!(matches!(down, Dispatch::Down(parcel) if parcel.dest == dest && parcel.message.session == 1));
        assert!(peers.clear().is_empty());
    }

    #[test]
    fn without_a_link_messages_wait_in_order_up_to_the_limit_of_each_node() {
        let mut peers = Peers::new(1, Limits { messages: 2, ..Limits::default() });
        for session in 1..=2 {
            assert!(matches!(peers.send(Handle::new(2, 9), message(session)), Dispatch::Waits));
        }
        assert!(matches!(peers.send(Handle::new(2, 8), message(3)), Dispatch::Refused(_)));
        assert!(matches!(peers.send(Handle::new(3, 8), message(4)), Dispatch::Waits));
        let out = peers.clear();
        let to = |id| {
            out.iter().filter(move |parcel| parcel.dest.harbor() == id).map(|parcel| parcel.message.session)
        };
        assert!(to(2).eq([1, 2]) && to(3).eq([4]));
        assert!(matches!(peers.send(Handle::new(2, 9), message(5)), Dispatch::Waits));
    }
}
