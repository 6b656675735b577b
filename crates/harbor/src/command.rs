//! The text commands that the slave gives.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use skynet_socket::SocketId;

use crate::link::Side;

/// A command, `PTYPE_HARBOR`.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Command<'a> {
    /// `N <name>`: the source of the message has this global name.
    Name(&'a [u8]),
    /// `S <fd> <id>[ <flags>]` or `A <fd> <id>[ <flags>]`: a connection to the node with this id, made or accepted.
    Link {
        side: Side,
        socket: SocketId,
        id: u8,
        /// The flag `h<seconds>`: how long that node lets others be silent, if it knows pings; else 0.
        heartbeat_s: u32,
    },
    /// `D <id>`: the node with this id is gone.
    Gone(u8),
}

/// A text that is no command.
#[derive(Debug, Clone, Eq, PartialEq)]
#[non_exhaustive]
pub(crate) enum CommandError<'a> {
    /// There is no such command.
    Unknown(&'a [u8]),
    /// The parameters of `S` or `A` are not a socket and a harbor id, or that of `D` is not a harbor id.
    Invalid { letter: u8, rest: &'a [u8] },
}

impl<'a> Command<'a> {
    /// Reads a command: a letter, a space, its parameters.
    ///
    /// # Errors
    ///
    /// [`CommandError`], whose text is the line for the log.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Command<'a>, CommandError<'a>> {
        match text {
            [b'N', b' ', name @ ..] => Ok(Command::Name(name)),
            [letter @ (b'S' | b'A' | b'D'), b' ', rest @ ..] => {
                let side = if *letter == b'S' { Side::Connected } else { Side::Accepted };
                let mut words = rest.split(|&byte| byte == b' ');
                let parsed = if *letter == b'D' { gone(&mut words) } else { link(side, &mut words) };
                parsed.ok_or(CommandError::Invalid { letter: *letter, rest })
            }
            _ => Err(CommandError::Unknown(text)),
        }
    }
}

/// A socket, a harbor id, and flags, of which unknown ones are left to those who know them.
fn link<'a>(side: Side, words: &mut impl Iterator<Item = &'a [u8]>) -> Option<Command<'a>> {
    let socket = number(words.next()?).filter(|id: &i32| *id >= 0)?;
    let id = number(words.next()?).filter(|id| *id != 0)?;
    let heartbeat_s = words.find_map(|flag| number(flag.strip_prefix(b"h")?)).unwrap_or(0);
    Some(Command::Link { side, socket: SocketId::from_raw(socket), id, heartbeat_s })
}

/// A harbor id.
fn gone<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Option<Command<'a>> {
    number(words.next()?).filter(|id| *id != 0).map(Command::Gone)
}

fn number<T: FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

impl fmt::Display for CommandError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(text) => write!(f, "Unknown command {}", String::from_utf8_lossy(text)),
            Self::Invalid { letter, rest } => {
                write!(f, "Invalid command {} {}", char::from(*letter), String::from_utf8_lossy(rest))
            }
        }
    }
}

impl Error for CommandError<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &[u8]) -> String {
        Command::parse(text).map_err(|error| error.to_string()).unwrap_err()
    }

    #[test]
    fn commands_are_read() {
        assert_eq!(Command::parse(b"N DB one"), Ok(Command::Name(b"DB one")));
        assert_eq!(Command::parse(b"N "), Ok(Command::Name(b"")));
        let link = |side, socket, id, heartbeat_s| {
            Ok(Command::Link { side, socket: SocketId::from_raw(socket), id, heartbeat_s })
        };
        assert_eq!(Command::parse(b"S 7 255"), link(Side::Connected, 7, 255, 0));
        assert_eq!(Command::parse(b"A 0 1"), link(Side::Accepted, 0, 1, 0));
        assert_eq!(Command::parse(b"S 7 2 h15"), link(Side::Connected, 7, 2, 15));
        assert_eq!(Command::parse(b"A 7 2 x3 h hx h5 y"), link(Side::Accepted, 7, 2, 5));
        assert_eq!(Command::parse(b"D 9"), Ok(Command::Gone(9)));
    }

    #[test]
    fn other_texts_are_refused_in_the_words_of_the_log() {
        assert_eq!(refused(b"X foo"), "Unknown command X foo");
        assert_eq!(refused(b""), "Unknown command ");
        assert_eq!(refused(b"NAME"), "Unknown command NAME");
        assert_eq!(refused(b"S x"), "Invalid command S x");
        assert_eq!(refused(b"D 0"), "Invalid command D 0");
        for text in [&b"A 1"[..], b"A 1 0", b"A 1 256", b"A -1 2", b"A 1 two", b"A \xff 2"] {
            assert!(refused(text).starts_with("Invalid command A "), "{text:?}");
        }
    }
}
