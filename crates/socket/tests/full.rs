//! Sockets that pause while the mailbox of the service that they feed is full.

mod common;

use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use common::*;
use skynet_core::{Bound, Context, Handle, LogTarget, Message, Node, PTYPE_SOCKET, PTYPE_TEXT, Policy};
use skynet_socket::{Kind, Options, SocketEvent, Sockets, gate};

const FLOOD: usize = 32 * 1024 * 1024;
const LIMIT: usize = 8;

/// A service that handles one message each time it is allowed to, and passes on what bytes it has.
struct Slow {
    handle: Handle,
    allow: Sender<()>,
    got: Receiver<Vec<u8>>,
}

fn slow(node: &Node) -> Slow {
    let ((allow, allowed), (give, got)) = (channel::<()>(), channel());
    let allowed = Mutex::new(allowed);
    let handle = node.spawn(move |_: &Context, mut msg: Message| {
        // Without anybody who allows it goes on freely.
        let _ = allowed.lock().expect("one at a time").recv();
        let bytes = match SocketEvent::take(&mut msg) {
            Some((_, SocketEvent::Data(data))) => data.to_vec(),
            Some(_) => Vec::new(),
            None => msg.payload.to_vec(),
        };
        let _ = give.send(bytes);
    });
    let handle = handle.expect("it starts");
    assert!(node.bound_mailbox(handle, Some(Bound { limit: LIMIT, policy: Policy::PauseSockets })));
    Slow { handle, allow, got }
}

impl Slow {
    fn waiting(&self, node: &Node) -> usize {
        node.mailbox_stat(self.handle).map_or(0, |stat| stat.waiting)
    }

    /// How many messages have waited at most, while so many bytes come.
    fn take(&self, node: &Node, count: usize) -> (Vec<u8>, usize) {
        let (mut bytes, mut most) = (Vec::with_capacity(count), 0);
        while bytes.len() < count {
            self.allow.send(()).expect("it waits");
            most = most.max(self.waiting(node));
            bytes.extend_from_slice(&self.got.recv_timeout(DEADLINE).expect("more comes"));
        }
        (bytes, most)
    }
}

fn flood(mut client: TcpStream, bytes: Vec<u8>) -> std::thread::JoinHandle<TcpStream> {
    std::thread::spawn(move || {
        client.write_all(&bytes).expect("the peer is there");
        client
    })
}

#[test]
fn a_flood_waits_in_the_system_and_comes_whole_and_in_order() {
    for threads in [0, 1] {
        let bench = Bench::with(Options::default().threads(threads));
        let probe = bench.probe();
        let (id, client) = bench.pair(&probe);
        let slow = slow(&bench.node);
        bench.sockets.start(slow.handle, id);
        let bytes = pattern(FLOOD);
        let sender = flood(client, bytes.clone());
        until("it is full", || bench.node.is_full(slow.handle));
        until("reading stops", || !bench.sockets.stat(id).expect("it is open").reading);
        let read = bench.sockets.stat(id).expect("it is open").read;
        assert!(read < FLOOD as u64 && slow.waiting(&bench.node) <= LIMIT, "{read}");
        let (got, most) = slow.take(&bench.node, FLOOD);
        assert!(got == bytes, "all of it, in order");
        // The message of the start was there, too.
        assert!(most <= LIMIT + 1, "{most} waited");
        assert!(bench.node.mailbox_stat(slow.handle).is_some_and(|stat| stat.paused > 0));
        drop(sender.join().expect("all is written"));
        drop(slow);
        bench.stop();
    }
}

#[test]
fn a_held_socket_can_be_paused_started_and_closed() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let slow = slow(&bench.node);
    bench.sockets.start(slow.handle, id);
    let sender = flood(client, pattern(FLOOD));
    until("it is held", || {
        bench.node.is_full(slow.handle) && !bench.sockets.stat(id).expect("it is open").reading
    });
    // Paused by its owner it stays so when there is room again.
    bench.sockets.pause(id);
    let waiting = slow.waiting(&bench.node);
    for _ in 0..waiting {
        slow.allow.send(()).expect("it waits");
    }
    slow.allow.send(()).expect("it waits");
    until("there is room", || slow.waiting(&bench.node) == 0);
    assert!(!bench.sockets.stat(id).expect("it is open").reading);
    // Another owner gets what is left.
    bench.sockets.start(probe.handle, id);
    probe.ready(id, "transfer");
    assert!(matches!(probe.of(id), SocketEvent::Data(_)));
    drop(slow);
    bench.sockets.shutdown(id);
    let _ = sender.join();
    bench.stop();
}

