//! The lines of the table: of each test its rate and latencies, or its memory; and Rust beside epoll.

use super::super::node::Kind;
use super::super::rows::Aim;
use super::Who;
use super::cases::{Load, Test};

/// A line with its medians.
pub(in crate::bench) struct NetRow {
    pub(in crate::bench) name: String,
    pub(in crate::bench) title: String,
    pub(in crate::bench) unit: &'static str,
    pub(in crate::bench) aim: Aim,
    pub(in crate::bench) ours: Option<f64>,
    pub(in crate::bench) c: Option<f64>,
    pub(in crate::bench) c_profile_off: Option<f64>,
    pub(in crate::bench) rust: Option<f64>,
    pub(in crate::bench) epoll: Option<f64>,
    /// Whether the aim is about Rust and epoll, and not about ours and C.
    of_rust: bool,
}

impl NetRow {
    /// Ours divided by C's as shipped, or Rust's by epoll's.
    pub(in crate::bench) fn ratio(&self) -> Option<f64> {
        if self.of_rust { Some(self.rust? / self.epoll?) } else { Some(self.ours? / self.c?) }
    }

    pub(in crate::bench) fn met(&self) -> Option<bool> {
        self.aim.met_by(self.ratio()?)
    }
}

/// What the load generator reports beside the rate: the end of the name, the title, the aim.
const LATENCIES: &[(&str, &str, Aim)] = &[
    ("_p50", "    half are answered in", Aim::Shown),
    ("_p99", "    99 %", Aim::AtMost(1.0)),
    ("_p999", "    99.9 %", Aim::Shown),
];

/// The lines of these tests, with the medians that `value` gives.
pub(super) fn results(tests: &[&Test], value: impl Fn(Who, &str) -> Option<f64>) -> Vec<NetRow> {
    let row = |name: String, title: String, unit: &'static str, aim: Aim| NetRow {
        ours: value(Who::Node(Kind::Ours), &name),
        c: value(Who::Node(Kind::C), &name),
        c_profile_off: value(Who::Node(Kind::CProfileOff), &name),
        rust: value(Who::Rust, &name),
        epoll: value(Who::Epoll, &name),
        of_rust: false,
        name,
        title,
        unit,
        aim,
    };
    let mut rows = Vec::new();
    for test in tests {
        let unit = if matches!(test.load, Load::Idle(_)) { "KiB" } else { "/s" };
        rows.push(row(test.name.to_owned(), test.title.to_owned(), unit, test.aim));
        if matches!(test.load, Load::Requests(_)) {
            rows.extend(LATENCIES.iter().map(|(end, title, aim)| {
                row(format!("{}{end}", test.name), (*title).to_owned(), "us", *aim)
            }));
        }
        if let Some(aim) = test.rust_aim {
            let both = row(test.name.to_owned(), "    a Rust service beside epoll".to_owned(), "/s", aim);
            let name = format!("{}_rust", test.name);
            rows.push(NetRow { name, ours: None, c: None, c_profile_off: None, of_rust: true, ..both });
        }
    }
    rows
}

#[cfg(test)]
mod test {
    use super::super::cases::TESTS;
    use super::*;

    #[test]
    fn a_test_of_requests_has_rate_latencies_and_rust_beside_epoll() {
        let test = TESTS.iter().find(|test| test.name == "echo").unwrap();
        let rows = results(&[test], |who, row| match (who, row) {
            (Who::Node(Kind::Ours), "echo") => Some(300.0),
            (Who::Node(Kind::C), "echo") => Some(200.0),
            (Who::Node(_), "echo_p99") => Some(5.0),
            (Who::Rust, "echo") => Some(80.0),
            (Who::Epoll, "echo") => Some(100.0),
            _ => None,
        });
        let told: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.ratio(), row.met())).collect();
        let expected = [
            ("echo", Some(1.5), Some(true)),
            ("echo_p50", None, None),
            ("echo_p99", Some(1.0), Some(true)),
            ("echo_p999", None, None),
            ("echo_rust", Some(0.8), Some(false)),
        ];
        assert_eq!(told, expected);
    }
}
