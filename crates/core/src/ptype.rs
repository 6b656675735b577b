//! The kinds of messages. The numbers are part of the protocol between services, in one node and between nodes.

/// Plain text: log lines and native services use it.
pub const PTYPE_TEXT: u8 = 0;
/// The answer to a request, or an expired timer (then from [`Handle::NONE`](crate::Handle::NONE) and empty).
pub const PTYPE_RESPONSE: u8 = 1;
/// A publication on a multicast channel.
pub const PTYPE_MULTICAST: u8 = 2;
/// A package from a client, and the notice of a death to the monitor service.
pub const PTYPE_CLIENT: u8 = 3;
/// Messages of the runtime, such as the logger's order to reopen its file.
pub const PTYPE_SYSTEM: u8 = 4;
/// Messages of the harbor network.
pub const PTYPE_HARBOR: u8 = 5;
/// Events of a socket.
pub const PTYPE_SOCKET: u8 = 6;
/// A request failed (its session), or the source is gone (session 0).
pub const PTYPE_ERROR: u8 = 7;
/// Messages of `skynet.mqueue`; deprecated.
pub const PTYPE_QUEUE: u8 = 8;
/// The debug protocol.
pub const PTYPE_DEBUG: u8 = 9;
/// Requests between Lua services: values in the pack format.
pub const PTYPE_LUA: u8 = 10;
/// Requests between snax services.
pub const PTYPE_SNAX: u8 = 11;
/// The trace tag of the request that follows.
pub const PTYPE_TRACE: u8 = 12;

/// What people call the kinds above, in their order.
const NAMES: [&str; 13] = [
    "text",
    "response",
    "multicast",
    "client",
    "system",
    "harbor",
    "socket",
    "error",
    "queue",
    "debug",
    "lua",
    "snax",
    "trace",
];

/// What people call a kind of messages: one of those above, or the number.
pub(crate) fn name(kind: u8) -> String {
    NAMES.get(usize::from(kind)).map_or_else(|| kind.to_string(), |name| (*name).to_owned())
}
