//! The parameters that the service is launched with.

use std::error::Error;
use std::fmt;

use skynet_core::PTYPE_CLIENT;

use super::Limits;
use super::limits::LimitError;
use crate::framing::Header;

/// Packages of a four-byte header are shorter than this.
const LONG_PACKAGE: usize = (1 << 24) - 1;

/// `<S|L> <watchdog|!> <[host:]port> <client_tag> <max> [limit=number …]`.
#[derive(Debug, Clone, Eq, PartialEq)]
pub(super) struct Args {
    pub(super) header: Header,
    /// An address, if there is a watchdog.
    pub(super) watchdog: Option<String>,
    pub(super) host: String,
    pub(super) port: u16,
    /// The kind of messages to a broker.
    pub(super) client_tag: u8,
    /// Connections at a time.
    pub(super) max: usize,
    pub(super) limits: Limits,
}

/// Parameters that cannot be used. The first five texts are known to programs.
#[derive(Debug, Clone, Eq, PartialEq)]
#[non_exhaustive]
pub(super) enum ArgsError {
    /// There are too few, or the tag is no number.
    Few(String),
    /// The number of connections is not above 0.
    Max,
    /// The first is neither S nor L.
    Header,
    /// The watchdog is no service.
    Watchdog(String),
    /// The address has no usable port.
    Address(String),
    /// The tag is no kind of message.
    Tag(String),
    /// What follows names no limit.
    Limit(String),
    /// A limit is no number.
    Value(String),
}

impl Args {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// [`ArgsError`] says which one is wrong.
    pub(super) fn parse(text: &[u8]) -> Result<Args, ArgsError> {
        let text = String::from_utf8_lossy(text);
        let few = || ArgsError::Few(text.clone().into_owned());
        // The style is the first character; a space behind it is usual and not needed.
        let mut chars = text.chars();
        let style = chars.next().ok_or_else(few)?;
        let mut words = chars.as_str().split_ascii_whitespace();
        let (watchdog, address) = (words.next().ok_or_else(few)?, words.next().ok_or_else(few)?);
        let tag = words.next().ok_or_else(few)?;
        let number = leading_number(tag).ok_or_else(few)?;
        let max = words.next().and_then(leading_number).filter(|max| *max > 0).ok_or(ArgsError::Max)?;
        let (header, package) = match style {
            'S' => (Header::Two, Header::Two.max_package()),
            'L' => (Header::Four, LONG_PACKAGE),
            _ => return Err(ArgsError::Header),
        };
        let client_tag = match u8::try_from(number) {
            Ok(0) => PTYPE_CLIENT,
            Ok(tag) => tag,
            Err(_) => return Err(ArgsError::Tag(tag.to_owned())),
        };
        let (host, port) = split_address(address).ok_or_else(|| ArgsError::Address(address.to_owned()))?;
        let mut limits = Limits { package: Some(package), ..Limits::default() };
        for word in words {
            // Other words behind the parameters have never mattered.
            let Some((name, value)) = word.split_once('=') else { continue };
            limits.set(name, value).map_err(|error| match error {
                LimitError::Name => ArgsError::Limit(word.to_owned()),
                LimitError::Value => ArgsError::Value(word.to_owned()),
            })?;
        }
        limits.package = limits.package.map(|wanted| wanted.min(package));
        Ok(Args {
            header,
            watchdog: (watchdog != "!").then(|| watchdog.to_owned()),
            host: host.to_owned(),
            port,
            client_tag,
            max: usize::try_from(max).unwrap_or(usize::MAX),
            limits,
        })
    }
}

/// The digits at the beginning of a word; a sign is allowed.
pub(super) fn leading_number(word: &str) -> Option<i64> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let number: i64 = digits.get(..end)?.parse().ok()?;
    Some(if word.starts_with('-') { -number } else { number })
}

/// Host, which may be empty, and port.
fn split_address(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':').unwrap_or(("", address));
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some((host, port.parse().ok()?))
}

impl fmt::Display for ArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Few(text) => write!(f, "Invalid gate parm {text}"),
            Self::Max => f.write_str("Need max connection"),
            Self::Header => f.write_str("Invalid data header style"),
            Self::Watchdog(name) => write!(f, "Invalid watchdog {name}"),
            Self::Address(address) => write!(f, "Invalid gate address {address}"),
            Self::Tag(tag) => write!(f, "Invalid gate parm {tag}: the client tag is 0 to 255"),
            Self::Limit(word) => {
                write!(f, "Invalid gate parm {word}: the limits are idle, package, buffer and rate")
            }
            Self::Value(word) => write!(f, "Invalid gate parm {word}: a limit is a whole number above 0"),
        }
    }
}

impl Error for ArgsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Args::parse(text.as_bytes()).map_err(|error| error.to_string()).unwrap_err()
    }

    #[test]
    fn parameters_are_read() {
        let args = Args::parse(b"S :0000000a 127.0.0.1:8888 0 64").unwrap();
        assert_eq!(args.header, Header::Two);
        assert_eq!(args.watchdog.as_deref(), Some(":0000000a"));
        assert_eq!((args.host.as_str(), args.port), ("127.0.0.1", 8888));
        assert_eq!((args.client_tag, args.max), (PTYPE_CLIENT, 64));
        assert_eq!(args.limits, Limits { package: Some(65_535), ..Limits::default() });
        let args = Args::parse(b"L ! 9 20 1 and more words").unwrap();
        assert_eq!((args.header, args.watchdog, args.host.as_str()), (Header::Four, None, ""));
        assert_eq!((args.port, args.client_tag, args.limits.package), (9, 20, Some((1 << 24) - 1)));
        let args = Args::parse(b"S ! [::1]:0 0 1").unwrap();
        assert_eq!((args.host.as_str(), args.port), ("::1", 0));
    }

    #[test]
    fn limits_follow_and_never_widen_the_header() {
        let limits = Args::parse(b"S ! 1 0 1 idle=30 buffer=65536 rate=100 package=1000000").unwrap().limits;
        assert_eq!(
            limits,
            Limits { package: Some(65_535), idle: Some(3000), buffer: Some(65_536), rate: Some(100) }
        );
        assert_eq!(Args::parse(b"L ! 1 0 1 package=10").unwrap().limits.package, Some(10));
    }

    #[test]
    fn each_wrong_parameter_is_named() {
        for (text, reason) in [
            ("", "Invalid gate parm "),
            ("S", "Invalid gate parm S"),
            ("S a 1", "Invalid gate parm S a 1"),
            ("S a 1 x 1", "Invalid gate parm S a 1 x 1"),
            ("S a 1 0", "Need max connection"),
            ("S a 1 0 0", "Need max connection"),
            ("S a 1 0 -5", "Need max connection"),
            ("X a 1 0 1", "Invalid data header style"),
            ("S a 1 256 1", "Invalid gate parm 256: the client tag is 0 to 255"),
            ("S a h: 0 1", "Invalid gate address h:"),
            ("S a h:65536 0 1", "Invalid gate address h:65536"),
            ("S a 1 0 1 idel=1", "Invalid gate parm idel=1: the limits are idle, package, buffer and rate"),
            ("S a 1 0 1 idle=x", "Invalid gate parm idle=x: a limit is a whole number above 0"),
        ] {
            assert_eq!(refused(text), reason, "{text:?}");
        }
    }
}
