//! The scripts of C skynet that are run, each with its outcome.

use super::Script;
use crate::node::Until;
use crate::pattern::Expect::{AnyOrder, Line, Never};

/// A handler that failed; scripts without failing handlers must not log one.
pub(super) const NO_ERROR: crate::pattern::Expect = Never("*lua call [*");
const FIRST_EXITS: Until = Until::Lines(&["[:00000008] KILL self"]);

/// What most scripts share.
pub(super) const PLAIN: Script = Script {
    name: "",
    start: "",
    extra: &[],
    until: FIRST_EXITS,
    deadline_s: 60,
    tolerance_cs: 25,
    expect: &[],
};

/// All scripts, the slow ones first, so that the others run beside them.
pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: "testendless",
        start: "testendless",
        deadline_s: 300,
        expect: &[
            Line("Endless = {n}"),
            Line("Cost time = {n}"),
            Line("Endless = {n}"),
            Line("Cost time = {n}"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testoverload",
        start: "testoverload",
        until: Until::Lines(&["[:00000009] for loop end"]),
        deadline_s: 300,
        expect: &[
            Line("[:00000008] overload test 1"),
            Line("[:00000009] error: May overload, message queue length = {n}"),
            Line("[:00000008] overload test 20"),
            Line("[:00000008] endless test n=1000000000"),
            Line("[:00000009] for loop begin"),
            Line("[:00000009] for loop end"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testcoroutine",
        start: "testcoroutine",
        expect: &[
            Line("Main thead : thread: * true"),
            Line("false cannot resume none skynet coroutine"),
            Line("main step begin"),
            Line("begin thread: * thread: * false"),
            Line("STATUS blocked"),
            Line("main thread 1"),
            Line("STATUS blocked"),
            Line("main thread 2"),
            Line("STATUS blocked"),
            Line("main thread 3"),
            Line("main step end"),
            Line("main thread time: {n}"),
            Line("main step"),
            Line("close true"),
            Line("STATUS suspended"),
            Line("status thread 4"),
            Line("status thread 5"),
            Line("end thread: *"),
            Line("status thread nil"),
            Line("[:00000008] KILL self"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testtimer",
        start: "testtimer",
        expect: &[
            Line("session = thread: * session: {n} trace = TIMER {t}+10 :"),
            Line("stack traceback:"),
            Line("test sleep 1 {t+0}"),
            Line("test sleep 2 {t+1}"),
            Line("test sleep 9 {t+8}"),
            AnyOrder(&["test sleep 10 {t+9}", "test timeout 10"]),
            Line("1 {t}"),
            Line("BREAK"),
            Line("2 {t+50}"),
            Line("BREAK"),
            Line("3 {t+100}"),
            Line("BREAK"),
            Line("4 {t+150}"),
            Line("BREAK"),
            Line("5 {t+200}"),
            Line("BREAK"),
            AnyOrder(&["6 {t+250}", "Hello World"]),
            Line("7 {t+350}"),
            Line("8 {t+450}"),
            Line("9 {t+550}"),
            Line("10 {t+650}"),
            Line("[:00000008] KILL self"),
            Never("Test timer exit"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testecho",
        start: "testecho",
        until: Until::Lines(&["qps = *", "qps = *"]),
        deadline_s: 120,
        expect: &[
            Line("call salve 100000 times in queue"),
            Line("qps = *"),
            Line("call salve 100000 times in parallel, worker = 10"),
            Line("qps = *"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testtimeout",
        start: "testtimeout",
        expect: &[
            Line("[:00000008] 1 {t}"),
            Line("[:0000000a] Wait for 1s"),
            Line("[:00000008] 2 {t+100}"),
            AnyOrder(&["[:0000000a] Wait for 1s", "[:00000008] false", "[:00000008] 3 {t+150}"]),
            Line("[:0000000a] Wait for 1s"),
            Line("[:00000008] true"),
            Line("[:00000008] 4 {t+250}"),
            Line("[:00000008] KILL self"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testdatacenter",
        start: "testdatacenter",
        until: Until::Lines(&[" 1> bingo"]),
        expect: &[
            Line("world"),
            Line("====1==== wait hello"),
            Line(" 1> world"),
            Line("====1==== wait key.foobar"),
            AnyOrder(&["====2==== set key.foobar", " 1> false *call failed*"]),
            Line(" 1> bingo"),
        ],
        ..PLAIN
    },
    Script {
        name: "testdeadcall",
        start: "testdeadcall",
        until: Until::Lines(&["return *"]),
        expect: &[
            Line("====> {n} 8 dead call"),
            AnyOrder(&["false *call failed*", "[:00000009] KILL self"]),
            Line("[:00000008] KILL self"),
            Line("return false"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testcrypt",
        start: "testcrypt",
        expect: &[Line("[:00000008] KILL self"), NO_ERROR],
        ..PLAIN
    },
    Script {
        name: "testsha",
        start: "testsha",
        expect: &[
            Line("1"),
            Line("2"),
            Line("100"),
            Line("198"),
            Line("199"),
            Line("[:00000008] KILL self"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testdeadloop",
        start: "compat_deadloop",
        until: Until::Exit,
        expect: &[
            Line("spins true"),
            Line("[:00000009] recv a signal 0"),
            Line("[:00000009] lua call [* :9 : {n} msgsz = {n}] error : *signal 0*"),
            Line("spins false"),
            Line("lives true"),
        ],
        ..PLAIN
    },
    Script {
        name: "simplemonitor",
        start: "compat_monitor",
        extra: &[("rs_prefer_files", "simplemonitor")],
        until: Until::Exit,
        expect: &[
            Line("exit watched true answered false watched false"),
            Line("kill watched true answered false watched false"),
            Line("debug watched true answered false watched false"),
            Line("init watched true answered false watched false"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testmemlimit",
        start: "testmemlimit",
        expect: &[
            Line("[:00000008] Set memory limit to 1.00 M"),
            Line("[:00000008] {n} *"),
            Line("[:00000008] KILL self"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testresponse",
        start: "testresponse",
        until: Until::Lines(&["5 end {n}"]),
        expect: &[
            Line("1 call {t}"),
            Line("2 call {t+10}"),
            Line("3 call {t+20}"),
            Line("4 call {t+30}"),
            Line("5 call {t+40}"),
            Line("1 response {t+100}"),
            Line("1 end {t+100}"),
            Line("2 response {t+100}"),
            Line("2 end {t+100}"),
            Line("3 response {t+100}"),
            Line("4 response {t+100}"),
            Line("5 response {t+100}"),
            Line("5 end {t+100}"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testselect",
        start: "testselect",
        until: Until::Lines(&["[:00000008] KILL self", "[:00000009] KILL self"]),
        expect: &[
            Line("[:00000008] RESP SLEEP 1"),
            Line("[:00000008] RESP SLEEP 2"),
            Line("[:00000008] RESP SLEEP 3"),
            Line("[:00000008] RESP SLEEP 4"),
            Line("[:00000008] RESP SLEEP 5"),
            Line("[:00000008] RESP SLEEP 6"),
            Line("[:00000008] RESP SLEEP 1 token<1>"),
            Line("[:00000008] RESP SLEEP 2 token<2>"),
            Line("[:00000008] RESP SLEEP 3 token<3>"),
            Line("[:00000008] RESP SLEEP 4 token<4>"),
            AnyOrder(&[
                "[:00000009] lua call [8 to :9 : {n} msgsz = {n}] error : *ERROR",
                "[:00000008] Error",
                "[:00000008] Ping : PING",
            ]),
            Line("[:00000008] Timeout : true"),
            Line("[:00000008] ping in CALL 10"),
            Line("[:00000008] ping in CALL 20"),
            AnyOrder(&["[:00000008] KILL self", "[:00000009] KILL self"]),
            Never("* token<6>"),
            Never("*Unknown*"),
        ],
        ..PLAIN
    },
    Script {
        name: "testservice",
        start: "testservice",
        until: Until::Lines(&["db10 *", "[:00000013] Service Init"]),
        expect: &[
            // What is printed does not wait for what is logged.
            AnyOrder(&[
                "[:0000000a] Service Init",
                "[:00000013] Service Init",
                "db1 1 2",
                "db2 3 4",
                "db9 17 18",
                "db10 19 20",
            ]),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testterm",
        start: "testterm",
        until: Until::Lines(&["[:00000008] unblock the unexisted service call"]),
        expect: &[
            Line("[:00000008] call an unexist named service UNEXIST, may block"),
            Line("[:00000008] Sleep one second, and term the call to UNEXIST"),
            Line("[:00000008] unblock the unexisted service call"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "testtobeclosed",
        start: "testtobeclosed",
        until: Until::Lines(&["[:00000008] closemeta:skynet.exit: *"]),
        expect: &[
            Line("[:00000008] closemeta:stack_raise_error: *: raise error"),
            Line("[:00000008] lua call [*raise error"),
            Line("[:00000008] closemeta:dispatch_error: *: dispatch_error"),
            AnyOrder(&["[:00000008] lua call [*dispatch_error", "[:00000008] lua call [*call failed*"]),
            AnyOrder(&[
                "[:00000008] closemeta:session_id_coroutine_wait: *",
                "[:00000008] closemeta:session_id_coroutine_call: *",
                "[:00000008] closemeta:dispatch_wait: *",
            ]),
            Line("[:00000008] KILL self"),
            Line("[:00000008] closemeta:skynet.exit: *"),
            Never("*no_running*"),
        ],
        ..PLAIN
    },
    Script {
        name: "time",
        start: "time",
        until: Until::Lines(&["in 100 *"]),
        expect: &[
            Line("{n}"),
            Line("{t}"),
            Line("in 1 {t+1}"),
            Line("in 2 {t+2}"),
            Line("in 3 {t+3}"),
            Line("in 4 {t+4}"),
            Line("in 100 {t+100}"),
            NO_ERROR,
        ],
        ..PLAIN
    },
    Script {
        name: "abort",
        start: "abort",
        until: Until::Exit,
        expect: &[Line("[:00000007] LAUNCH snlua service_mgr"), NO_ERROR],
        ..PLAIN
    },
    Script {
        name: "checkdeadloop",
        start: "checkdeadloop",
        expect: &[Line("[:00000008] ping all"), Line("[:00000008] KILL self"), Never("*timeout*"), NO_ERROR],
        ..PLAIN
    },
    Script {
        name: "preload",
        start: "compat_preload",
        extra: &[("preload", "{c}/examples/preload.lua")],
        until: Until::Exit,
        expect: &[
            Line("PRELOAD bootstrap"),
            Line("PRELOAD launcher"),
            AnyOrder(&["PRELOAD cdummy", "PRELOAD datacenterd", "PRELOAD service_mgr"]),
            Line("PRELOAD compat_preload"),
            Line("PRELOAD compat_idle one two"),
            NO_ERROR,
        ],
        ..PLAIN
    },
];
