//! Safe exit: signals, phases, limits, and the status of the process; a gate under load that loses nothing.

#![forbid(unsafe_code)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use common::ours;
use skynet_tests::session::{Client, Node};

/// A node that does one of the cases of `shutdown_cases`, ready for signals.
fn node(case: &str) -> Node {
    let node = start(case, 30);
    let _ = node.await_log("ready for signals");
    node
}

fn start(case: &str, limit: u32) -> Node {
    Node::start_with(&ours(), "shutdown_cases", |config| {
        config.text("case", case).number("rs_shutdown_timeout", limit)
    })
    .unwrap()
}

/// Demands that these texts are in the log, in this order.
#[track_caller]
fn check_log(node: &Node, texts: &[&str]) {
    let log = node.log();
    let mut rest = log.as_str();
    for text in texts {
        let found = rest.split_once(text);
        assert!(found.is_some(), "no {text:?} where it should be:\n{log}");
        rest = found.map_or("", |(_, rest)| rest);
    }
}

#[test]
fn a_signal_runs_the_phases_in_their_order() {
    for signal in ["TERM", "INT"] {
        let mut node = node("order");
        node.signal(signal);
        assert_eq!(node.await_exit(), Some(0), "{}", node.log());
        let begins = format!("shutdown: begins: SIG{signal}");
        check_log(
            &node,
            &[
                &begins,
                "phase \"accept\" begins: 1 step",
                "in phase accept",
                "in phase clients",
                "in phase logic",
                "in phase 35",
                "in phase store",
                "in phase last",
                "phase \"last\" is over after 0.",
                "all phases are over; all services end",
            ],
        );
        assert!(!node.log().contains("taken back"), "{}", node.log());
    }
}

#[test]
fn a_service_that_hangs_is_passed_by_at_its_limit() {
    let mut node = node("hangs");
    let start = Instant::now();
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(3));
    assert!(start.elapsed() >= Duration::from_millis(200), "{}", node.log());
    let passed = "(snlua shutdown_cases) did not finish phase \"logic\" in 0.20 s and is passed by";
    check_log(&node, &[passed, "stored", "something was left undone"]);
}

#[test]
fn a_step_that_fails_is_said_and_the_others_go_on() {
    let mut node = node("fails");
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(3));
    check_log(
        &node,
        &["stack traceback", "(snlua shutdown_cases) failed in phase \"logic\": ", "no disk", "stored"],
    );
}

#[test]
fn a_service_that_ends_is_done() {
    let mut node = node("ends");
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    check_log(&node, &["phase \"logic\" begins: 1 step", "it leaves", "all phases are over; all"]);
}

#[test]
fn the_limit_of_the_whole_shutdown_cuts_steps_short() {
    let mut node = start("patient", 1);
    let _ = node.await_log("ready for signals");
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(3));
    check_log(&node, &["did not finish phase \"logic\" in ", " s and is passed by"]);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (second, status) in [("TERM", 143), ("INT", 130)] {
        let mut node = node("patient");
        node.signal("TERM");
        let _ = node.await_log("in the phase");
        let start = Instant::now();
        node.signal(second);
        assert_eq!(node.await_exit(), Some(status), "{}", node.log());
        assert!(start.elapsed() < Duration::from_secs(5), "{}", node.log());
        check_log(&node, &["a second signal, SIG", ": everything ends at once"]);
    }
}

#[test]
fn a_second_signal_does_not_wait_for_code_that_is_stuck() {
    // The standard error is gone, too.
    let mut node =
        Node::start_unheard(&ours(), "shutdown_cases", |config| config.text("case", "stuck")).unwrap();
    let _ = node.await_log("ready for signals");
    while !node.file("loops").exists() {
        thread::sleep(Duration::from_millis(5));
    }
    node.signal("TERM");
    let _ = node.await_log("shutdown: begins");
    let start = Instant::now();
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(143), "{}", node.log());
    assert!(start.elapsed() < Duration::from_secs(4), "{}", node.log());
    check_log(
        &node,
        &["a second signal, SIGTERM", "1 services did not end within", "(snlua shutdown_cases stuck)"],
    );
}

