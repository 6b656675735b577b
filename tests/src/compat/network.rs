//! The scripts of C skynet that use the network.

use super::Script;
use super::scripts::{NO_ERROR, PLAIN};
use crate::node::Until;
use crate::pattern::Expect::{self, AnyOrder, Line, Never};

const TESTSOCKET: &[Expect] = &[
    Line("Listen socket : 127.0.0.1 8001"),
    AnyOrder(&["connect from 127.0.0.1:{n} {n}", "connect from 127.0.0.1:{n} {n}"]),
    Line("greeting Hello Skynet Hello Skynet"),
    Line("echo one two"),
    Line("long echo true"),
    // An agent each; services 8 and 9 are the client and the listener.
    AnyOrder(&["other three", "[:0000000a] KILL self", "[:0000000b] KILL self"]),
    Line("done"),
    Never("*error*"),
    NO_ERROR,
];

/// All of them.
pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: "testsocket",
        start: "compat_socket",
        port: true,
        until: Until::Exit,
        expect: TESTSOCKET,
        ..PLAIN
    },
    Script {
        // On our driver, with the library of C skynet.
        name: "testsocket-files",
        start: "compat_socket",
        extra: &[("rs_prefer_files", "skynet.socket")],
        port: true,
        until: Until::Exit,
        expect: TESTSOCKET,
        ..PLAIN
    },
    Script {
        name: "testudp",
        start: "testudp",
        until: Until::Lines(&["client v4 recv OK hello 20 *", "client recv v6 response str:OK hello 20 *"]),
        expect: &[
            Line("create server succeed. {n}"),
            Line("create client succeed. {n}"),
            AnyOrder(&[
                "server v4 recv hello 1 127.0.0.1 {n}",
                "server v4 recv hello 20 127.0.0.1 {n}",
                "client v4 recv OK hello 1 127.0.0.1 8765",
                "client v4 recv OK hello 20 127.0.0.1 8765",
                "server_v6 recv str:hello 1 from:::1",
                "server_v6 recv str:hello 20 from:::1",
                "client recv v6 response str:OK hello 1 from:::1",
                "client recv v6 response str:OK hello 20 from:::1",
            ]),
            NO_ERROR,
        ],
        ..PLAIN
    },
];
