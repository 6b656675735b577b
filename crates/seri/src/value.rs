//! Any value, as a tree.

use crate::{DecodeError, Decoder, EncodeError, Encoder, Token};

/// The most elements that memory is set aside for before they are seen. Tables may nest and announce the same
/// bytes again, so a bound by the input's length would not do.
const RESERVE_LIMIT: usize = 1024;

/// A Lua value that can be packed.
///
/// Use it where the shape of the data is not known; typed data is better served by serde, and large data by
/// [`Decoder`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// nil
    #[default]
    Nil,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A light userdata: an address that only the process that packed it can use.
    Pointer(u64),
    /// A string of any bytes.
    Str(Vec<u8>),
    /// A table.
    Table(Table),
}

/// The content of a table: the elements 1 to n, and all other pairs in the order they were packed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Element 1 first. [`Value::Nil`] is a hole.
    pub array: Vec<Value>,
    /// Keys and values. A key is not nil and not NaN. If a key occurs twice the later pair holds, as in Lua.
    pub hash: Vec<(Value, Value)>,
}

impl Table {
    /// The value of a string key, `None` if there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        let found =
            self.hash.iter().rev().find(|(key, _)| matches!(key, Value::Str(s) if s == name.as_bytes()));
        found.map(|(_, value)| value)
    }
}

impl Value {
    /// Packs values one after the other, as `skynet.pack(...)`.
    ///
    /// # Errors
    /// As [`encode`](Value::encode).
    pub fn pack(values: &[Value]) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out);
        for value in values {
            value.encode(&mut encoder)?;
        }
        encoder.finish()?;
        Ok(out)
    }

    /// Unpacks all values in `bytes`, as `skynet.unpack`. Memory use is linear in the length of `bytes`.
    ///
    /// # Errors
    /// As [`Decoder::next_token`].
    pub fn unpack(bytes: &[u8]) -> Result<Vec<Value>, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let mut values = Vec::new();
        while let Some(value) = Self::decode(&mut decoder)? {
            values.push(value);
        }
        Ok(values)
    }

    /// Writes this value at the encoder's place. Pairs with a nil value are left out.
    ///
    /// # Errors
    /// [`EncodeError::TooDeep`], [`EncodeError::InvalidKey`] or [`EncodeError::StringTooLong`].
    pub fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Nil => encoder.nil(),
            Self::Bool(value) => encoder.bool(*value),
            Self::Integer(value) => encoder.integer(*value),
            Self::Float(value) => encoder.float(*value),
            Self::Pointer(address) => encoder.pointer(*address),
            Self::Str(bytes) => encoder.string(bytes),
            Self::Table(table) => {
                encoder.begin_table(table.array.len())?;
                for element in &table.array {
                    element.encode(encoder)?;
                }
                for (key, value) in table.hash.iter().filter(|(_, value)| *value != Self::Nil) {
                    key.encode(encoder)?;
                    value.encode(encoder)?;
                }
                encoder.end_table()
            }
        }
    }

    /// Reads the next value, `None` at the end of the input or of the open table. Pairs with a nil value are
    /// left out, as they are no pairs to Lua.
    ///
    /// # Errors
    /// As [`Decoder::next_token`].
    pub fn decode(decoder: &mut Decoder<'_>) -> Result<Option<Value>, DecodeError> {
        Ok(Some(match decoder.next_token()? {
            None | Some(Token::End) => return Ok(None),
            Some(Token::Nil) => Self::Nil,
            Some(Token::Bool(value)) => Self::Bool(value),
            Some(Token::Integer(value)) => Self::Integer(value),
            Some(Token::Float(value)) => Self::Float(value),
            Some(Token::Pointer(address)) => Self::Pointer(address),
            Some(Token::Str(bytes)) => Self::Str(bytes.to_vec()),
            Some(Token::Table(array)) => Self::Table(Self::decode_table(decoder, array)?),
        }))
    }

    fn decode_table(decoder: &mut Decoder<'_>, len: usize) -> Result<Table, DecodeError> {
        let mut table = Table { array: Vec::with_capacity(len.min(RESERVE_LIMIT)), hash: Vec::new() };
        for _ in 0..len {
            table.array.extend(Self::decode(decoder)?);
        }
        while let Some(key) = Self::decode(decoder)? {
            match Self::decode(decoder)? {
                None | Some(Self::Nil) => {}
                Some(value) => table.hash.push((key, value)),
            }
        }
        Ok(table)
    }
}

macro_rules! from {
    ($($source:ty => $make:expr;)*) => {$(
        impl From<$source> for Value {
            fn from(source: $source) -> Self {
                $make(source)
            }
        }
    )*};
}

from! {
    bool => Value::Bool;
    i64 => Value::Integer;
    i32 => |n| Value::Integer(i64::from(n));
    u32 => |n| Value::Integer(i64::from(n));
    f64 => Value::Float;
    Vec<u8> => Value::Str;
    String => |s: String| Value::Str(s.into_bytes());
    &str => |s: &str| Value::Str(s.as_bytes().to_vec());
    &[u8] => |s: &[u8]| Value::Str(s.to_vec());
    Table => Value::Table;
}
