//! What is measured between C services, and what we aim for.

use super::super::node::Kind;
use super::super::options::Options;
use super::super::rows::Aim;

/// The nodes, in the order of the columns.
pub(super) const KINDS: [Kind; 4] = [Kind::Ours, Kind::OursProfileOff, Kind::C, Kind::CProfileOff];

/// One thing that C services do with one another.
pub(in crate::bench) struct Test {
    /// The argument of the module, and the name that it reports the value under.
    pub(in crate::bench) name: &'static str,
    pub(in crate::bench) title: &'static str,
    /// What ours, as it is by default, should reach beside C skynet without accounting.
    pub(in crate::bench) aim: Aim,
}

const fn test(name: &'static str, title: &'static str) -> Test {
    Test { name, title, aim: Aim::AtLeast(1.0) }
}

const TESTS: &[Test] = &[
    test("send", "4 M messages of 16 B in a burst, until drained"),
    test("call", "rounds of 16 B between two services"),
    test("pairs", "the same, with 64 services at once"),
    test("send_bare", "4 M messages without a body in a burst"),
    test("call_bare", "rounds without a body"),
];

/// A line with its medians, one for each of [`KINDS`].
pub(in crate::bench) struct CRow {
    pub(in crate::bench) test: &'static Test,
    pub(in crate::bench) values: Vec<(Kind, Option<f64>)>,
}

impl CRow {
    fn of(&self, kind: Kind) -> Option<f64> {
        self.values.iter().find(|(other, _)| *other == kind)?.1
    }

    /// Ours by default divided by C's with its accounting off.
    pub(in crate::bench) fn ratio(&self) -> Option<f64> {
        Some(self.of(Kind::Ours)? / self.of(Kind::CProfileOff)?)
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
pub(super) fn results(options: &Options, value: impl Fn(Kind, &str) -> Option<f64>) -> Vec<CRow> {
    let row = |test: &'static Test| CRow {
        test,
        values: KINDS.iter().map(|kind| (*kind, value(*kind, test.name))).collect(),
    };
    tests(options).into_iter().map(row).collect()
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_ratio_is_to_the_faster_c() {
        let options = Options::parse(&["pairs".to_owned()]).unwrap();
        let rows = results(&options, |kind, _| match kind {
            Kind::Ours => Some(3.0),
            Kind::OursProfileOff => Some(100.0),
            Kind::C => Some(1.0),
            Kind::CProfileOff => Some(6.0),
        });
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].ratio(), rows[0].met()), (Some(0.5), Some(false)));
    }
}