#[test]
fn the_log_is_written_though_all_workers_are_stuck() {
    let mut node =
        Node::start_with(&ours(), "shutdown_cases", |config| config.text("case", "all_stuck")).unwrap();
    while fs::read_to_string(node.file("loops")).unwrap_or_default().lines().count() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    node.signal("TERM");
    node.signal("INT");
    let status = node.await_exit();
    // Whichever came first.
    assert!(matches!(status, Some(130 | 143)), "{status:?} {}", node.log());
    check_log(&node, &["shutdown: begins: SIG", "a second signal, SIG", "services did not end within"]);
}

#[test]
fn thousands_of_steps_are_done_in_time() {
    let mut node = node("many");
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    check_log(&node, &["phase \"logic\" begins: 10000 steps", "all phases are over; all"]);
}

#[test]
fn the_name_of_the_coordinator_may_be_taken() {
    let mut node = node("name");
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
}

#[test]
fn a_step_that_is_taken_back_when_it_should_begin_holds_nobody_up() {
    let mut node = start("taken_back", 30);
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    check_log(&node, &["phase \"accept\" begins: 1 step", "taken back", "phase \"accept\" is over"]);
    assert!(!node.log().contains("runs all the same"), "{}", node.log());
}

#[test]
fn abort_cuts_a_shutdown_off() {
    let mut node = node("aborts");
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(3));
    assert!(!node.log().contains("stored"), "{}", node.log());
}

#[test]
fn the_end_of_the_coordinator_is_the_end_of_the_node() {
    let mut node = node("kills");
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(3));
    check_log(&node, &["the coordinator is gone: all services end"]);
}

#[test]
fn endless_loops_do_not_keep_the_process() {
    let mut node = start("loops", 1);
    while fs::read_to_string(node.file("loops")).unwrap_or_default().lines().count() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(3));
    check_log(&node, &["shutdown: begins: SIGTERM", "time is up", "the service has been killed"]);
}

#[test]
fn a_service_orders_a_shutdown_and_the_first_order_counts() {
    let mut node = start("orders", 30);
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    check_log(&node, &["first order: true second: false"]);
    check_log(&node, &["shutdown: begins: maintenance at noon\n", "stored"]);
}

#[test]
fn what_was_sent_before_the_phase_is_handled_before_the_step() {
    let mut node = start("queue", 30);
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    check_log(&node, &["1000 were handled"]);
}

#[test]
fn a_node_that_starts_can_be_ended() {
    let mut node = start("starting", 30);
    let _ = node.await_log("it starts");
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    check_log(&node, &["shutdown: begins: SIGTERM"]);
    assert!(!node.log().contains("shutdownd"), "nobody has asked for a phase:\n{}", node.log());
}

#[test]
fn supervisors_start_nobody_anew_and_stop_their_children_last() {
    let mut node = node("supervised");
    let log = node.log();
    let handle = |id: &str| {
        let line =
            log.lines().find(|line| line.ends_with(&format!("LAUNCH snlua shutdown_cases child {id}")));
        line.and_then(|line| line.split(['[', ']']).nth(1)).unwrap().to_owned()
    };
    let end_of = |id: &str| format!("[{}] KILL self", handle(id));
    node.signal("TERM");
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    check_log(&node, &["b has stored", &end_of("b"), "phase \"last\" begins", &end_of("c"), &end_of("a")]);
    assert!(!node.log().contains("restart"), "{}", node.log());
}

#[test]
fn a_gate_has_a_last_word_for_its_clients() {
    let mut node = node("gate");
    let port = node.await_log("gate at port ").parse().unwrap();
    let mut clients = [Client::connect(port), Client::connect(port)];
    while node.log().matches("has come").count() < 2 {
        thread::yield_now();
    }
    node.signal("TERM");
    for client in &mut clients {
        assert_eq!(client.read_to_end(), "bye\n");
    }
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    check_log(
        &node,
        &["phase \"accept\" begins: 1 step", "has gone", "has gone", "phase \"clients\" is over"],
    );
}

#[test]
fn the_native_gate_parts_from_its_clients() {
    let mut node = node("native");
    let port = node.await_log("gate at port ").parse().unwrap();
    let mut client = Client::connect(port);
    let _ = node.await_log("the watchdog hears open");
    node.signal("TERM");
    assert_eq!(client.read_to_end(), "");
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    check_log(
        &node,
        &["phase \"accept\" begins: 1 step", "phase \"clients\" begins: 1 step", "the watchdog hears close"],
    );
}

