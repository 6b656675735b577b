//! What a client may do, and the lines that say that one did more.

use std::fmt;

use skynet_core::SendError;

use crate::framing::FrameError;
use crate::write::OVERFLOW;

/// What one client may do. Without any, its header alone bounds its packages.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one package.
    pub package: Option<usize>,
    /// How long a client may take to its next whole package, in 1/100 s.
    pub idle: Option<u64>,
    /// Bytes that may wait to be sent to a client that does not read.
    pub buffer: Option<usize>,
    /// Packages within one second.
    pub rate: Option<u32>,
}

/// One client did more than its limits allow. The text is the reason in the log.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Breach {
    /// It announced too long a package.
    Package {
        /// Its length in bytes.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// It sent no whole package for too long.
    Idle {
        /// For how long, in 1/100 s.
        quiet: u64,
        /// The limit.
        max: u64,
        /// Bytes of a package that has begun.
        begun: usize,
    },
    /// It sent too many packages within a second.
    Rate {
        /// The limit.
        max: u32,
    },
}

/// A limit in the words of a configuration is none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum LimitError {
    /// No limit has this name.
    Name,
    /// It is not a whole number above 0.
    Value,
}

impl Limits {
    /// Whether time matters.
    #[inline]
    #[must_use]
    pub fn needs_clock(&self) -> bool {
        self.idle.is_some() || self.rate.is_some()
    }

    /// How often to look for those that are idle, in 1/100 s: a client is found at most a quarter too late.
    #[must_use]
    pub fn idle_check(&self) -> Option<u64> {
        self.idle.map(|idle| (idle / 4).clamp(1, 1000))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Limits::default()
    }

    /// Sets the limit of that name to the number that the text is.
    pub(super) fn set(&mut self, name: &str, text: &str) -> Result<(), LimitError> {
        let number = text.parse().ok().filter(|number| *number > 0);
        let value = || number.ok_or(LimitError::Value);
        let size = |number: u64| usize::try_from(number).map_err(|_| LimitError::Value);
        match name {
            "package" => self.package = Some(size(value()?)?),
            // In seconds, as people count.
            "idle" => self.idle = Some(value()?.checked_mul(100).ok_or(LimitError::Value)?),
            "buffer" => self.buffer = Some(size(value()?)?),
            "rate" => self.rate = Some(u32::try_from(value()?).map_err(|_| LimitError::Value)?),
            _ => return Err(LimitError::Name),
        }
        Ok(())
    }
}

/// The log line about a connection that is closed for a reason.
#[must_use]
pub fn closing_line(id: i32, peer: &str, reason: &dyn fmt::Display) -> String {
    format!("gate: connection {id} ({peer}) is closed: {reason}")
}

/// The log line about packages that a service did not get. `error` says why.
#[must_use]
pub fn lost_line(id: i32, peer: &str, error: &SendError) -> String {
    format!("gate: packages of connection {id} ({peer}) are lost: {error}")
}

/// Whether a socket's failure is that its client did not read what was sent to it.
#[must_use]
pub fn is_overflow(reason: &str) -> bool {
    reason.starts_with(OVERFLOW)
}

/// From this size on the text about a package is one that programs know.
const SIXTEEN_MIB: usize = 1 << 24;

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::Package { len, max } => {
                if *len >= SIXTEEN_MIB && *max == SIXTEEN_MIB - 1 {
                    f.write_str("Recv socket message > 16M: ")?;
                }
                write!(f, "{}", FrameError::TooLong { len: *len, max: *max })
            }
            Breach::Idle { quiet, max, begun } => {
                let seconds = |cs: u64| format!("{}.{:02}", cs / 100, cs % 100);
                write!(f, "no whole package for {} s, the limit is {} s", seconds(*quiet), seconds(*max))?;
                if *begun > 0 {
                    write!(f, " ({begun} bytes of one have come)")?;
                }
                Ok(())
            }
            Breach::Rate { max } => write!(f, "more than {max} packages within a second"),
        }
    }
}

impl std::error::Error for Breach {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_set_by_name() {
        let mut limits = Limits::default();
        for (name, text) in [("package", "10"), ("idle", "3"), ("buffer", "4096"), ("rate", "7")] {
            assert_eq!(limits.set(name, text), Ok(()));
        }
        assert_eq!(limits, Limits { package: Some(10), idle: Some(300), buffer: Some(4096), rate: Some(7) });
        assert_eq!(limits.idle_check(), Some(75));
        for text in ["0", "-1", "x", "", "1.5", "18446744073709551615"] {
            assert_eq!(limits.set("idle", text), Err(LimitError::Value), "{text}");
        }
        assert_eq!(limits.set("idel", "1"), Err(LimitError::Name));
    }

    #[test]
    fn reasons_say_what_was_done_and_what_is_allowed() {
        let text = |breach: Breach| breach.to_string();
        assert_eq!(
            text(Breach::Idle { quiet: 512, max: 500, begun: 1 }),
            "no whole package for 5.12 s, the limit is 5.00 s (1 bytes of one have come)"
        );
        assert_eq!(text(Breach::Rate { max: 9 }), "more than 9 packages within a second");
        let long = |max| text(Breach::Package { len: 1 << 24, max });
        assert!(long((1 << 24) - 1).starts_with("Recv socket message > 16M: the peer announces"));
        assert!(long(100).starts_with("the peer announces a package of 16777216 bytes, the limit is 100"));
        assert_eq!(
            closing_line(7, "127.0.0.1:9", &Breach::Rate { max: 1 }),
            "gate: connection 7 (127.0.0.1:9) is closed: more than 1 packages within a second"
        );
    }
}
