//! The bytes of requests. A server sends back what it gets, so the answers are the same bytes in the same order, and every one
//! of them is compared.

use anyhow::{Result, bail};

/// What tells where a request ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Frame {
    /// Nothing: the stream goes back as it is.
    Bytes,
    /// An end of line.
    Line,
    /// Its length before it, in two bytes, the higher first.
    Package,
}

/// Bytes before the content of a package.
const HEAD: usize = 2;

/// How many requests differ from one another: many of the small ones; of large ones few, since all of them lie in memory
/// that the processor's caches should hold.
const SMALL: usize = 1024;
const DIFFERENT: usize = 64;
const DIFFERENT_LARGE: usize = 4;

impl Frame {
    /// # Errors
    ///
    /// When there is no frame of that name.
    pub(crate) fn named(name: &str) -> Result<Frame> {
        Ok(match name {
            "bytes" => Frame::Bytes,
            "line" => Frame::Line,
            "package" => Frame::Package,
            _ => bail!("no frame `{name}`; there are bytes, line, package"),
        })
    }
}

/// An endless stream of requests that repeats. Positions are in bytes from its beginning.
pub(crate) struct Pattern {
    /// One period, twice: so any piece that is no longer than a period lies in one part.
    block: Vec<u8>,
    period: usize,
    request: usize,
}

impl Pattern {
    /// `size` as in [`Load::size`](crate::args::Load::size); at least `depth` requests differ.
    ///
    /// # Errors
    ///
    /// When a request of that size cannot be.
    pub(crate) fn new(frame: Frame, size: usize, depth: usize) -> Result<Pattern> {
        if frame == Frame::Package && size > usize::from(u16::MAX) {
            bail!("a package has {} bytes at most, not {size}", u16::MAX);
        }
        let requests = depth.max(if size <= SMALL { DIFFERENT } else { DIFFERENT_LARGE });
        let mut block = Vec::new();
        for number in 0..requests {
            if frame == Frame::Package {
                block.extend((size as u16).to_be_bytes());
            }
            let start = block.len();
            block.extend(content(number).take(size));
            if frame == Frame::Line {
                block.truncate(start + size - 1);
                block.push(b'\n');
            }
        }
        let period = block.len();
        block.extend_from_within(..);
        let head = if frame == Frame::Package { HEAD } else { 0 };
        Ok(Pattern { block, period, request: size + head })
    }

    /// Bytes of one request on the wire.
    pub(crate) fn request(&self) -> usize {
        self.request
    }

    /// Where the stream of a connection begins; neighbours differ.
    pub(crate) fn start(&self, connection: usize) -> u64 {
        (connection * self.request % self.period) as u64
    }

    /// Up to `length` bytes of the stream from `position` on; all of them if `length` is no more than that of `depth` requests.
    pub(crate) fn piece(&self, position: u64, length: usize) -> &[u8] {
        let from = self.offset(position);
        let to = (from + length).min(self.block.len());
        self.block.get(from..to).unwrap_or_default()
    }

    /// Whether `bytes` are those of the stream from `position` on.
    pub(crate) fn matches(&self, mut position: u64, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let expected = self.piece(position, bytes.len());
            let Some((these, rest)) = bytes.split_at_checked(expected.len()) else { return false };
            if these != expected {
                return false;
            }
            position += these.len() as u64;
            bytes = rest;
        }
        true
    }

    fn offset(&self, position: u64) -> usize {
        (position % self.period as u64) as usize
    }
}

/// Letters, the first of which differ from request to request, as the last do.
fn content(number: usize) -> impl Iterator<Item = u8> {
    (0..).map(move |place: usize| b'a' + ((number * 7 + place * (1 + number % 5)) % 26) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_matches_itself_in_any_pieces_and_over_its_end() {
        let pattern = Pattern::new(Frame::Package, 10, 4).unwrap();
        assert_eq!(pattern.request(), 12);
        let stream: Vec<u8> = (0..200u64).flat_map(|place| pattern.piece(place * 12, 12).to_vec()).collect();
        assert_eq!(stream.len(), 2400);
        for cut in 0..stream.len() {
            let (first, rest) = stream.split_at(cut);
            assert!(pattern.matches(0, first) && pattern.matches(cut as u64, rest), "cut at {cut}");
        }
    }

    #[test]
    fn wrong_bytes_and_wrong_order_are_seen() {
        let pattern = Pattern::new(Frame::Bytes, 64, 1).unwrap();
        let mut bytes = pattern.piece(0, 128).to_vec();
        assert!(pattern.matches(0, &bytes));
        assert!(!pattern.matches(64, &bytes));
        bytes[127] ^= 1;
        assert!(!pattern.matches(0, &bytes));
    }

    #[test]
    fn a_line_has_its_size_and_one_end() {
        let pattern = Pattern::new(Frame::Line, 5, 16).unwrap();
        let line = pattern.piece(0, 5);
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(4));
        assert!(Pattern::new(Frame::Package, 70_000, 1).is_err());
    }
}
