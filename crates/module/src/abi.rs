//! The interface between a module and its node, byte by byte: two tables of C functions, and what is handed through them.
//!
//! # From a file to a service
//!
//! A module is a shared library with one exported function, [`ENTRY`], that gives the address of its [`ModuleTable`]. The node reads the
//! [`Header`] of it and refuses what it does not know. To begin a service it calls `create`, with the address of its own [`HostTable`];
//! what `create` made goes with each later call, until `drop`. Both tables stay as they are until the process ends.
//!
//! # Versions
//!
//! The header is the same in every version. [`MINOR`] is raised when functions are put at the end of a table, and when a function
//! takes values that it refused before; [`MAJOR`], when anything else changes: an order, a type, the meaning or the owner of something.
//! A node takes modules of its own major version and of no newer minor one. So a module may call each function of the host's table
//! that its own version has, and a node looks at those functions alone that the module's version has. A table's `size` is what its version says.
//!
//! # Rules
//!
//! - **Owners.** A [`Text`] is borrowed for the call. A [`Block`] belongs to whoever was given it last, and is a block of the C library's
//!   `malloc`, freed by `free`, or null with no bytes. A function that takes a block by its address leaves an empty one if it
//!   kept it, and what was not sent if it failed.
//! - **Threads.** One thread at a time runs a service: `create`, `message`, `exit`, `signals` and `drop` never overlap. `signal` comes
//!   on any thread, also while one of those runs. Functions that take a `ctx` are called by the one thread that got it, before it returns;
//!   those that take a request or a sender, by any, at any time.
//! - **Panics.** None crosses. A function of a module returns [`PANICKED`] and the text; one of the host returns [`HOST_FAILED`], or what
//!   says "nothing".

use std::ffi::c_void;
use std::ptr;

/// The name of the one exported function, an [`Entry`].
pub const ENTRY: &str = "skynet_rs_module";

/// Gives the address of a module's table.
pub type Entry = unsafe extern "C" fn() -> *const ModuleTable;

/// What each table begins with.
pub const MAGIC: u64 = u64::from_ne_bytes(*b"skynetrs");

/// Raised when modules that were built before can no longer be used.
pub const MAJOR: u16 = 1;

/// Raised when something is added that older modules do without.
pub const MINOR: u16 = 0;

/// A function of a module did what it should.
pub const DONE: i32 = 0;
/// It could not; the text says why. Only `create` may.
pub const FAILED: i32 = 1;
/// It panicked, with this text.
pub const PANICKED: i32 = 2;

/// A message was sent.
pub const SENT: i32 = 0;
/// The destination is 0.
pub const NO_DESTINATION: i32 = 1;
/// No such service is alive on this node.
pub const DEAD_HANDLE: i32 = 2;
/// No service of this node has this name.
pub const UNKNOWN_NAME: i32 = 3;
/// The destination is on another node, and there is no harbor service.
pub const NO_HARBOR: i32 = 4;
/// Messages of this kind cannot leave the node.
pub const NOT_FOR_REMOTE: i32 = 5;
/// The node has stopped.
pub const STOPPED: i32 = 6;
/// The host could not do it; the node's standard error has the reason.
pub const HOST_FAILED: i32 = -1;

/// The beginning of both tables, the same in every version.
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// The [`MAJOR`] version that the table is of.
    pub major: u16,
    /// The [`MINOR`] version that the table is of.
    pub minor: u16,
    /// The bytes of the table, the header among them.
    pub size: u32,
    /// Whose table it is: for people and tools, nothing goes by it. UTF-8, for ever.
    pub name: Text,
}

/// Borrowed bytes. The pointer may be anything if there are none.
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct Text {
    /// The first one.
    pub ptr: *const u8,
    /// How many.
    pub len: usize,
}

impl Text {
    /// These bytes.
    #[must_use]
    pub const fn new(bytes: &[u8]) -> Text {
        Text { ptr: bytes.as_ptr(), len: bytes.len() }
    }
}

