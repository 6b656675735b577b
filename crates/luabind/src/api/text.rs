//! Numbers as text, without allocation.

const DIGITS: [u8; 16] = *b"0123456789abcdef";

/// Writes a number in lower-case hexadecimal without padding, NUL-terminated; its length without the NUL.
pub(crate) fn hex(value: u32, out: &mut [u8; 9]) -> usize {
    let digits = ((35 - value.leading_zeros()) / 4).max(1) as usize;
    write(value, out, digits);
    digits
}

/// Writes a number as eight hexadecimal digits, NUL-terminated.
pub(crate) fn hex8(value: u32, out: &mut [u8; 9]) {
    write(value, out, 8);
}

fn write(mut value: u32, out: &mut [u8; 9], digits: usize) {
    *out = [0; 9];
    for place in out.iter_mut().take(digits).rev() {
        *place = DIGITS.get((value & 15) as usize).copied().unwrap_or(b'0');
        value >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_as_many_as_needed() {
        let mut out = [0; 9];
        for (value, text) in [(0, "0"), (9, "9"), (0x10, "10"), (0xfff, "fff"), (0xffff_ffff, "ffffffff")] {
            let len = hex(value, &mut out);
            assert_eq!(&out[..len], text.as_bytes());
            assert_eq!(out[len], 0);
        }
        hex8(0xa, &mut out);
        assert_eq!(&out, b"0000000a\0");
    }
}
