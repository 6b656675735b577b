//! Bytes as lower-case hexadecimal digits.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes two digits a byte. `out` is twice as long as `bytes`.
pub(super) fn encode(bytes: &[u8], out: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(out.as_chunks_mut::<2>().0) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
}

/// Writes a byte for every two digits; false if there is another character than `0-9a-f`. `text` is twice as long as `out`.
pub(super) fn decode(text: &[u8], out: &mut [u8]) -> bool {
    for ([high, low], byte) in text.as_chunks::<2>().0.iter().zip(out) {
        let (Some(high), Some(low)) = (value(*high), value(*low)) else { return false };
        *byte = high << 4 | low;
    }
    true
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut text = vec![0; 512];
        encode(&bytes, &mut text);
        assert!(text.starts_with(b"000102") && text.ends_with(b"fdfeff"));
        let mut back = vec![0; 256];
        assert!(decode(&text, &mut back));
        assert_eq!(back, bytes);
    }

    #[test]
    fn only_lower_case_digits_are_read() {
        for text in ["0F", "g0", " 0", "0x"] {
            assert!(!decode(text.as_bytes(), &mut [0]), "{text:?}");
        }
    }
}