/// A block of `malloc` whose owner is whoever was given it.
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct Block {
    /// Null if there is none.
    pub ptr: *mut c_void,
    /// The bytes in it that count.
    pub len: usize,
}

impl Block {
    /// No block.
    pub const NONE: Block = Block { ptr: ptr::null_mut(), len: 0 };
}

/// A message on its way across.
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct RawMessage {
    /// Its content, which goes over to the receiver.
    pub block: Block,
    /// Who sent it. In a message that is sent 0 means the sender itself.
    pub source: u32,
    /// Above 0 an answer is asked for.
    pub session: i32,
    /// Its `PTYPE_*`.
    pub kind: u8,
}

/// What a module offers. `why` is where a function puts the text of its failure or panic.
#[repr(C)]
#[derive(Debug)]
pub struct ModuleTable {
    /// See there.
    pub header: Header,
    /// Makes a service from the arguments of its launch, which are bytes. [`DONE`]: `instance` has what goes with later calls, not null.
    pub create: unsafe extern "C" fn(
        host: *const HostTable,
        ctx: *const c_void,
        args: Text,
        instance: *mut *mut c_void,
        why: *mut Block,
    ) -> i32,
    /// Handles a message, whose block is the module's then.
    pub message: unsafe extern "C" fn(
        instance: *mut c_void,
        ctx: *const c_void,
        message: *const RawMessage,
        why: *mut Block,
    ) -> i32,
    /// The service has ended, and may still send. Not called if `create` failed.
    pub exit: unsafe extern "C" fn(instance: *mut c_void, ctx: *const c_void, why: *mut Block) -> i32,
    /// Frees the instance. The last call for it.
    pub drop: unsafe extern "C" fn(instance: *mut c_void, why: *mut Block) -> i32,
    /// Asks once, after `create`, what is to be told of signals; null for nothing.
    pub signals:
        unsafe extern "C" fn(instance: *mut c_void, handler: *mut *mut c_void, why: *mut Block) -> i32,
    /// A signal came. On any thread, until `drop_signals`; perhaps after `drop`.
    pub signal: unsafe extern "C" fn(handler: *const c_void, signal: i32, why: *mut Block) -> i32,
    /// Frees what `signals` gave.
    pub drop_signals: unsafe extern "C" fn(handler: *mut c_void, why: *mut Block) -> i32,
}

/// What a node offers to a module.
#[repr(C)]
#[derive(Debug)]
pub struct HostTable {
    /// See there.
    pub header: Header,
    /// The service's own address.
    pub handle: unsafe extern "C" fn(ctx: *const c_void) -> u32,
    /// A new session number, above 0.
    pub new_session: unsafe extern "C" fn(ctx: *const c_void) -> i32,
    /// Sends a message; [`SENT`] or why not.
    pub send: unsafe extern "C" fn(ctx: *const c_void, dest: u32, message: *mut RawMessage) -> i32,
    /// The same to `:hex`, `.name` or a global name.
    pub send_name: unsafe extern "C" fn(ctx: *const c_void, name: Text, message: *mut RawMessage) -> i32,
    /// Passes a message on as it came. If it asks for an answer, the receiver owes it from then on.
    pub forward: unsafe extern "C" fn(ctx: *const c_void, dest: u32, message: *mut RawMessage) -> i32,
    /// Arms a timer and gives its new session: an empty `PTYPE_RESPONSE` from 0 comes with it.
    pub timeout: unsafe extern "C" fn(ctx: *const c_void, nanoseconds: u64) -> i32,
    /// Takes over an answer that is owed; null if it cannot be. The result goes to `respond` or `refuse`, once.
    pub accept: unsafe extern "C" fn(ctx: *const c_void, source: u32, session: i32) -> *mut c_void,
    /// Answers with `PTYPE_RESPONSE`.
    pub respond: unsafe extern "C" fn(request: *mut c_void, block: *mut Block) -> i32,
    /// Answers with `PTYPE_ERROR`; no reason if the request was given up.
    pub refuse: unsafe extern "C" fn(request: *mut c_void, reason: Text),
    /// Writes a log line.
    pub log: unsafe extern "C" fn(ctx: *const c_void, text: Text),
    /// Runs a text command. Null for no result; an empty result is a block of no bytes.
    pub command: unsafe extern "C" fn(ctx: *const c_void, command: Text, param: Text) -> Block,
    /// Ends the service after the message in hand.
    pub exit: unsafe extern "C" fn(ctx: *const c_void),
    /// The node's time in hundredths of a second since it began.
    pub now: unsafe extern "C" fn(ctx: *const c_void) -> u64,
    /// The messages that wait for the service.
    pub mqlen: unsafe extern "C" fn(ctx: *const c_void) -> u64,
    /// What sends in the name of the service from other threads, also after its end; null if it cannot be had.
    pub sender: unsafe extern "C" fn(ctx: *const c_void) -> *mut c_void,
    /// Counts one more holder of it.
    pub sender_share: unsafe extern "C" fn(sender: *mut c_void),
    /// Counts one holder less; the last one frees it.
    pub sender_drop: unsafe extern "C" fn(sender: *mut c_void),
    /// As `send`.
    pub sender_send: unsafe extern "C" fn(sender: *const c_void, dest: u32, message: *mut RawMessage) -> i32,
    /// As `send_name`.
    pub sender_send_name:
        unsafe extern "C" fn(sender: *const c_void, name: Text, message: *mut RawMessage) -> i32,
    /// As `log`.
    pub sender_log: unsafe extern "C" fn(sender: *const c_void, text: Text),
}

