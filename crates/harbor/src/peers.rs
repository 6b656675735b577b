//! The other nodes: links to them, what waits for links, and what waits for answers. Without I/O and without a clock.
//!
//! [`Peers`] is told what happens: messages to send, connections and their ends, bytes, the time. It gives out messages that came,
//! [`Event`]s, and in [`Peers::flush`] the bytes to send. What is sent to one node before it is flushed goes out together.
//!
//! ```text
//!           link           up              ended
//! never had ----> opening ----> linked ------------> down ----> opening ...
//!   waits          waits       goes out               refused    waits
//! ```
//!
//! The order of what one service sends to another is kept, also when a link comes up. What is lost with a link is answered:
//! each call gets its answer, or an error, once.

mod send;

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::hash::BuildHasherDefault;

use skynet_core::{Handle, Message, PTYPE_ERROR, PTYPE_RESPONSE};
use skynet_socket::SocketId;

use crate::calls::{Calls, KeyHasher};
pub use crate::link::Side;
use crate::link::{Fault, Link};
use crate::pulse::Pulse;
use crate::queue::{Limits, Queue, Stock};

/// A message for a service of another node.
#[derive(Debug)]
pub struct Parcel {
    /// Whom it is for.
    pub dest: Handle,
    /// The message.
    pub message: Message,
}

/// What becomes of a message for another node.
#[derive(Debug)]
#[non_exhaustive]
pub enum Sent {
    /// It goes out with the next [`Peers::flush`].
    Out,
    /// It waits for a link.
    Waits,
    /// There is no way to that node. `first`: since the link has ended, or there never was one.
    Down {
        /// The message.
        message: Message,
        /// It is worth a line in the log.
        first: bool,
    },
    /// As much waits as may.
    Refused {
        /// The message.
        message: Message,
        /// A line for the log, once.
        report: Option<String>,
    },
    /// No frame has room for it.
    TooLong(Message),
}

/// What is to be done.
#[derive(Debug, Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Take this connection over, and tell with [`Peers::ready`] when it can be written to.
    Start(SocketId),
    /// Close this connection. `ours`: it was [started](Event::Start), and tells of its end.
    Close {
        /// The connection.
        socket: SocketId,
        /// Whether it is the harbor service's.
        ours: bool,
    },
    /// The slave is to know that the link to this node has ended.
    Down(u8),
    /// This call of a service has failed.
    Fail {
        /// Who waits.
        source: Handle,
        /// For which answer.
        session: i32,
        /// The node that is gone.
        node: u8,
    },
    /// A line for the log.
    Log(String),
}

/// The nodes of the network, by harbor id.
#[derive(Debug)]
pub struct Peers {
    own: u8,
    /// This node is in no network: all others are down.
    alone: bool,
    nodes: Vec<Node>,
    sockets: HashMap<SocketId, u8, BuildHasherDefault<KeyHasher>>,
    calls: Calls,
    stock: Stock,
    limits: Limits,
    /// Nodes for which something goes out.
    dirty: Vec<u8>,
    /// About how many bytes that is.
    gathered: usize,
    events: VecDeque<Event>,
    /// The time of the next tick may have come nearer.
    hurries: bool,
}

/// What is known of one node.
#[derive(Debug, Default)]
struct Node {
    link: Option<Link>,
    /// A link has ended, or the master says that the node is gone.
    ended: bool,
    waiting: Queue<Parcel>,
    /// Messages that could not be sent since then.
    dropped: u64,
}

impl Peers {
    /// The others of the node with the harbor id `own`, which is alone if that is 0.
    #[must_use]
    pub fn new(own: u8, limits: Limits) -> Peers {
        Peers {
            own,
            alone: own == 0,
            nodes: Vec::new(),
            sockets: HashMap::default(),
            calls: Calls::new(),
            stock: Stock::new(limits),
            limits,
            dirty: Vec::new(),
            gathered: 0,
            events: VecDeque::new(),
            hurries: false,
        }
    }

    /// Whether there is no way to this node.
    #[must_use]
    pub fn is_down(&self, id: u8) -> bool {
        self.alone || self.nodes.get(usize::from(id)).is_some_and(|node| node.link.is_none() && node.ended)
    }

