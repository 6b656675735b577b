//! What can go wrong with serde.

use std::fmt;
use std::io;

use crate::{DecodeError, EncodeError};

/// Why a Rust value could not be packed or unpacked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The format cannot hold the value.
    Encode(EncodeError),
    /// The bytes are corrupt.
    Decode(DecodeError),
    /// An integer, here in decimal, does not fit the 64 bits of a Lua integer.
    IntegerRange(String),
    /// The bytes are sound but hold something else than the type wants, or a type's own implementation failed.
    Mismatch(String),
    /// Writing to the output failed.
    Io(io::Error),
}

impl Error {
    pub(crate) fn mismatch(text: impl fmt::Display) -> Self {
        Self::Mismatch(text.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Decode(error) => error.fmt(f),
            Self::IntegerRange(number) => write!(f, "{number} does not fit a 64-bit Lua integer"),
            Self::Mismatch(text) => f.write_str(text),
            Self::Io(error) => write!(f, "cannot write packed values: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Decode(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::IntegerRange(_) | Self::Mismatch(_) => None,
        }
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::mismatch(text)
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::mismatch(text)
    }
}
