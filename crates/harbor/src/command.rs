//! The text commands that the slave gives.

use std::error::Error;
use std::fmt;

/// A command, `PTYPE_HARBOR`.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Command<'a> {
    /// `N <name>`: the source of the message has this global name.
    Name(&'a [u8]),
    /// `S <fd> <id>` or `A <fd> <id>`: a connection to the node with this id, made or accepted.
    Link,
}

/// A text that is no command.
#[derive(Debug, Clone, Eq, PartialEq)]
#[non_exhaustive]
pub(crate) enum CommandError<'a> {
    /// There is no such command.
    Unknown(&'a [u8]),
    /// The parameters of `S` or `A` are not a socket and a harbor id.
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
            [b'S' | b'A', b' ', rest @ ..] if is_link(rest) => Ok(Command::Link),
            [letter @ (b'S' | b'A'), b' ', rest @ ..] => Err(CommandError::Invalid { letter: *letter, rest }),
            _ => Err(CommandError::Unknown(text)),
        }
    }
}

/// Whether these are the id of a socket, 0 or above, and that of a node, 1 to 255.
fn is_link(rest: &[u8]) -> bool {
    let mut words =
        rest.split(|&byte| byte == b' ').map(|word| std::str::from_utf8(word).unwrap_or_default());
    let socket = words.next().and_then(|word| word.parse::<i32>().ok());
    let harbor = words.next().and_then(|word| word.parse::<u8>().ok());
    words.next().is_none() && socket.is_some_and(|id| id >= 0) && harbor.is_some_and(|id| id != 0)
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
        assert_eq!(Command::parse(b"S 7 255"), Ok(Command::Link));
        assert_eq!(Command::parse(b"A 0 1"), Ok(Command::Link));
    }

    #[test]
    fn other_texts_are_refused_in_the_words_of_the_log() {
        assert_eq!(refused(b"X foo"), "Unknown command X foo");
        assert_eq!(refused(b""), "Unknown command ");
        assert_eq!(refused(b"NAME"), "Unknown command NAME");
        assert_eq!(refused(b"S x"), "Invalid command S x");
        for text in [&b"A 1"[..], b"A 1 0", b"A 1 256", b"A -1 2", b"A 1 2 3", b"A \xff 2"] {
            assert!(refused(text).starts_with("Invalid command A "), "{text:?}");
        }
    }
}
