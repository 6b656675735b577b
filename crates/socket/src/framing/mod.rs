//! Packages on a byte stream: a length in network order, then so many bytes.
//!
//! Nothing here reads or writes a socket: [`Decoder`] eats bytes in whatever pieces they come, [`encode()`] makes them.
//!
//! ```
//! use skynet_socket::framing::{Decoder, Header, encode};
//!
//! let mut decoder = Decoder::new(Header::Two, 1024);
//! let stream = encode(Header::Two, b"hello")?;
//! let (mut first, mut second) = stream.split_at(3);
//! assert_eq!(decoder.next(&mut first)?, None);
//! assert_eq!(decoder.next(&mut second)?.as_deref(), Some(&b"hello"[..]));
//! assert_eq!(decoder.next(&mut second)?, None);
//! # Ok::<(), skynet_socket::framing::FrameError>(())
//! ```

mod decoder;
mod encode;

use std::error::Error;
use std::fmt;

pub use decoder::Decoder;
pub use encode::encode;

/// How the length of a package is written.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum Header {
    /// Two bytes, most significant first: packages of up to 65,535 bytes.
    Two,
    /// Four bytes, most significant first.
    Four,
}

impl Header {
    /// The number of bytes of the length itself.
    #[must_use]
    pub const fn len(self) -> usize {
        match self {
            Header::Two => 2,
            Header::Four => 4,
        }
    }

    /// A header is never empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        false
    }

    /// The longest package that it can announce, in bytes.
    #[must_use]
    pub const fn max_package(self) -> usize {
        match self {
            Header::Two => u16::MAX as usize,
            Header::Four => u32::MAX as usize,
        }
    }
}

/// A package is longer than allowed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FrameError {
    /// The peer announces a package above the decoder's limit. Its stream is of no further use.
    TooLong {
        /// The announced length in bytes.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// A package to be sent does not fit its header.
    Unencodable {
        /// Its length in bytes.
        len: usize,
        /// The longest that fits.
        max: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::TooLong { len, max } => {
                write!(f, "the peer announces a package of {len} bytes, the limit is {max}")
            }
            FrameError::Unencodable { len, max } => {
                write!(f, "a package of {len} bytes does not fit its header, which can say {max} at most")
            }
        }
    }
}

impl Error for FrameError {}
