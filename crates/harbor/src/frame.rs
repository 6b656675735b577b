//! Frames: messages as bytes on a link between two nodes, without I/O.
//!
//! ```text
//! u32 length of what follows, below 2^24   the content   u32 source   u32 kind << 24 | local id   u32 session
//! ```
//!
//! All numbers are big-endian. The destination's harbor id is not said: it is that of the node that reads. A length of
//! 0xff000000 is a ping, with nothing behind it; it goes only to those who said that they know it.

use std::error::Error;
use std::fmt;

use skynet_core::{Handle, Message, Payload, PayloadBuf};

/// Bytes of the length.
pub const HEAD_LEN: usize = 4;

/// Bytes behind the content.
pub const TRAILER_LEN: usize = 12;

/// The longest content that a frame can carry, in bytes.
pub const MAX_BODY: usize = (1 << 24) - 1 - TRAILER_LEN;

/// A sign of life.
pub const PING: [u8; HEAD_LEN] = [0xff, 0, 0, 0];

/// The bytes before a content of `len` bytes; `None` if that is more than [`MAX_BODY`].
#[inline]
#[must_use]
pub fn head(len: usize) -> Option<[u8; HEAD_LEN]> {
    let total = u32::try_from(len).ok().filter(|_| len <= MAX_BODY)? + TRAILER_LEN as u32;
    Some(total.to_be_bytes())
}

/// The bytes behind the content of a message to `dest`.
#[inline]
#[must_use]
pub fn trailer(dest: Handle, message: &Message) -> [u8; TRAILER_LEN] {
    let source = u128::from(message.source.raw());
    let dest = u128::from(u32::from(message.kind) << 24 | dest.local());
    let session = u128::from(message.session as u32);
    let mut bytes = [0; TRAILER_LEN];
    bytes.copy_from_slice(&(source << 64 | dest << 32 | session).to_be_bytes()[4..]);
    bytes
}

/// What a stream consists of.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Frame {
    /// A message.
    Message {
        /// The local id of the service that it is for.
        dest: u32,
        /// Its kind.
        kind: u8,
        /// Its session.
        session: i32,
        /// Who sent it.
        source: Handle,
        /// Its content.
        payload: Payload,
    },
    /// A sign of life.
    Ping,
}

/// A length that no frame has: the stream is of no use any more.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub enum FrameError {
    /// It is 2^24 or more.
    TooLong {
        /// What was said.
        len: u32,
    },
    /// It has no room for what is behind the content.
    TooShort {
        /// What was said.
        len: u32,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => write!(f, "a frame of {len} bytes is longer than any may be"),
            Self::TooShort { len } => write!(f, "a frame of {len} bytes is shorter than {TRAILER_LEN}"),
        }
    }
}

impl Error for FrameError {}

/// Eats the bytes of one stream, in any pieces, and gives frames.
///
/// A content is copied once. For one that comes in pieces a block of its whole length is taken, which is below 16 MiB; the
/// system gives memory to such a block only as it is filled.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
}

#[derive(Debug)]
enum State {
    /// So many bytes of the head have come.
    Head {
        seen: usize,
        bytes: [u8; HEAD_LEN],
    },
    /// So many bytes of the content are missing.
    Body {
        missing: usize,
        buf: PayloadBuf,
    },
    /// So many bytes of the trailer have come.
    Trailer {
        seen: usize,
        bytes: [u8; TRAILER_LEN],
        payload: Payload,
    },
    Broken(FrameError),
}

impl Default for State {
    fn default() -> State {
        State::Head { seen: 0, bytes: [0; HEAD_LEN] }
    }
}

/// What a head says.
enum Head {
    Body(usize),
    Ping,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// The next frame; what it used is cut off `input`. `None` if `input` is used up: call again with what comes next.
    ///
    /// # Errors
    ///
    /// [`FrameError`] as soon as a head is wrong, and ever after.
    #[inline]
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, FrameError> {
        if let State::Head { seen: 0, .. } = self.state
            && let Some((head, rest)) = input.split_first_chunk()
            && let Ok(Head::Body(len)) = parse_head(*head)
            && let Some((body, rest)) = rest.split_at_checked(len)
            && let Some((trailer, rest)) = rest.split_first_chunk()
        {
            *input = rest;
            return Ok(Some(message(trailer, Payload::copy_from(body))));
        }
        self.next_in_pieces(input)
    }

    fn next_in_pieces(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, FrameError> {
        loop {
            match &mut self.state {
                State::Head { seen, bytes } => {
                    if !fill(bytes, seen, input) {
                        return Ok(None);
                    }
                    match parse_head(*bytes) {
                        Ok(Head::Body(len)) => {
                            self.state = State::Body { missing: len, buf: PayloadBuf::with_capacity(len) };
                        }
                        Ok(Head::Ping) => {
                            self.state = State::default();
                            return Ok(Some(Frame::Ping));
                        }
                        Err(error) => self.state = State::Broken(error),
                    }
                }
                State::Body { missing, buf } => {
                    let (now, rest) = input.split_at(input.len().min(*missing));
                    *input = rest;
                    buf.extend_from_slice(now);
                    *missing -= now.len();
                    if *missing > 0 {
                        return Ok(None);
                    }
                    let payload = std::mem::take(buf).into_payload();
                    self.state = State::Trailer { seen: 0, bytes: [0; TRAILER_LEN], payload };
                }
                State::Trailer { seen, bytes, payload } => {
                    if !fill(bytes, seen, input) {
                        return Ok(None);
                    }
                    let frame = message(bytes, std::mem::take(payload));
                    self.state = State::default();
                    return Ok(Some(frame));
                }
                State::Broken(error) => return Err(*error),
            }
        }
    }
}

/// Moves bytes from the input to where they are gathered. True if all are there.
fn fill<const N: usize>(bytes: &mut [u8; N], seen: &mut usize, input: &mut &[u8]) -> bool {
    let missing = bytes.get_mut(*seen..).unwrap_or_default();
    let count = missing.len().min(input.len());
    let (now, rest) = input.split_at(count);
    missing.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
    *input = rest;
    *seen += count;
    *seen == N
}

#[inline]
fn parse_head(bytes: [u8; HEAD_LEN]) -> Result<Head, FrameError> {
    let len = u32::from_be_bytes(bytes);
    if len >= 1 << 24 {
        return if bytes == PING { Ok(Head::Ping) } else { Err(FrameError::TooLong { len }) };
    }
    let body = (len as usize).checked_sub(TRAILER_LEN);
    body.map(Head::Body).ok_or(FrameError::TooShort { len })
}

#[inline]
fn message(trailer: &[u8; TRAILER_LEN], payload: Payload) -> Frame {
    let [s0, s1, s2, s3, kind, d0, d1, d2, n0, n1, n2, n3] = *trailer;
    Frame::Message {
        dest: u32::from_be_bytes([0, d0, d1, d2]),
        kind,
        session: i32::from_be_bytes([n0, n1, n2, n3]),
        source: Handle::from_raw(u32::from_be_bytes([s0, s1, s2, s3])),
        payload,
    }
}

#[cfg(test)]
mod tests;
