//! Durations, counted in buckets whose width grows with them.

/// Buckets of each power of two: a value is told to 1 part in 128.
const PARTS_BITS: u32 = 7;
const PARTS: usize = 1 << PARTS_BITS;

/// How often durations occurred, in nanoseconds.
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    most: u64,
}

impl Histogram {
    pub(crate) fn new() -> Histogram {
        let powers = (u64::BITS - PARTS_BITS + 1) as usize;
        Histogram { buckets: vec![0; powers * PARTS], count: 0, most: 0 }
    }

    pub(crate) fn add(&mut self, nanoseconds: u64) {
        if let Some(bucket) = self.buckets.get_mut(index(nanoseconds)) {
            *bucket += 1;
        }
        self.count += 1;
        self.most = self.most.max(nanoseconds);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The duration that `share` (0 to 1) of all do not exceed; 0 if there are none.
    pub(crate) fn at(&self, share: f64) -> u64 {
        let wanted = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return highest(index).min(self.most);
            }
        }
        self.most
    }
}

/// The bucket of a value: below [`PARTS`] its own, above by its leading bits.
fn index(value: u64) -> usize {
    let power = (u64::BITS - PARTS_BITS).saturating_sub(value.leading_zeros());
    if power == 0 {
        return value as usize;
    }
    let part = (value >> (power - 1)) as usize & (PARTS - 1);
    power as usize * PARTS + part
}

/// The highest value of a bucket.
fn highest(index: usize) -> u64 {
    let (power, part) = (index / PARTS, (index % PARTS) as u64);
    if power == 0 {
        return part;
    }
    let width = 1u64 << (power - 1);
    (PARTS as u64 + part) * width + (width - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_one_another_and_are_narrow() {
        for value in (0..5000).chain([1 << 20, (1 << 20) + 12345, 1 << 40, u64::MAX >> 1, u64::MAX]) {
            let bucket = index(value);
            let top = highest(bucket);
            assert!(top >= value && top - value <= value / 64, "{value} in a bucket up to {top}");
            assert_eq!(index(top), bucket, "{value}");
            if top < u64::MAX {
                assert_eq!(index(top + 1), bucket + 1, "{value}");
            }
        }
    }

    #[test]
    fn shares_are_read_from_the_counts() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.at(0.5), 0);
        (1..=100).for_each(|value| histogram.add(value));
        assert_eq!((histogram.at(0.5), histogram.at(0.99), histogram.at(1.0)), (50, 99, 100));
        histogram.add(1_000_000);
        assert_eq!((histogram.at(0.999), histogram.count()), (1_000_000, 101));
    }
}
