//! Tables, and the arguments of a call, as sequences.

use serde::de::{DeserializeSeed, SeqAccess, Visitor};

use super::{Deserializer, integer, next_value};
use crate::{Decoder, Error, Place, Token};

/// The most holes in a row that a list may have. Each becomes a nil in the result, so the bound keeps the memory that
/// few bytes can ask for small.
const MAX_HOLES: i64 = 16;

/// A table as a list: its array elements, then pairs whose keys go on counting upward. Lua decides which elements
/// travel in which part, so one with holes, like `{1, nil, 3}`, may well have the 3 among its pairs.
pub(super) struct List<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    /// Lua's index of the next element.
    next: i64,
    /// A pair read ahead, whose key is `next` or more.
    ahead: Option<(i64, Token<'de>)>,
    /// After its end the list goes on with nils up to this length.
    padded: usize,
    /// The length of the array part.
    array: usize,
    ended: bool,
}

impl<'a, 'de> List<'a, 'de> {
    /// Hands the table just opened, of `array` elements, to the visitor. A list shorter than `padded` is filled up
    /// with nils.
    pub(super) fn visit<V: Visitor<'de>>(
        decoder: &'a mut Decoder<'de>,
        array: usize,
        padded: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut list = List { decoder, next: 1, ahead: None, padded, array, ended: false };
        let value = visitor.visit_seq(&mut list)?;
        while let Some(token) = list.token()? {
            if token != Token::Nil {
                return Err(Error::mismatch(format_args!(
                    "a list has more than the {padded} elements expected"
                )));
            }
            list.next = list.next.saturating_add(1);
        }
        Ok(value)
    }

    /// The first token of the next element, `None` at the end.
    fn token(&mut self) -> Result<Option<Token<'de>>, Error> {
        if self.ended {
            return Ok(None);
        }
        if self.ahead.is_none() {
            if self.decoder.place() == Place::Element {
                return Ok(Some(next_value(self.decoder)?));
            }
            self.ahead = self.pair()?;
        }
        match self.ahead {
            Some((key, _)) if key > self.next => Ok(Some(Token::Nil)),
            Some((_, token)) => {
                self.ahead = None;
                Ok(Some(token))
            }
            None => {
                self.ended = true;
                Ok(None)
            }
        }
    }

    /// The next pair that has a value, `None` at the end of the table.
    fn pair(&mut self) -> Result<Option<(i64, Token<'de>)>, Error> {
        loop {
            let token = next_value(self.decoder)?;
            if token == Token::End {
                return Ok(None);
            }
            let Some(key) = integer(token) else {
                return Err(match token {
                    Token::Str(key) => {
                        let key = String::from_utf8_lossy(key);
                        Error::mismatch(format_args!("a list has the key \"{key}\""))
                    }
                    _ => Error::mismatch("a list has a key that is not an integer"),
                });
            };
            let value = next_value(self.decoder)?;
            if value == Token::Nil {
                continue;
            }
            if key < self.next || key.saturating_sub(self.next) > MAX_HOLES {
                let next = self.next;
                return Err(Error::mismatch(format_args!("a list has key {key} where {next} is expected")));
            }
            return Ok(Some((key, value)));
        }
    }
}

impl<'de> SeqAccess<'de> for &mut List<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.ahead.is_none() && !self.ended && self.decoder.place() == Place::Element {
            self.next = self.next.saturating_add(1);
            return seed.deserialize(Deserializer::new(self.decoder)).map(Some);
        }
        let token = match self.token()? {
            Some(token) => token,
            None if usize::try_from(self.next).is_ok_and(|next| next <= self.padded) => Token::Nil,
            None => return Ok(None),
        };
        self.next = self.next.saturating_add(1);
        seed.deserialize(Deserializer::with(self.decoder, token)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        let passed = usize::try_from(self.next.saturating_sub(1)).unwrap_or(usize::MAX);
        // Pairs may come on top; this only serves to set memory aside.
        Some(self.array.max(self.padded).saturating_sub(passed))
    }
}

/// The arguments of a call: values in no table, nil after the last.
pub(super) struct Arguments<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
}

impl<'a, 'de> Arguments<'a, 'de> {
    pub(super) fn new(decoder: &'a mut Decoder<'de>, len: usize) -> Self {
        Self { decoder, left: len }
    }
}

impl<'de> SeqAccess<'de> for Arguments<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(Deserializer::new(self.decoder)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}
