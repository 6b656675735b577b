//! Each text command: its result, and what it logs.

mod common;

use common::{inside, logged, probe, quiet, receive, stop};
use skynet_core::{
    Context, Handle, Message, Module, Node, PTYPE_CLIENT, PTYPE_LUA, PTYPE_TEXT, Service, ServiceError,
};

fn text(answer: Option<Vec<u8>>) -> Option<String> {
    answer.map(|bytes| String::from_utf8(bytes).expect("answers are texts"))
}

fn run(node: &Node, cmd: &str, param: &str) -> Option<String> {
    text(node.command(cmd, param.as_bytes()))
}

/// Runs commands inside one service; its handle and the results.
fn run_inside<const N: usize>(
    node: &Node,
    commands: [(&'static str, &'static str); N],
) -> (Handle, [Option<String>; N]) {
    inside(node, move |ctx| {
        (ctx.handle(), commands.map(|(cmd, param)| text(ctx.command(cmd, param.as_bytes()))))
    })
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn idle_module(_: &Node, _: &[u8]) -> Result<Box<dyn Service>, ServiceError> {
    Ok(Box::new(|_: &Context, _: Message| {}))
}

#[test]
fn unknown_commands_and_other_cases_give_nothing() {
    let (node, log) = logged(quiet());
    let (_, results) = run_inside(&node, [("NOSUCH", ""), ("reg", ""), ("", "")]);
    assert_eq!(results, [None, None, None]);
    stop(&node);
    assert!(log.rest().is_empty());
}

#[test]
fn reg_names_the_asker() {
    let (node, log) = logged(quiet());
    let (me, results) =
        run_inside(&node, [("REG", ""), ("REG", ".me"), ("REG", ".me"), ("REG", "GLOBAL"), ("QUERY", ".me")]);
    let short = format!(":{:x}", me.raw());
    assert_eq!(results, [some(&short), some("me"), None, None, some(&short)]);
    assert_eq!(log.next(), format!("{me} error: Can't register global name GLOBAL in C"));
    assert_eq!(run(&node, "REG", ""), None, "outside there is nobody to name");
    stop(&node);
}

#[test]
fn name_and_query_work_for_others() {
    let (node, log) = logged(quiet());
    let (handle, _messages) = probe(&node);
    let address = format!(":{:x}", handle.raw());
    assert_eq!(run(&node, "NAME", &format!(".a {address}")), some("a"));
    assert_eq!(run(&node, "QUERY", ".a"), some(&address));
    for bad in [
        format!(".a {address}"),
        ".b".to_owned(),
        ".b 8".to_owned(),
        ".b :0".to_owned(),
        ".b :fff0".to_owned(),
        "GLOBAL".to_owned(),
        "GLOBAL 8".to_owned(),
        String::new(),
    ] {
        assert_eq!(run(&node, "NAME", &bad), None, "{bad}");
    }
    assert_eq!(run(&node, "NAME", &format!(".c :0x{:x}", handle.raw())), some("c"));
    assert_eq!(run(&node, "NAME", "GLOBAL :1"), None);
    assert_eq!(log.next(), ":00000000 error: Can't set global name GLOBAL in C");
    assert_eq!((run(&node, "QUERY", "a"), run(&node, "QUERY", ".none")), (None, None));
    stop(&node);
}

#[test]
fn exit_and_kill_log_and_tell_the_monitor() {
    let (node, log) = logged(quiet());
    let (monitor, notices) = probe(&node);
    assert_eq!(run(&node, "MONITOR", ""), None);
    assert_eq!(run(&node, "MONITOR", &monitor.to_string()), None);
    assert_eq!(run(&node, "MONITOR", ""), Some(format!(":{:x}", monitor.raw())));

    let (me, results) = run_inside(&node, [("EXIT", "")]);
    assert_eq!(results, [None]);
    assert_eq!(log.next(), format!("{me} KILL self"));
    assert_eq!(receive(&notices), (PTYPE_CLIENT, 0, me, Vec::new()));

    let (victim, _messages) = probe(&node);
    node.name("victim", victim);
    assert_eq!(run(&node, "KILL", ".victim"), None);
    assert_eq!(log.next(), format!(":00000000 KILL :{:x}", victim.raw()));
    assert_eq!(receive(&notices).2, victim);
    assert!(!node.is_alive(victim));

    // Whoever is gone: the same line and notice. What is no address: nothing, or a complaint.
    run(&node, "KILL", ":fff0");
    assert_eq!(log.next(), ":00000000 KILL :fff0");
    assert_eq!(receive(&notices).2, Handle::from_raw(0xfff0));
    for nobody in [".nobody", ":zz", ":0"] {
        run(&node, "KILL", nobody);
    }
    run(&node, "KILL", "abc");
    assert_eq!(log.next(), ":00000000 error: Can't convert abc to handle");
    stop(&node);
}

#[test]
fn the_monitor_goes_with_an_address_of_nobody() {
    let (node, log) = logged(quiet());
    let (monitor, notices) = probe(&node);
    for nobody in [":0", ".nobody", "abc"] {
        assert_eq!(run(&node, "MONITOR", &monitor.to_string()), None);
        assert_eq!(run(&node, "MONITOR", nobody), None);
        assert_eq!(run(&node, "MONITOR", ""), None, "{nobody}");
    }
    assert_eq!(log.next(), ":00000000 error: Can't convert abc to handle");
    let (victim, _messages) = probe(&node);
    node.kill(victim);
    stop(&node);
    assert!(notices.try_recv().is_err());
}

#[test]
fn no_parameter_harms_a_command() {
    const ALL: [&str; 15] = [
        "TIMEOUT",
        "REG",
        "QUERY",
        "NAME",
        "KILL",
        "LAUNCH",
        "GETENV",
        "SETENV",
        "STARTTIME",
        "MONITOR",
        "STAT",
        "LOGON",
        "LOGOFF",
        "SIGNAL",
        "NOSUCH",
    ];
    let (node, _log) = logged(quiet().module("idle", idle_module).env("logpath", "/nonexistent"));
    let huge = |start: &[u8]| [start, &vec![b'f'; 1 << 20]].concat();
    let mut params: Vec<Vec<u8>> = [
        &b" "[..],
        b"\0",
        b"\xff\xfe",
        b":",
        b".",
        b": ",
        b". .",
        b":\xff",
        b".\0 :8",
        b"-1",
        b"\n\n",
        b" = ",
        b"=",
        b":-8",
        b":8 99999999999999999999",
        b"99999999999999999999",
        b"-99999999999999999999",
        b"idle \xff\0\n",
        b".\xff :ffffffffffffffffff",
        b"0x",
        b":0 0x",
    ]
    .map(<[u8]>::to_vec)
    .into();
    params.extend([huge(b""), huge(b":"), huge(b"."), huge(b"idle "), huge(b"a "), huge(b".a :")]);
    inside(&node, move |ctx| {
        for cmd in ALL {
            for param in &params {
                let _ = ctx.command(cmd, param);
            }
        }
    });
    stop(&node);
}

#[test]
fn launch_starts_a_service_and_logs_it() {
    let (node, log) = logged(quiet().harbor(0xab).module("idle", idle_module));
    let answer = run(&node, "LAUNCH", "idle one  two \nthree").expect("it starts");
    let (line, handle) =
        (log.next(), u32::from_str_radix(&answer[1..], 16).map(Handle::from_raw).expect("hex"));
    assert!(answer.len() == 9 && answer.starts_with(":AB"), "{answer}");
    assert_eq!(line, format!("{handle} LAUNCH idle one  two "));
    assert!(node.services().iter().any(|info| info.handle == handle && info.name == "idle one  two "));
    run(&node, "LAUNCH", "idle\none\ntwo");
    assert!(log.next().ends_with(" LAUNCH idle one"));
    run(&node, "LAUNCH", "idle");
    assert!(log.next().ends_with(" LAUNCH idle "));
    assert_eq!((run(&node, "LAUNCH", "none x"), run(&node, "LAUNCH", "")), (None, None));
    assert!(log.next().starts_with(":00000000 error: no module named \"none\""));
    stop(&node);
}

#[test]
fn the_environment_is_set_once() {
    let (node, log) = logged(quiet().env("thread", "2").env("key", "first").env("key", "last"));
    assert_eq!((run(&node, "GETENV", "thread"), run(&node, "GETENV", "none")), (some("2"), None));
    assert_eq!(node.getenv("key").as_deref(), Some("last"));
    assert_eq!(run(&node, "SETENV", "a b  c "), None);
    assert_eq!(run(&node, "GETENV", "a"), some("b  c "));
    run(&node, "SETENV", "nospace");
    assert_eq!(run(&node, "GETENV", "nospace"), None);
    run(&node, "SETENV", "a other");
    assert!(log.next().contains("\"a\" is set already"));
    assert!(node.setenv("a", "x").is_err() && node.setenv("b", "x").is_ok());
    stop(&node);
}

#[test]
fn timeout_gives_a_session_whose_answer_comes() {
    let (node, _log) = logged(quiet());
    let (done, result) = std::sync::mpsc::channel();
    let mut armed = Vec::new();
    let service = node
        .spawn(move |ctx: &Context, msg: Message| match msg.kind {
            PTYPE_TEXT => {
                armed = ["1", " 0", "x", "-5"].map(|cs| text(ctx.command("TIMEOUT", cs.as_bytes()))).to_vec();
            }
            _ => {
                let _ = done.send((msg.session, armed.clone()));
            }
        })
        .expect("it starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "arm").expect("it is alive");
    let order: Vec<i32> = (0..4).map(|_| receive(&result).0).collect();
    assert_eq!(order, [2, 3, 4, 1], "what is due at once comes first");
    stop(&node);
}

#[test]
fn stat_tells_about_the_asker() {
    let (node, _log) = logged(quiet());
    let (_, results) = run_inside(
        &node,
        [
            ("STAT", "mqlen"),
            ("STAT", "endless"),
            ("STAT", "message"),
            ("STAT", "other"),
            ("STAT", "cpu"),
            ("STAT", "time"),
        ],
    );
    assert_eq!(results[..4], [some("0"), some("0"), some("1"), some("")]);
    for time in &results[4..] {
        let time = time.as_deref().expect("a number");
        assert!(time.split_once('.').is_some_and(|(_, digits)| digits.len() == 6), "{time}");
    }
    stop(&node);
}

#[test]
fn starttime_is_in_seconds() {
    let (node, _log) = logged(quiet());
    assert_eq!(run(&node, "STARTTIME", ""), Some(node.starttime().to_string()));
    stop(&node);
}

#[test]
fn abort_ends_everything() {
    let (node, _log) = logged(quiet().module("idle", idle_module));
    (0..10).for_each(|_| drop(run(&node, "LAUNCH", "idle")));
    assert_eq!(run_inside(&node, [("ABORT", "")]).1, [None]);
    node.wait();
}

#[test]
fn messages_of_a_service_are_logged_on_request() {
    let dir = std::env::temp_dir().join(format!("skynet-core-msglog-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let (node, log) = logged(quiet().env("logpath", dir.to_string_lossy()));
    let (handle, messages) = probe(&node);
    let path = dir.join(format!("{:08x}.log", handle.raw()));
    run(&node, "LOGON", &handle.to_string());
    run(&node, "LOGON", &handle.to_string());
    assert_eq!(log.next(), format!(":00000000 Open log file {}", path.display()));
    node.send(Handle::from_raw(9), handle, PTYPE_LUA, 3, &b"\x00\xfe"[..]).expect("it is alive");
    node.send(Handle::from_raw(9), handle, PTYPE_LUA, 4, "").expect("it is alive");
    (0..2).for_each(|_| drop(receive(&messages)));
    run(&node, "LOGOFF", &handle.to_string());
    assert_eq!(log.next(), format!(":00000000 Close log file {handle}"));
    node.send(Handle::NONE, handle, PTYPE_LUA, 0, "unlogged").expect("it is alive");
    receive(&messages);
    run(&node, "LOGON", ":fff0");
    stop(&node);
    let text = std::fs::read_to_string(&path).expect("the file is there");
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines.len() == 4 && lines[0].starts_with("open time: ") && lines[3].starts_with("close time: "),
        "{text}"
    );
    let without_time = |line: &str| {
        let parts: Vec<&str> = line.split(' ').collect();
        [&parts[..3], &parts[4..]].concat().join(" ")
    };
    assert_eq!(without_time(lines[1]), ":00000009 10 3 00fe");
    assert_eq!(without_time(lines[2]), ":00000009 10 4 ");
    std::fs::remove_dir_all(&dir).expect("the folder goes");
}

#[test]
fn a_signal_to_nobody_does_nothing() {
    let (node, _log) = logged(quiet());
    let (handle, _messages) = probe(&node);
    assert_eq!((run(&node, "SIGNAL", &handle.to_string()), run(&node, "SIGNAL", ":fff 1")), (None, None));
    stop(&node);
}

#[test]
fn a_module_that_is_not_registered_is_looked_for_until_it_is_found() {
    let (send, asked) = std::sync::mpsc::channel();
    let find = move |name: &str| -> Result<Box<dyn Module>, ServiceError> {
        send.send(name.to_owned()).expect("the test waits");
        match name {
            "found" => Ok(Box::new(idle_module)),
            "broken" => panic!("out of luck"),
            _ => Err(format!("{name} is nowhere").into()),
        }
    };
    let (node, log) = logged(quiet().module("idle", idle_module).module_resolver(find));
    for (name, reason) in [("lost", "lost is nowhere"), ("broken", "it panicked: out of luck")] {
        for _ in 0..2 {
            assert_eq!(run(&node, "LAUNCH", name), None);
            assert_eq!(
                log.next(),
                format!("{} error: module \"{name}\" could not make a service: {reason}", Handle::NONE)
            );
        }
    }
    assert!(["idle", "found", "found"].iter().all(|name| run(&node, "LAUNCH", name).is_some()));
    stop(&node);
    assert_eq!(asked.try_iter().collect::<Vec<_>>(), ["lost", "lost", "broken", "broken", "found"]);
}
