//! Settings.

use std::time::Duration;

/// Settings of [`Sockets`](crate::Sockets).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Threads that do nothing but wait for the system and read, 0 to 64; sockets are spread over them by their ids. With 0 the
    /// node's workers do it when they have nothing else to do, which is the fastest unless there are many cores and much to read.
    /// Default: 0.
    pub threads: usize,
    /// How many sockets there may be at a time, rounded up to a power of two. Each possible 256 cost 24 bytes, each 256 in use
    /// 4 KiB beside the sockets themselves. Default: 262,144.
    pub max_sockets: usize,
    /// Above how many waiting bytes a socket is closed, so that a peer that does not read cannot fill the memory; `None` for
    /// never. [`Sockets::limit`](crate::Sockets::limit) sets it for one socket. Default: `None`.
    pub write_limit: Option<usize>,
    /// How long a closed socket may try to send what waits without getting rid of anything; `None` for ever. Default: 60 s.
    pub close_timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            threads: 0,
            max_sockets: 1 << 18,
            write_limit: None,
            close_timeout: Some(Duration::from_secs(60)),
        }
    }
}

impl Options {
    /// Sets [`Options::threads`].
    #[must_use]
    pub fn threads(mut self, count: usize) -> Options {
        self.threads = count;
        self
    }

    /// Sets [`Options::max_sockets`].
    #[must_use]
    pub fn max_sockets(mut self, count: usize) -> Options {
        self.max_sockets = count;
        self
    }

    /// Sets [`Options::write_limit`], in bytes.
    #[must_use]
    pub fn write_limit(mut self, limit: Option<usize>) -> Options {
        self.write_limit = limit;
        self
    }

    /// Sets [`Options::close_timeout`].
    #[must_use]
    pub fn close_timeout(mut self, timeout: Option<Duration>) -> Options {
        self.close_timeout = timeout;
        self
    }
}
