//! What can go wrong without serde.

use std::fmt;

/// Why a value could not be encoded.
///
/// The buffer then ends in an unfinished value: cut it back to the length it had before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// A value lies in more than [`MAX_DEPTH`](crate::wire::MAX_DEPTH) tables. The usual cause is a table that
    /// contains itself.
    TooDeep,
    /// The format has no form for this kind of value (in Lua: functions, threads, full userdata).
    Unsupported(&'static str),
    /// A string of this many bytes; the length field has 32 bits.
    StringTooLong(usize),
    /// A table key is nil or NaN, which Lua does not allow.
    InvalidKey(&'static str),
    /// A table was ended, or the encoder finished, before all that was announced was written.
    Unfinished(&'static str),
    /// A table was ended where none is open.
    NoTable,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The first two are C skynet's texts, which programs match on.
            Self::TooDeep => f.write_str("serialize can't pack too depth table"),
            Self::Unsupported(kind) => write!(f, "Unsupport type {kind} to serialize"),
            Self::StringTooLong(len) => {
                write!(f, "a string of {len} bytes is too long to pack, the limit is {}", u32::MAX)
            }
            Self::InvalidKey(what) => write!(f, "a table key must not be {what}"),
            Self::Unfinished(what) => write!(f, "the packed table is unfinished: {what}"),
            Self::NoTable => f.write_str("end_table without an open table"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// Why bytes could not be decoded, and where.
///
/// The text is `Invalid serialize stream <remaining bytes> (<reason>)`; programs match on what precedes the
/// parenthesis.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// How many bytes, up to the end of the input, had not been consumed when the error was met.
    pub remaining: usize,
    /// What is wrong with them.
    pub kind: DecodeErrorKind,
}

/// The reason within a [`DecodeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ends within a value, or within an open table.
    Truncated,
    /// No value begins with this header byte.
    UnknownHeader(u8),
    /// The array length of a table is not an integer value, or it is negative.
    BadArrayLength,
    /// A table announces more elements than the input has bytes left.
    ArrayTooLong(u64),
    /// A value lies in more than [`MAX_DEPTH`](crate::wire::MAX_DEPTH) tables. No encoder writes that.
    TooDeep,
    /// A table key is NaN, which Lua does not allow.
    NanKey,
    /// Another value follows where a single one was to be read.
    TrailingBytes,
}

impl DecodeErrorKind {
    pub(crate) fn at(self, remaining: usize) -> DecodeError {
        DecodeError { remaining, kind: self }
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it ends within a value"),
            Self::UnknownHeader(head) => write!(f, "no value begins with byte 0x{head:02x}"),
            Self::BadArrayLength => f.write_str("bad array length"),
            Self::ArrayTooLong(count) => write!(f, "an array of {count} elements is longer than the input"),
            Self::TooDeep => write!(f, "more than {} nested tables", crate::wire::MAX_DEPTH),
            Self::NanKey => f.write_str("a table key is NaN"),
            Self::TrailingBytes => f.write_str("one value expected, more follow"),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid serialize stream {} ({})", self.remaining, self.kind)
    }
}

impl std::error::Error for DecodeError {}
