//! Where in the nesting of tables an encoder or decoder stands.

use crate::wire::MAX_DEPTH;

/// What the next value is, seen from the table that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A value outside any table.
    Top,
    /// The next element of a table's array part.
    Element,
    /// A key, or the end of the table.
    Key,
    /// The value that belongs to the key before.
    Value,
}

/// The stack of open tables. It is a plain array, since the depth is bounded: no allocation, nothing to drop.
///
/// A table's state is one number: twice the elements still to come; when there are none left, 0 before a key and
/// 1 before a key's value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nest {
    depth: usize,
    current: u64,
    // The outermost entry is the state outside any table.
    outer: [u64; MAX_DEPTH + 1],
}

const TOP: u64 = u64::MAX;
/// The state of a table whose number of elements is not known yet, before its first element.
const UNSIZED: u64 = u64::MAX - 1;

/// One table more than [`Nest`] can hold was opened.
#[derive(Debug)]
pub(crate) struct Full;

impl Nest {
    pub(crate) const fn new() -> Self {
        Self { depth: 0, current: TOP, outer: [TOP; MAX_DEPTH + 1] }
    }

    /// How many tables are open: 0 to `MAX_DEPTH + 1`.
    #[inline]
    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    #[inline]
    pub(crate) const fn place(&self) -> Place {
        match self.current {
            TOP => Place::Top,
            0 => Place::Key,
            1 => Place::Value,
            _ => Place::Element,
        }
    }

    /// Moves on by one value, or past the head of a table before it is entered.
    #[inline]
    pub(crate) const fn advance(&mut self) {
        self.current = match self.current {
            TOP => TOP,
            pair @ (0 | 1) => pair ^ 1,
            left => left - 2,
        };
    }

    #[inline]
    pub(crate) fn enter(&mut self, array: usize) -> Result<(), Full> {
        self.push((array as u64).saturating_mul(2).min(UNSIZED))
    }

    /// Enters a table with an array part only, whose length is counted as elements go by.
    #[cfg(feature = "serde")]
    pub(crate) fn enter_unsized(&mut self) -> Result<(), Full> {
        self.push(UNSIZED)
    }

    /// The number of elements since [`Nest::enter_unsized`]; from now on pairs may follow.
    #[cfg(feature = "serde")]
    pub(crate) fn settle_unsized(&mut self) -> usize {
        let count = (UNSIZED - self.current) / 2;
        self.current = 0;
        // Each element took a byte of memory, so this never saturates.
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    #[inline]
    fn push(&mut self, state: u64) -> Result<(), Full> {
        let slot = self.outer.get_mut(self.depth).ok_or(Full)?;
        *slot = self.current;
        self.current = state;
        self.depth += 1;
        Ok(())
    }

    /// Goes back to the table around. Outside any table it does nothing.
    #[inline]
    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.current = self.outer.get(self.depth).copied().unwrap_or(TOP);
    }
}
