//! Scripted sessions with the debugger. The first ones say what is true of C skynet, too: they run on it as ignored tests, where
//! `SKYNET_C` names one.

#![forbid(unsafe_code)]

mod common;

use common::{check, host, on_both, ours};
use skynet_tests::services::Runtime;

on_both! {
    the_debugger_goes_through_a_handler,
    the_debugger_evaluates_what_is_typed,
    the_debugger_lets_go_when_its_client_leaves,
}

/// The places of the subject's lines, as the debugger writes them.
fn place(line: u32) -> String {
    let file = skynet_tests::folder().join("lua/service/console_subject.lua");
    format!("{}({line})>", file.display())
}

fn the_debugger_goes_through_a_handler(runtime: &Runtime) {
    let node = host(runtime);
    let (mut debugger, mut caller) = (node.console(), node.console());
    debugger.ask("debug .subject", ":00000009>");
    debugger.ask("watch('lua', function(_, _, name) return name == 'add' end)", "\n:00000009>");
    check(&mut caller, "call .subject 'table', 1", &["n 3"], "<CMD OK>\n");
    caller.send("call .subject 'add', 1, 2\n");
    debugger.expect(&place(35));
    // Whoever else wants something waits meanwhile.
    let mut other = node.console();
    other.send("ping .subject\n");
    debugger.ask("name", &format!("add\t\n{}", place(35)));
    debugger.ask("s", &place(36));
    debugger.ask("s", &place(12));
    debugger.ask("a, b", &format!("1\t2\t\n{}", place(12)));
    debugger.ask("", &place(12));
    debugger.ask("n", &place(13));
    debugger.ask("sum = 10", &format!("\n{}", place(13)));
    debugger.ask("s", &place(7));
    debugger.ask("print('x is', x)", &format!("x is\t10\t\n\n{}", place(7)));
    debugger.ask("n", &place(8));
    debugger.ask("n", &place(14));
    debugger.ask("sum", &format!("20\t\n{}", place(14)));
    debugger.ask("sum = 50", &format!("\n{}", place(14)));
    debugger.ask("c", ":00000009>");
    caller.expect("1\t50\nn\t1\n<CMD OK>\n");
    let waited = other.read_until(&["<CMD OK>\n"]);
    assert!(waited.trim_end_matches("\n<CMD OK>\n").parse::<u32>().is_ok(), "{waited}");
    // It was watched once.
    caller.ask("call .subject 'add', 1, 2", "1\t6\nn\t1\n<CMD OK>\n");
    debugger.ask("cont", "<CMD OK>\n");
    debugger.ask("getenv thread", "thread\t2\n<CMD OK>\n");
    for line in ["Attach to :00000009", "[:00000009] Enter debug mode", "[:00000009] Leave debug mode"] {
        let _ = node.await_log(line);
    }
}

fn the_debugger_evaluates_what_is_typed(runtime: &Runtime) {
    let node = host(runtime);
    let mut debugger = node.console();
    debugger.ask("debug 9", ":00000009>");
    for (line, output) in [
        ("1 + 1", "2\t\n"),
        ("'x', nil, true", "x\tnil\ttrue\t\n"),
        ("print(1, 'two')", "1\ttwo\t\n\n"),
        ("for i = 1, 2 do print(i) end", "1\t\n2\t\n\n"),
        ("a_global = 5", "\n"),
        ("a_global, _G.a_global", "5\t5\t\n"),
        ("nothing_of_the_kind", "nil\t\n"),
        ("watch('nonsense')", "No nonsense\t\n"),
        ("", ""),
    ] {
        debugger.ask(line, &format!("{output}:00000009>"));
    }
    for (line, reason) in [("error 'boo'", ": boo\t\n"), ("this is none", "syntax error near 'is'\t\n")] {
        debugger.send(format!("{line}\n"));
        let _ = debugger.read_until(&[&format!("{reason}:00000009>")]);
    }
    debugger.ask("cont", "<CMD OK>\n");
}

fn the_debugger_lets_go_when_its_client_leaves(runtime: &Runtime) {
    let node = host(runtime);
    let mut debugger = node.console();
    debugger.ask("debug .subject", ":00000009>");
    drop(debugger);
    let _ = node.await_log("[:00000009] Leave debug mode");
    node.console().ask("call .subject 'add', 1, 2", "1\t6\nn\t1\n<CMD OK>\n");
}

