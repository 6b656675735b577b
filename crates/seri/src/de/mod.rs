//! From packed bytes to types that implement [`serde::Deserialize`].

mod list;
mod pairs;
mod variant;

use serde::de::value::U64Deserializer;
use serde::de::{self, Deserialize, Unexpected, Visitor};

use crate::nest::Place;
use crate::pointer::POINTER_NAME;
use crate::{DecodeErrorKind, Decoder, Error, Token};
use list::{Arguments, List};
use pairs::{Keys, Pairs};
use variant::Variant;

/// Unpacks one value. No bytes at all are nil.
///
/// The result may borrow strings from `bytes`.
///
/// # Errors
/// [`Error::Decode`] if the bytes are corrupt or hold more than one value, [`Error::Mismatch`] if they hold something
/// else than `T` wants.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    let mut decoder = Decoder::new(bytes);
    let value = T::deserialize(Deserializer::new(&mut decoder))?;
    if decoder.remaining() > 0 {
        return Err(decoder.error(DecodeErrorKind::TrailingBytes).into());
    }
    Ok(value)
}

/// Unpacks the arguments of a call, the counterpart of [`to_args`](crate::to_args).
///
/// A tuple, tuple struct or array takes one argument an element; any other type takes the first argument. As in
/// Lua a missing argument is nil, so that `Option` makes it optional, and arguments too many are ignored (but
/// must be sound).
///
/// # Errors
/// As [`from_slice`].
pub fn from_args<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    let mut decoder = Decoder::new(bytes);
    let arguments = T::deserialize(Deserializer { decoder: &mut decoder, token: None, spread: true })?;
    while decoder.next_token()?.is_some() {}
    Ok(arguments)
}

/// Reads one value from a [`Decoder`]; for mixing serde types with values read by hand.
#[derive(Debug)]
pub struct Deserializer<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    /// The value's first token, if it has been read.
    token: Option<Token<'de>>,
    /// A tuple is the arguments of a call, which lie in no table.
    spread: bool,
}

impl<'a, 'de> Deserializer<'a, 'de> {
    /// A deserializer of the decoder's next value. At the end of the input that is nil.
    #[must_use]
    pub fn new(decoder: &'a mut Decoder<'de>) -> Self {
        Self { decoder, token: None, spread: false }
    }

    /// A deserializer of the value that began with `token`.
    fn with(decoder: &'a mut Decoder<'de>, token: Token<'de>) -> Self {
        Self { decoder, token: Some(token), spread: false }
    }

    #[inline]
    fn token(&mut self) -> Result<Token<'de>, Error> {
        match self.token {
            Some(token) => Ok(token),
            None => next_value(self.decoder),
        }
    }

    /// The error for a value of the wrong type.
    #[cold]
    fn mismatch<T>(token: Token<'de>, expected: &dyn de::Expected) -> Result<T, Error> {
        let found = match token {
            Token::Nil => Unexpected::Other("nil"),
            Token::Bool(value) => Unexpected::Bool(value),
            Token::Integer(value) => Unexpected::Signed(value),
            Token::Float(value) => Unexpected::Float(value),
            Token::Pointer(_) => Unexpected::Other("light userdata"),
            Token::Str(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Unexpected::Str(text),
                Err(_) => Unexpected::Bytes(bytes),
            },
            Token::Table(_) | Token::End => Unexpected::Other("table"),
        };
        Err(de::Error::invalid_type(found, expected))
    }
}

/// The next token as a value: nil at the end of the input.
#[inline]
fn next_value<'de>(decoder: &mut Decoder<'de>) -> Result<Token<'de>, Error> {
    Ok(decoder.next_token()?.unwrap_or(Token::Nil))
}

/// The integer that a token is, or that an integral float stands for, as Lua converts it.
#[inline]
fn integer(token: Token<'_>) -> Option<i64> {
    match token {
        Token::Integer(value) => Some(value),
        // 2^63 is a float, 2^63 - 1 is not, hence the half-open range.
        Token::Float(value) => {
            let range = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;
            (range.contains(&value) && value.fract() == 0.0).then_some(value as i64)
        }
        _ => None,
    }
}

