//! Ports on loopback that nobody uses.

use std::collections::BTreeSet;
use std::net::TcpListener;

use anyhow::{Result, bail};

use super::random::Random;

/// Below the ports that the system gives to connections, so that none takes the port of a node that is down for a moment.
const FIRST: u32 = 12_000;
const LAST: u32 = 32_000;

/// Hands out each port once.
#[derive(Debug)]
pub(super) struct Ports {
    random: Random,
    given: BTreeSet<u16>,
}

impl Ports {
    /// Not of the test's seed: programs that run at the same time must not look at the same ports.
    pub(super) fn new() -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |time| u64::from(time.subsec_nanos()));
        Self { random: Random::new(now ^ u64::from(std::process::id()) << 32), given: BTreeSet::new() }
    }

    /// An address on which nobody listens.
    pub(super) fn address(&mut self) -> Result<String> {
        for _ in 0..1000 {
            let port = (FIRST + self.random.below(LAST - FIRST)) as u16;
            if TcpListener::bind(("127.0.0.1", port)).is_ok() && self.given.insert(port) {
                return Ok(format!("127.0.0.1:{port}"));
            }
        }
        bail!("no port between {FIRST} and {LAST} is free")
    }
}
