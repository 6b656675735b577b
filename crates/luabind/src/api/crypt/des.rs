//! DES, block by block (ECB), with the two paddings that are in use. Kept for clients that speak it: it protects nothing
//! from anybody who tries.

use des::Des;
use des::cipher::array::Array;
use des::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};

pub(super) const BLOCK: usize = 8;
/// The byte that begins an ISO 7816-4 padding.
const MARK: u8 = 0x80;

/// How the last block is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Padding {
    /// 0x80, then zeros.
    Iso7816,
    /// The number of padding bytes, in each of them.
    Pkcs7,
}

impl Padding {
    /// By the number that programs give.
    pub(super) fn from_number(number: i64) -> Option<Padding> {
        match number {
            0 => Some(Padding::Iso7816),
            1 => Some(Padding::Pkcs7),
            _ => None,
        }
    }

    fn fill(self, place: &mut [u8]) {
        match self {
            Padding::Pkcs7 => place.fill(place.len() as u8),
            Padding::Iso7816 => {
                place.fill(0);
                if let Some(first) = place.first_mut() {
                    *first = MARK;
                }
            }
        }
    }

    /// How many bytes of the last block are padding; `None` if it has no end that this padding makes.
    fn len_in(self, last: &[u8; BLOCK]) -> Option<usize> {
        let len = match self {
            Padding::Pkcs7 => usize::from(last[BLOCK - 1]),
            Padding::Iso7816 => last.iter().rev().position(|byte| *byte != 0)? + 1,
        };
        if !(1..=BLOCK).contains(&len) {
            return None;
        }
        let mut expected = [0; BLOCK];
        self.fill(expected.get_mut(..len)?);
        last.ends_with(expected.get(..len)?).then_some(len)
    }
}

/// Bytes that a text of `len` takes when encrypted.
pub(super) fn encrypted_len(len: usize) -> usize {
    (len / BLOCK + 1) * BLOCK
}

/// Encrypts. `out` holds [`encrypted_len`] bytes.
pub(super) fn encrypt(key: [u8; BLOCK], text: &[u8], padding: Padding, out: &mut [u8]) {
    let Some((whole, rest)) = out.split_at_mut_checked(text.len()) else { return };
    whole.copy_from_slice(text);
    padding.fill(rest);
    let blocks = Array::cast_slice_from_core_mut(out.as_chunks_mut::<BLOCK>().0);
    Des::new(&Array(key)).encrypt_blocks(blocks);
}

/// Decrypts whole blocks and gives the length without the padding; `None` if the text does not end as a padded one does.
/// `out` is as long as `text`.
pub(super) fn decrypt(key: [u8; BLOCK], text: &[u8], padding: Padding, out: &mut [u8]) -> Option<usize> {
    if out.len() != text.len() {
        return None;
    }
    out.copy_from_slice(text);
    let blocks = out.as_chunks_mut::<BLOCK>().0;
    Des::new(&Array(key)).decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    Some(text.len() - padding.len_in(blocks.last()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 8] = *b"12345678";

    fn encrypted(text: &[u8], padding: Padding) -> Vec<u8> {
        let mut out = vec![0; encrypted_len(text.len())];
        encrypt(KEY, text, padding, &mut out);
        out
    }

    fn decrypted(text: &[u8], padding: Padding) -> Option<Vec<u8>> {
        let mut out = vec![0; text.len()];
        let len = decrypt(KEY, text, padding, &mut out)?;
        out.truncate(len);
        Some(out)
    }

    #[test]
    fn the_classic_vector_holds() {
        let mut out = [0; 16];
        let key = 0x1334_5779_9bbc_dff1_u64.to_be_bytes();
        encrypt(key, &0x0123_4567_89ab_cdef_u64.to_be_bytes(), Padding::Pkcs7, &mut out);
        assert_eq!(out[..8], 0x85e8_1354_0f0a_b405_u64.to_be_bytes());
    }

    #[test]
    fn padding_is_at_least_one_byte() {
        for (padding, empty) in
            [(Padding::Iso7816, 0x8d3d_438a_718b_4510_u64), (Padding::Pkcs7, 0xfeb9_59b7_d464_2fcb)]
        {
            assert_eq!(encrypted(b"", padding), empty.to_be_bytes());
            assert_eq!(encrypted(b"aaaaaaaa", padding)[8..], empty.to_be_bytes());
            for len in 0..40 {
                let text = vec![b'a'; len];
                assert_eq!(decrypted(&encrypted(&text, padding), padding).unwrap(), text);
            }
        }
        assert_eq!(encrypted(b"hello", Padding::Iso7816), 0x7e38_1779_2435_7156_u64.to_be_bytes());
    }

    #[test]
    fn what_no_padding_ends_is_refused() {
        let raw = |text: &[u8; 8]| encrypted(text, Padding::Pkcs7)[..8].to_vec();
        for text in [b"aaaaaaa\0", b"aaaaaaa\x02", b"aaaaaaa\x09", b"\x01\x08\x08\x08\x08\x08\x08\x08"] {
            assert_eq!(decrypted(&raw(text), Padding::Pkcs7), None, "{text:?}");
        }
        for text in [b"aaaaaaaa", b"\0\0\0\0\0\0\0\0", b"a\x80\x01\0\0\0\0\0"] {
            assert_eq!(decrypted(&raw(text), Padding::Iso7816), None, "{text:?}");
        }
        assert_eq!(decrypted(&raw(b"a\x80\x80\0\0\0\0\0"), Padding::Iso7816).unwrap(), b"a\x80");
        assert_eq!(decrypted(b"", Padding::Iso7816), None);
    }
}
