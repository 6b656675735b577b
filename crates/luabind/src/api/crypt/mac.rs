//! Hashes, and codes that show knowledge of a key.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use md5::block_api::compress;
use sha1::{Digest as _, Sha1};

/// The state in which MD5 begins (RFC 1321, 3.3).
const MD5_START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Eight bytes for a text: the hash of D. J. Bernstein and that of J. Sobel, four bytes each.
pub(super) fn hashkey(text: &[u8]) -> [u8; 8] {
    let (mut djb, mut js) = (5381_u32, 1_315_423_911_u32);
    for byte in text {
        let byte = u32::from(*byte);
        djb = djb.wrapping_add((djb << 5).wrapping_add(byte));
        js ^= (js << 5).wrapping_add(byte).wrapping_add(js >> 2);
    }
    pair(djb, js)
}

/// Two words as eight bytes.
fn pair(first: u32, second: u32) -> [u8; 8] {
    (u64::from(second) << 32 | u64::from(first)).to_le_bytes()
}

/// One round of MD5 over both keys, folded to eight bytes.
///
/// It is not a step of the MD5 that everybody knows: the state in which the round began is not added to its result.
pub(super) fn hmac64(x: [u8; 8], y: [u8; 8]) -> [u8; 8] {
    let swapped = |key: [u8; 8]| u64::from_le_bytes(key).rotate_left(32).to_le_bytes();
    let mut block = [0; 64];
    for (place, key) in block.as_chunks_mut::<8>().0.iter_mut().zip([x, y].iter().cycle()) {
        *place = swapped(*key);
    }
    let mut state = MD5_START;
    compress(&mut state, &[block]);
    for (word, start) in state.iter_mut().zip(MD5_START) {
        *word = word.wrapping_sub(start);
    }
    let [a, b, c, d] = state;
    pair(c ^ d, a ^ b)
}

/// MD5 over both keys three times, folded to eight bytes.
pub(super) fn hmac64_md5(x: [u8; 8], y: [u8; 8]) -> [u8; 8] {
    let mut md5 = Md5::new();
    for key in [x, y].iter().cycle().take(6) {
        md5.update(key);
    }
    let sum = u128::from_le_bytes(md5.finalize().into());
    ((sum >> 64) as u64 ^ sum as u64).to_le_bytes()
}

/// SHA-1.
pub(super) fn sha1(text: &[u8]) -> [u8; 20] {
    Sha1::digest(text).into()
}

/// HMAC of SHA-1 (RFC 2104). `None` does not happen: any key will do.
pub(super) fn hmac_sha1(key: &[u8], text: &[u8]) -> Option<[u8; 20]> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).ok()?;
    mac.update(text);
    Some(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        let mut out = vec![0; bytes.len() * 2];
        super::super::hex::encode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    const X: [u8; 8] = *b"12345678";
    const Y: [u8; 8] = *b"abcdefgh";

    #[test]
    fn keys_of_texts_are_those_that_clients_know() {
        assert_eq!(hex(&hashkey(b"hello")), "9930920fcbef1867");
        assert_eq!(hex(&hashkey(b"")), "05150000a7c6674e");
        assert_eq!(hex(&hashkey(&[0xff; 20])), "b1e5ac8b1afefe6b");
        assert_eq!(hex(&hashkey(&[b'x'; 1000])), "c55e3199c16b41e3");
    }

    #[test]
    fn codes_of_eight_bytes_are_those_that_clients_know() {
        assert_eq!(hex(&hmac64(X, Y)), "ac9ffda9547a027a");
        assert_eq!(hex(&hmac64([0xff; 8], [0x80; 8])), "8b801d1874e41439");
        assert_eq!(hex(&hmac64(hashkey(b"text"), X)), "f28cb90c95aaf245");
        assert_eq!(hex(&hmac64_md5(X, Y)), "c2a34748cf834af4");
        assert_eq!(hex(&hmac64_md5([0xff; 8], [0x80; 8])), "6ed79638154924f6");
    }

    #[test]
    fn the_vectors_of_rfc_3174_hold() {
        assert_eq!(hex(&sha1(b"")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(hex(&sha1(long)), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        assert_eq!(hex(&sha1(&[b'a'; 1_000_000])), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    }

    #[test]
    fn the_vectors_of_rfc_2202_hold() {
        let code = |key: &[u8], text: &[u8]| hex(&hmac_sha1(key, text).unwrap());
        assert_eq!(code(&[0x0b; 20], b"Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00");
        assert_eq!(
            code(b"Jefe", b"what do ya want for nothing?"),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
        assert_eq!(code(&[0xaa; 20], &[0xdd; 50]), "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
        let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(code(&[0xaa; 80], text), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
        assert_eq!(code(b"key", b"text"), "369e2959eb49450338b212748f77d8ded74847bb");
        assert_eq!(code(b"", b"text"), "f3f276f5001644013dbd202f1854bd61f9123d0f");
    }
}