#[test]
fn what_waits_to_be_sent_is_sent_before_the_end() {
    for case in ["long_gate", "long_native"] {
        let mut node = node(case);
        let port = node.await_log("gate at port ").parse().unwrap();
        let mut client = Client::connect(port);
        let _ = node.await_log("all is written");
        node.signal("TERM");
        // Until now the client has read nothing, and the system takes a part only.
        let _ = node.await_log("phase \"clients\" begins");
        assert_eq!(client.read_to_end().len(), 8_000_000, "{case}");
        assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    }
}

#[test]
fn the_console_can_end_the_node() {
    for (command, answer, status) in [
        ("shutdown for the night", "The node is shut down\n<CMD OK>\n", "shutdown: begins: for the night"),
        ("abort", "", ""),
    ] {
        let mut node = common::host(&ours());
        let mut console = node.console();
        console.send(format!("{command}\n"));
        let heard = console.read_to_end();
        assert!(["", "<CMD OK>\n", answer].contains(&heard.as_str()), "{heard:?}");
        assert_eq!(node.await_exit(), Some(0));
        check_log(&node, &[status]);
    }
}

/// Sends numbered packages, some of them ahead of their answers, until the connection ends: what was acknowledged.
fn chatter(mut stream: TcpStream, name: usize) -> Vec<String> {
    const AHEAD: usize = 16;
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let package = |number: usize| {
        let text = format!("{name}-{number}");
        [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
    };
    let mut acknowledged = Vec::new();
    let first: Vec<u8> = (0..AHEAD).flat_map(package).collect();
    let mut next = AHEAD;
    let mut going = stream.write_all(&first).is_ok();
    let mut length = [0; 2];
    while going && stream.read_exact(&mut length).is_ok() {
        let mut text = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut text).is_err() {
            break;
        }
        acknowledged.push(String::from_utf8(text).unwrap());
        going = stream.write_all(&package(next)).is_ok();
        next += 1;
    }
    // What came before the connection broke counts, too.
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_whenever_the_signal_comes() {
    for seed in 1_u64..=6 {
        let mut node = Node::start(&ours(), "shutdown_load").unwrap();
        let port: u16 = node.await_log("gate at port ").parse().unwrap();
        let connect = |_| TcpStream::connect(("127.0.0.1", port)).unwrap();
        let streams: Vec<TcpStream> = (0..4).map(connect).collect();
        let talk = |(name, stream)| thread::spawn(move || chatter(stream, name));
        let clients: Vec<_> = streams.into_iter().enumerate().map(talk).collect();
        let pause = seed.wrapping_mul(6_364_136_223_846_793_005) >> 33;
        // The point in time is what is random here.
        thread::sleep(Duration::from_millis(pause % 150));
        node.signal("TERM");
        let acknowledged: Vec<String> =
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        assert_eq!(node.await_exit(), Some(0), "seed {seed}:\n{}", node.log());
        let written = fs::read_to_string(node.file("written")).unwrap();
        let lines: BTreeSet<&str> = written.lines().collect();
        assert_eq!(lines.len(), written.lines().count(), "seed {seed}: something was written twice");
        let lost: Vec<_> = acknowledged.iter().filter(|line| !lines.contains(line.as_str())).collect();
        assert!(lost.is_empty(), "seed {seed}: acknowledged and not written: {lost:?}");
        println!("seed {seed}: {} of {} written lines were acknowledged", acknowledged.len(), lines.len());
    }
}

#[test]
fn the_bank_of_the_documentation_loses_no_deposit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/shutdown");
    let mut node = Node::start_with(&ours(), "main", |config| {
        config.text("luaservice", folder.join("?.lua").display()).text("ledger_file", "ledger.txt")
    })
    .unwrap();
    let _ = node.await_log("the bank is open");
    node.signal("INT");
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    let log = node.log();
    let number = |line: &str, before: &str| {
        let (_, rest) = line.split_once(before)?;
        rest.split(' ').next()?.parse::<usize>().ok()
    };
    let sent: Vec<usize> = log.lines().filter_map(|line| number(line, "closes after ")).collect();
    assert_eq!(sent.len(), 3, "{log}");
    let total = log.lines().find_map(|line| number(line, "the ledger has "));
    assert_eq!(total, Some(sent.iter().sum()), "{log}");
    assert_eq!(
        fs::read_to_string(node.file("ledger.txt")).unwrap().lines().count(),
        sent.iter().sum::<usize>()
    );
}
