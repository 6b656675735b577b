//! C skynet's `testmulticast`, with our library and service and with theirs in place of ours.

use super::Script;
use super::scripts::{NO_ERROR, PLAIN};
use crate::node::Until;
use crate::pattern::Expect::{self, AnyOrder, Line, Never};

/// What the ten subscribers hear.
const HEARD: &[&str] = &[
    ":0000000a <=== :00000008 [Multicast:0] Hello World",
    ":0000000b <=== :00000008 [Multicast:0] Hello World",
    ":0000000c <=== :00000008 [Multicast:0] Hello World",
    ":0000000d <=== :00000008 [Multicast:0] Hello World",
    ":0000000e <=== :00000008 [Multicast:0] Hello World",
    ":0000000f <=== :00000008 [Multicast:0] Hello World",
    ":00000010 <=== :00000008 [Multicast:0] Hello World",
    ":00000011 <=== :00000008 [Multicast:0] Hello World",
    ":00000012 <=== :00000008 [Multicast:0] Hello World",
    ":00000013 <=== :00000008 [Multicast:0] Hello World",
];

const EXPECT: &[Expect] = &[
    Line("New channel [Multicast:0]"),
    Line(":0000000a sub [Multicast:0]"),
    Line(":00000013 sub [Multicast:0]"),
    Line(":00000008 ===> [Multicast:0]"),
    AnyOrder(HEARD),
    Never("*Unknown channel*"),
    NO_ERROR,
];

const TESTMULTICAST: Script = Script {
    name: "testmulticast",
    start: "testmulticast",
    until: Until::Lines(HEARD),
    expect: EXPECT,
    ..PLAIN
};

/// All of them.
pub(super) const SCRIPTS: &[Script] = &[
    TESTMULTICAST,
    Script {
        name: "testmulticast-files",
        extra: &[("rs_prefer_files", "skynet.multicast, multicastd")],
        ..TESTMULTICAST
    },
    Script { name: "testmulticast-service", extra: &[("rs_prefer_files", "multicastd")], ..TESTMULTICAST },
    Script {
        name: "testmulticast-library",
        extra: &[("rs_prefer_files", "skynet.multicast")],
        ..TESTMULTICAST
    },
];
