//! Scripted sessions with the debug console, and with the console on the standard input. The first ones say what is true of
//! C skynet, too: they run on it as ignored tests, where `SKYNET_C` names one.

#![forbid(unsafe_code)]

use std::io::Write as _;

use skynet_tests::node::Scratch;
use skynet_tests::pattern;
use skynet_tests::services::Runtime;
use skynet_tests::session::{Client, Node};

fn ours() -> Runtime {
    Runtime::Ours(skynet_tests::find_binary().unwrap())
}

/// A node with a console and a service to look at, `.subject`.
fn host(runtime: &Runtime) -> Node {
    Node::start(runtime, "console_host").unwrap()
}

/// Makes two tests of each function.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_ours {
            $(#[test] fn $name() { super::$name(&super::ours()); })*
        }
        mod on_c {
            $(
                #[test]
                #[ignore = "runs on the C skynet that SKYNET_C names"]
                fn $name() {
                    if let Some(folder) = skynet_tests::find_c_skynet().unwrap() {
                        super::$name(&skynet_tests::services::Runtime::C(folder));
                    }
                }
            )*
        }
    };
}

on_both! {
    every_command_answers_as_documented,
    failures_say_why_and_the_console_goes_on,
    lines_may_come_in_pieces_and_several_at_once,
    an_http_request_is_a_command,
    the_debugger_goes_through_a_handler,
    the_debugger_evaluates_what_is_typed,
    the_debugger_lets_go_when_its_client_leaves,
    a_console_on_the_standard_input_starts_services,
}

/// Sends a command and demands, in this order, lines that match the patterns; there may be others. C skynet puts the place
/// in its sources in front of error texts.
#[track_caller]
fn check(console: &mut Client, command: &str, patterns: &[&str], mark: &str) {
    println!("{command}");
    let answer = console.command(command);
    let lines = pattern::lines(&answer);
    let mut rest = lines.iter();
    for wanted in patterns {
        let found = rest.any(|line| pattern::matches(wanted, line));
        assert!(found, "{command}: no line {wanted:?} where it should be:\n{answer}");
    }
    assert!(answer.ends_with(mark), "{command}: no {mark:?} at the end:\n{answer}");
}

fn every_command_answers_as_documented(runtime: &Runtime) {
    let node = host(runtime);
    let scratch = Scratch::new("inject").unwrap();
    let file = scratch.path().join("injected.lua");
    std::fs::write(&file, "print('injected', ...) print(_P.lua.command ~= nil)").unwrap();
    let inject = format!("inject .subject {} one two", file.display());
    let script: &[(&str, &[&str])] = &[
        ("help", &["call call address ...", "list List all the service", "uniqtask task address*"]),
        ("list", &[":00000004 snlua cdummy", "* snlua console_subject", "* snlua debug_console*"]),
        ("stat", &["* cpu:{n}* message:{n} mqlen:0 task:1"]),
        ("stat 0", &["* cpu:{n}* message:{n} mqlen:0 task:1"]),
        ("mem", &["* {n} Kb (snlua console_subject)"]),
        ("gc 500", &["* {n} Kb (snlua console_subject)"]),
        ("service", &[]),
        ("start console_subject with arguments", &[":* console_subject"]),
        ("list", &["* snlua console_subject with arguments"]),
        ("start no_such_service", &["Failed"]),
        ("start quitter", &["Exit"]),
        ("log console_subject", &[":* console_subject"]),
        ("log no_such_service", &["Failed"]),
        ("snax no_such_service", &["Failed"]),
        ("info .subject 1 two", &["args 1:1 2:two", "name subject"]),
        ("task .subject", &["thread: 0x* session: * stack traceback:"]),
        ("uniqtask .subject", &["1 sessions:*"]),
        ("killtask .subject nonsense", &["Not found"]),
        ("killtask .subject thread", &[]),
        (&inject, &["injected one two", "true"]),
        ("inject .subject /no/such/file", &["Can't open /no/such/file"]),
        ("dbgcmd .subject STAT", &["cpu *", "message {n}", "mqlen 0", "task 0"]),
        ("dbgcmd .subject PING", &[]),
        ("call .subject 'add', 1, 2", &["1 6", "n 1"]),
        ("call .subject 'table', { x = 1 }", &["1 x:1", "2 second", "n 3"]),
        ("logon .subject", &[]),
        ("logoff .subject", &[]),
        ("signal .subject 1", &[]),
        ("ping .subject", &["{n}"]),
        ("trace .subject on", &[]),
        ("trace .subject lua off", &[]),
        ("trace .subject", &[]),
        ("cmem", &["block {n}", "total {n}"]),
        ("jmem", &["stats.resident {n} {n} Mb"]),
        ("netstat", &["*accept:1 address::* id:{n} *sock:127.0.0.1:{n} type:LISTEN"]),
        ("clearcache", &[]),
        ("getenv thread", &["thread 2"]),
        ("getenv no_such_key", &["no_such_key nil"]),
        ("setenv a_new_key value", &[]),
        ("getenv a_new_key", &["a_new_key value"]),
        ("profactive", &["heap profilling is deactive"]),
        ("profactive off", &["heap profilling is deactive"]),
        ("dumpheap", &[]),
        ("kill 777777", &[":00777777 nil"]),
        ("kill .subject", &[":00000009 snlua console_subject"]),
    ];
    let mut console = node.console();
    for (command, patterns) in script {
        check(&mut console, command, patterns, "<CMD OK>\n");
    }
    for line in ["recv a signal 1", "Turn trace log true for lua", "Turn trace log nil for lua"] {
        let _ = node.await_log(line);
    }
}

