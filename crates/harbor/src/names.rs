//! Global names: whose they are, and what waits for those that are nobody's yet.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::fmt;

use skynet_core::{GLOBAL_NAME_LEN, Handle, Message};

use crate::queue::{Limits, Queue, Refused, Stock};

/// A global name: 1 to 15 bytes, none of them NUL, filled up with NULs.
#[derive(Clone, Copy, Eq, PartialEq, Hash)]
pub(crate) struct GlobalName([u8; GLOBAL_NAME_LEN]);

impl GlobalName {
    /// The name in a text; `None` if it is no global name.
    pub(crate) fn new(text: &[u8]) -> Option<GlobalName> {
        let mut name = [0; GLOBAL_NAME_LEN];
        let valid = !text.is_empty() && text.len() < GLOBAL_NAME_LEN && !text.contains(&0);
        name.get_mut(..text.len()).filter(|_| valid)?.copy_from_slice(text);
        Some(GlobalName(name))
    }

    /// The name in the field of a message, which ends at its first NUL; `None` if it is no global name.
    pub(crate) fn from_field(field: &[u8; GLOBAL_NAME_LEN]) -> Option<GlobalName> {
        GlobalName::new(field.split(|&byte| byte == 0).next().unwrap_or_default())
    }

    /// The bytes that count.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.split(|&byte| byte == 0).next().unwrap_or_default()
    }
}

impl fmt::Display for GlobalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl fmt::Debug for GlobalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GlobalName({self})")
    }
}

/// What becomes of a message to a name.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// The name is bound: the message goes to this handle.
    Bound(Handle, Message),
    /// It waits.
    Waits,
    /// As much waits as may.
    Refused(Refused<Message>),
}

/// The names of the network, as far as this node has heard of them.
///
/// Each message given to [`send`](NameTable::send) comes back once: from it, from [`bind`](NameTable::bind), from
/// [`forget`](NameTable::forget) or from [`clear`](NameTable::clear). Those to one name come back in their order.
#[derive(Debug)]
pub(crate) struct NameTable {
    names: HashMap<GlobalName, Place>,
    stock: Stock,
}

#[derive(Debug)]
enum Place {
    Bound(Handle),
    /// Never empty.
    Unknown(Queue<Message>),
}

impl NameTable {
    pub(crate) fn new(limits: Limits) -> NameTable {
        NameTable { names: HashMap::new(), stock: Stock::new(limits) }
    }

    /// Looks a name up for a message, which waits if the name is not bound.
    pub(crate) fn send(&mut self, name: GlobalName, message: Message) -> Lookup {
        let bytes = message.payload.len();
        let pushed = match self.names.get_mut(&name) {
            Some(Place::Bound(handle)) => return Lookup::Bound(*handle, message),
            Some(Place::Unknown(queue)) => queue.push(&mut self.stock, message, bytes),
            None => {
                let mut queue = Queue::default();
                let pushed = queue.push(&mut self.stock, message, bytes);
                if !queue.is_empty() {
                    self.names.insert(name, Place::Unknown(queue));
                }
                pushed
            }
        };
        match pushed {
            Ok(()) => Lookup::Waits,
            Err(refused) => Lookup::Refused(refused),
        }
    }

    /// Binds a name, also one that is bound already, and gives out what waits for it.
    pub(crate) fn bind(&mut self, name: GlobalName, handle: Handle) -> VecDeque<Message> {
        match self.names.insert(name, Place::Bound(handle)) {
            Some(Place::Unknown(queue)) => queue.take(&mut self.stock),
            Some(Place::Bound(_)) | None => VecDeque::new(),
        }
    }

    /// Gives out what waits for a name that stays unknown.
    pub(crate) fn forget(&mut self, name: GlobalName) -> VecDeque<Message> {
        match self.names.entry(name) {
            Entry::Occupied(entry) if matches!(entry.get(), Place::Unknown(_)) => match entry.remove() {
                Place::Unknown(queue) => queue.take(&mut self.stock),
                Place::Bound(_) => VecDeque::new(),
            },
            _ => VecDeque::new(),
        }
    }

    /// Forgets all names and gives out all that waits.
    pub(crate) fn clear(&mut self) -> Vec<Message> {
        let stock = &mut self.stock;
        let places = self.names.drain().map(|(_, place)| place);
        let queues = places.filter_map(|place| match place {
            Place::Unknown(queue) => Some(queue.take(stock)),
            Place::Bound(_) => None,
        });
        queues.flatten().collect()
    }
}

#[cfg(test)]
mod tests;
