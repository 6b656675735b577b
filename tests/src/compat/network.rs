//! The scripts that listen on the ports of the stock configs. They run one after the other.

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
    Script { name: "testsocket", start: "compat_socket", until: Until::Exit, expect: TESTSOCKET, ..PLAIN },
    Script {
        // On our driver, with the library of C skynet.
        name: "testsocket-files",
        start: "compat_socket",
        extra: &[("rs_prefer_files", "skynet.socket")],
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
    // `examples/config.login`, and its client, twice. Ports 8001 and 8888.
    Script {
        name: "login",
        start: "compat_login",
        extra: &[
            ("luaservice", "{compat}/?.lua;{c}/examples/login/?.lua;{c}/service/?.lua"),
            ("compat_c", "{c}"),
        ],
        until: Until::Exit,
        expect: &[
            AnyOrder(&[
                "[:0000000a] login server listen at : 127.0.0.1 8001",
                "[:00000013] Listen on 0.0.0.0 8888",
            ]),
            Line("client 1 200 MQ=="),
            Line("client 1 login ok, subid= 1"),
            Line("client 1 connect"),
            Line("client 1 200 OK"),
            Line("client 1 ===> echo 0"),
            Line("client 1 disconnect"),
            Line("client 1 connect again"),
            Line("client 1 200 OK"),
            Line("client 1 ===> fake 0"),
            Line("client 1 ===> again 1"),
            // The request that the first connection sent is answered on the second, not the one that only looks like it.
            Line("client 1 <=== true echo 0"),
            Line("client 1 <=== true again 1"),
            Line("client 1 disconnect"),
            Line("client 1 status 0"),
            AnyOrder(&[
                "hello@sample is logout",
                "[:00000014] hello is logout",
                "[:00000014] KILL self",
                "[:00000015] hello is login",
                "client 2 200 Mg==",
            ]),
            Line("client 2 login ok, subid= 2"),
            Line("client 2 <=== true echo 0"),
            Line("client 2 <=== true again 1"),
            Line("client 2 status 0"),
            Never("*invalid client*"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    // Without its end, which comes after a million services. How far the next handle is differs: C skynet's passes over places
    // that are taken. That none comes twice does not.
    Script {
        name: "testhandle",
        start: "testhandle",
        until: Until::Lines(&["[:00000100] addr: 256"]),
        expect: &[
            Line("[:00000009] Start debug console at 127.0.0.1:8000"),
            Line("[:00000008] master addr: 8"),
            Line("[:0000000a] addr: 10"),
            Line("[:00000010] addr: 16"),
            Line("[:00000008] KILL :10"),
            Line("[:00000020] addr: 32"),
            Line("[:00000008] KILL :20"),
            Line("[:00000030] addr: 48"),
            Line("[:00000008] KILL :30"),
            Line("[:000000f0] addr: 240"),
            Line("[:00000008] KILL :f0"),
            Line("[:00000100] addr: 256"),
            NO_ERROR,
        ],
        ..PLAIN
    },
];
