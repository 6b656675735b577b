//! Base64 with the standard alphabet. What is written is canonical; what is read may have other characters in between and
//! lack its padding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// No character of the alphabet.
const OTHER: u8 = 64;
/// The padding character.
const PAD: u8 = 65;

const VALUES: [u8; 256] = {
    let mut values = [OTHER; 256];
    let mut i = 0;
    while i < 26 {
        values[b'A' as usize + i] = i as u8;
        values[b'a' as usize + i] = i as u8 + 26;
        i += 1;
    }
    i = 0;
    while i < 10 {
        values[b'0' as usize + i] = i as u8 + 52;
        i += 1;
    }
    values[b'+' as usize] = 62;
    values[b'/' as usize] = 63;
    values[b'=' as usize] = PAD;
    values
};

/// Bytes that the text for `len` bytes takes; `None` if that is more than a size can say.
pub(super) fn encoded_len(len: usize) -> Option<usize> {
    len.div_ceil(3).checked_mul(4)
}

/// Writes the text for `bytes`, with padding. `out` holds [`encoded_len`] bytes.
pub(super) fn encode(bytes: &[u8], out: &mut [u8]) {
    // It can only fail for want of room.
    let _ = STANDARD.encode_slice(bytes, out);
}

/// Bytes that a text of `len` bytes gives at most.
pub(super) fn decoded_len(len: usize) -> usize {
    len.div_ceil(4) * 3
}

/// Writes what `text` stands for and gives the number of bytes; `None` if it is no base64. `out` holds [`decoded_len`] bytes.
///
/// Characters that are neither of the alphabet nor padding are skipped, but there may be none behind the last group.
/// Each group of four may be padded, not only the last one; at the end the padding may be missing.
pub(super) fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut rest = text;
    let mut written = 0;
    while !rest.is_empty() {
        let place = out.get_mut(written..written + 3)?;
        // The usual case first: four characters of the alphabet.
        if let Some((four, tail)) = rest.split_first_chunk::<4>() {
            let values = four.map(|letter| VALUES[usize::from(letter)]);
            if values.iter().all(|value| *value < OTHER) {
                place.copy_from_slice(&bytes_of(values));
                written += 3;
                rest = tail;
                continue;
            }
        }
        let (group, tail) = next_group(rest);
        let bytes = bytes_of(group.map(|value| if value == PAD { 0 } else { value }));
        let count = match group.iter().position(|value| *value == PAD) {
            None => 3,
            Some(2) if group[3] == PAD => 1,
            Some(3) => 2,
            _ => return None,
        };
        // Bits that belong to no byte must be zero.
        if bytes[count..].iter().any(|byte| *byte != 0) {
            return None;
        }
        place.copy_from_slice(&bytes);
        written += count;
        rest = tail;
    }
    Some(written)
}

/// The next four characters that count, and what is behind them. The end of the text counts as padding.
fn next_group(text: &[u8]) -> ([u8; 4], &[u8]) {
    let mut group = [PAD; 4];
    let mut letters = text.iter();
    for place in &mut group {
        let values = letters.by_ref().map(|letter| VALUES[usize::from(*letter)]);
        let Some(value) = values.into_iter().find(|value| *value != OTHER) else { break };
        *place = value;
    }
    (group, letters.as_slice())
}

/// Four numbers of six bits as three bytes.
fn bytes_of([a, b, c, d]: [u8; 4]) -> [u8; 3] {
    [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = vec![0; encoded_len(bytes.len()).unwrap()];
        encode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut out = vec![0; decoded_len(text.len())];
        let len = decode(text.as_bytes(), &mut out)?;
        out.truncate(len);
        Some(out)
    }

    #[test]
    fn the_vectors_of_rfc_4648_hold_both_ways() {
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (len, text) in vectors.into_iter().enumerate() {
            assert_eq!(encoded(&b"foobar"[..len]), text);
            assert_eq!(decoded(text).unwrap(), &b"foobar"[..len]);
        }
    }

    #[test]
    fn every_byte_in_every_place_comes_back() {
        for byte in 0..=255 {
            for len in 1..8 {
                let bytes = vec![byte; len];
                assert_eq!(decoded(&encoded(&bytes)).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn other_characters_and_missing_padding_are_forgiven() {
        for text in ["Z m\n8=", "Zm8", "\tZm8=", "Z!m-8"] {
            assert_eq!(decoded(text).as_deref(), Some(&b"fo"[..]), "{text:?}");
        }
        assert_eq!(decoded("Zg==Zm8=Zm9v").as_deref(), Some(&b"ffofoo"[..]));
    }

    #[test]
    fn what_is_no_group_is_refused() {
        for text in ["Z", "Z===", "=", "====", "\n", "Zm9v\n", "Zm8=\n", "Zm8==", "Zg=a", "Zm9v====", "Zg==Z"]
        {
            assert_eq!(decoded(text), None, "{text:?}");
        }
        for text in ["Zh==", "Zh", "Zm9=", "Zm9"] {
            assert_eq!(decoded(text), None, "bits left over in {text:?}");
        }
    }
}
