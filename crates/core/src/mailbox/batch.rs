//! Messages in order: the first in place, the others in chunks.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem;

use crate::Message;

/// Messages in a chunk.
const CHUNK: usize = 64;
/// Empty chunks that a thread keeps for its next long queue.
const SPARE_CHUNKS: usize = 64;
/// Room for chunks that an empty batch keeps.
const IDLE_CHUNKS: usize = 4;

type Chunk = VecDeque<Message>;

thread_local! {
    static SPARE: RefCell<Vec<Chunk>> = const { RefCell::new(Vec::new()) };
}

fn new_chunk() -> Chunk {
    let spare = SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten();
    spare.unwrap_or_else(|| VecDeque::with_capacity(CHUNK))
}

fn recycle_chunk(chunk: Chunk) {
    // Fails only while the thread ends: the chunk is dropped then.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < SPARE_CHUNKS {
            spare.push(chunk);
        }
    });
}

/// Messages in order.
#[derive(Default)]
pub(crate) struct Batch {
    /// The oldest message, if `head`.
    first: Message,
    head: bool,
    rest: VecDeque<Chunk>,
    len: usize,
}

impl Batch {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(super) fn push(&mut self, message: Message) {
        if self.len == 0 {
            self.first = message;
            self.head = true;
        } else {
            self.push_rest(message);
        }
        self.len += 1;
    }

    fn push_rest(&mut self, message: Message) {
        match self.rest.back_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push_back(message),
            _ => {
                let mut chunk = new_chunk();
                chunk.push_back(message);
                self.rest.push_back(chunk);
            }
        }
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Message> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        if mem::take(&mut self.head) {
            return Some(mem::take(&mut self.first));
        }
        self.pop_rest()
    }

    #[inline]
    fn pop_rest(&mut self) -> Option<Message> {
        let chunk = self.rest.front_mut()?;
        let message = chunk.pop_front();
        if chunk.is_empty() {
            self.rest.pop_front().into_iter().for_each(recycle_chunk);
        }
        message
    }

    /// Gives back what an empty batch does not need.
    #[inline]
    pub(super) fn trim(&mut self) {
        if self.rest.capacity() > IDLE_CHUNKS {
            self.rest = VecDeque::new();
        }
    }
}
