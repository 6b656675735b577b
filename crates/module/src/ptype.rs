//! The kinds of messages. The numbers are part of the protocol between services.

/// Plain text: log lines and native services use it.
pub const PTYPE_TEXT: u8 = 0;
/// The answer to a request, or an expired timer (then from [`Handle::NONE`](crate::Handle::NONE) and empty).
pub const PTYPE_RESPONSE: u8 = 1;
/// A package from a client.
pub const PTYPE_CLIENT: u8 = 3;
/// A request failed (its session), or the source is gone (session 0).
pub const PTYPE_ERROR: u8 = 7;
/// Requests between Lua services: values in the pack format, which the crate `skynet-seri` reads and writes.
pub const PTYPE_LUA: u8 = 10;
