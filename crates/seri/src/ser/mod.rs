//! From types that implement [`serde::Serialize`] to packed bytes.

mod compound;

use std::io;

use serde::ser::{self, Serialize};

use crate::pointer::POINTER_NAME;
use crate::{EncodeError, Encoder, Error, wire};
pub use compound::{Elements, Pairs};

/// Packs one value.
///
/// # Errors
/// [`Error::Encode`] if the format cannot hold it, [`Error::IntegerRange`] for integers beyond 64 signed bits,
/// [`Error::Mismatch`] if an implementation of `Serialize` fails.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    pack(value, Mode::Value)
}

/// Packs the arguments of a call, as `skynet.pack(...)`.
///
/// A tuple, tuple struct or array gives one argument an element, `()` a single nil; any other value is the only
/// argument. Pass `&(list,)` for an array or tuple that is itself an argument.
///
/// ```
/// let bytes = skynet_seri::to_args(&("set", "key", 1))?;
/// let (command, key, value): (&str, &str, Option<i64>) = skynet_seri::from_args(&bytes)?;
/// assert_eq!((command, key, value), ("set", "key", Some(1)));
/// # Ok::<(), skynet_seri::Error>(())
/// ```
///
/// # Errors
/// As [`to_vec`].
pub fn to_args<T: Serialize + ?Sized>(arguments: &T) -> Result<Vec<u8>, Error> {
    pack(arguments, Mode::Arguments)
}

/// Packs one value and writes the bytes to `writer`, in one call of `write_all`.
///
/// # Errors
/// As [`to_vec`], and [`Error::Io`]. Nothing is written unless the value could be packed.
pub fn to_writer<W: io::Write, T: Serialize + ?Sized>(mut writer: W, value: &T) -> Result<(), Error> {
    Ok(writer.write_all(&to_vec(value)?)?)
}

fn pack<T: Serialize + ?Sized>(value: &T, mode: Mode) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(64);
    let mut encoder = Encoder::new(&mut out);
    value.serialize(Serializer { encoder: &mut encoder, mode })?;
    encoder.finish()?;
    Ok(out)
}

/// Writes one value at an [`Encoder`]'s place; for mixing serde types with values written by hand.
#[derive(Debug)]
pub struct Serializer<'a, 'v> {
    encoder: &'a mut Encoder<'v>,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Value,
    /// A tuple becomes values in sequence instead of a table.
    Arguments,
    /// An integer is the address of a light userdata.
    Address,
}

impl<'a, 'v> Serializer<'a, 'v> {
    /// A serializer of the next value.
    #[must_use]
    pub fn new(encoder: &'a mut Encoder<'v>) -> Self {
        Self { encoder, mode: Mode::Value }
    }

    fn wide_integer(self, value: impl TryInto<i64> + ToString + Copy) -> Result<(), Error> {
        match value.try_into() {
            Ok(value) => Ok(self.encoder.integer(value)?),
            Err(_) => Err(Error::IntegerRange(value.to_string())),
        }
    }

    fn tuple(self, len: usize) -> Result<Elements<'a, 'v>, Error> {
        match self.mode {
            Mode::Arguments => Ok(Elements::spread(self.encoder)),
            Mode::Value | Mode::Address => Elements::sized(self.encoder, len),
        }
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Error> {
            Ok(self.encoder.integer(i64::from(value))?)
        }
    )*};
}

impl<'a, 'v> ser::Serializer for Serializer<'a, 'v> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Elements<'a, 'v>;
    type SerializeTuple = Elements<'a, 'v>;
    type SerializeTupleStruct = Elements<'a, 'v>;
    type SerializeTupleVariant = Elements<'a, 'v>;
    type SerializeMap = Pairs<'a, 'v>;
    type SerializeStruct = Pairs<'a, 'v>;
    type SerializeStructVariant = Pairs<'a, 'v>;

    integers! {
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        if self.mode == Mode::Address {
            return Ok(self.encoder.pointer(value)?);
        }
        self.wide_integer(value)
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.wide_integer(value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.wide_integer(value)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        Ok(self.encoder.bool(value)?)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        Ok(self.encoder.float(f64::from(value))?)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        Ok(self.encoder.float(value)?)
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        Ok(self.encoder.string(value.as_bytes())?)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        Ok(self.encoder.string(value)?)
    }

    fn serialize_none(self) -> Result<(), Error> {
        Ok(self.encoder.nil()?)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Ok(self.encoder.nil()?)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        Ok(self.encoder.nil()?)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mode = if name == POINTER_NAME { Mode::Address } else { self.mode };
        value.serialize(Serializer { mode, ..self })
    }

    /// `{ Variant = value }`. A nil value would make that an empty table in Lua, so then it is the name alone.
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let (nest, start) = (self.encoder.nest, self.encoder.out.len());
        begin_variant(self.encoder, variant)?;
        let payload = self.encoder.out.len();
        value.serialize(Serializer::new(self.encoder))?;
        if self.encoder.out.get(payload..) != Some(&[wire::NIL]) {
            return Ok(self.encoder.end_table()?);
        }
        self.encoder.nest = nest;
        self.encoder.out.truncate(start);
        Ok(self.encoder.string(variant.as_bytes())?)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'a, 'v>, Error> {
        match len {
            Some(len) => Elements::sized(self.encoder, len),
            None => Elements::counted(self.encoder),
        }
    }

    fn serialize_tuple(self, len: usize) -> Result<Elements<'a, 'v>, Error> {
        self.tuple(len)
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Elements<'a, 'v>, Error> {
        self.tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Elements<'a, 'v>, Error> {
        begin_variant(self.encoder, variant)?;
        Elements::variant(self.encoder, len)
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Pairs<'a, 'v>, Error> {
        Pairs::begin(self.encoder, false)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Pairs<'a, 'v>, Error> {
        Pairs::begin(self.encoder, false)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Pairs<'a, 'v>, Error> {
        begin_variant(self.encoder, variant)?;
        Pairs::begin(self.encoder, true)
    }
}

/// Opens the table `{ Variant = …`; the payload and the end of the table are to follow.
fn begin_variant(encoder: &mut Encoder<'_>, variant: &str) -> Result<(), EncodeError> {
    encoder.begin_table(0)?;
    encoder.string(variant.as_bytes())
}
