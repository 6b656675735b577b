//! Reading values one by one.

use crate::nest::{Nest, Place};
use crate::read::{Reader, Token};
use crate::wire;
use crate::{DecodeError, DecodeErrorKind};

/// A pull parser: gives the values in packed bytes one by one, and says where tables begin and end.
///
/// A table comes as [`Token::Table`] with its number of array elements, those elements, then keys and values in
/// turn, then [`Token::End`]. [`place`](Decoder::place) tells which of these comes next. A nil in the array part
/// is a hole; a pair whose value is nil is no pair to Lua.
///
/// Bytes from anywhere are safe to decode: the decoder never panics, allocates nothing, and has nothing to drop.
/// After an error it gives no more sense; drop it.
///
/// ```
/// use skynet_seri::{Decoder, Token};
///
/// // 1, { 2, x = "y" }
/// let mut decoder = Decoder::new(b"\x0a\x01\x0e\x0a\x02\x0cx\x0cy\x00");
/// assert_eq!(decoder.next_token()?, Some(Token::Integer(1)));
/// assert_eq!(decoder.next_token()?, Some(Token::Table(1)));
/// assert_eq!(decoder.next_token()?, Some(Token::Integer(2)));
/// assert_eq!(decoder.next_token()?, Some(Token::Str(b"x")));
/// assert_eq!(decoder.next_token()?, Some(Token::Str(b"y")));
/// assert_eq!(decoder.next_token()?, Some(Token::End));
/// assert_eq!(decoder.next_token()?, None);
/// # Ok::<(), skynet_seri::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    reader: Reader<'a>,
    nest: Nest,
}

impl<'a> Decoder<'a> {
    /// A decoder of `bytes`, which hold any number of values.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), nest: Nest::new() }
    }

    /// How many bytes have not been consumed.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.reader.remaining()
    }

    /// What the next token will be; [`Place::Key`] may also be the end of the table.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.nest.place()
    }

    /// How many tables are open, at most [`MAX_DEPTH`](wire::MAX_DEPTH)` + 1`.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.nest.depth()
    }

    /// The next token, `None` at the end of the input if no table is open.
    ///
    /// # Errors
    /// Any [`DecodeErrorKind`] but [`TrailingBytes`](DecodeErrorKind::TrailingBytes).
    // Inlined for the reason that `Reader::next_token` is.
    #[inline(always)]
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, DecodeError> {
        let place = self.nest.place();
        let Some(token) = self.reader.next_token()? else {
            return if place == Place::Top { Ok(None) } else { Err(self.error(DecodeErrorKind::Truncated)) };
        };
        if place == Place::Key {
            match token {
                Token::Nil => {
                    self.nest.leave();
                    return Ok(Some(Token::End));
                }
                Token::Float(key) if key.is_nan() => return Err(self.error(DecodeErrorKind::NanKey)),
                _ => {}
            }
        }
        if self.nest.depth() > wire::MAX_DEPTH {
            return Err(self.error(DecodeErrorKind::TooDeep));
        }
        self.nest.advance();
        if let Token::Table(array) = token {
            self.nest.enter(array).map_err(|_| self.error(DecodeErrorKind::TooDeep))?;
        }
        Ok(Some(token))
    }

    /// Whether the next token is a nil, or the end of the open table.
    #[cfg(feature = "serde")]
    #[inline]
    pub(crate) fn nil_follows(&self) -> bool {
        self.reader.peek().is_some_and(|head| wire::kind_of(head) == wire::TYPE_NIL)
    }

    /// Reads on until no more than `depth` tables are open. So after [`Token::Table`], `skip_to(depth() - 1)` passes
    /// over the table.
    ///
    /// # Errors
    /// As [`next_token`](Decoder::next_token).
    pub fn skip_to(&mut self, depth: usize) -> Result<(), DecodeError> {
        while self.nest.depth() > depth {
            self.next_token()?;
        }
        Ok(())
    }

    #[cold]
    pub(crate) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        self.reader.error(kind)
    }
}
