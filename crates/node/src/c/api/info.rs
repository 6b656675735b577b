//! What is about the node: time, variables, names, memory.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::{LazyLock, Mutex, PoisonError};

use skynet_core::{Context, Handle};

use super::super::context::until_nul;
use super::super::process;
use super::{bytes, guard};
use crate::complain;

/// Values that were asked for. A variable does not change, so what C got stays good.
static VALUES: LazyLock<Mutex<HashMap<Vec<u8>, &'static CStr>>> = LazyLock::new(Mutex::default);

/// `uint64_t skynet_now(void)`
#[unsafe(no_mangle)]
pub(super) extern "C" fn skynet_now() -> u64 {
    guard(0, || process::node().map_or(0, |node| node.now()))
}

/// `uint32_t skynet_starttime(void)`
#[unsafe(no_mangle)]
pub(super) extern "C" fn skynet_starttime() -> u32 {
    guard(0, || process::node().map_or(0, |node| node.starttime() as u32))
}

/// `const char *skynet_getenv(const char *key)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_getenv(key: *const c_char) -> *const c_char {
    // SAFETY: the module's arguments are as the header asks.
    let key = unsafe { bytes(key) };
    guard(ptr::null(), || variable(key))
}

/// A variable of the node, as a text that is good for ever; null if it is not set.
pub(super) fn variable(key: &[u8]) -> *const c_char {
    let mut values = VALUES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = values.get(key) {
        return value.as_ptr();
    }
    let Some(value) = process::node().and_then(|node| node.command("GETENV", key)) else {
        return ptr::null();
    };
    let value = &*Box::leak(until_nul(value).into_boxed_c_str());
    values.insert(key.to_vec(), value);
    value.as_ptr()
}

/// `void skynet_setenv(const char *key, const char *value)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_setenv(key: *const c_char, value: *const c_char) {
    // SAFETY: the module's arguments are as the header asks.
    let (key, value) = unsafe { (bytes(key), bytes(value)) };
    guard((), || {
        let Some(node) = process::node() else { return };
        // By the command, since keys and values are bytes; a key with a space would be cut there.
        if key.contains(&b' ') {
            let key = String::from_utf8_lossy(key);
            node.log(current(), format!("error: skynet_setenv: the key {key:?} has a space"));
            return;
        }
        node.command("SETENV", &[key, b" ", value].concat());
    });
}

/// `uint32_t skynet_handle_findname(const char *name)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_handle_findname(name: *const c_char) -> u32 {
    // SAFETY: the module's arguments are as the header asks.
    let name = unsafe { bytes(name) };
    guard(0, || process::node().and_then(|node| node.find_name(name)).map_or(0, Handle::raw))
}

/// `void skynet_debug_memory(const char *info)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_debug_memory(info: *const c_char) {
    // SAFETY: the module's arguments are as the header asks.
    let info = unsafe { bytes(info) };
    guard((), || {
        let (handle, info) = (current(), String::from_utf8_lossy(info));
        complain(format_args!("[{handle}] {info}: memory is not counted by service"));
    });
}

/// The allocator of Lua states: `void *skynet_lalloc(void *block, size_t old, size_t size)`
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn skynet_lalloc(block: *mut c_void, _old: usize, size: usize) -> *mut c_void {
    // SAFETY: the block is null or one of `malloc`, as the header asks.
    unsafe {
        if size == 0 {
            libc::free(block);
            return ptr::null_mut();
        }
        libc::realloc(block, size)
    }
}

/// The service that the calling thread runs.
fn current() -> Handle {
    Context::with(|ctx| ctx.map_or(Handle::NONE, Context::handle))
}
