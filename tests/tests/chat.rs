//! The chat room that runs without an argument, as people use it: over lines, from two terminals, with a look inside.

#![forbid(unsafe_code)]

use std::net::TcpListener;
use std::process::Command;

use skynet_tests::node::Scratch;
use skynet_tests::pattern;
use skynet_tests::session::{Client, Node};

/// A room on ports that the system chooses.
fn room() -> Node {
    let ports = [("CHAT_PORT", "0"), ("CHAT_CONSOLE_PORT", "0")];
    Node::demo(&skynet_tests::find_binary().unwrap(), &ports).unwrap()
}

/// Somebody who comes in. The others are told.
fn join(node: &Node, nick: &str) -> Client {
    let text = node.await_log("    nc 127.0.0.1 ");
    let port = text.split(' ').next().and_then(|port| port.parse().ok()).expect("a port");
    let mut client = Client::connect(port);
    let welcome = client.read_until(&[" is here\r\n"]);
    assert!(welcome.starts_with("* welcome, guest"), "{welcome}");
    client.send(format!("/nick {nick}\r\n"));
    let _ = client.read_until(&[&format!(" is now {nick}\r\n")]);
    client
}

#[test]
fn two_people_talk_move_and_leave() {
    let node = room();
    let mut ann = join(&node, "ann");
    let mut bob = join(&node, "bob");
    ann.expect("* guest2 is here\r\n* guest2 is now bob\r\n");
    ann.ask("hello, bob", "<ann> hello, bob\r\n");
    bob.expect("<ann> hello, bob\r\n");
    bob.ask("hi\r", "<bob> hi\r\n"); // a telnet client ends its lines so
    ann.expect("<bob> hi\r\n");
    bob.ask("/nick ann", "* ann is taken\r\n");
    bob.ask("/who", "* in lobby: ann bob\r\n");
    bob.ask("/join den", "* bob is here\r\n");
    ann.expect("* bob has left\r\n");
    ann.ask("/who", "* in lobby: ann\r\n");
    bob.ask("alone", "<bob> alone\r\n");
    ann.ask("/join den", "* ann is here\r\n");
    bob.expect("* ann is here\r\n");
    ann.ask("/dance", "* no command /dance, /help lists them\r\n");
    ann.send("/quit\n");
    assert_eq!(ann.read_to_end(), "* bye\r\n");
    bob.expect("* ann has left\r\n");
    drop(bob);
    let mut eve = join(&node, "eve");
    eve.ask("/nick ann", "* eve is now ann\r\n");
    eve.ask("/who", "* in lobby: ann\r\n");
}

#[test]
fn what_is_said_gets_into_the_file() {
    let node = room();
    let mut ann = join(&node, "ann");
    ann.ask("for the record", "<ann> for the record\r\n");
    let _ = node.await_text("chat.log", " #lobby * guest1 is now ann\n");
    let _ = node.await_text("chat.log", " #lobby <ann> for the record");
}

#[test]
fn what_is_said_just_before_the_end_gets_into_the_file() {
    let mut node = room();
    let mut ann = join(&node, "ann");
    ann.ask("my last words", "<ann> my last words\r\n");
    node.signal("INT");
    assert_eq!(node.await_exit(), Some(0), "{}", node.log());
    let _ = node.await_text("chat.log", " #lobby <ann> my last words");
}

#[test]
fn the_console_shows_who_is_there() {
    let node = room();
    let ann = join(&node, "ann");
    let mut console = node.console();
    console.ask("info .chat_watchdog", "clients\t1\n<CMD OK>\n");
    let list = console.command("list");
    let agent = pattern::lines(&list)
        .into_iter()
        .find(|line| pattern::matches("* snlua agent*", line))
        .expect("a service for the client");
    let agent = agent.split(' ').next().unwrap_or_default().to_owned();
    let info = console.command(&format!("info {agent}"));
    assert!(info.contains("nick\tann\nroom\tlobby\n"), "{info}");
    drop(ann);
    let _ = node.await_log(&format!("[{agent}] KILL self"));
    // The watchdog hears of it a moment later.
    while console.command("info .chat_watchdog") != "clients\t0\n<CMD OK>\n" {
        assert!(!node.log().contains("error"), "{}", node.log());
    }
}

#[test]
fn who_floods_the_room_is_slowed_down_and_loses_nothing() {
    let node = room();
    let (mut ann, mut bob) = (join(&node, "ann"), join(&node, "bob"));
    let lines: String = (0..14).map(|number| format!("{number}\n")).collect();
    bob.send(lines);
    bob.ask("/quit", &(0..14).map(|number| format!("<bob> {number}\r\n")).collect::<String>());
    let heard = ann.read_until(&["* bob has left\r\n"]);
    assert!(heard.contains("<bob> 13\r\n"), "{heard}");
}

#[test]
fn a_line_that_never_ends_costs_its_sender_the_connection_alone() {
    let node = room();
    let (mut ann, mut bob) = (join(&node, "ann"), join(&node, "bob"));
    bob.send("x".repeat(1024 * 1024));
    let _ = bob.read_to_end();
    let _ = ann.read_until(&["* bob has left\r\n"]);
    ann.ask("peace", "<ann> peace\r\n");
}

#[test]
fn a_line_cannot_play_with_the_terminals_of_others() {
    let node = room();
    let mut ann = join(&node, "ann");
    ann.ask("\x1b[2J\x07bold", "<ann> [2Jbold\r\n");
    ann.ask(&"y".repeat(600), &format!("<ann> {}\r\n", "y".repeat(500)));
    ann.ask("/nick \x1b]0;x", "* a nick has up to 20 letters, digits, _ and -\r\n");
}

#[test]
fn who_cannot_be_let_in_is_told() {
    let node = room();
    let _ann = join(&node, "ann");
    let mut console = node.console();
    let _ = console.command("kill .chat_watchdog");
    let text = node.await_log("    nc 127.0.0.1 ");
    let port = text.split(' ').next().and_then(|port| port.parse().ok()).expect("a port");
    assert_eq!(Client::connect(port).read_to_end(), "Nobody can let you in now.\n");
}

/// How the demo ends with these variables: its status, and what it wrote on the standard error.
fn failure(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let scratch = Scratch::new("refused").unwrap();
    let output = Command::new(skynet_tests::find_binary().unwrap())
        .envs(variables.iter().copied())
        .current_dir(scratch.path())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_port_in_use_is_said_and_ends_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_eq!(
        failure(&[("CHAT_PORT", &port), ("CHAT_CONSOLE_PORT", "0")]),
        (Some(1), format!("chat: port {port} is in use; set CHAT_PORT to another one\n"))
    );
    assert_eq!(
        failure(&[("CHAT_PORT", "0"), ("CHAT_CONSOLE_PORT", &port)]),
        (
            Some(1),
            format!("chat: port {port} of the console is in use; set CHAT_CONSOLE_PORT to another one\n")
        )
    );
    let (status, message) = failure(&[("CHAT_PORT", "70000")]);
    assert_eq!(
        (status, message.as_str()),
        (Some(1), "chat: CHAT_PORT is \"70000\", which is no port (0 to 65535)\n")
    );
}

#[test]
fn a_file_that_cannot_be_written_is_said_and_ends_it() {
    let (status, message) =
        failure(&[("CHAT_PORT", "0"), ("CHAT_CONSOLE_PORT", "0"), ("CHAT_LOG", "no/such/folder/file")]);
    assert_eq!(status, Some(1), "{message}");
    assert!(message.contains("cannot write no/such/folder/file"), "{message}");
    assert!(message.contains("set CHAT_LOG to another file"), "{message}");
}