    /// The connection to a node, if messages can go out on it.
    #[must_use]
    pub fn linked(&self, id: u8) -> Option<SocketId> {
        let link = self.nodes.get(usize::from(id)).and_then(|node| node.link.as_ref());
        link.filter(|link| link.is_up()).map(|link| link.socket)
    }

    /// The node that a connection leads to.
    #[must_use]
    pub fn id_of(&self, socket: SocketId) -> Option<u8> {
        self.sockets.get(&socket).copied()
    }

    /// There is a connection to a node. `heartbeat`: how long that node lets others be silent, in 1/100 s; 0 if it knows no pings.
    /// False if it is of no use: then it is closed.
    pub fn link(&mut self, id: u8, socket: SocketId, side: Side, heartbeat: u64, now: u64) -> bool {
        let node = at(&mut self.nodes, id);
        let refusal = if self.alone || id == self.own || id == 0 {
            Some(format!(
                "harbor: there is no other node {id} to be linked to: connection {socket} is closed"
            ))
        } else if node.link.is_some() {
            Some(format!("Harbor {id} alreay exist"))
        } else {
            None
        };
        let known = self.sockets.entry(socket);
        if let Some(line) = refusal {
            self.events.push_back(Event::Log(line));
            if matches!(known, Entry::Vacant(_)) {
                self.events.push_back(Event::Close { socket, ours: false });
            }
            return false;
        }
        let Entry::Vacant(place) = known else {
            let line = format!("harbor: connection {socket} is a link to another node already");
            self.events.push_back(Event::Log(line));
            return false;
        };
        place.insert(id);
        let ours = if heartbeat > 0 { self.limits.heartbeat_ticks() } else { 0 };
        node.link = Some(Link::new(socket, side, Pulse::new(heartbeat, ours, now), now));
        self.events.push_back(Event::Start(socket));
        self.hurries = true;
        true
    }

    /// A connection that was started can be written to.
    pub fn ready(&mut self, socket: SocketId) {
        let Some(&id) = self.sockets.get(&socket) else { return };
        let node = at(&mut self.nodes, id);
        if let Some(link) = &mut node.link {
            link.ready(self.own);
            self.dirty.push(id);
            if link.is_up() {
                self.release(id);
            }
        }
    }

    /// Bytes came. `give` gets the messages in them, with their receivers on this node.
    pub fn received(&mut self, socket: SocketId, mut bytes: &[u8], mut give: impl FnMut(Handle, Message)) {
        let Some(&id) = self.sockets.get(&socket) else {
            self.events.push_back(Event::Log(format!("Invalid socket fd ({socket}) data")));
            return;
        };
        let Some(link) = &mut at(&mut self.nodes, id).link else { return };
        let was_up = link.is_up();
        if let Err(fault) = link.greet(id, &mut bytes) {
            return self.end(id, Some(fault), true);
        }
        if !was_up && link.is_up() {
            self.release(id);
        }
        let Some(link) = &mut at(&mut self.nodes, id).link else { return };
        loop {
            match link.next(&mut bytes) {
                Ok(Some((local, message))) => {
                    let dest = Handle::new(self.own, local);
                    let answer = matches!(message.kind, PTYPE_RESPONSE | PTYPE_ERROR) && message.session > 0;
                    if !answer || self.calls.answered(dest, message.session) {
                        give(dest, message);
                    }
                }
                Ok(None) => return,
                Err(fault) => return self.end(id, Some(fault), true),
            }
        }
    }

    /// A connection has ended or failed. False if it was no link.
    pub fn closed(&mut self, socket: SocketId) -> bool {
        let id = self.sockets.get(&socket).copied();
        if let Some(id) = id {
            self.end(id, None, true);
        }
        id.is_some()
    }

    /// The slave says that a node is gone. It is not told so again.
    pub fn gone(&mut self, id: u8) {
        if !self.alone && id != 0 && id != self.own {
            self.end(id, None, false);
        }
    }

    /// It is `now`.
    pub fn tick(&mut self, now: u64) {
        self.hurries = true;
        for id in 0..=u8::MAX {
            let Some(link) = self.nodes.get_mut(usize::from(id)).and_then(|node| node.link.as_mut()) else {
                continue;
            };
            match link.look(now, self.limits.heartbeat_ticks() / 100) {
                Ok(true) => self.dirty.push(id),
                Ok(false) => {}
                Err(fault) => self.end(id, Some(fault), true),
            }
        }
    }