#[test]
fn the_sockets_of_a_full_service_that_is_killed_are_not_held_for_ever() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let slow = slow(&bench.node);
    bench.sockets.start(slow.handle, id);
    let sender = flood(client, pattern(FLOOD));
    until("it is held", || {
        bench.node.is_full(slow.handle) && !bench.sockets.stat(id).expect("it is open").reading
    });
    assert!(bench.node.kill(slow.handle));
    drop(slow);
    // What comes now waits for the next owner.
    bench.sockets.start(probe.handle, id);
    probe.ready(id, "transfer");
    assert!(matches!(probe.of(id), SocketEvent::Data(_)));
    bench.sockets.shutdown(id);
    let _ = sender.join();
    bench.stop();
}

#[test]
fn a_gate_does_not_read_from_clients_whose_agent_is_full() {
    const PACKAGE: usize = 8 * 1024;
    let node = Node::builder()
        .workers(2)
        .module("gate", gate::module())
        .log(LogTarget::Null)
        .setup(|node| Sockets::attach(node, Options::default()).map(drop))
        .start()
        .expect("the node starts");
    let sockets = Sockets::of(&node).expect("they were attached");
    let (opened, openings) = channel();
    let watchdog = node.spawn(move |_: &Context, msg: Message| {
        let text = String::from_utf8_lossy(&msg.payload).into_owned();
        if let Some((id, _)) = text.split_once(" open ") {
            let _ = opened.send(id.parse::<i32>().expect("it is a number"));
        }
    });
    let args = format!("S {} 127.0.0.1:0 0 10", watchdog.expect("it starts"));
    let handle = node.launch("gate", args.as_bytes()).expect("the gate starts");
    let infos = sockets.netstat();
    let listener = infos.iter().find(|info| info.owner == handle && info.kind == Kind::Listen);
    let client = connect(listener.and_then(|info| info.address).expect("it listens"));
    let id = openings.recv_timeout(DEADLINE).expect("the watchdog hears of it");
    let slow = slow(&node);
    for command in [format!("forward {id} {} {}", slow.handle, slow.handle), format!("start {id}")] {
        node.send(Handle::NONE, handle, PTYPE_TEXT, 0, command).expect("it lives");
    }
    let body = pattern(FLOOD);
    let mut bytes = Vec::new();
    for package in body.chunks(PACKAGE) {
        bytes.extend_from_slice(&(package.len() as u16).to_be_bytes());
        bytes.extend_from_slice(package);
    }
    let sender = flood(client, bytes);
    let info = || sockets.netstat().into_iter().find(|info| info.id.raw() == id).expect("it is open");
    until("it is held", || node.is_full(slow.handle) && !info().reading);
    assert!(info().read < FLOOD as u64);
    let (got, most) = slow.take(&node, body.len());
    assert!(got == body, "all of it, in order");
    // What had been read when the mailbox became full is some reads of up to 1 MiB.
    assert!(most < body.len() / PACKAGE, "{most} waited");
    drop(sender.join().expect("all is written"));
    drop(slow);
    node.stop(DEADLINE).expect("all ends");
}

#[test]
fn other_messages_get_in_while_sockets_pause() {
    let bench = Bench::new();
    let slow = slow(&bench.node);
    for _ in 0..LIMIT * 4 {
        bench.node.send(Handle::NONE, slow.handle, PTYPE_TEXT, 0, "x").expect("nothing is refused");
    }
    assert!(bench.node.is_full(slow.handle));
    let (got, _) = slow.take(&bench.node, LIMIT * 4);
    assert_eq!(got, vec![b'x'; LIMIT * 4]);
    until("it is full no more", || !bench.node.is_full(slow.handle));
    let empty = bench.node.send(Handle::NONE, slow.handle, PTYPE_SOCKET, 0, "");
    assert!(empty.is_ok());
    drop(slow);
    bench.stop();
}
