//! From a package to its bytes on the stream.

use skynet_core::{Payload, PayloadBuf};

use super::{FrameError, Header};

/// The package with its header before it, in one block.
///
/// # Errors
///
/// [`FrameError::Unencodable`] if the header cannot say so great a length.
pub fn encode(header: Header, package: &[u8]) -> Result<Payload, FrameError> {
    let unencodable = || FrameError::Unencodable { len: package.len(), max: header.max_package() };
    let mut out = PayloadBuf::with_capacity(header.len() + package.len());
    match header {
        Header::Two => {
            let len = u16::try_from(package.len()).map_err(|_| unencodable())?;
            out.extend_from_slice(&len.to_be_bytes());
        }
        Header::Four => {
            let len = u32::try_from(package.len()).map_err(|_| unencodable())?;
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
    out.extend_from_slice(package);
    Ok(out.into_payload())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_comes_first_most_significant_byte_first() {
        assert_eq!(encode(Header::Two, b"abc").as_deref(), Ok(&b"\0\x03abc"[..]));
        assert_eq!(encode(Header::Four, b"").as_deref(), Ok(&[0; 4][..]));
        let long = vec![7; 0x10000];
        assert_eq!(encode(Header::Two, &long), Err(FrameError::Unencodable { len: 0x10000, max: 0xffff }));
        assert_eq!(encode(Header::Four, &long).map(|bytes| bytes.len()), Ok(0x10004));
    }
}
