//! Which handles a life of a node gives out.

/// Local ids: 24 bits, of which 0 is none.
const IDS: u64 = 1 << 24;

/// A node gives out at least so many ids before it begins again at 1.
const SPARE: u64 = 1 << 13;

/// The local id of the first service of a node in this incarnation, for [`NodeBuilder`](skynet_core::NodeBuilder::first_local_id).
///
/// Each life of a node should begin somewhere else, so that a handle of a former life finds nobody. The number says which life it
/// is: milliseconds of a clock will do, and so will a count. The ids of two lives that each start `n` services overlap by chance in
/// `2n` of 16,769,023 cases: 1 in 8000 for 1000 services. With 0 the first id is 1, as in C.
#[must_use]
pub fn first_local_id(incarnation: u64) -> u32 {
    if incarnation == 0 {
        return 1;
    }
    // Numbers that follow one another are spread as far as can be: multiples of the golden ratio.
    let spread = incarnation.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    // At most 2^24 - 2^13.
    1 + ((spread * (IDS - SPARE)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_that_follow_one_another_begin_far_apart() {
        assert_eq!(first_local_id(0), 1);
        let mut firsts: Vec<u32> = (1_700_000_000_000..1_700_000_001_000).map(first_local_id).collect();
        firsts.sort_unstable();
        assert!(firsts.windows(2).all(|pair| pair[1] - pair[0] > 5000));
        for incarnation in [1, 2, u64::MAX, u64::MAX / 3, 1 << 63] {
            let first = u64::from(first_local_id(incarnation));
            assert!((1..=IDS - SPARE).contains(&first), "{incarnation}: {first}");
        }
    }
}
