//! What a socket has received and nobody has read: the blocks as they came.

use std::collections::VecDeque;
use std::ptr;
use std::slice;

use memchr::{memchr, memmem};
use skynet_core::Payload;

/// Blocks smaller than this may be joined.
const SMALL: usize = 512;
/// Into blocks of this size.
const GATHER: usize = 4096;
/// If so many wait.
const MANY: usize = 4;

/// A block of `malloc`, and how much of it is used.
struct Block {
    ptr: *mut u8,
    len: usize,
    /// Bytes of room, as far as it is known.
    cap: usize,
}

impl Block {
    const NONE: Block = Block { ptr: ptr::null_mut(), len: 0, cap: 0 };

    fn new(payload: Payload) -> Block {
        let (ptr, len) = payload.into_raw();
        Block { ptr: ptr.cast(), len, cap: len }
    }

    /// An empty block with room.
    fn with_room(cap: usize) -> Option<Block> {
        // SAFETY: plain allocation.
        let ptr = unsafe { libc::malloc(cap) }.cast::<u8>();
        (!ptr.is_null()).then_some(Block { ptr, len: 0, cap })
    }

    fn bytes(&self) -> &[u8] {
        if self.ptr.is_null() {
            return &[];
        }
        // SAFETY: the block is ours, and so many bytes of it are written.
        unsafe { slice::from_raw_parts(self.ptr, self.len) }
    }

    /// Appends, if there is room.
    fn append(&mut self, bytes: &[u8]) -> bool {
        if self.cap - self.len < bytes.len() {
            return false;
        }
        // SAFETY: there is room behind `len`, and nobody else looks at it.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.ptr.add(self.len), bytes.len()) };
        self.len += bytes.len();
        true
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: null or a block of `malloc` that is ours alone.
        unsafe { libc::free(self.ptr.cast()) };
    }
}

/// Received bytes, oldest first. Empty it holds no memory.
pub(crate) struct Inbox {
    front: Block,
    /// Where in the front block the unread bytes begin.
    at: usize,
    /// Unread bytes altogether.
    len: usize,
    /// The blocks after the front one. Most sockets never have any, so they hold a pointer and no queue.
    #[allow(clippy::box_collection, reason = "see above")]
    more: Option<Box<VecDeque<Block>>>,
}

impl Inbox {
    pub(crate) const fn new() -> Inbox {
        Inbox { front: Block::NONE, at: 0, len: 0, more: None }
    }

    /// Unread bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Takes a block over. It is not copied, unless many small ones wait.
    #[inline]
    pub(crate) fn push(&mut self, payload: Payload) {
        if payload.is_empty() {
            return;
        }
        self.len += payload.len();
        if self.front.ptr.is_null() {
            self.front = Block::new(payload);
            self.at = 0;
        } else {
            self.push_more(payload);
        }
    }

    #[cold]
    fn push_more(&mut self, payload: Payload) {
        let more = self.more.get_or_insert_default();
        if payload.len() < SMALL
            && more.len() >= MANY
            && let Some(last) = more.back_mut()
        {
            // A peer that sends byte by byte must not cost a block for each of them.
            if last.append(&payload) {
                return;
            }
            if last.len < SMALL
                && let Some(mut gathered) = Block::with_room(GATHER)
            {
                gathered.append(last.bytes());
                gathered.append(&payload);
                *last = gathered;
                return;
            }
        }
        more.push_back(Block::new(payload));
    }

    /// The unread bytes of the front block.
    #[inline]
    pub(crate) fn front(&self) -> &[u8] {
        self.front.bytes().get(self.at..).unwrap_or_default()
    }

    /// The unread bytes, piece by piece.
    fn pieces(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        std::iter::once(self.front()).chain(self.more.iter().flat_map(|more| more.iter().map(Block::bytes)))
    }

    /// Copies the first bytes to `to`, as many as there are and there is room for; how many.
    ///
    /// # Safety
    /// `to` points to `room` bytes that may be written, none of them in here.
    pub(crate) unsafe fn copy_to(&self, to: *mut u8, room: usize) -> usize {
        let mut copied = 0;
        for piece in self.pieces() {
            let count = piece.len().min(room - copied);
            // SAFETY: there is room for so many more, as the caller says.
            unsafe { ptr::copy_nonoverlapping(piece.as_ptr(), to.add(copied), count) };
            copied += count;
        }
        copied
    }

