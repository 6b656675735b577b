//! `skynet.crypt`, under the name `client.crypt` too: what servers and clients agree on at login.
//!
//! The algorithms are in the modules below and know nothing of Lua: all of them are leaves. The functions here are jumping.

mod base64;
mod des;
mod dh;
mod hex;
mod mac;

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;

use mlua::ffi::{self, lua_State};

use super::{Entry, check_bytes, push_bytes};
use des::Padding;

const FUNCTIONS: &[Entry] = &[
    (c"randomkey", randomkey),
    (c"hashkey", hashkey),
    (c"desencode", desencode),
    (c"desdecode", desdecode),
    (c"hmac64", hmac64),
    (c"hmac64_md5", hmac64_md5),
    (c"hmac_hash", hmac_hash),
    (c"dhexchange", dhexchange),
    (c"dhsecret", dhsecret),
    (c"base64encode", base64encode),
    (c"base64decode", base64decode),
    (c"hexencode", hexencode),
    (c"hexdecode", hexdecode),
    (c"sha1", sha1),
    (c"hmac_sha1", hmac_sha1),
    (c"xor_str", xor_str),
];

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe {
        super::new_module(l, FUNCTIONS);
        ffi::lua_createtable(l, 0, 2);
        for (name, number) in [(c"iso7816_4", 0), (c"pkcs7", 1)] {
            ffi::lua_pushinteger(l, number);
            ffi::lua_setfield(l, -2, name.as_ptr());
        }
        ffi::lua_setfield(l, -2, c"padding".as_ptr());
    }
}

/// A string that is being made, in place.
struct Draft {
    buffer: MaybeUninit<ffi::luaL_Buffer>,
}

impl Draft {
    const NEW: Draft = Draft { buffer: MaybeUninit::uninit() };

    /// Room for `len` bytes, zero at first. The stack grows by one value until `finish`.
    unsafe fn room(&mut self, l: *mut lua_State, len: usize) -> &mut [u8] {
        // SAFETY: Lua gives room for `len` bytes, which it keeps until the buffer is finished.
        unsafe {
            let room = ffi::luaL_buffinitsize(l, self.buffer.as_mut_ptr(), len).cast::<u8>();
            room.write_bytes(0, len);
            std::slice::from_raw_parts_mut(room, len)
        }
    }

    /// Pushes the first `len` bytes as a string.
    unsafe fn finish(&mut self, len: usize) -> c_int {
        unsafe { ffi::luaL_pushresultsize(self.buffer.as_mut_ptr(), len) };
        1
    }
}

/// Eight bytes as an argument; raises the text if they are not eight.
unsafe fn check_eight(l: *mut lua_State, arg: c_int, complaint: &CStr) -> [u8; 8] {
    unsafe {
        match check_bytes(l, arg).try_into() {
            Ok(bytes) => bytes,
            Err(_) => {
                ffi::luaL_error(l, complaint.as_ptr());
                [0; 8]
            }
        }
    }
}

/// Two numbers of eight bytes as arguments.
unsafe fn check_pair(l: *mut lua_State) -> ([u8; 8], [u8; 8]) {
    unsafe { (check_eight(l, 1, c"Invalid uint64 x"), check_eight(l, 2, c"Invalid uint64 y")) }
}

/// Pushes a short result.
unsafe fn push(l: *mut lua_State, bytes: &[u8]) -> c_int {
    unsafe { push_bytes(l, bytes) };
    1
}

/// `randomkey() -> 8 bytes`
unsafe extern "C-unwind" fn randomkey(l: *mut lua_State) -> c_int {
    unsafe {
        let mut key = [0; 8];
        // Once in 256 times the bytes cancel out, and the next ones are taken.
        while key.iter().fold(0, |sum, byte| sum ^ byte) == 0 {
            if getrandom::fill(&mut key).is_err() {
                return ffi::luaL_error(l, c"the system gives no random bytes".as_ptr());
            }
        }
        push(l, &key)
    }
}

/// `hashkey(text) -> 8 bytes`
unsafe extern "C-unwind" fn hashkey(l: *mut lua_State) -> c_int {
    unsafe { push(l, &mac::hashkey(check_bytes(l, 1))) }
}

/// Key, text and padding of the DES functions. A text that is to be decrypted has whole blocks.
unsafe fn check_des<'a>(l: *mut lua_State, blocks: bool) -> ([u8; 8], &'a [u8], Padding) {
    unsafe {
        let key = check_bytes(l, 1);
        let Ok(key) = <[u8; 8]>::try_from(key) else {
            ffi::luaL_error(l, c"Invalid key size %d, need 8 bytes".as_ptr(), key.len() as c_int);
            return ([0; 8], &[], Padding::Iso7816);
        };
        let text = check_bytes(l, 2);
        if blocks && (text.is_empty() || text.len() % des::BLOCK != 0) {
            ffi::luaL_error(l, c"Invalid des crypt text length %d".as_ptr(), text.len() as c_int);
        }
        let number = ffi::luaL_optinteger(l, 3, 0);
        let Some(padding) = Padding::from_number(number) else {
            ffi::luaL_error(l, c"Invalid padding mode %I".as_ptr(), number);
            return (key, text, Padding::Iso7816);
        };
        (key, text, padding)
    }
}

/// `desencode(key, text, padding?) -> string`
unsafe extern "C-unwind" fn desencode(l: *mut lua_State) -> c_int {
    unsafe {
        let (key, text, padding) = check_des(l, false);
        let mut draft = Draft::NEW;
        let out = draft.room(l, des::encrypted_len(text.len()));
        des::encrypt(key, text, padding, out);
        let len = out.len();
        draft.finish(len)
    }
}

