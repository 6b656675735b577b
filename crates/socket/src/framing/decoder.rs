//! From the bytes of a stream to its packages.

use skynet_core::{Payload, PayloadBuf};

use super::{FrameError, Header};

/// Memory for a package is taken as its bytes arrive, beginning with this much: a length is a claim of the peer's.
const FIRST_RESERVE: usize = 4096;

/// Eats the bytes of one stream, in any pieces, and gives packages.
///
/// A package that arrives in one piece is copied once, one in several pieces is gathered. What is held at any time is less than
/// twice what the peer has really sent of one package.
#[derive(Debug)]
pub struct Decoder {
    header: Header,
    max: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// So many bytes of the header have come, and this is their value.
    Header { seen: usize, value: usize },
    /// So many bytes of the package are missing.
    Body { missing: usize, buf: PayloadBuf },
    /// The stream is of no use.
    Broken { len: usize },
}

const START: State = State::Header { seen: 0, value: 0 };

impl Decoder {
    /// A decoder at the beginning of a stream. Packages of more than `max` bytes are refused.
    #[must_use]
    pub fn new(header: Header, max: usize) -> Decoder {
        Decoder { header, max: max.min(header.max_package()), state: START }
    }

    /// The next package, which may be empty; what it used is cut off `input`. `None` if `input` is used up: call again with
    /// what comes next.
    ///
    /// # Errors
    ///
    /// [`FrameError::TooLong`] as soon as a header says more than the limit, and ever after.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Payload>, FrameError> {
        loop {
            match &mut self.state {
                State::Header { seen, value } => {
                    let Some((byte, rest)) = input.split_first() else { return Ok(None) };
                    *input = rest;
                    *seen += 1;
                    *value = *value << 8 | usize::from(*byte);
                    if *seen == self.header.len() {
                        let len = *value;
                        if len > self.max {
                            self.state = State::Broken { len };
                        } else if let Some((package, rest)) = input.split_at_checked(len) {
                            *input = rest;
                            self.state = START;
                            return Ok(Some(Payload::copy_from(package)));
                        } else {
                            let buf = PayloadBuf::with_capacity(len.min(FIRST_RESERVE));
                            self.state = State::Body { missing: len, buf };
                        }
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
                    let package = std::mem::take(buf).into_payload();
                    self.state = START;
                    return Ok(Some(package));
                }
                State::Broken { len } => return Err(FrameError::TooLong { len: *len, max: self.max }),
            }
        }
    }

    /// The package, if the stream is between two of them and `block` is exactly the next: header and all of it, and not empty.
    /// It stays in its block. Otherwise the block comes back untouched, for [`Decoder::next`].
    ///
    /// # Errors
    ///
    /// The block.
    pub fn whole(&mut self, mut block: Payload) -> Result<Payload, Payload> {
        let len = self.header.len();
        let (State::Header { seen: 0, .. }, Some((header, body))) =
            (&self.state, block.split_at_checked(len))
        else {
            return Err(block);
        };
        let claim = header.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
        if claim != body.len() || claim == 0 || claim > self.max {
            return Err(block);
        }
        block.cut_front(len);
        Ok(block)
    }

    /// The number of bytes that were eaten and belong to no package yet.
    #[must_use]
    pub fn buffered(&self) -> usize {
        match &self.state {
            State::Header { seen, .. } => *seen,
            State::Body { buf, .. } => self.header.len() + buf.len(),
            State::Broken { .. } => self.header.len(),
        }
    }

    /// The longest package that it lets pass, in bytes.
    #[must_use]
    pub fn max_package(&self) -> usize {
        self.max
    }
}
