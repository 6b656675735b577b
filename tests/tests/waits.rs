//! The console command `waits`: who waits for whom, and which deadlocks it names.

#![forbid(unsafe_code)]

mod common;

use common::ours;
use skynet_tests::session::{Client, Node};

/// A node whose services are tied together in a way that `tests/lua/service/waits_host.lua` knows.
fn host(scenario: &str) -> Node {
    Node::start(&ours(), &format!("waits_host {scenario}")).unwrap()
}

/// Asks until the answer has so many deadlocks, and what else is looked for: ties need some time to be tight.
#[track_caller]
fn waits(console: &mut Client, command: &str, deadlocks: usize, text: &str) -> String {
    console.command_until(command, |answer| {
        assert!(answer.ends_with("<CMD OK>\n"), "{answer}");
        answer.matches("deadlock: ").count() == deadlocks && answer.contains(text)
    })
}

#[track_caller]
fn names(scenario: &str, deadlock: &str) {
    let node = host(scenario);
    let answer = waits(&mut node.console(), "waits", 1, "deadlock: ");
    let line = answer.lines().find(|line| line.starts_with("deadlock: ")).unwrap();
    assert_eq!(line, format!("deadlock: {deadlock}"), "{answer}");
}

#[test]
fn two_services_that_wait_for_one_another_in_a_queue() {
    names("two", ":00000009 (snlua waits_knot) -> :0000000a (snlua waits_knot) -> :00000009, its queue");
}

#[test]
fn three_services_and_a_queue() {
    names(
        "three",
        ":0000000a (snlua waits_knot) -> :0000000b (snlua waits_knot) -> :00000009 (snlua waits_knot) -> :0000000a, its queue",
    );
}

#[test]
fn a_service_that_calls_itself_in_its_queue() {
    names("self", ":00000009 (snlua waits_knot) -> :00000009, its queue");
}

#[test]
fn two_queues_that_are_taken_in_different_order() {
    names(
        "crossed",
        ":00000009 (snlua waits_knot) -> :0000000a (snlua waits_knot), its queue -> :00000009, its queue",
    );
}

#[test]
fn a_service_that_calls_who_starts_it() {
    names(
        "launch",
        ":00000009 (snlua waits_knot) -> the start of :0000000b (snlua waits_child 9) -> :00000009, its queue",
    );
}

#[test]
fn what_only_looks_like_a_deadlock_is_none() {
    let node = host("none");
    let mut console = node.console();
    let answer = waits(&mut console, "waits", 0, "a skynet.response has it there");
    println!("{answer}");
    for part in [
        ":00000009 (snlua waits_knot) thread ",
        " calls :0000000a (snlua waits_knot), session ",
        "waits_knot.lua:",
        ", with a time limit",
        " waits for its queue, which thread ",
        " sleeps, at ",
    ] {
        assert!(answer.contains(part), "no {part:?}:\n{answer}");
    }
    assert!(!answer.contains("for ever"), "{answer}");
    assert_eq!(console.command("waits 9 20").lines().last(), Some("<CMD OK>"));
}

#[test]
fn a_service_that_does_not_answer_is_named_and_holds_nobody_up() {
    let node = common::host(&ours());
    let (mut console, mut caller) = (node.console(), node.console());
    caller.send("call .subject 'stick'\n");
    let answer = waits(&mut console, "waits all 30", 0, "no answer: :00000009 (snlua console_subject)");
    assert!(answer.contains("calls :00000009 (snlua console_subject)"), "{answer}");
    assert!(answer.contains("; that does not answer"), "{answer}");
    assert!(console.command("waits .subject 5").contains("no answer from :00000009"));
    assert!(console.command("waits nonsense").ends_with("<CMD Error>\n"));
    common::check(&mut console, "signal .subject 0", &[], "<CMD OK>\n");
    assert!(caller.read_until(&["<CMD Error>\n"]).contains("call failed"));
}

#[test]
fn the_waits_of_one_service_are_all_of_them() {
    let node = common::host(&ours());
    let mut console = node.console();
    let answer = console.command("waits .subject");
    assert!(
        answer.contains(":00000009 (snlua console_subject) thread ") && answer.contains(" sleeps, at "),
        "{answer}"
    );
    assert!(!answer.contains("socket"), "{answer}");
    let mut other = node.console();
    other.ask("getenv thread", "thread\t2\n<CMD OK>\n");
    let own = console.command("waits a");
    assert!(own.contains(" (snlua debug_console 0) thread ") && own.contains(" reads socket "), "{own}");
}
