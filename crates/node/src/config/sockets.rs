//! The keys about sockets.

use super::chunk::Entries;
use super::error::ConfigError;
use super::number::number;

/// How the sockets of the node are set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SocketSettings {
    /// Threads that poll.
    pub(crate) threads: usize,
    /// Sockets at a time.
    pub(crate) max: usize,
    /// Bytes that may wait on one of them.
    pub(crate) write_limit: Option<usize>,
}

impl SocketSettings {
    /// # Errors
    ///
    /// A value that is no number in the range of its key.
    pub(super) fn read(env: &Entries) -> Result<SocketSettings, ConfigError> {
        let write_limit = number(env, "rs_socket_write_limit")?;
        Ok(SocketSettings {
            threads: number(env, "rs_socket_threads")?,
            max: number(env, "rs_socket_max")?,
            write_limit: (write_limit > 0).then_some(write_limit),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn sockets_have_defaults_and_ranges() {
        let settings = |text| Config::from_text("test", text).map(|config| config.sockets);
        let default = settings("").unwrap();
        assert_eq!((default.threads, default.max, default.write_limit), (0, 262_144, None));
        assert_eq!(settings("rs_socket_write_limit = 4096").unwrap().write_limit, Some(4096));
        let error = settings("rs_socket_threads = 65").unwrap_err().to_string();
        assert_eq!(error, "Invalid rs_socket_threads 65 , should be in [0,64]");
        assert!(settings("rs_socket_max = 'many'").is_err());
    }
}
