//! From bytes to the Lua stack.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_seri::wire;

use super::keys;
use crate::vm::Vm;

/// Where the reader stands. Plain data: a raised error jumps over it.
struct Reader {
    at: *const u8,
    end: *const u8,
    vm: *mut Vm,
    /// Stack index of the table of cached keys, 0 if unused.
    cache: c_int,
    /// How many pairs the last table had: the next one very often has as many.
    pairs: c_int,
    /// How many tables the reader is inside of.
    depth: usize,
}

impl Reader {
    #[inline]
    fn left(&self) -> usize {
        self.end as usize - self.at as usize
    }

    #[inline]
    unsafe fn take(&mut self, l: *mut lua_State, len: usize) -> *const u8 {
        unsafe {
            if self.left() < len {
                self.invalid(l, 1);
            }
            let at = self.at;
            self.at = at.add(len);
            at
        }
    }

    #[cold]
    #[inline(never)]
    unsafe fn invalid(&self, l: *mut lua_State, line: c_int) {
        unsafe {
            ffi::luaL_error(l, c"Invalid serialize stream %d (line:%d)".as_ptr(), self.left() as c_int, line);
        }
    }
}

/// Pushes every value in the block and gives their number. The block is not freed.
///
/// `cache_at` is what [`open_cache`] gave: it lets long payloads reuse the strings of their keys.
///
/// Jumping: raises on bytes that are not a valid stream, and when memory runs out.
pub(crate) unsafe fn unpack(
    l: *mut lua_State,
    vm: *mut Vm,
    block: *const u8,
    len: usize,
    cache_at: c_int,
) -> c_int {
    unsafe {
        if len == 0 || block.is_null() {
            return 0;
        }
        let mut reader = Reader { at: block, end: block.add(len), vm, cache: cache_at, pairs: 0, depth: 0 };
        let base = ffi::lua_gettop(l);
        let mut pushed: c_int = 0;
        while reader.left() != 0 {
            if pushed & 7 == 7 {
                ffi::luaL_checkstack(l, ffi::LUA_MINSTACK, c"too many values in a message".as_ptr());
            }
            let head = *reader.take(l, 1);
            push_value(l, &mut reader, head);
            pushed += 1;
        }
        ffi::lua_gettop(l) - base
    }
}

/// Prepares the key cache for [`unpack`]: pushes a table or nothing, and gives the index to pass on.
#[inline]
pub(crate) unsafe fn open_cache(l: *mut lua_State, vm: *mut Vm, len: usize) -> c_int {
    unsafe { keys::open(l, vm, len) }
}

/// One value. The scalars are pushed in place: this is the inner loop of all unpacking.
#[inline(always)]
unsafe fn push_value(l: *mut lua_State, reader: &mut Reader, head: u8) {
    unsafe {
        let cookie = wire::cookie_of(head);
        match wire::kind_of(head) {
            wire::TYPE_NIL => ffi::lua_pushnil(l),
            wire::TYPE_BOOLEAN => ffi::lua_pushboolean(l, c_int::from(cookie)),
            wire::TYPE_NUMBER => {
                if cookie == wire::NUMBER_REAL {
                    let at = reader.take(l, 8);
                    ffi::lua_pushnumber(l, f64::from_le_bytes(at.cast::<[u8; 8]>().read_unaligned()));
                } else {
                    let value = integer(l, reader, cookie);
                    ffi::lua_pushinteger(l, value);
                }
            }
            wire::TYPE_USERDATA => {
                let at = reader.take(l, 8);
                let address = u64::from_le_bytes(at.cast::<[u8; 8]>().read_unaligned());
                ffi::lua_pushlightuserdata(l, address as usize as *mut _);
            }
            wire::TYPE_SHORT_STRING => {
                let len = usize::from(cookie);
                let at = reader.take(l, len);
                ffi::lua_pushlstring(l, at.cast(), len);
            }
            wire::TYPE_LONG_STRING => {
                let len = long_length(l, reader, cookie);
                let at = reader.take(l, len);
                ffi::lua_pushlstring(l, at.cast(), len);
            }
            wire::TYPE_TABLE => push_table(l, reader, cookie),
            _ => reader.invalid(l, 2),
        }
    }
}