fn failures_say_why_and_the_console_goes_on(runtime: &Runtime) {
    let node = host(runtime);
    let mut console = node.console();
    console.ask("nonsense", "Invalid command, type help for command list\n\n<CMD Error>\n");
    for (command, reason) in [
        ("ping .nobody", "*Not a valid name"),
        ("ping nonsense", "*Need an address"),
        ("ping :ffff", "*call to invalid address :ffff"),
        ("ping ffff", "*call to invalid address :0000ffff"),
        ("call .subject", "*need arguments"),
        ("call .subject (", "*Invalid arguments"),
        ("call .subject 'fail'", "*call failed"),
        ("dbgcmd .subject NONSENSE", "*call failed"),
        ("trace .subject no_such_protocol on", "*call failed"),
        ("setenv thread 3", "*Can't setenv exist key : thread"),
        ("debug ffff", "*Debugger attach failed"),
        ("stat nonsense", "*"),
        ("getenv", "*"),
    ] {
        check(&mut console, command, &[reason], "<CMD Error>\n");
    }
    check(&mut console, "list", &["* snlua console_subject"], "<CMD OK>\n");
}

fn lines_may_come_in_pieces_and_several_at_once(runtime: &Runtime) {
    let node = host(runtime);
    let mut console = node.console();
    for piece in ["\n\nget", "env", " thread", "\n"] {
        console.send(piece);
    }
    console.expect("thread\t2\n<CMD OK>\n");
    console.send("getenv thread\r\n  getenv \t harbor  \ngetenv thr");
    console.expect("thread\t2\n<CMD OK>\nharbor\t0\n<CMD OK>\n");
    console.ask("ead", "thread\t2\n<CMD OK>\n");
    // What is not a whole line is not run.
    console.send("setenv half_a_line 1");
    drop(console);
    let mut other = node.console();
    let _ = node.await_log(" disconnect");
    other.ask("getenv half_a_line", "half_a_line\tnil\n<CMD OK>\n");
}

