//! Addresses of services.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// The address of a service. Shown and read as `:%08x`, the form in which addresses travel in texts.
///
/// ```
/// use skynet_module::Handle;
///
/// assert_eq!(Handle::from_raw(42).to_string(), ":0000002a");
/// assert_eq!(":2a".parse(), Ok(Handle::from_raw(42)));
/// ```
#[derive(Copy, Clone, Default, Eq, PartialEq, Hash, Ord, PartialOrd)]
#[repr(transparent)]
pub struct Handle(u32);

impl Handle {
    /// No service. As the source of a message: the runtime itself.
    pub const NONE: Handle = Handle(0);

    /// The handle with this value.
    #[must_use]
    pub const fn from_raw(raw: u32) -> Handle {
        Handle(raw)
    }

    /// The value: the id of the node in the high 8 bits, of the service in the low 24.
    #[must_use]
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// Whether this is [`Handle::NONE`].
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

impl FromStr for Handle {
    type Err = ParseIntError;

    /// Reads up to eight hexadecimal digits, with or without the colon.
    fn from_str(text: &str) -> Result<Handle, ParseIntError> {
        u32::from_str_radix(text.strip_prefix(':').unwrap_or(text), 16).map(Handle)
    }
}