#[inline(always)]
unsafe fn integer(l: *mut lua_State, reader: &mut Reader, cookie: u8) -> i64 {
    unsafe {
        match cookie {
            wire::NUMBER_ZERO => 0,
            wire::NUMBER_BYTE => i64::from(*reader.take(l, 1)),
            wire::NUMBER_WORD => {
                i64::from(u16::from_le_bytes(reader.take(l, 2).cast::<[u8; 2]>().read_unaligned()))
            }
            wire::NUMBER_DWORD => {
                i64::from(i32::from_le_bytes(reader.take(l, 4).cast::<[u8; 4]>().read_unaligned()))
            }
            wire::NUMBER_QWORD => i64::from_le_bytes(reader.take(l, 8).cast::<[u8; 8]>().read_unaligned()),
            _ => {
                reader.invalid(l, 3);
                0
            }
        }
    }
}

#[cold]
unsafe fn long_length(l: *mut lua_State, reader: &mut Reader, cookie: u8) -> usize {
    unsafe {
        match cookie {
            wire::LENGTH_WORD => {
                usize::from(u16::from_le_bytes(reader.take(l, 2).cast::<[u8; 2]>().read_unaligned()))
            }
            wire::LENGTH_DWORD => {
                u32::from_le_bytes(reader.take(l, 4).cast::<[u8; 4]>().read_unaligned()) as usize
            }
            _ => {
                reader.invalid(l, 4);
                0
            }
        }
    }
}

#[inline(never)]
unsafe fn push_table(l: *mut lua_State, reader: &mut Reader, cookie: u8) {
    unsafe {
        // No encoder nests deeper; hostile bytes must not exhaust the native stack.
        if reader.depth > wire::MAX_DEPTH {
            reader.invalid(l, 8);
        }
        reader.depth += 1;
        let mut count = i64::from(cookie);
        if cookie == wire::ARRAY_EXTENDED {
            let head = *reader.take(l, 1);
            let cookie = wire::cookie_of(head);
            if wire::kind_of(head) != wire::TYPE_NUMBER || cookie == wire::NUMBER_REAL {
                reader.invalid(l, 5);
            }
            count = integer(l, reader, cookie);
        }
        // Every element takes a byte at least: a count beyond that is a lie, and reserves nothing.
        if count < 0 || count as usize as i64 != count || count as usize > reader.left() {
            reader.invalid(l, 6);
        }
        if reader.depth == 1 {
            // Every level keeps the table and a key.
            let slots = 3 * wire::MAX_DEPTH as c_int + 20;
            ffi::luaL_checkstack(l, slots, c"too many nested tables in a message".as_ptr());
        }
        // A pair takes two bytes at least, so a wrong guess costs little.
        let guess = if (reader.pairs as usize) <= reader.left() / 2 { reader.pairs } else { 0 };
        ffi::lua_createtable(l, if count > i64::from(c_int::MAX) { 0 } else { count as c_int }, guess);
        let mut i = 1;
        while i <= count {
            let head = *reader.take(l, 1);
            push_value(l, reader, head);
            ffi::lua_rawseti(l, -2, i);
            i += 1;
        }
        let mut pairs: c_int = 0;
        loop {
            let head = *reader.take(l, 1);
            let cookie = wire::cookie_of(head);
            match wire::kind_of(head) {
                wire::TYPE_NIL => break,
                wire::TYPE_SHORT_STRING => {
                    let len = usize::from(cookie);
                    let at = reader.take(l, len);
                    let text = std::slice::from_raw_parts(at, len);
                    keys::push_key(l, reader.vm, reader.cache, text);
                }
                _ => {
                    push_value(l, reader, head);
                    // NaN cannot be a key: an honest encoder never sends one.
                    if ffi::lua_rawequal(l, -1, -1) == 0 {
                        reader.invalid(l, 7);
                    }
                }
            }
            let head = *reader.take(l, 1);
            push_value(l, reader, head);
            ffi::lua_rawset(l, -3);
            if pairs < 1024 {
                pairs += 1;
            }
        }
        reader.pairs = pairs;
        reader.depth -= 1;
    }
}
