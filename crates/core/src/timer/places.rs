//! Where the entries of armed timers are.

use std::ops::{Index, IndexMut};

/// Entries in a block.
const BLOCK: usize = 1024;

/// A vector in blocks: it grows without moving what it holds, so that half a million timers do not cost a copy of all of
/// them, nor the fresh memory for it, again and again.
pub(super) struct Places<T> {
    blocks: Vec<Vec<T>>,
}

impl<T> Places<T> {
    pub(super) const fn new() -> Places<T> {
        Places { blocks: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    pub(super) fn push(&mut self, entry: T) {
        match self.blocks.last_mut() {
            Some(last) if last.len() < BLOCK => last.push(entry),
            // The first block grows as it is filled: most nodes never fill it.
            last => {
                let mut block = if last.is_some() { Vec::with_capacity(BLOCK) } else { Vec::new() };
                block.push(entry);
                self.blocks.push(block);
            }
        }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.blocks.get(index / BLOCK)?.get(index % BLOCK)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.blocks.get_mut(index / BLOCK)?.get_mut(index % BLOCK)
    }
}

impl<T> Index<usize> for Places<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: usize) -> &T {
        &self.blocks[index / BLOCK][index % BLOCK]
    }
}

impl<T> IndexMut<usize> for Places<T> {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.blocks[index / BLOCK][index % BLOCK]
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_where_they_were_pushed() {
        let mut places = Places::new();
        for i in 0..3 * BLOCK + 7 {
            assert_eq!(places.len(), i);
            places.push(i);
        }
        places[BLOCK] = 1;
        assert_eq!((places[0], places[BLOCK], places[2 * BLOCK]), (0, 1, 2 * BLOCK));
        assert_eq!(places.get_mut(3 * BLOCK + 6), Some(&mut (3 * BLOCK + 6)));
        assert_eq!((places.get(3 * BLOCK + 7), places.get(u32::MAX as usize)), (None, None));
    }
}
