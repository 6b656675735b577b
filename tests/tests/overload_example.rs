//! The example of the documentation about overload.

#![forbid(unsafe_code)]

use std::path::Path;

use skynet_tests::services::Runtime;
use skynet_tests::session::Node;

/// Runs the example that begins with a script.
fn run(name: &str, start: &str) -> Node {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/overload");
    let files = folder.join("?.lua");
    let ours = Runtime::Ours(skynet_tests::find_binary().unwrap());
    Node::start_with(&ours, name, |config| {
        config.text("luaservice", files.display()).text("lua_path", files.display()).text("start", start)
    })
    .unwrap()
}

#[test]
fn proxies_hold_back_what_is_too_much() {
    let node = run("overload_proxies", "proxies");
    let _ = node.await_log("call failed: no answer from :");
    let _ = node.await_log("team 1 is answered");
    let _ = node.await_log("modest: 3 questions, 0 refused");
    let _ = node.await_log(" is overloaded: 20 messages wait, 20 of them of :");
    let _ = node.await_log("greedy: 40 questions, 18 refused");
}

#[test]
fn three_services_bear_more_than_they_can_do() {
    let node = run("overload", "overload");
    let _ = node.await_log(" resized");
    let _ = node.await_log("refused: call failed: service :");
    let _ = node.await_log(" (snlua resizer) is overloaded: 3 messages wait");
    let _ = node.await_log("resizer: limit 3, ");
    let log = node.await_log("the price is 1000; ");
    assert!(!log.contains("; 1000 prices were shown"), "{log}");
    let log = node.await_log("4194304 bytes are stored; ");
    assert!(!log.contains("had to wait 0 times"), "{log}");
}
