//! What the network benchmarks measure, and what we aim for.

use super::super::rows::Aim;
use super::Who;

/// What is done to a server.
pub(super) enum Load {
    /// A command of the load generator and its flags, for rate and latency.
    Requests(&'static [&'static str]),
    /// Idle connections whose memory is measured, and the flags for the one request that is made.
    Idle(&'static [&'static str]),
}

/// One kind of server under one load.
pub(super) struct Test {
    /// The name that values are reported under.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// The script in `bench/lua` that serves, without `.lua`.
    pub(super) script: &'static str,
    pub(super) load: Load,
    /// What our Lua service's value should be beside that of C skynet.
    pub(super) aim: Aim,
    /// Who else is measured.
    pub(super) beside: &'static [Who],
    /// What the rate of a Rust service should be beside that of a loop around epoll.
    pub(super) rust_aim: Option<Aim>,
}

const BOTH: &[Who] = &[Who::Rust, Who::Epoll];

/// "Within 10 % of the bare loop".
const NEARLY: Option<Aim> = Some(Aim::AtLeast(0.9));

pub(super) const TESTS: &[Test] = &[
    Test {
        name: "echo",
        title: "echo of 64 B, 100 connections",
        script: "bench_net_echo",
        load: Load::Requests(&["echo"]),
        aim: Aim::AtLeast(1.35),
        beside: BOTH,
        rust_aim: NEARLY,
    },
    Test {
        name: "echo16k",
        title: "echo of 16 KiB, 100 connections",
        script: "bench_net_echo",
        load: Load::Requests(&["echo", "--size", "16384"]),
        aim: Aim::AtLeast(1.4),
        beside: BOTH,
        rust_aim: NEARLY,
    },
    Test {
        name: "lines",
        title: "lines of 64 B",
        script: "bench_net_lines",
        load: Load::Requests(&["echo", "--frame", "line"]),
        aim: Aim::AtLeast(1.5),
        beside: &[],
        rust_aim: None,
    },
    Test {
        name: "lines16",
        title: "lines, 16 at a time",
        script: "bench_net_lines",
        load: Load::Requests(&["echo", "--frame", "line", "--depth", "16"]),
        aim: Aim::AtLeast(6.0),
        beside: BOTH,
        rust_aim: None,
    },
    Test {
        name: "gate",
        title: "packages of 62 B through gate and agent",
        script: "bench_net_gate",
        load: Load::Requests(&["echo", "--frame", "package", "--size", "62"]),
        aim: Aim::AtLeast(2.0),
        beside: &[],
        rust_aim: None,
    },
    Test {
        name: "gate16",
        title: "packages, 16 at a time",
        script: "bench_net_gate",
        load: Load::Requests(&["echo", "--frame", "package", "--size", "62", "--depth", "16"]),
        aim: Aim::AtLeast(8.0),
        beside: &[],
        rust_aim: None,
    },
    Test {
        name: "accept",
        title: "connections: accepted, one line, closed",
        script: "bench_net_accept",
        load: Load::Requests(&["accept", "--frame", "line"]),
        aim: Aim::AtLeast(1.3),
        beside: &[Who::Epoll],
        rust_aim: None,
    },
    Test {
        name: "idle",
        title: "memory of an idle connection and its coroutine",
        script: "bench_net_lines",
        load: Load::Idle(&["--frame", "line"]),
        aim: Aim::AtMost(0.5),
        beside: BOTH,
        rust_aim: None,
    },
    Test {
        name: "idle_gate",
        title: "memory of an idle connection of a gate",
        script: "bench_net_gate_idle",
        load: Load::Idle(&["--frame", "package"]),
        aim: Aim::AtMost(1.0),
        beside: &[],
        rust_aim: None,
    },
];

/// The names of all of them, for a message.
pub(super) fn names() -> String {
    TESTS.iter().map(|test| test.name).collect::<Vec<_>>().join(", ")
}
