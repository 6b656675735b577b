//! HMAC-SHA1, by its definition: what the other end of a connection with a secret has to know.

fn sha1(message: &[u8]) -> [u8; 20] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.extend([0; 64]);
    }
    let bits = (message.len() as u64 * 8).to_be_bytes();
    let end = padded.len() - 8;
    padded[end..].copy_from_slice(&bits);

    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        for i in 16..80 {
            words.push((words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in words.iter().enumerate() {
            let (mix, constant) = match i / 20 {
                0 => (b & c | !b & d, 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next =
                a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, value) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(value);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

/// HMAC-SHA1 of a text. The key is shorter than a block.
pub(crate) fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| (0..64).map(move |i| key.get(i).copied().unwrap_or(0) ^ with);
    let inner: Vec<u8> = pad(0x36).chain(text.iter().copied()).collect();
    let outer: Vec<u8> = pad(0x5c).chain(sha1(&inner)).collect();
    sha1(&outer).to_vec()
}

#[test]
fn the_digest_is_that_of_the_standard() {
    let digest = hmac(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(digest[..6], [0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb]);
    assert_eq!(sha1(b"abc")[..4], [0xa9, 0x99, 0x3e, 0x36]);
    assert_eq!(sha1(&[b'a'; 60])[..].len(), 20);
}