/// `desdecode(key, text, padding?) -> string`
unsafe extern "C-unwind" fn desdecode(l: *mut lua_State) -> c_int {
    unsafe {
        let (key, text, padding) = check_des(l, true);
        let mut draft = Draft::NEW;
        match des::decrypt(key, text, padding, draft.room(l, text.len())) {
            Some(len) => draft.finish(len),
            None => ffi::luaL_error(l, c"Invalid des crypt text".as_ptr()),
        }
    }
}

/// `hmac64(x, y) -> 8 bytes`
unsafe extern "C-unwind" fn hmac64(l: *mut lua_State) -> c_int {
    unsafe {
        let (x, y) = check_pair(l);
        push(l, &mac::hmac64(x, y))
    }
}

/// `hmac64_md5(x, y) -> 8 bytes`
unsafe extern "C-unwind" fn hmac64_md5(l: *mut lua_State) -> c_int {
    unsafe {
        let (x, y) = check_pair(l);
        push(l, &mac::hmac64_md5(x, y))
    }
}

/// `hmac_hash(key, text) -> 8 bytes`
unsafe extern "C-unwind" fn hmac_hash(l: *mut lua_State) -> c_int {
    unsafe {
        let key = check_eight(l, 1, c"Invalid uint64 key");
        push(l, &mac::hmac64(mac::hashkey(check_bytes(l, 2)), key))
    }
}

/// `dhexchange(key) -> 8 bytes`
unsafe extern "C-unwind" fn dhexchange(l: *mut lua_State) -> c_int {
    unsafe {
        let key = u64::from_le_bytes(check_eight(l, 1, c"Invalid dh uint64 key"));
        refuse_zero(l, key);
        push(l, &dh::exchange(key).to_le_bytes())
    }
}

/// `dhsecret(public, key) -> 8 bytes`
unsafe extern "C-unwind" fn dhsecret(l: *mut lua_State) -> c_int {
    unsafe {
        let (public, key) = check_pair(l);
        let (public, key) = (u64::from_le_bytes(public), u64::from_le_bytes(key));
        refuse_zero(l, public);
        refuse_zero(l, key);
        push(l, &dh::secret(public, key).to_le_bytes())
    }
}

unsafe fn refuse_zero(l: *mut lua_State, number: u64) {
    if number == 0 {
        unsafe { ffi::luaL_error(l, c"Can't be 0".as_ptr()) };
    }
}

/// `base64encode(bytes) -> text`
unsafe extern "C-unwind" fn base64encode(l: *mut lua_State) -> c_int {
    unsafe {
        let bytes = check_bytes(l, 1);
        let Some(len) = base64::encoded_len(bytes.len()) else {
            return ffi::luaL_error(l, c"string too long for base64".as_ptr());
        };
        let mut draft = Draft::NEW;
        base64::encode(bytes, draft.room(l, len));
        draft.finish(len)
    }
}

/// `base64decode(text) -> bytes`
unsafe extern "C-unwind" fn base64decode(l: *mut lua_State) -> c_int {
    unsafe {
        let text = check_bytes(l, 1);
        let mut draft = Draft::NEW;
        match base64::decode(text, draft.room(l, base64::decoded_len(text.len()))) {
            Some(len) => draft.finish(len),
            None => ffi::luaL_error(l, c"Invalid base64 text".as_ptr()),
        }
    }
}

/// `hexencode(bytes) -> text`
unsafe extern "C-unwind" fn hexencode(l: *mut lua_State) -> c_int {
    unsafe {
        let bytes = check_bytes(l, 1);
        let Some(len) = bytes.len().checked_mul(2) else {
            return ffi::luaL_error(l, c"string too long for hexadecimal digits".as_ptr());
        };
        let mut draft = Draft::NEW;
        hex::encode(bytes, draft.room(l, len));
        draft.finish(len)
    }
}

/// `hexdecode(text) -> bytes`
unsafe extern "C-unwind" fn hexdecode(l: *mut lua_State) -> c_int {
    unsafe {
        let text = check_bytes(l, 1);
        if text.len() % 2 != 0 {
            return ffi::luaL_error(l, c"Invalid hex text size %d".as_ptr(), text.len() as c_int);
        }
        let mut draft = Draft::NEW;
        if !hex::decode(text, draft.room(l, text.len() / 2)) {
            return ffi::luaL_error(l, c"Invalid hex text".as_ptr());
        }
        draft.finish(text.len() / 2)
    }
}

/// `sha1(text) -> 20 bytes`
unsafe extern "C-unwind" fn sha1(l: *mut lua_State) -> c_int {
    unsafe { push(l, &mac::sha1(check_bytes(l, 1))) }
}

/// `hmac_sha1(key, text) -> 20 bytes`
unsafe extern "C-unwind" fn hmac_sha1(l: *mut lua_State) -> c_int {
    unsafe {
        let key = check_bytes(l, 1);
        match mac::hmac_sha1(key, check_bytes(l, 2)) {
            Some(code) => push(l, &code),
            None => ffi::luaL_error(l, c"Invalid hmac key".as_ptr()),
        }
    }
}

/// `xor_str(text, key) -> string`
unsafe extern "C-unwind" fn xor_str(l: *mut lua_State) -> c_int {
    unsafe {
        let text = check_bytes(l, 1);
        let key = check_bytes(l, 2);
        if key.is_empty() {
            return ffi::luaL_error(l, c"Can't xor empty string".as_ptr());
        }
        let mut draft = Draft::NEW;
        let out = draft.room(l, text.len());
        for ((place, byte), mask) in out.iter_mut().zip(text).zip(key.iter().cycle()) {
            *place = byte ^ mask;
        }
        draft.finish(text.len())
    }
}
