//! Writing values one by one.

use crate::EncodeError;
use crate::nest::{Nest, Place};
use crate::wire;

/// Appends packed values to a byte vector.
///
/// Each method writes one value at the place where the encoder stands: outside any table, or in the table
/// opened last. A table is opened with the number of its array elements; those come first, then any number of
/// pairs (each a key and a value), then [`end_table`](Encoder::end_table). The encoder checks this order, so
/// that what it accepts can be read back. It allocates nothing besides the growth of the vector.
///
/// After an error the vector ends in an unfinished value; [`finish`](Encoder::finish) then is of no use.
///
/// ```
/// use skynet_seri::Encoder;
///
/// let mut bytes = Vec::new();
/// let mut encoder = Encoder::new(&mut bytes);
/// encoder.string(b"set")?; // the first argument: "set"
/// encoder.begin_table(2)?; // the second: { 1, 2.5, name = true }
/// encoder.integer(1)?;
/// encoder.float(2.5)?;
/// encoder.string(b"name")?;
/// encoder.bool(true)?;
/// encoder.end_table()?;
/// encoder.finish()?;
/// # Ok::<(), skynet_seri::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Encoder<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) nest: Nest,
}

impl<'a> Encoder<'a> {
    /// An encoder that appends to `out`, whatever that already holds.
    #[must_use]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, nest: Nest::new() }
    }

    /// What the next value will be.
    #[must_use]
    pub fn place(&self) -> Place {
        self.nest.place()
    }

    /// How many tables are open, at most [`MAX_DEPTH`](wire::MAX_DEPTH)` + 1`.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.nest.depth()
    }

    /// Writes nil.
    ///
    /// # Errors
    /// [`EncodeError::InvalidKey`] in the place of a key; [`EncodeError::TooDeep`].
    #[inline]
    pub fn nil(&mut self) -> Result<(), EncodeError> {
        if self.nest.place() == Place::Key {
            return Err(EncodeError::InvalidKey("nil"));
        }
        self.step()?;
        self.out.push(wire::NIL);
        Ok(())
    }

    /// Writes a boolean.
    ///
    /// # Errors
    /// [`EncodeError::TooDeep`].
    #[inline]
    pub fn bool(&mut self, value: bool) -> Result<(), EncodeError> {
        self.step()?;
        self.out.push(wire::encode_bool(value));
        Ok(())
    }

    /// Writes an integer.
    ///
    /// # Errors
    /// [`EncodeError::TooDeep`].
    #[inline]
    pub fn integer(&mut self, value: i64) -> Result<(), EncodeError> {
        self.step()?;
        let (bytes, len) = wire::encode_integer(value);
        self.put(&bytes, len);
        Ok(())
    }

    /// Writes a float. Integral values stay floats.
    ///
    /// # Errors
    /// [`EncodeError::InvalidKey`] for NaN in the place of a key; [`EncodeError::TooDeep`].
    #[inline]
    pub fn float(&mut self, value: f64) -> Result<(), EncodeError> {
        if value.is_nan() && self.nest.place() == Place::Key {
            return Err(EncodeError::InvalidKey("NaN"));
        }
        self.step()?;
        self.out.extend_from_slice(&wire::encode_float(value));
        Ok(())
    }

    /// Writes a light userdata: an address that only this process can use.
    ///
    /// # Errors
    /// [`EncodeError::TooDeep`].
    #[inline]
    pub fn pointer(&mut self, address: u64) -> Result<(), EncodeError> {
        self.step()?;
        self.out.extend_from_slice(&wire::encode_pointer(address));
        Ok(())
    }

    /// Writes a string of any bytes.
    ///
    /// # Errors
    /// [`EncodeError::StringTooLong`] from 4 GiB on; [`EncodeError::TooDeep`].
    #[inline]
    pub fn string(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let (head, len) =
            wire::encode_string_head(bytes.len()).ok_or(EncodeError::StringTooLong(bytes.len()))?;
        self.step()?;
        self.out.reserve(wire::MAX_STRING_HEAD + bytes.len());
        self.put(&head, len);
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Opens a table of which `array` elements come first.
    ///
    /// # Errors
    /// [`EncodeError::TooDeep`].
    #[inline]
    pub fn begin_table(&mut self, array: usize) -> Result<(), EncodeError> {
        self.step()?;
        self.nest.enter(array).map_err(|_| EncodeError::TooDeep)?;
        let (head, len) = wire::encode_table_head(array);
        self.put(&head, len);
        Ok(())
    }

    /// Closes the table opened last.
    ///
    /// # Errors
    /// [`EncodeError::Unfinished`] if elements or the value of a pair are missing, [`EncodeError::NoTable`] outside
    /// any table.
    #[inline]
    pub fn end_table(&mut self) -> Result<(), EncodeError> {
        match self.nest.place() {
            Place::Key => {}
            Place::Top => return Err(EncodeError::NoTable),
            Place::Element => return Err(EncodeError::Unfinished("array elements are missing")),
            Place::Value => return Err(EncodeError::Unfinished("a key has no value")),
        }
        self.nest.leave();
        self.out.push(wire::NIL);
        Ok(())
    }

    /// Ends the encoding and checks that no table is open.
    ///
    /// # Errors
    /// [`EncodeError::Unfinished`].
    pub fn finish(self) -> Result<(), EncodeError> {
        if self.nest.depth() == 0 { Ok(()) } else { Err(EncodeError::Unfinished("a table is still open")) }
    }

    /// Takes the place of the next value.
    #[inline]
    pub(crate) fn step(&mut self) -> Result<(), EncodeError> {
        if self.nest.depth() > wire::MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        self.nest.advance();
        Ok(())
    }

    /// Appends the first `len` bytes of a small buffer: copied whole, then cut, since that is a plain store.
    #[inline]
    fn put<const N: usize>(&mut self, bytes: &[u8; N], len: usize) {
        let end = self.out.len() + len;
        self.out.extend_from_slice(bytes);
        self.out.truncate(end);
    }
}