fn an_http_request_is_a_command(runtime: &Runtime) {
    let node = host(runtime);
    let request = |pieces: &[&str]| {
        let mut client = node.console();
        pieces.iter().for_each(|piece| client.send(piece));
        client.read_to_end()
    };
    assert_eq!(request(&["GET /getenv/thread HTTP/1.1\r\nHost: localhost\r\n\r\n"]), "thread\t2\n<CMD OK>\n");
    assert_eq!(request(&["GET /call/.subject/'add',1,2 HTTP/1.0\r\n", "\r\n"]), "1\t6\nn\t1\n<CMD OK>\n");
    assert_eq!(
        request(&["GET /nonsense HTTP/1.1\r\n\r\n"]),
        "Invalid command, type help for command list\n\n<CMD Error>\n"
    );
    let body = ["POST / HTTP/1.1\r\nContent-Length: 28\r\n\r\n", "call .subject 'add',", " 20, 22\n"];
    assert_eq!(request(&body), "1\t84\nn\t1\n<CMD OK>\n");
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

fn a_console_on_the_standard_input_starts_services(runtime: &Runtime) {
    let mut node = Node::start(runtime, "console").unwrap();
    let mut input = node.stdin();
    input.write_all(b"no_such_service\n\nconsole_subject with arguments\nquit").unwrap();
    assert_eq!(node.await_log("LAUNCH snlua console_subject "), "with arguments");
    input.write_all(b"ter\n").unwrap();
    let _ = node.await_log("LAUNCH snlua quitter");
}

#[test]
fn the_console_on_the_standard_input_ends_with_it() {
    let mut node = Node::start(&ours(), "console").unwrap();
    let mut input = node.stdin();
    input.write_all(b"quitter").unwrap();
    drop(input);
    let _ = node.await_log("LAUNCH snlua quitter");
    let _ = node.await_log("[:00000008] The standard input has ended");
    let _ = node.await_log("[:00000008] KILL self");
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
fn a_service_that_is_stuck_holds_nobody_up() {
    let node = host(&ours());
    let (mut console, mut caller) = (node.console(), node.console());
    caller.send("call .subject 'stick'\n");
    // The second worker serves the rest.
    check(&mut console, "stat 20", &[":00000009 TIMEOUT"], "<CMD OK>\n");
    check(&mut console, "mem 20", &[":00000009 TIMEOUT (snlua console_subject)"], "<CMD OK>\n");
    check(&mut console, "list", &[":00000009 snlua console_subject"], "<CMD OK>\n");
    check(&mut console, "signal .subject 0", &[], "<CMD OK>\n");
    assert!(caller.read_until(&["<CMD Error>\n"]).contains("call failed"));
    check(&mut console, "stat 500", &[":00000009 cpu:*"], "<CMD OK>\n");
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_command_harms_nobody() {
    let node = host(&ours());
    let (mut console, mut leaving) = (node.console(), node.console());
    console.send("call .subject 'stick'\n");
    leaving.send("ping .subject\n");
    drop(leaving);
    let mut other = node.console();
    check(&mut other, "kill .subject", &["* snlua console_subject"], "<CMD OK>\n");
    assert!(console.read_until(&["<CMD Error>\n"]).contains("call failed"));
    let _ = node.await_log(" disconnect");
}

#[test]
fn numbers_and_booleans_are_results_as_well() {
    let node = host(&ours());
    let mut console = node.console();
    check(&mut console, "dbgcmd .subject MEM", &["{n}*"], "<CMD OK>\n");
    console.ask("dbgcmd .subject SUPPORT lua", "true\n<CMD OK>\n");
    console.ask("\r\n \t", "");
    console.ask("getenv thread", "thread\t2\n<CMD OK>\n");
}

#[test]
fn bytes_that_are_no_text_are_an_invalid_command() {
    let node = host(&ours());
    let mut console = node.console();
    let garbage: Vec<u8> = (0..=255).filter(|byte| *byte != b'\n').collect();
    console.send(garbage);
    console.ask("", "Invalid command, type help for command list\n\n<CMD Error>\n");
    console.ask("getenv thread", "thread\t2\n<CMD OK>\n");
}

#[test]
fn a_line_without_end_costs_the_connection_alone() {
    let node = host(&ours());
    let (mut console, mut endless) = (node.console(), node.console());
    let block = vec![b'x'; 64 * 1024];
    for _ in 0..64 {
        endless.send(&block);
    }
    assert_eq!(endless.read_to_end(), "");
    console.ask("getenv thread", "thread\t2\n<CMD OK>\n");
}

#[test]
fn http_requests_that_are_none_are_refused() {
    let node = host(&ours());
    let request = |text: String| {
        let mut client = node.console();
        client.send(text);
        client.finish();
        client.read_to_end()
    };
    let refusal = "Invalid HTTP request\n<CMD Error>\n";
    assert_eq!(request("GET /list HTTP/1.1\r\n".to_owned()), refusal);
    assert_eq!(request(format!("GET /list HTTP/1.1\r\n{}", "a: b\r\n".repeat(500))), refusal);
    assert_eq!(request("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nlist".to_owned()), refusal);
    let long = request("POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\nlist".to_owned());
    assert_eq!(long, "The body is too long\n<CMD Error>\n");
    assert_eq!(request("GET /getenv/thread HTTP/1.1\n\n".to_owned()), "thread\t2\n<CMD OK>\n");
}

#[test]
fn a_hundred_consoles_are_served_at_once() {
    let node = host(&ours());
    let mut consoles: Vec<Client> = (0..100).map(|_| node.console()).collect();
    for (number, console) in consoles.iter_mut().enumerate() {
        console.send(format!("call .subject 'add', {number}, 0\nlist\n"));
    }
    for (number, console) in consoles.iter_mut().enumerate() {
        console.expect(&format!("1\t{}\nn\t1\n<CMD OK>\n", 2 * number));
        assert!(console.read_until(&["<CMD OK>\n"]).contains("snlua console_subject"));
    }
}
