//! Reading the next token, without regard to nesting.

use byteorder::{ByteOrder, LittleEndian};

use crate::wire;
use crate::{DecodeError, DecodeErrorKind};

/// A value, or the beginning or end of a table. Strings are borrowed from the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Token<'a> {
    /// nil. To a [`Reader`] also the end of a table.
    Nil,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A light userdata: an address in the process that packed it.
    Pointer(u64),
    /// A string of any bytes.
    Str(&'a [u8]),
    /// A table begins, of which this many elements come first. There are at least as many bytes left; still, set
    /// memory aside with a cap of your own, since nested tables may all announce the same bytes.
    Table(usize),
    /// A table ends. Only a [`Decoder`](crate::Decoder) gives this.
    End,
}

/// Splits bytes into tokens. It keeps no account of nesting: it gives the nil that ends a table as [`Token::Nil`].
///
/// This is for code with a nesting of its own, such as one that builds tables on a Lua stack; others want
/// [`Decoder`](crate::Decoder). A reader is two words, allocates nothing, has nothing to drop and never panics.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes have not been consumed.
    #[inline]
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next token, `None` when all bytes are consumed.
    ///
    /// As C skynet's, the reader takes integers in any width, and ignores the cookie where it has no meaning.
    ///
    /// # Errors
    /// Any [`DecodeErrorKind`] but [`TooDeep`](DecodeErrorKind::TooDeep) and [`NanKey`](DecodeErrorKind::NanKey).
    // A token that is returned through memory is copied in wide loads right after narrow stores, which stalls; inlined
    // it stays in registers, and reading is several times faster.
    #[inline(always)]
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, DecodeError> {
        let Some((&head, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        let cookie = wire::cookie_of(head);
        let token = match wire::kind_of(head) {
            wire::TYPE_NIL => Token::Nil,
            wire::TYPE_BOOLEAN => Token::Bool(cookie != 0),
            wire::TYPE_NUMBER if cookie == wire::NUMBER_REAL => {
                Token::Float(LittleEndian::read_f64(self.take::<8>()?))
            }
            wire::TYPE_NUMBER => Token::Integer(self.integer(head)?),
            wire::TYPE_USERDATA => Token::Pointer(LittleEndian::read_u64(self.take::<8>()?)),
            wire::TYPE_SHORT_STRING => Token::Str(self.take_slice(usize::from(cookie))?),
            wire::TYPE_LONG_STRING => Token::Str(self.long_string(head)?),
            wire::TYPE_TABLE => Token::Table(self.array_length(cookie)?),
            _ => return Err(self.error(DecodeErrorKind::UnknownHeader(head))),
        };
        Ok(Some(token))
    }

    /// The next header byte.
    #[cfg(feature = "serde")]
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[cold]
    pub(crate) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        kind.at(self.rest.len())
    }

    #[inline(always)]
    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.error(DecodeErrorKind::Truncated)),
        }
    }

    #[inline(always)]
    fn take_slice(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(len) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.error(DecodeErrorKind::Truncated)),
        }
    }

    #[inline(always)]
    fn integer(&mut self, head: u8) -> Result<i64, DecodeError> {
        Ok(match wire::cookie_of(head) {
            wire::NUMBER_ZERO => 0,
            wire::NUMBER_BYTE => {
                let [byte] = *self.take::<1>()?;
                i64::from(byte)
            }
            wire::NUMBER_WORD => i64::from(LittleEndian::read_u16(self.take::<2>()?)),
            wire::NUMBER_DWORD => i64::from(LittleEndian::read_i32(self.take::<4>()?)),
            wire::NUMBER_QWORD => LittleEndian::read_i64(self.take::<8>()?),
            _ => return Err(self.error(DecodeErrorKind::UnknownHeader(head))),
        })
    }

    fn long_string(&mut self, head: u8) -> Result<&'a [u8], DecodeError> {
        let len = match wire::cookie_of(head) {
            wire::LENGTH_WORD => u32::from(LittleEndian::read_u16(self.take::<2>()?)),
            wire::LENGTH_DWORD => LittleEndian::read_u32(self.take::<4>()?),
            _ => return Err(self.error(DecodeErrorKind::UnknownHeader(head))),
        };
        // Where a usize is smaller than this, no input is that long either.
        self.take_slice(usize::try_from(len).unwrap_or(usize::MAX))
    }

    #[inline(always)]
    fn array_length(&mut self, cookie: u8) -> Result<usize, DecodeError> {
        let count = if cookie == wire::ARRAY_EXTENDED {
            let [head] = *self.take::<1>()?;
            if wire::kind_of(head) != wire::TYPE_NUMBER || wire::cookie_of(head) == wire::NUMBER_REAL {
                return Err(self.error(DecodeErrorKind::BadArrayLength));
            }
            u64::try_from(self.integer(head)?).map_err(|_| self.error(DecodeErrorKind::BadArrayLength))?
        } else {
            u64::from(cookie)
        };
        // An element takes at least a byte, so a longer array is refused before anyone sets memory aside for it.
        match usize::try_from(count) {
            Ok(count) if count <= self.rest.len() => Ok(count),
            _ => Err(self.error(DecodeErrorKind::ArrayTooLong(count))),
        }
    }
}
