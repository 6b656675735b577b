//! What the log says about services that do not come back, and the config's limit for them.

#![forbid(unsafe_code)]

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::{check, ours};
use skynet_tests::node::Config;
use skynet_tests::session::Node;

fn host(more: impl FnOnce(Config) -> Config) -> Node {
    Node::start_with(&ours(), "console_host", |config| more(config.number("thread", 4))).unwrap()
}

#[test]
fn the_log_says_where_an_endless_loop_is_and_the_loop_goes_on() {
    let node = host(|config| config);
    let (mut console, mut lua, mut c) = (node.console(), node.console(), node.console());
    check(&mut console, "start deep_in_c", &[":0000000b deep_in_c"], "<CMD OK>\n");
    lua.send("call .subject 'stick'\n");
    c.send("call b 1\n");
    let head = "error: service :00000009 (snlua console_subject) has been in one message for ";
    let line = node.await_log(head);
    let (_, rest) = line.split_once(" s: type lua, session ").unwrap();
    let (_, place) = rest.split_once(", from :0000000a (snlua debug_console 0); it is in ").unwrap();
    assert!(place.ends_with("console_subject.lua:28") || place.ends_with(":29"), "{line}");
    let _ = node.await_log("stack traceback:");
    // The other one is inside of a C function, where nobody can look.
    let head = "error: service :0000000b (snlua deep_in_c) has been in one message for ";
    assert!(node.await_log(head).contains("; it is in C code"));
    // The loop did not notice.
    check(&mut console, "stat 20", &[":00000009 TIMEOUT"], "<CMD OK>\n");
    check(&mut console, "signal .subject 0", &[], "<CMD OK>\n");
    assert!(lua.read_until(&["<CMD Error>\n"]).contains("call failed"));
    let _ = console.command_until("stat 20", |answer| answer.contains(":00000009\tcpu:"));
}

#[test]
fn the_config_interrupts_what_takes_too_long() {
    let node = host(|config| config.number("rs_runaway", 1));
    let mut console = node.console();
    check(&mut console, "call .subject 'stick'", &["*call failed*"], "<CMD Error>\n");
    assert!(node.await_log("interrupted after ").ends_with(" s in one message"));
    check(&mut console, "call .subject 'add', 1, 2", &["1 6"], "<CMD OK>\n");
}

#[test]
fn a_handler_that_a_debugger_holds_is_left_alone() {
    let node = host(|config| config.number("rs_runaway", 1));
    let (mut debugger, mut caller) = (node.console(), node.console());
    debugger.ask("debug .subject", ":00000009>");
    debugger.ask("watch('lua')", "\n:00000009>");
    caller.send("call .subject 'add', 1, 2\n");
    let _ = debugger.read_until(&["console_subject.lua(35)>"]);
    // Well over its limit, and over the moment at which an interrupt would be repeated.
    let held = Instant::now();
    while held.elapsed() < Duration::from_millis(2500) {
        debugger.ask("1", &format!("1\t\n{}", place(35)));
        thread::sleep(Duration::from_millis(20));
    }
    debugger.ask("s", &place(36));
    debugger.ask("c", ":00000009>");
    caller.expect("1\t6\nn\t1\n<CMD OK>\n");
    debugger.ask("cont", "<CMD OK>\n");
    // The next message has a limit again.
    check(&mut caller, "call .subject 'stick'", &["*call failed*"], "<CMD Error>\n");
}

/// The places of the subject's lines, as the debugger writes them.
fn place(line: u32) -> String {
    let file = skynet_tests::folder().join("lua/service/console_subject.lua");
    format!("{}({line})>", file.display())
}
