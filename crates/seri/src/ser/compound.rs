//! Tables from sequences, maps and structs.

use serde::ser::{self, Serialize};

use super::Serializer;
use crate::nest::Place;
use crate::{EncodeError, Encoder, Error, wire};

/// The elements of a sequence or tuple: the array part of a table.
#[derive(Debug)]
pub struct Elements<'a, 'v> {
    encoder: &'a mut Encoder<'v>,
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// Values one after the other, in no table.
    Spread,
    /// A table whose length was known.
    Sized,
    /// The same within the table of an enum variant.
    Variant,
    /// A table whose length is counted; its head, missing so far, belongs at this position.
    Counted(usize),
}

impl<'a, 'v> Elements<'a, 'v> {
    pub(super) fn spread(encoder: &'a mut Encoder<'v>) -> Self {
        Self { encoder, form: Form::Spread }
    }

    pub(super) fn sized(encoder: &'a mut Encoder<'v>, len: usize) -> Result<Self, Error> {
        encoder.begin_table(len)?;
        Ok(Self { encoder, form: Form::Sized })
    }

    pub(super) fn variant(encoder: &'a mut Encoder<'v>, len: usize) -> Result<Self, Error> {
        encoder.begin_table(len)?;
        Ok(Self { encoder, form: Form::Variant })
    }

    pub(super) fn counted(encoder: &'a mut Encoder<'v>) -> Result<Self, Error> {
        let start = encoder.begin_counted_table()?;
        Ok(Self { encoder, form: Form::Counted(start) })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if matches!(self.form, Form::Sized | Form::Variant) && self.encoder.place() != Place::Element {
            return Err(Error::mismatch("a sequence has more elements than it announced"));
        }
        value.serialize(Serializer::new(self.encoder))
    }

    fn finish(self) -> Result<(), Error> {
        match self.form {
            Form::Spread => {}
            Form::Sized => self.encoder.end_table()?,
            Form::Variant => {
                self.encoder.end_table()?;
                self.encoder.end_table()?;
            }
            Form::Counted(start) => self.encoder.end_counted_table(start)?,
        }
        Ok(())
    }
}

impl Encoder<'_> {
    /// Opens a table of array elements only, whose number [`Encoder::end_counted_table`] will know.
    fn begin_counted_table(&mut self) -> Result<usize, EncodeError> {
        let start = self.out.len();
        self.step()?;
        self.nest.enter_unsized().map_err(|_| EncodeError::TooDeep)?;
        Ok(start)
    }

    fn end_counted_table(&mut self, start: usize) -> Result<(), EncodeError> {
        let (head, len) = wire::encode_table_head(self.nest.settle_unsized());
        self.out.splice(start..start, head.into_iter().take(len));
        self.end_table()
    }
}

/// The pairs of a map or struct: the hash part of a table. Pairs with a nil value are left out.
#[derive(Debug)]
pub struct Pairs<'a, 'v> {
    encoder: &'a mut Encoder<'v>,
    /// Lies within the table of an enum variant.
    variant: bool,
    /// Where the current pair begins in the output.
    start: usize,
}

impl<'a, 'v> Pairs<'a, 'v> {
    pub(super) fn begin(encoder: &'a mut Encoder<'v>, variant: bool) -> Result<Self, Error> {
        encoder.begin_table(0)?;
        Ok(Self { encoder, variant, start: 0 })
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.start = self.encoder.out.len();
        key.serialize(Serializer::new(self.encoder))
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if self.encoder.place() != Place::Value {
            return Err(Error::mismatch("a map has a value without a key"));
        }
        let start = self.encoder.out.len();
        value.serialize(Serializer::new(self.encoder))?;
        // After a pair the encoder stands where it stood before it, so cutting the bytes off is enough.
        if self.encoder.out.get(start..) == Some(&[wire::NIL]) {
            self.encoder.out.truncate(self.start);
        }
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.start = self.encoder.out.len();
        self.encoder.string(name.as_bytes())?;
        self.value(value)
    }

    fn finish(self) -> Result<(), Error> {
        self.encoder.end_table()?;
        if self.variant {
            self.encoder.end_table()?;
        }
        Ok(())
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident;)*) => {$(
        impl ser::$trait for Elements<'_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        }
    )*};
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! fields {
    ($($trait:ident;)*) => {$(
        impl ser::$trait for Pairs<'_, '_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        }
    )*};
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Pairs<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}
