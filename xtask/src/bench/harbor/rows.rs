//! What is measured between two nodes, and what we aim for.

use super::super::options::Options;
use super::super::rows::Aim;
use super::pair::Pair;

/// One thing that a node does with another.
pub(in crate::bench) struct Test {
    /// The name that the script knows it by, and reports the value under.
    pub(in crate::bench) name: &'static str,
    pub(in crate::bench) title: &'static str,
    /// What two nodes of ours should reach beside two C nodes as shipped.
    pub(in crate::bench) aim: Aim,
}

const fn test(name: &'static str, title: &'static str, times: f64) -> Test {
    Test { name, title, aim: Aim::AtLeast(times) }
}

const TESTS: &[Test] = &[
    test("call", "calls of one integer, one after another", 1.0),
    test("call100", "the same, 100 coroutines at once", 4.0),
    test("send", "300 k messages of 64 B in a burst, until drained", 5.0),
    test("body64k", "calls with a body of 64 KiB, one after another", 2.0),
    test("body64k_8", "the same, 8 at once", 2.0),
    test("body1m", "calls with a body of 1 MiB, one after another", 2.0),
    test("body1m_8", "the same, 8 at once", 2.0),
];

/// A line with its medians, one for each of [`Pair::ALL`].
pub(in crate::bench) struct HarborRow {
    pub(in crate::bench) test: &'static Test,
    pub(in crate::bench) values: Vec<(Pair, Option<f64>)>,
}

impl HarborRow {
    fn of(&self, pair: Pair) -> Option<f64> {
        self.values.iter().find(|(other, _)| *other == pair)?.1
    }

    /// Two nodes of ours divided by two C nodes as shipped.
    pub(in crate::bench) fn ratio(&self) -> Option<f64> {
        Some(self.of(Pair::OURS)? / self.of(Pair::C)?)
    }

    pub(in crate::bench) fn met(&self) -> Option<bool> {
        self.test.aim.met_by(self.ratio()?)
    }
}

/// The tests that are asked for.
pub(super) fn tests(options: &Options) -> Vec<&'static Test> {
    TESTS.iter().filter(|test| options.wants(test.name)).collect()
}

/// The names of all tests, for a message.
pub(super) fn names() -> String {
    TESTS.iter().map(|test| test.name).collect::<Vec<_>>().join(", ")
}

/// The lines that were asked for, with the medians that `value` gives.
pub(super) fn results(options: &Options, value: impl Fn(Pair, &str) -> Option<f64>) -> Vec<HarborRow> {
    let row = |test: &'static Test| HarborRow {
        test,
        values: Pair::ALL.iter().map(|pair| (*pair, value(*pair, test.name))).collect(),
    };
    tests(options).into_iter().map(row).collect()
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_ratio_is_of_pairs_of_one_kind() {
        let options = Options::parse(&["call100".to_owned()]).unwrap();
        let rows = results(&options, |pair, _| match pair {
            Pair::OURS => Some(8.0),
            Pair::C => Some(2.0),
            _ => Some(1000.0),
        });
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].ratio(), rows[0].met()), (Some(4.0), Some(true)));
    }
}
