//! Diffie-Hellman over 64 bits: powers modulo a prime. Too short to keep a secret from anybody who tries; it is what
//! clients speak.

/// The largest prime below 2^64.
const PRIME: u64 = 0xffff_ffff_ffff_ffc5;
/// What 2^64 is modulo the prime.
const EXCESS: u64 = PRIME.wrapping_neg();
const GENERATOR: u64 = 5;

/// The public half of a key.
pub(super) fn exchange(private: u64) -> u64 {
    power(GENERATOR, private)
}

/// What both sides know: the other's public half to the power of the own key.
pub(super) fn secret(public: u64, private: u64) -> u64 {
    power(public, private)
}

fn power(base: u64, mut exponent: u64) -> u64 {
    let mut square = base % PRIME;
    let mut result = 1;
    while exponent != 0 {
        if exponent & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        exponent >>= 1;
    }
    result
}

fn multiply(a: u64, b: u64) -> u64 {
    // The high half counts as EXCESS each, so two foldings bring the product down to little more than 64 bits.
    let fold = |wide: u128| (wide >> 64) * u128::from(EXCESS) + (wide & u128::from(u64::MAX));
    let folded = fold(fold(u128::from(a) * u128::from(b)));
    (folded % u128::from(PRIME)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_plain_arithmetic() {
        let mut expected = 1u128;
        for exponent in 0..2_000 {
            assert_eq!(u128::from(power(GENERATOR, exponent)), expected);
            expected = expected * u128::from(GENERATOR) % u128::from(PRIME);
        }
        let some = [0, 1, 2, 58, 59, 60, 1 << 32, 0x0123_4567_89ab_cdef, PRIME - 1];
        for a in some {
            for b in some {
                let expected = u128::from(a) * u128::from(b) % u128::from(PRIME);
                assert_eq!(u128::from(multiply(a, b)), expected, "{a:#x} * {b:#x}");
            }
        }
    }

    #[test]
    fn the_modulus_is_prime_to_its_bases() {
        for base in [2, 3, 5, 7, u64::MAX] {
            assert_eq!(power(base, PRIME - 1), 1);
        }
        assert_eq!(power(PRIME, 5), 0);
        assert_eq!(power(PRIME + 1, 5), 1);
    }

    #[test]
    fn both_sides_find_the_same_secret() {
        for (a, b) in [(1, 2), (0x3837_3635_3433_3231, u64::MAX), (PRIME, 77)] {
            assert_eq!(secret(exchange(a), b), secret(exchange(b), a));
        }
        let key = |text: &[u8; 8]| u64::from_le_bytes(*text);
        let (one, two) = (key(b"12345678"), key(b"abcdefgh"));
        assert_eq!(exchange(one).to_le_bytes(), [0xa1, 0x8e, 0x89, 0xaf, 0x97, 0x22, 0x2f, 0x0e]);
        assert_eq!(secret(one, two).to_le_bytes(), [0xc2, 0x8f, 0x6c, 0x29, 0xad, 0xe9, 0x09, 0x08]);
    }
}