    /// When to [`tick`](Peers::tick) next, if that may be sooner than it was when this was asked last.
    #[inline]
    pub fn new_tick(&mut self) -> Option<u64> {
        if std::mem::take(&mut self.hurries) { self.next_tick() } else { None }
    }

    /// When to [`tick`](Peers::tick) next, if ever.
    #[must_use]
    pub fn next_tick(&self) -> Option<u64> {
        self.nodes.iter().filter_map(|node| node.link.as_ref()?.next_look()).min()
    }

    /// What is to be done next.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether so many calls wait that it is time for [`Peers::sweep`].
    #[inline]
    #[must_use]
    pub fn are_calls_many(&self) -> bool {
        self.calls.are_many()
    }

    /// Forgets the calls of services that are gone.
    pub fn sweep(&mut self, is_alive: impl Fn(Handle) -> bool) {
        self.calls.sweep(is_alive);
    }

    /// All connections.
    pub fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.nodes.iter().filter_map(|node| Some(node.link.as_ref()?.socket))
    }

    /// Gives out all that waits.
    pub fn clear(&mut self) -> Vec<Parcel> {
        let stock = &mut self.stock;
        self.nodes.iter_mut().flat_map(|node| std::mem::take(&mut node.waiting).take(stock)).collect()
    }

    /// A link is up: what has been waiting for it goes first.
    fn release(&mut self, id: u8) {
        let node = at(&mut self.nodes, id);
        let Some(link) = &mut node.link else { return };
        self.hurries = true;
        if node.dropped > 1 {
            let line =
                format!("harbor: {} messages to harbor {id} were dropped while it was down", node.dropped);
            self.events.push_back(Event::Log(line));
        }
        node.dropped = 0;
        for Parcel { dest, message } in std::mem::take(&mut node.waiting).take(&mut self.stock) {
            if message.wants_answer() && message.source.harbor() == self.own {
                self.calls.note(message.source, message.session, id);
            }
            link.send(dest, message);
        }
        self.dirty.push(id);
    }

    /// A link has ended, or the node is gone: so has all that is for it.
    fn end(&mut self, id: u8, fault: Option<Fault>, tell: bool) {
        let node = at(&mut self.nodes, id);
        node.ended = true;
        let link = node.link.take();
        if let Some(link) = &link {
            let socket = link.socket;
            self.sockets.remove(&socket);
            self.events.extend(fault.map(|fault| Event::Log(describe(fault, id, socket))));
            self.events.push_back(Event::Close { socket, ours: link.is_open() });
        }
        let waiting = std::mem::take(&mut node.waiting).take(&mut self.stock);
        let mut calls = self.calls.fail(id);
        let answered = calls.len();
        calls.extend(waiting.iter().filter_map(|Parcel { message, .. }| {
            message.wants_answer().then_some((message.source, message.session))
        }));
        let lost = waiting.len() + answered - calls.len();
        if !calls.is_empty() || lost > 0 {
            let line = format!(
                "harbor: harbor {id} is gone: {} calls fail, {lost} messages that waited for it are lost",
                calls.len()
            );
            self.events.push_back(Event::Log(line));
        } else if let Some(link) = &link {
            self.events.push_back(Event::Log(format!("harbor: harbor {id} (fd = {}) is gone", link.socket)));
        }
        self.events.extend(calls.into_iter().map(|(source, session)| Event::Fail {
            source,
            session,
            node: id,
        }));
        if tell && link.is_some() {
            self.events.push_back(Event::Down(id));
        }
    }
}

/// The node with this id.
fn at(nodes: &mut Vec<Node>, id: u8) -> &mut Node {
    let index = usize::from(id);
    if index >= nodes.len() {
        nodes.resize_with(index + 1, Node::default);
    }
    &mut nodes[index]
}

fn describe(fault: Fault, id: u8, socket: SocketId) -> String {
    match fault {
        Fault::WrongId(said) => format!("Invalid shakehand id ({said}) from fd = {socket} , harbor = {id}"),
        Fault::Frame(error) => format!("Message is too long from harbor {id}: {error}"),
        Fault::Silence(_) | Fault::NoGreeting => {
            format!("harbor: the link to harbor {id} (fd = {socket}) is closed: {fault}")
        }
    }
}

#[cfg(test)]
mod tests;