fn visit_string<'de, V: Visitor<'de>>(bytes: &'de [u8], visitor: V) -> Result<V::Value, Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => visitor.visit_borrowed_str(text),
        Err(_) => visitor.visit_borrowed_bytes(bytes),
    }
}

/// Whether the table just opened, of `array` elements, has nothing but those.
fn is_list(decoder: &Decoder<'_>, array: usize) -> Result<bool, Error> {
    if array == 0 {
        return Ok(false);
    }
    let mut ahead = *decoder;
    let depth = ahead.depth();
    while ahead.place() == Place::Element {
        ahead.next_token()?;
        ahead.skip_to(depth)?;
    }
    Ok(ahead.next_token()? == Some(Token::End))
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
            let token = self.token()?;
            match integer(token) {
                Some(value) => visitor.visit_i64(value),
                None => Self::mismatch(token, &visitor),
            }
        }
    )*};
}

macro_rules! floats {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
            match self.token()? {
                Token::Integer(value) => visitor.visit_f64(value as f64),
                Token::Float(value) => visitor.visit_f64(value),
                token => Self::mismatch(token, &visitor),
            }
        }
    )*};
}

macro_rules! strings {
    ($($method:ident $visit:path;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
            match self.token()? {
                Token::Str(bytes) => $visit(bytes, visitor),
                token => Self::mismatch(token, &visitor),
            }
        }
    )*};
}

fn visit_bytes<'de, V: Visitor<'de>>(bytes: &'de [u8], visitor: V) -> Result<V::Value, Error> {
    visitor.visit_borrowed_bytes(bytes)
}

impl<'de> de::Deserializer<'de> for Deserializer<'_, 'de> {
    type Error = Error;

    /// A table becomes a sequence if it has array elements only, else a map.
    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Nil | Token::End => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Integer(value) => visitor.visit_i64(value),
            Token::Float(value) => visitor.visit_f64(value),
            Token::Pointer(address) => visitor.visit_newtype_struct(U64Deserializer::<Error>::new(address)),
            Token::Str(bytes) => visit_string(bytes, visitor),
            Token::Table(array) if is_list(self.decoder, array)? => {
                List::visit(self.decoder, array, 0, visitor)
            }
            Token::Table(_) => Pairs::visit(self.decoder, Keys::Any, visitor),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    floats! { deserialize_f32 deserialize_f64 }

    strings! {
        deserialize_char visit_string;
        deserialize_str visit_string;
        deserialize_string visit_string;
        deserialize_identifier visit_string;
        deserialize_bytes visit_bytes;
        deserialize_byte_buf visit_bytes;
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Nil => visitor.visit_none(),
            token => visitor.visit_some(Self::with(self.decoder, token)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Nil => visitor.visit_unit(),
            token => Self::mismatch(token, &visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name != POINTER_NAME {
            return visitor.visit_newtype_struct(self);
        }
        match self.token()? {
            Token::Pointer(address) => visitor.visit_newtype_struct(U64Deserializer::<Error>::new(address)),
            token => Self::mismatch(token, &visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Table(array) => List::visit(self.decoder, array, 0, visitor),
            token => Self::mismatch(token, &visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Error> {
        if self.spread {
            return visitor.visit_seq(Arguments::new(self.decoder, len));
        }
        match self.token()? {
            Token::Table(array) => List::visit(self.decoder, array, len, visitor),
            token => Self::mismatch(token, &visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Table(_) => Pairs::visit(self.decoder, Keys::Any, visitor),
            token => Self::mismatch(token, &visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Table(_) => Pairs::visit(self.decoder, Keys::Names, visitor),
            token => Self::mismatch(token, &visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Str(name) => visitor.visit_enum(Variant::named(self.decoder, name)),
            Token::Table(_) => Variant::visit_table(self.decoder, visitor),
            token => Self::mismatch(token, &visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        if let Token::Table(_) = self.token()? {
            self.decoder.skip_to(self.decoder.depth().saturating_sub(1))?;
        }
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Bool(value) => visitor.visit_bool(value),
            token => Self::mismatch(token, &visitor),
        }
    }
}
