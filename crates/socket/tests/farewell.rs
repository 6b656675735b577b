//! What a gate does in a shutdown of its node.

mod common;

use std::sync::Mutex;
use std::sync::mpsc::channel;

use common::*;
use skynet_core::{
    Context, Handle, LogTarget, Message, Node, PTYPE_RESPONSE, PTYPE_SOCKET, PTYPE_TEXT, ShutdownStep,
    SocketKind, SocketMessage,
};
use skynet_socket::{Kind, Options, Sockets, gate};

#[test]
fn who_comes_while_clients_are_parted_from_is_turned_away_and_not_waited_for() {
    let node = Node::builder()
        .workers(1)
        .module("gate", gate::module())
        .log(LogTarget::Null)
        .setup(|node| Sockets::attach(node, Options::default()).map(drop))
        .start()
        .expect("the node starts");
    let sockets = Sockets::of(&node).expect("they were attached");
    let (seen, texts) = channel();
    let watchdog = node.spawn(move |_: &Context, msg: Message| {
        let _ = seen.send(String::from_utf8_lossy(&msg.payload).into_owned());
    });
    let watchdog = watchdog.expect("it starts");
    let text = || texts.recv_timeout(DEADLINE).expect("a text comes");
    let handle = node.launch("gate", format!("S {watchdog} 127.0.0.1:0 0 10").as_bytes());
    let handle = handle.expect("the gate starts");
    let infos = sockets.netstat();
    let listener = infos.iter().find(|info| info.kind == Kind::Listen).expect("it listens");
    let _client = connect(listener.address.expect("it has an address"));
    assert!(text().contains(" open "));

    // The only worker is kept, so that the gate finds both messages at once.
    let (entered, begins) = channel();
    let (go_on, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let blocker = node.spawn(move |_: &Context, _: Message| {
        let _ = entered.send(());
        let _ = gate.lock().expect("one at a time").recv();
    });
    node.send(Handle::NONE, blocker.expect("it starts"), PTYPE_TEXT, 0, "").expect("it lives");
    begins.recv_timeout(DEADLINE).expect("it blocks");
    let steps = node.shutdown_steps();
    let step = steps.iter().find(|step| step.phase == ShutdownStep::CLIENTS).expect("it takes part");
    let late = SocketMessage::with_text(SocketKind::Accept, listener.id.raw(), i32::MAX, b"127.0.0.1:1");
    node.send(watchdog, handle, PTYPE_RESPONSE, step.session, "").expect("it lives");
    node.send(Handle::NONE, handle, PTYPE_SOCKET, 0, late).expect("it lives");
    drop(go_on);
    assert!(text().ends_with(" close"), "the client that was there");
    assert_eq!(text(), format!("done {}", step.session));
    node.stop(DEADLINE).expect("all ends");
}
