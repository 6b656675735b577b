//! A compiled file that many VMs share.

use std::ffi::{c_char, c_int, c_void};

use mlua::ffi::{self, lua_State};

use crate::vm::Vm;

/// Compiled code in one aligned block. Functions that are loaded from it in Lua's mode `B` point into it, so every VM that
/// loaded it keeps it alive.
pub(crate) struct Chunk {
    words: Box<[u64]>,
    len: usize,
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the words hold at least `len` bytes.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), self.len) }
    }

    /// Dumps the function on top of the stack into the VM's scratch buffer. False if that did not work.
    ///
    /// Jumping: Lua notes which strings it has dumped in a table, so it raises when memory runs out.
    pub(super) unsafe fn dump(l: *mut lua_State, vm: *mut Vm) -> bool {
        unsafe {
            (*vm).scratch.clear();
            ffi::lua_dump(l, write, vm.cast(), 0) == 0
        }
    }

    /// A leaf.
    pub(super) fn new(bytes: &[u8]) -> Chunk {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)].into_boxed_slice();
        // SAFETY: the words have room for all bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), words.as_mut_ptr().cast(), bytes.len()) };
        Chunk { words, len: bytes.len() }
    }

    /// Loads the code as a function onto the stack; a status of Lua's. The caller keeps `chunk` alive as long as the VM.
    pub(super) unsafe fn load(l: *mut lua_State, chunk: *const Chunk) -> c_int {
        // SAFETY: the reader gives the whole block at once, as the mode wants.
        unsafe {
            let mut rest = (*chunk).bytes();
            ffi::lua_load(l, read, (&raw mut rest).cast(), c"=?".as_ptr(), c"B".as_ptr())
        }
    }
}

unsafe extern "C-unwind" fn write(
    _: *mut lua_State,
    block: *const c_void,
    len: usize,
    ud: *mut c_void,
) -> c_int {
    if len == 0 {
        return 0;
    }
    // SAFETY: Lua gives `len` bytes; `ud` is the record, and nothing else uses its scratch buffer meanwhile.
    let written = unsafe {
        let bytes = std::slice::from_raw_parts(block.cast::<u8>(), len);
        (*ud.cast::<Vm>()).scratch.append(bytes)
    };
    c_int::from(!written)
}

unsafe extern "C-unwind" fn read(_: *mut lua_State, ud: *mut c_void, len: *mut usize) -> *const c_char {
    // SAFETY: `ud` is the slice that is left.
    unsafe {
        let rest = std::mem::take(&mut *ud.cast::<&[u8]>());
        *len = rest.len();
        rest.as_ptr().cast()
    }
}
