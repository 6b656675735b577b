//! The native gate: clients' connections on one port, their packages as messages of services.
//!
//! [`module`] makes the service, launched as
//! `gate <S|L> <watchdog|!> <[host:]port> <client_tag> <max> [idle=…] [package=…] [buffer=…] [rate=…]`.
//!
//! * `S` and `L`: packages have a [header](crate::framing::Header) of two or four bytes.
//! * The watchdog, `:hex` or `.name`, gets texts: `<fd> open <fd> <ip:port>:0`, `<fd> data <bytes>`, `<fd> close`.
//! * `client_tag` is the kind of messages for a broker, 0 for `PTYPE_CLIENT`; `max` connections may be open.
//! * The rest are [`Limits`]: a client that breaks one loses its connection, and a log line says why.
//!
//! Anybody may send commands as texts: `start <fd>`, `kick <fd>`, `forward <fd> :<agent> :<client>`, `broker <address>` and
//! `close`. A message of the kind `PTYPE_CLIENT`, bytes and then an fd in four little-endian bytes, is written as it is.
//!
//! [`Intake`] and [`Limits`] are of use without the service: the Lua gate stands on them.

mod args;
mod client;
mod command;
mod intake;
mod limits;
mod service;

pub use intake::Intake;
pub use limits::{Breach, Limits, closing_line, is_overflow, lost_line};
pub use service::module;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are the ids of sockets.
pub type IdMap<V> = HashMap<i32, V, BuildHasherDefault<IdHasher>>;

/// Hashes ids of sockets, which the node itself gives out one after the other: nobody outside can choose them.
#[derive(Copy, Clone, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_i32(i32::from(*byte));
        }
    }

    fn write_i32(&mut self, id: i32) {
        // The table looks at both ends of the hash.
        self.0 = (self.0 ^ u64::from(id.cast_unsigned())).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}