#[test]
fn a_service_that_dies_while_it_is_debugged_is_reported() {
    let node = host(&ours());
    let (mut debugger, mut other) = (node.console(), node.console());
    debugger.ask("debug .subject", ":00000009>");
    debugger.send("print('still here')\n");
    debugger.expect("still here\t\n\n:00000009>");
    check(&mut other, "kill .subject", &["* snlua console_subject"], "<CMD OK>\n");
    check(&mut debugger, "1 + 1", &["The service has ended"], "<CMD Error>\n");
    debugger.ask("getenv thread", "thread\t2\n<CMD OK>\n");
}

#[test]
fn a_service_has_one_debugger_at_a_time() {
    let node = host(&ours());
    let (mut first, mut second) = (node.console(), node.console());
    first.ask("debug .subject", ":00000009>");
    check(&mut second, "debug .subject", &["Debugger attach failed"], "<CMD Error>\n");
    first.ask("cont", "<CMD OK>\n");
    second.ask("debug .subject", ":00000009>");
    second.ask("cont", "<CMD OK>\n");
}

#[test]
fn a_watch_ends_with_the_debugger() {
    let node = host(&ours());
    let mut debugger = node.console();
    debugger.ask("debug .subject", ":00000009>");
    debugger.ask("watch 'lua'", "\n:00000009>");
    debugger.ask("cont", "<CMD OK>\n");
    debugger.ask("call .subject 'add', 1, 2", "1\t6\nn\t1\n<CMD OK>\n");
}

#[test]
fn a_stopped_handler_goes_on_when_the_client_leaves() {
    let node = host(&ours());
    let (mut debugger, mut caller) = (node.console(), node.console());
    debugger.ask("debug .subject", ":00000009>");
    debugger.ask("watch 'lua'", "\n:00000009>");
    caller.send("call .subject 'add', 1, 2\n");
    debugger.expect(&place(35));
    drop(debugger);
    caller.expect("1\t6\nn\t1\n<CMD OK>\n");
}

#[test]
fn a_handler_that_fails_under_the_debugger_is_left() {
    let node = host(&ours());
    let (mut debugger, mut caller) = (node.console(), node.console());
    debugger.ask("debug .subject", ":00000009>");
    debugger.ask("watch 'lua'", "\n:00000009>");
    caller.send("call .subject 'fail'\n");
    debugger.expect(&place(35));
    debugger.ask("n", &place(36));
    debugger.ask("n", ":00000009>");
    assert!(caller.read_until(&["<CMD Error>\n"]).contains("call failed"));
    debugger.ask("1", "1\t\n:00000009>");
    debugger.ask("cont", "<CMD OK>\n");
}

#[test]
fn one_worker_is_always_left() {
    let node = host(&ours());
    let (mut first, mut second) = (node.console(), node.console());
    check(&mut first, "start console_subject", &[":0000000b console_subject"], "<CMD OK>\n");
    first.ask("debug .subject", ":00000009>");
    first.ask("watch 'lua'", "\n:00000009>");
    second.ask("debug b", ":0000000b>");
    second.ask("watch 'lua'", "\n:0000000b>");
    let (mut caller, mut other) = (node.console(), node.console());
    caller.send("call .subject 'add', 1, 2\n");
    first.expect(&place(35));
    other.ask("call b 'add', 1, 2", "1\t6\nn\t1\n<CMD OK>\n");
    second.expect("Not stopped: that would leave no worker that goes on\n:0000000b>");
    first.ask("c", ":00000009>");
    caller.expect("1\t6\nn\t1\n<CMD OK>\n");
    // Now there is one for it.
    second.ask("watch 'lua'", "\n:0000000b>");
    other.send("call b 'add', 1, 2\n");
    second.expect(&place(35));
    second.ask("cont", "<CMD OK>\n");
    other.expect("1\t6\nn\t1\n<CMD OK>\n");
}

#[test]
fn a_service_killed_while_it_is_stopped_gives_its_worker_back() {
    let node = host(&ours());
    let (mut debugger, mut caller, mut other) = (node.console(), node.console(), node.console());
    for _ in 0..2 {
        let address = other.command("start console_subject");
        let address = address.split('\t').next().unwrap_or_default();
        debugger.send(format!("debug {}\n", &address[1..]));
        let _ = debugger.read_until(&[">"]);
        debugger.ask("watch 'lua'", &format!("\n{address}>"));
        caller.send(format!("call {address} 'add', 1, 2\n"));
        debugger.expect(&place(35));
        check(&mut other, &format!("kill {}", &address[1..]), &["* snlua console_subject"], "<CMD OK>\n");
        assert!(caller.read_until(&["<CMD Error>\n"]).contains("call failed"));
        debugger.send("c\n");
        let _ = debugger.read_until(&["The service has ended\n<CMD Error>\n"]);
    }
}
