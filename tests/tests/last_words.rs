//! What a service has written goes out, though it ends the process at once. This is true of C skynet, too.

#![forbid(unsafe_code)]

mod common;

use std::io::Read as _;
use std::net::TcpListener;

use common::{on_both, ours};
use skynet_tests::services::Runtime;
use skynet_tests::session::Node;

on_both! { what_was_written_before_the_exit_is_sent }

fn what_was_written_before_the_exit_is_sent(runtime: &Runtime) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let _node =
        Node::start_with(runtime, "last_words", |config| config.text("last_words_port", port)).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let mut text = String::new();
    let _ = peer.read_to_string(&mut text);
    assert_eq!(text, "last words\n");
}
