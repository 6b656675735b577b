//! Scripted sessions with the debug console, and with the console on the standard input. The first ones say what is true of
//! C skynet, too: they run on it as ignored tests, where `SKYNET_C` names one.

#![forbid(unsafe_code)]

mod common;

use std::io::Write as _;

use common::{check, host, on_both, ours};
use skynet_tests::node::Scratch;
use skynet_tests::services::Runtime;
use skynet_tests::session::{Client, Node};

on_both! {
    every_command_answers_as_documented,
    failures_say_why_and_the_console_goes_on,
    lines_may_come_in_pieces_and_several_at_once,
    a_script_may_end_its_side_before_the_answers_come,
    an_http_request_is_a_command,
    a_console_on_the_standard_input_starts_services,
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
        ("ping :ffff", "*call to invalid address :ffff*"),
        ("ping ffff", "*call to invalid address :0000ffff*"),
        ("call .subject", "*need arguments"),
        ("call .subject (", "*Invalid arguments"),
        ("call .subject 'fail'", "*call failed*"),
        ("dbgcmd .subject NONSENSE", "*call failed*"),
        ("trace .subject no_such_protocol on", "*call failed*"),
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

fn a_script_may_end_its_side_before_the_answers_come(runtime: &Runtime) {
    let node = host(runtime);
    let mut console = node.console();
    console.send("stat\ncall .subject 'add', 1, 2\ngetenv thread\n");
    console.finish();
    let answers = console.read_to_end();
    assert!(answers.ends_with("1\t6\nn\t1\n<CMD OK>\nthread\t2\n<CMD OK>\n"), "{answers}");
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
fn a_service_that_is_stuck_holds_nobody_up() {
    let node = host(&ours());
    let (mut console, mut caller) = (node.console(), node.console());
    caller.send("call .subject 'stick'\n");
    // The second worker serves the rest.
    let _ = console.command_until("stat 20", |answer| answer.contains(":00000009\tTIMEOUT"));
    check(&mut console, "mem 20", &[":00000009 TIMEOUT (snlua console_subject)"], "<CMD OK>\n");
    check(&mut console, "list", &[":00000009 snlua console_subject"], "<CMD OK>\n");
    check(&mut console, "signal .subject 0", &[], "<CMD OK>\n");
    assert!(caller.read_until(&["<CMD Error>\n"]).contains("call failed"));
    check(&mut console, "stat 5000", &[":00000009 cpu:*"], "<CMD OK>\n");
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
    let nothing = request("POST / HTTP/1.1\r\nContent-Length: -4\r\n\r\nlist".to_owned());
    assert_eq!(nothing, "Invalid command, type help for command list\n\n<CMD Error>\n");
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
