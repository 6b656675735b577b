//! The parameters that the service is launched with.

use std::error::Error;
use std::fmt;

use skynet_core::Handle;

/// `<id> <slave handle>`, both decimal.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct Args {
    /// The harbor id of this node; 0 if it is to be alone, which a node with any id may be.
    pub(crate) id: u8,
    /// The service that is asked for names.
    pub(crate) slave: Handle,
}

/// Parameters that cannot be used.
#[derive(Debug, Clone, Eq, PartialEq)]
#[non_exhaustive]
pub(crate) enum ArgsError {
    /// The first is not 0 to 255.
    Id(String),
    /// The second is not a handle.
    Slave(String),
    /// There is a third.
    TooMany(String),
    /// The first is neither the harbor id of the node nor 0.
    OtherNode { id: u8, node: u8 },
}

impl Args {
    /// Reads the parameters of a service on the node with the harbor id `node`.
    ///
    /// # Errors
    ///
    /// [`ArgsError`] names the parameter that is wrong.
    pub(crate) fn parse(text: &[u8], node: u8) -> Result<Args, ArgsError> {
        let text = String::from_utf8_lossy(text);
        let mut words = text.split_ascii_whitespace();
        let mut next = || words.next().unwrap_or_default();
        let (id, slave, rest) = (next(), next(), next());
        let id: u8 = id.parse().map_err(|_| ArgsError::Id(id.to_owned()))?;
        let raw: u32 = slave.parse().unwrap_or_default();
        if raw == 0 {
            return Err(ArgsError::Slave(slave.to_owned()));
        }
        if !rest.is_empty() {
            return Err(ArgsError::TooMany(rest.to_owned()));
        }
        if id != node && id != 0 {
            return Err(ArgsError::OtherNode { id, node });
        }
        Ok(Args { id, slave: Handle::from_raw(raw) })
    }
}

impl fmt::Display for ArgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(text) => {
                write!(f, "harbor: the first parameter is the harbor id of the node, 0 to 255, not {text:?}")
            }
            Self::Slave(text) => write!(
                f,
                "harbor: the second parameter is the handle of the slave service in decimal, above 0, not {text:?}"
            ),
            Self::TooMany(text) => {
                write!(
                    f,
                    "harbor: the parameters are an id and the handle of the slave; {text:?} is too many"
                )
            }
            Self::OtherNode { id, node } => {
                write!(
                    f,
                    "harbor: the first parameter is harbor id {id}, but the node was started with {node}"
                )
            }
        }
    }
}

impl Error for ArgsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_a_slave_are_read() {
        let slave = Handle::new(1, 5);
        assert_eq!(Args::parse(b"1 16777221", 1), Ok(Args { id: 1, slave }));
        assert_eq!(Args::parse(b" 0  4 ", 0), Ok(Args { id: 0, slave: Handle::from_raw(4) }));
        assert_eq!(Args::parse(b"0 4", 9), Ok(Args { id: 0, slave: Handle::from_raw(4) }));
    }

    #[test]
    fn each_wrong_parameter_is_named() {
        let refused =
            |text: &str| Args::parse(text.as_bytes(), 0).map_err(|error| error.to_string()).unwrap_err();
        for (text, part) in [
            ("", "first parameter is the harbor id of the node, 0 to 255, not \"\""),
            ("x 4", "first parameter is the harbor id of the node, 0 to 255, not \"x\""),
            ("256 4", "not \"256\""),
            ("0", "second parameter is the handle of the slave service in decimal, above 0, not \"\""),
            ("0 0", "second parameter"),
            ("0 :4", "second parameter"),
            ("0 4294967296", "second parameter"),
            ("0 4 5", "\"5\" is too many"),
            ("1 4", "harbor id 1, but the node was started with 0"),
        ] {
            assert!(refused(text).contains(part), "{text:?}: {}", refused(text));
        }
    }
}
