//! The bytes of the format: header constants and the smallest encoders.
//!
//! Each value starts with one header byte: the low 3 bits name its type, the high 5 bits (the *cookie*) a small
//! number whose meaning depends on the type. All fields are little endian and unaligned.
//!
//! | type | cookie | then | value |
//! |---|---|---|---|
//! | [`TYPE_NIL`] | 0 | | nil; also ends a table |
//! | [`TYPE_BOOLEAN`] | 0, 1 | | false, true |
//! | [`TYPE_NUMBER`] | [`NUMBER_ZERO`] | | the integer 0 |
//! | | [`NUMBER_BYTE`] | u8 | integer |
//! | | [`NUMBER_WORD`] | u16 | integer |
//! | | [`NUMBER_DWORD`] | i32 | integer |
//! | | [`NUMBER_QWORD`] | i64 | integer |
//! | | [`NUMBER_REAL`] | f64 | float |
//! | [`TYPE_USERDATA`] | 0 | u64 | light userdata: a pointer, good in one process only |
//! | [`TYPE_SHORT_STRING`] | length, 0 to 31 | bytes | string |
//! | [`TYPE_LONG_STRING`] | [`LENGTH_WORD`] | u16, bytes | string of 32 to 65,535 bytes |
//! | | [`LENGTH_DWORD`] | u32, bytes | string of 65,536 bytes and more |
//! | [`TYPE_TABLE`] | n, 0 to 30 | n values, then pairs, then nil | table with an array part of n |
//! | | [`ARRAY_EXTENDED`] | an integer value n, then as above | the same, n of 31 and more |
//!
//! The functions here never allocate and never panic, so code that may be left by a jump can call them. Those that
//! give `([u8; N], usize)` give a buffer and how many of its first bytes are the encoding; the rest is zero, so
//! a caller with room for `N` bytes may copy the whole buffer and advance by the length.

use byteorder::{ByteOrder, LittleEndian};

/// Type of nil.
pub const TYPE_NIL: u8 = 0;
/// Type of false and true.
pub const TYPE_BOOLEAN: u8 = 1;
/// Type of integers and floats.
pub const TYPE_NUMBER: u8 = 2;
/// Type of light userdata.
pub const TYPE_USERDATA: u8 = 3;
/// Type of strings of at most [`MAX_SHORT_STRING`] bytes.
pub const TYPE_SHORT_STRING: u8 = 4;
/// Type of longer strings.
pub const TYPE_LONG_STRING: u8 = 5;
/// Type of tables.
pub const TYPE_TABLE: u8 = 6;

/// Cookie of the integer 0.
pub const NUMBER_ZERO: u8 = 0;
/// Cookie of an integer in one unsigned byte.
pub const NUMBER_BYTE: u8 = 1;
/// Cookie of an integer in two unsigned bytes.
pub const NUMBER_WORD: u8 = 2;
/// Cookie of an integer in four signed bytes.
pub const NUMBER_DWORD: u8 = 4;
/// Cookie of an integer in eight signed bytes.
pub const NUMBER_QWORD: u8 = 6;
/// Cookie of an IEEE 754 double.
pub const NUMBER_REAL: u8 = 8;

/// Cookie of a long string whose length is a u16.
pub const LENGTH_WORD: u8 = 2;
/// Cookie of a long string whose length is a u32.
pub const LENGTH_DWORD: u8 = 4;

/// Cookie of a table whose array length follows as an integer value.
pub const ARRAY_EXTENDED: u8 = 31;

/// Longest string, in bytes, whose length fits the cookie.
pub const MAX_SHORT_STRING: usize = 31;
/// Longest array part whose length fits the cookie.
pub const MAX_SHORT_ARRAY: usize = 30;
/// A value may lie within this many tables; a deeper one cannot be encoded. (So a table within 32 others is fine as
/// long as it is empty.)
pub const MAX_DEPTH: usize = 32;

/// The one byte that is nil, and that ends a table.
pub const NIL: u8 = head(TYPE_NIL, 0);
/// The one byte that is false.
pub const FALSE: u8 = head(TYPE_BOOLEAN, 0);
/// The one byte that is true.
pub const TRUE: u8 = head(TYPE_BOOLEAN, 1);

/// The most bytes that an integer, a float or a light userdata takes.
pub const MAX_SCALAR: usize = 9;
/// The most bytes before the content of a string.
pub const MAX_STRING_HEAD: usize = 5;
/// The most bytes before the first element of a table.
pub const MAX_TABLE_HEAD: usize = 1 + MAX_SCALAR;