/// The header of a table of this version, with `size` bytes.
pub(crate) const fn header(name: &'static str, size: usize) -> Header {
    assert!(size <= u32::MAX as usize);
    Header { magic: MAGIC, major: MAJOR, minor: MINOR, size: size as u32, name: Text::new(name.as_bytes()) }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use std::mem::offset_of;

    use super::*;

    /// The places of these fields.
    macro_rules! places {
        ($table:ty: $($field:ident)*) => { [$(offset_of!($table, $field)),*] };
    }

    #[test]
    fn the_layout_of_version_1_0_does_not_change() {
        assert_eq!((MAJOR, MINOR), (1, 0), "raise these numbers with the version");
        assert_eq!((MAGIC.to_ne_bytes(), ENTRY), (*b"skynetrs", "skynet_rs_module"));
        assert_eq!((size_of::<Header>(), size_of::<Text>(), size_of::<Block>()), (32, 16, 16));
        assert_eq!(places!(Header: magic major minor size name), [0, 8, 10, 12, 16]);
        assert_eq!((places!(Text: ptr len), places!(Block: ptr len)), ([0, 8], [0, 8]));
        assert_eq!(size_of::<RawMessage>(), 32);
        assert_eq!(places!(RawMessage: block source session kind), [0, 16, 20, 24]);
    }

    #[test]
    fn the_functions_of_version_1_0_keep_their_places() {
        let module = places!(ModuleTable: create message exit drop signals signal drop_signals);
        assert_eq!(module, std::array::from_fn(|i| 32 + 8 * i));
        assert_eq!(size_of::<ModuleTable>(), 32 + 8 * module.len());
        let host = places!(HostTable: handle new_session send send_name forward timeout accept respond refuse log
            command exit now mqlen sender sender_share sender_drop sender_send sender_send_name sender_log);
        assert_eq!(host, std::array::from_fn(|i| 32 + 8 * i));
        assert_eq!(size_of::<HostTable>(), 32 + 8 * host.len());
    }

    #[test]
    fn the_codes_of_version_1_0_keep_their_numbers() {
        assert_eq!([DONE, FAILED, PANICKED], [0, 1, 2]);
        let sent = [SENT, NO_DESTINATION, DEAD_HANDLE, UNKNOWN_NAME, NO_HARBOR, NOT_FOR_REMOTE, STOPPED];
        assert_eq!(sent, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(HOST_FAILED, -1);
    }
}