    /// Forgets the first bytes.
    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.len);
        if count < self.front.len - self.at {
            self.at += count;
            self.len -= count;
        } else {
            self.consume_blocks(count);
        }
    }

    fn consume_blocks(&mut self, count: usize) {
        self.len -= count;
        let mut count = count;
        loop {
            let here = self.front.len - self.at;
            if count < here {
                self.at += count;
                return;
            }
            count -= here;
            self.at = 0;
            self.front = match self.more.as_mut().and_then(|more| more.pop_front()) {
                Some(next) => next,
                None => Block::NONE,
            };
            if self.front.ptr.is_null() {
                self.more = None;
                return;
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Inbox::new();
    }

    /// Where `text` begins first, at or after the offset `from`. An empty text is everywhere.
    #[inline]
    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        if self.more.is_none() {
            let rest = self.front().get(from..)?;
            return match text {
                [byte] => memchr(*byte, rest),
                _ => memmem::find(rest, text),
            }
            .map(|at| at + from);
        }
        self.find_among(text, from)
    }

    fn find_among(&self, text: &[u8], from: usize) -> Option<usize> {
        let Some(first) = text.first() else { return (from <= self.len).then_some(from) };
        // What was searched before is at the front: begin with the piece that holds `from`, counting from the back.
        let mut start = self.len;
        let mut skip = self.more.as_ref().map_or(0, |more| more.len()) + 1;
        for piece in self.pieces().rev() {
            start -= piece.len();
            skip -= 1;
            if start <= from {
                break;
            }
        }
        for piece in self.pieces().skip(skip) {
            let mut at = from.saturating_sub(start);
            while let Some(found) = piece.get(at..).and_then(|rest| memchr(*first, rest)) {
                let place = start + at + found;
                if self.has_at(text, piece.get(at + found..).unwrap_or_default(), place) {
                    return Some(place);
                }
                at += found + 1;
            }
            start += piece.len();
        }
        None
    }

    /// Whether `text` is at the offset `place`, where `piece` is the rest of its block.
    fn has_at(&self, text: &[u8], piece: &[u8], place: usize) -> bool {
        if piece.len() >= text.len() {
            return piece.starts_with(text);
        }
        if place + text.len() > self.len || !text.starts_with(piece) {
            return false;
        }
        // It goes on in the blocks behind.
        let mut rest = text.get(piece.len()..).unwrap_or_default();
        let mut start = 0;
        for next in self.pieces() {
            if start > place {
                let count = rest.len().min(next.len());
                let (now, later) = rest.split_at(count);
                if !next.starts_with(now) {
                    return false;
                }
                rest = later;
                if rest.is_empty() {
                    return true;
                }
            }
            start += next.len();
        }
        rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(inbox: &mut Inbox, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count.min(inbox.len())];
        // SAFETY: the vector is that long.
        let copied = unsafe { inbox.copy_to(bytes.as_mut_ptr(), bytes.len()) };
        assert_eq!(copied, bytes.len());
        inbox.consume(count);
        bytes
    }

    /// Against a plain vector, under a long sequence of pseudo-random operations.
    #[test]
    fn an_inbox_is_a_queue_of_bytes() {
        let (mut inbox, mut model) = (Inbox::new(), Vec::new());
        let mut random: u64 = 1;
        let mut next = move |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for _ in 0..40_000 {
            match next(5) {
                0..3 => {
                    let size = if next(4) == 0 { next(3000) } else { next(6) };
                    let bytes: Vec<u8> = (0..size).map(|_| b'a' + next(3) as u8).collect();
                    inbox.push(Payload::from(&bytes[..]));
                    model.extend_from_slice(&bytes);
                }
                3 => {
                    let count = next(if model.len() > 4000 { 6000 } else { 9 }) as usize;
                    let expected: Vec<u8> = model.drain(..count.min(model.len())).collect();
                    assert_eq!(taken(&mut inbox, count), expected);
                }
                _ => {
                    let text = [&b"a"[..], b"ab", b"cba", b"aabbcc", b"bcbcbcbcb"][next(5) as usize];
                    let from = next(model.len() as u64 + 3) as usize;
                    let expected = model
                        .get(from..)
                        .and_then(|rest| rest.windows(text.len()).position(|window| window == text))
                        .map(|at| at + from);
                    assert_eq!(inbox.find(text, from), expected, "{text:?} from {from} of {}", model.len());
                }
            }
            assert_eq!(inbox.len(), model.len());
            assert!(model.starts_with(inbox.front()) && inbox.front().is_empty() == model.is_empty());
        }
    }

    #[test]
    fn bytes_that_come_one_by_one_share_blocks() {
        let mut inbox = Inbox::new();
        for _ in 0..10_000 {
            inbox.push(Payload::from("x"));
        }
        let blocks = inbox.more.as_ref().map_or(0, |more| more.len());
        assert!(blocks < 10, "{blocks} blocks");
        assert_eq!(taken(&mut inbox, 20_000), vec![b'x'; 10_000]);
        assert!(inbox.more.is_none() && inbox.front.ptr.is_null());
    }
}
