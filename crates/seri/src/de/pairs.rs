//! Tables as maps and structs.

use serde::de::{Deserialize, DeserializeSeed, IgnoredAny, IntoDeserializer, MapAccess, Visitor};

use super::{Deserializer, next_value};
use crate::{Decoder, Error, Place, Token};

/// Which keys a table may have.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Keys {
    /// Anything that the map's key type takes.
    Any,
    /// Names of fields. An integer is the field of that text, never the field at that position, which is what
    /// serde would take it for; keys of other types can be no field and are passed over.
    Names,
}

/// A table as pairs: the array elements with their indices, then the rest.
pub(super) struct Pairs<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    keys: Keys,
    /// Lua's index of the array element given last.
    index: i64,
    /// The decoder's depth outside the table.
    outside: usize,
}

impl<'a, 'de> Pairs<'a, 'de> {
    /// Hands the table just opened to the visitor.
    pub(super) fn visit<V: Visitor<'de>>(
        decoder: &'a mut Decoder<'de>,
        keys: Keys,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let outside = decoder.depth().saturating_sub(1);
        let value = visitor.visit_map(Pairs { decoder: &mut *decoder, keys, index: 0, outside })?;
        // The visitor need not have read to the end.
        decoder.skip_to(outside)?;
        Ok(value)
    }

    /// The first token of the next key, `None` at the end. A key that is a table is still to be read; of any other the
    /// value follows, and is not nil.
    fn key(&mut self) -> Result<Option<Token<'de>>, Error> {
        // Past the end a visitor that asks again must not get at the values around the table.
        while self.decoder.depth() > self.outside {
            let key = if self.decoder.place() == Place::Element {
                self.index = self.index.saturating_add(1);
                Token::Integer(self.index)
            } else {
                match next_value(self.decoder)? {
                    Token::End => return Ok(None),
                    key => key,
                }
            };
            if matches!(key, Token::Table(_)) || !self.decoder.nil_follows() {
                return Ok(Some(key));
            }
            self.decoder.next_token()?;
        }
        Ok(None)
    }
}

impl<'de> MapAccess<'de> for Pairs<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        while let Some(key) = self.key()? {
            match (self.keys, key) {
                (Keys::Any, _) | (Keys::Names, Token::Str(_)) => {
                    return seed.deserialize(Deserializer::with(self.decoder, key)).map(Some);
                }
                (Keys::Names, Token::Integer(number)) => {
                    return seed.deserialize(number.to_string().into_deserializer()).map(Some);
                }
                (Keys::Names, _) => {
                    IgnoredAny::deserialize(Deserializer::with(self.decoder, key))?;
                    IgnoredAny::deserialize(Deserializer::new(self.decoder))?;
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(Deserializer::new(self.decoder))
    }
}
