//! Enums: a string is a variant without data, `{ Variant = data }` one with data.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, EnumAccess, VariantAccess, Visitor};

use super::{Deserializer, next_value};
use crate::{Decoder, Error, Place, Token};

/// An enum value whose name has been read.
pub(super) struct Variant<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    name: &'de [u8],
    /// The first token of the data, `None` for a string.
    data: Option<Token<'de>>,
}

impl<'a, 'de> Variant<'a, 'de> {
    pub(super) fn named(decoder: &'a mut Decoder<'de>, name: &'de [u8]) -> Self {
        Self { decoder, name, data: None }
    }

    /// Hands the table just opened to the visitor.
    pub(super) fn visit_table<V: Visitor<'de>>(
        decoder: &'a mut Decoder<'de>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let key = next_value(decoder)?;
        let (Place::Value, Token::Str(name)) = (decoder.place(), key) else {
            return Err(Error::mismatch("an enum must be a string or a table { Variant = data }"));
        };
        let data = Some(next_value(decoder)?);
        let value = visitor.visit_enum(Variant { decoder: &mut *decoder, name, data })?;
        match decoder.next_token()? {
            Some(Token::End) => Ok(value),
            _ => Err(Error::mismatch("an enum table { Variant = data } has more than one key")),
        }
    }

    /// The data, nil if there is none: a variant whose data is nil is packed as its name alone.
    fn data(self) -> Deserializer<'a, 'de> {
        Deserializer::with(self.decoder, self.data.unwrap_or(Token::Nil))
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = std::str::from_utf8(self.name)
            .map_err(|_| Error::mismatch("the name of an enum variant is not UTF-8"))?;
        let variant = seed.deserialize(BorrowedStrDeserializer::<Error>::new(name))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        <()>::deserialize(self.data())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.data())
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_tuple(self.data(), len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_struct(self.data(), "", &[], visitor)
    }
}
