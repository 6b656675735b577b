//! Addresses of services.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// The address of a service: the harbor id of its node in the high 8 bits, its local id in the low 24.
///
/// Shown as `:%08x`, the form in which addresses travel in texts. A handle is only a number: that one exists says nothing
/// about a service being alive.
///
/// ```
/// use skynet_core::Handle;
///
/// let handle = Handle::new(1, 0x2a);
/// assert_eq!(handle.to_string(), ":0100002a");
/// assert_eq!(":100002A".parse(), Ok(handle));
/// ```
#[derive(Copy, Clone, Default, Eq, PartialEq, Hash, Ord, PartialOrd)]
#[repr(transparent)]
pub struct Handle(u32);

impl Handle {
    /// No service. As the source of a message: the runtime itself (timers, sockets).
    pub const NONE: Handle = Handle(0);

    /// The largest local id.
    pub const MAX_LOCAL: u32 = 0x00ff_ffff;

    /// The handle of `local` (its low 24 bits) on the node with this harbor id.
    #[must_use]
    pub const fn new(harbor: u8, local: u32) -> Handle {
        Handle((harbor as u32) << 24 | (local & Handle::MAX_LOCAL))
    }

    /// The handle with this value.
    #[inline]
    #[must_use]
    pub const fn from_raw(raw: u32) -> Handle {
        Handle(raw)
    }

    /// The value.
    #[inline]
    #[must_use]
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// The harbor id: which node of a network.
    #[inline]
    #[must_use]
    pub const fn harbor(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// The local id: which service of its node.
    #[inline]
    #[must_use]
    pub const fn local(self) -> u32 {
        self.0 & Handle::MAX_LOCAL
    }

    /// Whether this is [`Handle::NONE`].
    #[inline]
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ":{:08x}", self.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Handle> for u32 {
    fn from(handle: Handle) -> u32 {
        handle.0
    }
}

/// A text was not an address of the form `:hex`.
#[derive(Debug, Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParseHandleError {
    /// It does not begin with a colon.
    NoColon,
    /// What follows the colon is not a hexadecimal number of at most 32 bits.
    NotHex(ParseIntError),
}

impl fmt::Display for ParseHandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoColon => f.write_str("an address begins with a colon, as in :01000008"),
            Self::NotHex(cause) => write!(f, "an address is a colon and a hexadecimal number: {cause}"),
        }
    }
}

impl std::error::Error for ParseHandleError {}

impl FromStr for Handle {
    type Err = ParseHandleError;

    /// Reads `:hex`, in either case, padded or not.
    fn from_str(text: &str) -> Result<Handle, ParseHandleError> {
        let digits = text.strip_prefix(':').ok_or(ParseHandleError::NoColon)?;
        u32::from_str_radix(digits, 16).map(Handle).map_err(ParseHandleError::NotHex)
    }
}

/// The leading hexadecimal digits of `text` as a number, also behind `0x`, with the bits beyond 32 lost, 0 if there are none:
/// how the text commands read the part of an address after its colon.
pub(crate) fn hex_prefix(text: &[u8]) -> u32 {
    let text = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")).unwrap_or(text);
    text.iter().map_while(|&digit| char::from(digit).to_digit(16)).fold(0, |value, digit| value << 4 | digit)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_whole() {
        let handle = Handle::new(0xfe, 0x01_0203);
        assert_eq!(handle.raw(), 0xfe01_0203);
        assert_eq!((handle.harbor(), handle.local()), (0xfe, 0x01_0203));
        assert!(Handle::NONE.is_none() && !handle.is_none());
    }

    #[test]
    fn a_local_id_never_spills_into_the_harbor() {
        assert_eq!(Handle::new(1, 0x0100_0002), Handle::from_raw(0x0100_0002));
    }

    #[test]
    fn text_forms_are_read_and_refused() {
        assert_eq!(":8".parse(), Ok(Handle::from_raw(8)));
        assert_eq!(":fF".parse(), Ok(Handle::from_raw(255)));
        assert_eq!("8".parse::<Handle>(), Err(ParseHandleError::NoColon));
        assert!(matches!(":123456789".parse::<Handle>(), Err(ParseHandleError::NotHex(_))));
    }

    #[test]
    fn a_hex_prefix_stops_at_the_first_other_character() {
        assert_eq!(hex_prefix(b"1Fz"), 0x1f);
        assert_eq!((hex_prefix(b"zz"), hex_prefix(b"0x"), hex_prefix(b"0x1F")), (0, 0, 0x1f));
    }
}
