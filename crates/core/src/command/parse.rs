//! Reading the parameters of commands, as C's `strtol` and `sscanf` read them.

use std::borrow::Cow;

/// A parameter in a log line.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The first word, and what follows it.
pub(super) fn word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let bytes = bytes.trim_ascii_start();
    let end = bytes.iter().position(u8::is_ascii_whitespace).unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// The number at the beginning, 0 if there is none, cut to the range of an `i32`. Base 0 reads the base from the prefix: `0x` is
/// sixteen, `0` eight.
pub(super) fn integer(bytes: &[u8], base: u32) -> i64 {
    let bytes = bytes.trim_ascii_start();
    let (negative, digits) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, bytes),
    };
    let (digits, base) = match (base, digits) {
        (0 | 16, [b'0', b'x' | b'X', rest @ ..]) => (rest, 16),
        (0, [b'0', ..]) => (digits, 8),
        (0, _) => (digits, 10),
        _ => (digits, base),
    };
    let values = digits.iter().map_while(|digit| char::from(*digit).to_digit(base));
    let value = values.fold(0_i64, |value, digit| (value * i64::from(base) + i64::from(digit)).min(1 << 40));
    let value = if negative { -value } else { value };
    value.clamp(i64::from(i32::MIN), i64::from(i32::MAX))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_like_strtol() {
        let read: Vec<i64> =
            ["12", " -7x", "x", "", "99999999999"].map(|text| integer(text.as_bytes(), 10)).into();
        assert_eq!(read, [12, -7, 0, 0, i64::from(i32::MAX)]);
        let read: Vec<i64> = ["0x1f", "010", "10", "0"].map(|text| integer(text.as_bytes(), 0)).into();
        assert_eq!(read, [31, 8, 10, 0]);
    }

    #[test]
    fn words_end_at_white_space() {
        assert_eq!(word(b"  a b c"), (&b"a"[..], &b" b c"[..]));
        assert_eq!(word(b""), (&b""[..], &b""[..]));
    }
}
