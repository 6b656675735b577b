//! The example of the page about errors: what callers are told, and what they are told if the node keeps it to itself.

#![forbid(unsafe_code)]

use std::path::Path;

use skynet_tests::services::Runtime;
use skynet_tests::session::Node;

/// The lines that the guest logs until it has tried everything.
fn guest(explain: bool) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/errors");
    let ours = Runtime::Ours(skynet_tests::find_binary().unwrap());
    let node = Node::start_with(&ours, "guest", |config| {
        let config = config.text("luaservice", folder.join("?.lua").display());
        if explain { config } else { config.text("rs_explain_errors", "false") }
    })
    .unwrap();
    let _ = node.await_log("That is all.");
    let log = node.log();
    let of_guest = log.lines().filter_map(|line| line.split_once("[:00000008] "));
    let lines = of_guest.map(|(_, line)| line.to_owned());
    // Positions in files are not what this is about.
    lines.filter(|line| !line.starts_with("LAUNCH")).map(|line| without_folder(&line, &folder)).collect()
}

fn without_folder(line: &str, folder: &Path) -> String {
    line.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn the_guest_is_told_why_each_call_failed() {
    let lines = guest(true);
    let kitchen = "service :00000009 (snlua kitchen)";
    for expected in [
        "soup: a bowl of soup".to_owned(),
        format!("cake: call failed: {kitchen}: kitchen.lua:8: nobody here can cook cake"),
        "tea: call failed: out of tea".to_owned(),
        format!(
            "a lost order: call failed: {kitchen} forgot the request: the skynet.response made at kitchen.lua:25 was collected"
        ),
        format!("closing: call failed: {kitchen} has ended"),
        format!("the end: call failed: {kitchen} has ended"),
        "too late: call to invalid address :00000009: the service does not exist".to_owned(),
        "far away: call failed: there is no link to node 5".to_owned(),
    ] {
        assert!(lines.contains(&expected), "{expected:?} is not among {lines:#?}");
    }
}

#[test]
fn a_node_that_does_not_explain_has_the_errors_of_c() {
    let lines = guest(false);
    for expected in [
        "soup: a bowl of soup",
        "cake: call failed",
        "tea: call failed",
        "a lost order: call failed",
        "closing: call failed",
        "the end: call failed",
        "too late: call to invalid address :00000009",
        "far away: call failed",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected:?} is not among {lines:#?}");
    }
}
