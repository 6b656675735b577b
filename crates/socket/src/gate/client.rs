//! One client's connection, as the gate knows it.

use skynet_core::Handle;

use super::{Intake, Limits};
use crate::framing::Header;

/// A connection that was taken.
#[derive(Debug)]
pub(super) struct Client {
    /// The other side, as `ip:port`.
    pub(super) peer: String,
    /// What comes in. There is nothing before the connection was started.
    pub(super) intake: Option<Box<Intake>>,
    /// Who gets its packages, and in whose name. [`Handle::NONE`]: the watchdog; the gate.
    pub(super) agent: Handle,
    pub(super) client: Handle,
    /// That its packages get nowhere was logged.
    pub(super) lost: bool,
}

impl Client {
    pub(super) fn new(peer: String) -> Client {
        Client { peer, intake: None, agent: Handle::NONE, client: Handle::NONE, lost: false }
    }

    /// From here on there may be bytes.
    pub(super) fn begin(&mut self, header: Header, limits: &Limits, now: u64) {
        self.intake.get_or_insert_with(|| Box::new(Intake::new(header, limits, now)));
    }

    /// Its packages go to a service.
    pub(super) fn forward(&mut self, agent: Handle, client: Handle) {
        self.agent = agent;
        self.client = client;
        self.lost = false;
    }
}
