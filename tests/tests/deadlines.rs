//! The example of the documentation: calls with limits, a loop that is interrupted, a deadlock that is named.

#![forbid(unsafe_code)]

mod common;

use std::path::Path;

use common::ours;
use skynet_tests::session::Node;

#[test]
fn the_example_does_what_its_page_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/deadlines");
    let node = Node::start_with(&ours(), "deadlines", |config| {
        config.text("luaservice", folder.join("?.lua").display())
    })
    .unwrap();
    for line in [
        "one call: call failed: no answer from :00000009 within 0.2 s",
        "by default: call failed: no answer from :00000009 within 0.2 s",
        "at once: 1 42",
        "at once: the time is over: true",
        "late answers: 3",
        ": interrupted after ",
        "a loop: call failed",
        "and then: 42",
    ] {
        let _ = node.await_log(line);
    }
    let mut console = node.console();
    let deadlock = "deadlock: :0000000a (snlua shop) -> :0000000b (snlua clerk) -> :0000000a, its queue\n";
    let answer = console.command_until("waits", |answer| answer.contains(deadlock));
    assert_eq!(answer.matches("; for ever\n").count(), 4, "{answer}");
}
