//! The module in `module/`, linked into a program instead of loaded, and the example of the documentation.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use skynet_core::{
    CallError, Context, Handle, LaunchError, LogTarget, Message, Node, PTYPE_TEXT, Service, ServiceError,
};
use skynet_module::host::linked;
use skynet_tests::modules;
use skynet_tests::services::Runtime;
use skynet_tests::session;

/// How long anything may take that a test waits for.
const DEADLINE: Duration = Duration::from_secs(20);

/// A node with the probe linked in, and its log lines as `:handle text`.
fn node() -> (Node, Receiver<String>) {
    let (lines, log) = channel();
    let capture = move |_: &Node, _: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
        let lines = lines.clone();
        Ok(Box::new(move |_: &Context, msg: Message| {
            // The test may have read enough, and ended its side.
            let _ = lines.send(format!("{} {}", msg.source, String::from_utf8_lossy(&msg.payload)));
        }))
    };
    let target = LogTarget::Module { name: "capture".to_owned(), args: String::new() };
    let builder = Node::builder().workers(2).log(target).module("capture", capture);
    (builder.module("probe", linked::<probe::Probe>("probe")).start().expect("the node starts"), log)
}

fn launch(node: &Node) -> Handle {
    node.launch("probe", b"").expect("it starts")
}

fn ask(node: &Node, probe: Handle, text: &str) -> Result<String, CallError> {
    let answer = node.call(probe, PTYPE_TEXT, text).wait_timeout(DEADLINE)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[track_caller]
fn await_line(log: &Receiver<String>, part: &str) {
    let end = Instant::now() + DEADLINE;
    while !log.recv_timeout(end - Instant::now()).expect("the line comes").contains(part) {}
}

fn stop(node: &Node) {
    node.stop(DEADLINE).expect("all services end");
}

#[test]
fn a_service_that_is_linked_in_does_what_a_loaded_one_does() {
    let (node, log) = node();
    let (probe, other) = (launch(&node), launch(&node));
    assert_eq!(ask(&node, probe, "whole message").unwrap(), "whole message");
    for check in ["info", "unsent", "thread"] {
        assert_eq!(ask(&node, probe, check).unwrap(), "ok", "{check}");
    }
    await_line(&log, &format!("{probe} from a thread"));
    assert_eq!(ask(&node, probe, "timer").unwrap(), "the timer came");
    assert_eq!(ask(&node, probe, &format!("ask {other}")).unwrap(), "whole question");
    node.command("SIGNAL", format!("{probe} 5").as_bytes());
    await_line(&log, &format!("{probe} probe got signal 5"));
    stop(&node);
}

#[test]
fn what_a_service_owes_is_answered_however_it_ends() {
    for end in ["kill", "panic", "accept-and-panic", "exit", "stop"] {
        let (node, log) = node();
        let probe = launch(&node);
        let kept = node.call(probe, PTYPE_TEXT, "keep");
        assert_eq!(ask(&node, probe, "whole life").unwrap(), "whole life");
        match end {
            "kill" => assert!(node.kill(probe)),
            "stop" => stop(&node),
            how => assert_eq!(ask(&node, probe, how).is_ok(), how == "exit", "{how}"),
        }
        let kept = kept.wait_timeout(DEADLINE);
        assert!(matches!(kept, Err(CallError::Failed { .. } | CallError::Stopped)), "{end}: {kept:?}");
        await_line(&log, "probe ends and owes 1");
        stop(&node);
    }
}

#[test]
fn refused_and_dropped_requests_fail() {
    let (node, _log) = node();
    let probe = launch(&node);
    for how in ["refuse", "drop"] {
        assert!(matches!(ask(&node, probe, how), Err(CallError::Failed { .. })), "{how}");
    }
    assert_eq!(ask(&node, probe, "whole life").unwrap(), "whole life");
    stop(&node);
}

#[test]
fn an_init_that_fails_or_panics_is_the_error_of_the_launch() {
    let (node, _log) = node();
    for (args, text) in [
        ("refuse", "probe: it was told to refuse"),
        ("panic", "probe: its init panicked: told to panic at once"),
    ] {
        match node.launch("probe", args.as_bytes()) {
            Err(LaunchError::Init { cause, .. }) => assert_eq!(cause.to_string(), text),
            other => panic!("{other:?}"),
        }
    }
    let not_utf8 = node.launch("probe", b"\xff").expect_err("the arguments are no text");
    assert!(not_utf8.to_string().contains("probe: invalid utf-8"), "{not_utf8}");
    stop(&node);
}

#[test]
fn panics_at_the_end_are_logged_and_leave_the_node_alone() {
    let (node, log) = node();
    for (args, text) in [
        ("bad exit", "panicked: told to panic at exit"),
        ("bad drop", "panicked: told to panic when dropped"),
    ] {
        let probe = node.launch("probe", args.as_bytes()).expect("it starts");
        node.kill(probe);
        await_line(&log, text);
    }
    assert_eq!(ask(&node, launch(&node), "whole life").unwrap(), "whole life");
    stop(&node);
}

#[test]
fn the_example_of_the_documentation_counts_points() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/rust_module");
    let cpath = format!("{}/lib?.so", modules::rust_folder().unwrap().display());
    let runtime = Runtime::Ours(skynet_tests::find_binary().unwrap());
    let node = session::Node::start_with(&runtime, "main", |config| {
        config.text("luaservice", folder.join("?.lua").display()).text("cpath", &cpath)
    })
    .unwrap();
    assert_eq!(node.await_log("] 1. "), "ann with 7 points");
    assert_eq!(node.await_log("] 2. "), "ben with 5 points");
    assert!(node.await_log("no command ").contains("win with these arguments"));
    assert!(!node.log().contains("cat with"));
}
