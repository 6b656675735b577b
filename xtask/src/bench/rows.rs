//! What the Lua benchmarks measure, and what we aim for.

use super::node::Kind;
use super::options::Options;

/// What our value should be, as a multiple of C skynet's as shipped.
#[derive(Clone, Copy)]
pub(super) enum Aim {
    AtLeast(f64),
    AtMost(f64),
    /// No aim: the value shows that the benchmark did what it says.
    Shown,
}

impl Aim {
    /// Whether a ratio reaches the aim; nothing where there is no aim.
    pub(super) fn met_by(self, ratio: f64) -> Option<bool> {
        match self {
            Aim::AtLeast(least) => Some(ratio >= least),
            Aim::AtMost(most) => Some(ratio <= most),
            Aim::Shown => None,
        }
    }

    pub(super) fn text(self) -> String {
        match self {
            Aim::AtLeast(least) => format!(">= {least} x"),
            Aim::AtMost(most) => format!("<= {most} x"),
            Aim::Shown => String::new(),
        }
    }
}

/// One line of the table.
pub(super) struct Row {
    /// The name that the script reports the value under.
    pub(super) name: &'static str,
    /// The script in `bench/lua` that measures it, without `.lua`.
    pub(super) script: &'static str,
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    pub(super) aim: Aim,
}

/// A row with its medians.
pub(super) struct ResultRow {
    pub(super) row: &'static Row,
    pub(super) ours: Option<f64>,
    pub(super) c: Option<f64>,
    pub(super) c_profile_off: Option<f64>,
}

impl ResultRow {
    /// Ours divided by C's as shipped.
    pub(super) fn ratio(&self) -> Option<f64> {
        Some(self.ours? / self.c?)
    }

    pub(super) fn met(&self) -> Option<bool> {
        self.row.aim.met_by(self.ratio()?)
    }
}

const fn rate(name: &'static str, script: &'static str, title: &'static str, times: f64) -> Row {
    Row { name, script, title, unit: "/s", aim: Aim::AtLeast(times) }
}

const fn shown(name: &'static str, script: &'static str, title: &'static str) -> Row {
    Row { name, script, title, unit: "/s", aim: Aim::Shown }
}

const ROWS: &[Row] = &[
    rate("call", "bench_call", "calls of one integer, one after another", 10.0),
    rate("call100", "bench_call100", "the same, 100 coroutines at once", 10.0),
    rate("pairs", "bench_pairs", "64 pairs calling each other", 8.0),
    rate("send", "bench_send", "1 M sends in a burst, until drained", 6.0),
    rate("table", "bench_table", "calls carrying a table of 100 records", 2.5),
    rate("pack", "bench_pack", "pack + unpack of that table", 2.5),
    rate("timer", "bench_timer", "timers armed, 500 k", 5.0),
    Row {
        name: "timer_fired", script: "bench_timer", title: "… and fired", unit: "timers", aim: Aim::Shown
    },
    rate("fork", "bench_fork", "forks of 1 M empty functions", 6.0),
    rate("yield", "bench_yield", "yields in a loop", 6.0),
    rate("multicast1000", "bench_multicast", "publications heard, 1,000 subscribers", 3.0),
    rate("multicast10000", "bench_multicast", "the same, 10,000 subscribers", 3.0),
    shown("group1000", "bench_group", "the same by a group of 1,000; C: by single sends"),
    shown("group10000", "bench_group", "a group of 10,000; C: by single sends"),
    rate("newservice", "bench_newservice", "services started, 2,000 in turn", 3.0),
    Row {
        name: "memory",
        script: "bench_newservice",
        title: "resident memory of such an idle service",
        unit: "KiB",
        aim: Aim::AtMost(0.5),
    },
];

/// The scripts to run, each once.
pub(super) fn scripts(options: &Options) -> Vec<&'static str> {
    let mut scripts: Vec<&str> = Vec::new();
    for row in ROWS.iter().filter(|row| options.wants(row.name)) {
        if !scripts.contains(&row.script) {
            scripts.push(row.script);
        }
    }
    scripts
}

/// The names of all rows, for a message.
pub(super) fn names() -> String {
    ROWS.iter().map(|row| row.name).collect::<Vec<_>>().join(", ")
}

/// The rows that were asked for, with the medians that `value` gives for them.
pub(super) fn results(options: &Options, value: impl Fn(Kind, &str) -> Option<f64>) -> Vec<ResultRow> {
    ROWS.iter()
        .filter(|row| options.wants(row.name))
        .map(|row| ResultRow {
            row,
            ours: value(Kind::Ours, row.name),
            c: value(Kind::C, row.name),
            c_profile_off: value(Kind::CProfileOff, row.name),
        })
        .collect()
}