/// The header byte of a type (0 to 7) and a cookie (0 to 31).
#[inline]
#[must_use]
pub const fn head(kind: u8, cookie: u8) -> u8 {
    (kind & 7) | (cookie << 3)
}

/// The type in a header byte, 0 to 7.
#[inline]
#[must_use]
pub const fn kind_of(head: u8) -> u8 {
    head & 7
}

/// The cookie in a header byte, 0 to 31.
#[inline]
#[must_use]
pub const fn cookie_of(head: u8) -> u8 {
    head >> 3
}

/// The byte that is this boolean.
#[inline]
#[must_use]
pub const fn encode_bool(value: bool) -> u8 {
    if value { TRUE } else { FALSE }
}

/// Encodes an integer in the width that C skynet chooses: 1, 2, 3, 5 or 9 bytes. A negative number never takes
/// the unsigned widths, and one from 2^31 on takes all eight bytes.
#[inline]
#[must_use]
pub fn encode_integer(value: i64) -> ([u8; MAX_SCALAR], usize) {
    let mut out = [0; MAX_SCALAR];
    // The fields are little endian, so the narrow forms are the first bytes of the wide one. Writing all eight
    // and cutting by length keeps this to one store.
    let (cookie, width) = match value {
        0 => (NUMBER_ZERO, 0),
        1..=0xff => (NUMBER_BYTE, 1),
        0x100..=0xffff => (NUMBER_WORD, 2),
        -0x8000_0000..=0x7fff_ffff => (NUMBER_DWORD, 4),
        _ => (NUMBER_QWORD, 8),
    };
    out[0] = head(TYPE_NUMBER, cookie);
    let bits = if width == 8 { value } else { value & ((1 << (8 * width)) - 1) };
    LittleEndian::write_i64(&mut out[1..], bits);
    (out, 1 + width)
}

/// Encodes a float. It takes eight bytes even when its value is integral, so that it is read back as a float.
#[inline]
#[must_use]
pub fn encode_float(value: f64) -> [u8; MAX_SCALAR] {
    let mut out = [0; MAX_SCALAR];
    out[0] = head(TYPE_NUMBER, NUMBER_REAL);
    LittleEndian::write_f64(&mut out[1..], value);
    out
}

/// Encodes a light userdata, that is the address it stands for. The address means something to its own process only.
#[inline]
#[must_use]
pub fn encode_pointer(address: u64) -> [u8; MAX_SCALAR] {
    let mut out = [0; MAX_SCALAR];
    out[0] = head(TYPE_USERDATA, 0);
    LittleEndian::write_u64(&mut out[1..], address);
    out
}

/// Encodes what stands before the bytes of a string of `len` bytes. `None` if `len` does not fit 32 bits.
#[inline]
#[must_use]
pub fn encode_string_head(len: usize) -> Option<([u8; MAX_STRING_HEAD], usize)> {
    let mut out = [0; MAX_STRING_HEAD];
    if len <= MAX_SHORT_STRING {
        out[0] = head(TYPE_SHORT_STRING, len as u8);
        return Some((out, 1));
    }
    let len = u32::try_from(len).ok()?;
    LittleEndian::write_u32(&mut out[1..], len);
    if len < 0x1_0000 {
        out[0] = head(TYPE_LONG_STRING, LENGTH_WORD);
        Some((out, 3))
    } else {
        out[0] = head(TYPE_LONG_STRING, LENGTH_DWORD);
        Some((out, 5))
    }
}

/// Encodes what stands before the first of `array` elements of a table. After the elements come the pairs,
/// key then value, and [`NIL`].
#[inline]
#[must_use]
pub fn encode_table_head(array: usize) -> ([u8; MAX_TABLE_HEAD], usize) {
    let mut out = [0; MAX_TABLE_HEAD];
    if array <= MAX_SHORT_ARRAY {
        out[0] = head(TYPE_TABLE, array as u8);
        return (out, 1);
    }
    out[0] = head(TYPE_TABLE, ARRAY_EXTENDED);
    // No table has more elements than memory has bytes, so this never saturates.
    let (count, len) = encode_integer(i64::try_from(array).unwrap_or(i64::MAX));
    out[1..].copy_from_slice(&count);
    (out, 1 + len)
}
