//! The native gate: what the watchdog and agents get, what it is told, and clients that misbehave.

mod common;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use common::*;
use skynet_core::{
    Context, Handle, LogTarget, Message, Node, PTYPE_CLIENT, PTYPE_TEXT, Payload, Service, ServiceError,
};
use skynet_socket::framing::{Header, encode};
use skynet_socket::{Kind, Options, Sockets, gate};

/// What a service got: kind, session, source, text.
type Got = (u8, i32, Handle, String);

struct World {
    node: Node,
    sockets: Sockets,
    log: Receiver<String>,
    watchdog: Handle,
    /// What the watchdog, which serves as broker and agent too, has got.
    got: Receiver<Got>,
}

struct Gate<'a> {
    world: &'a World,
    handle: Handle,
    address: SocketAddr,
}

impl World {
    fn new() -> World {
        let (line, log) = channel();
        let logger = move |_: &Node, _: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
            let line = line.clone();
            Ok(Box::new(move |_: &Context, msg: Message| {
                let _ = line.send(String::from_utf8_lossy(&msg.payload).into_owned());
            }))
        };
        let node = Node::builder()
            .workers(2)
            .module("lines", logger)
            .module("gate", gate::module())
            .log(LogTarget::Module { name: "lines".into(), args: String::new() })
            .setup(|node| Sockets::attach(node, Options::default()).map(drop))
            .start()
            .expect("the node starts");
        let sockets = Sockets::of(&node).expect("they were attached");
        let (seen, got) = channel();
        let watchdog = node.spawn(move |_: &Context, msg: Message| {
            let text = String::from_utf8_lossy(&msg.payload).into_owned();
            let _ = seen.send((msg.kind, msg.session, msg.source, text));
        });
        World { node, sockets, log, watchdog: watchdog.expect("it starts"), got }
    }

    /// A gate on a port of the system's choice. `rest` are the parameters after the address.
    fn gate(&self, style: char, rest: &str) -> Gate<'_> {
        let args = format!("{style} {} 127.0.0.1:0 {rest}", self.watchdog);
        let handle = self.node.launch("gate", args.as_bytes()).expect("the gate starts");
        let infos = self.sockets.netstat();
        let listener = infos.iter().find(|info| info.owner == handle && info.kind == Kind::Listen);
        let address = listener.and_then(|info| info.address).expect("it listens");
        Gate { world: self, handle, address }
    }

    fn next(&self) -> Got {
        self.got.recv_timeout(DEADLINE).expect("the watchdog gets something")
    }

    fn text(&self) -> String {
        let (kind, _, _, text) = self.next();
        assert_eq!(kind, PTYPE_TEXT, "{text}");
        text
    }

    /// The first log line with this in it.
    fn logged(&self, part: &str) -> String {
        let start = Instant::now();
        let mut seen = Vec::new();
        while let Some(left) = DEADLINE.checked_sub(start.elapsed()) {
            let Ok(line) = self.log.recv_timeout(left) else { break };
            if line.contains(part) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line has {part:?}: {seen:?}");
    }

    fn stop(self) {
        self.node.stop(DEADLINE).expect("all ends");
    }
}

impl Gate<'_> {
    fn say(&self, command: &str) {
        self.world.node.send(Handle::NONE, self.handle, PTYPE_TEXT, 0, command).expect("it lives");
    }

    /// A client and its id.
    fn connect(&self) -> (TcpStream, i32) {
        let client = connect(self.address);
        let text = self.world.text();
        let local = client.local_addr().expect("it is connected");
        let id = text.split(' ').next().expect("it begins with the id").to_owned();
        assert_eq!(text, format!("{id} open {id} {local}:0"));
        (client, id.parse().expect("it is a number"))
    }

    fn started(&self) -> (TcpStream, i32) {
        let (client, id) = self.connect();
        self.say(&format!("start {id}"));
        (client, id)
    }

    /// A client that behaves is served as ever.
    fn serves(&self, client: &TcpStream, id: i32, header: Header) {
        write(client, &encode(header, b"well-behaved").expect("it fits"));
        let (kind, session, source, text) = self.world.next();
        assert_eq!((kind, session, source), (PTYPE_TEXT, id, self.handle), "{text}");
        assert_eq!(text, format!("{id} data well-behaved"));
        let reply = [b"answer", &id.to_le_bytes()[..]].concat();
        self.world.node.send(Handle::NONE, self.handle, PTYPE_CLIENT, 0, reply).expect("it lives");
        assert_eq!(read(client, 6), b"answer");
    }
}

fn frame(text: &[u8]) -> Payload {
    encode(Header::Two, text).expect("it fits")
}

#[test]
fn the_watchdog_hears_of_a_connection_its_packages_and_its_end() {
    let world = World::new();
    let gate = world.gate('S', "0 10");
    let (client, id) = gate.connect();
    assert!(world.logged("socket open: ").ends_with(&format!("{id:x}")));
    // Nothing is read before the start; nothing is lost.
    write(&client, &frame(b"early"));
    gate.say(&format!("start {id}"));
    assert_eq!(world.next(), (PTYPE_TEXT, id, gate.handle, format!("{id} data early")));
    write(&client, &[&frame(b"one")[..], &frame(b""), &frame(b"two"), b"\0"].concat());
    assert_eq!((world.text(), world.text()), (format!("{id} data one"), format!("{id} data two")));
    write(&client, b"\x03thr");
    assert_eq!(world.text(), format!("{id} data thr"));
    drop(client);
    assert_eq!(world.next(), (PTYPE_TEXT, 0, gate.handle, format!("{id} close")));
    until("the socket is closed", || world.sockets.netstat().len() == 1);
    world.stop();
}

#[test]
fn packages_go_to_the_agent_and_before_it_to_the_broker() {
    let world = World::new();
    let gate = world.gate('L', "20 10");
    let (client, id) = gate.started();
    let send = |text: &[u8]| write(&client, &encode(Header::Four, text).expect("it fits"));
    let agent = world.watchdog;
    gate.say(&format!("forward {id} {agent} :1234"));
    gate.say("forward 999 :1 :2");
    send(b"in the name of the client");
    let name = Handle::from_raw(0x1234);
    assert_eq!(world.next(), (20, id, name, "in the name of the client".into()));
    gate.say(&format!("f {id} {agent} :0"));
    send(b"in the name of the gate");
    assert_eq!(world.next(), (20, id, gate.handle, "in the name of the gate".into()));
    gate.say(&format!("broker {agent}"));
    send(b"broker");
    assert_eq!(world.next(), (20, id, gate.handle, "broker".into()));
    gate.say("broker .nobody");
    gate.say(&format!("forward {id} :0 :0"));
    send(b"watchdog");
    assert_eq!(world.next(), (PTYPE_TEXT, id, gate.handle, format!("{id} data watchdog")));
    world.stop();
}

#[test]
fn an_agent_that_is_gone_is_told_of_once() {
    let world = World::new();
    let gate = world.gate('S', "0 10");
    let (client, id) = gate.started();
    gate.say(&format!("forward {id} :ffff :0"));
    write(&client, &[&frame(b"one")[..], &frame(b"two")].concat());
    let line = world.logged("are lost");
    assert!(line.starts_with(&format!("gate: packages of connection {id} (127.0.0.1:")), "{line}");
    gate.say(&format!("forward {id} :0 :0"));
    gate.serves(&client, id, Header::Two);
    world.stop();
}

#[test]
fn services_write_by_id_and_wrong_ids_are_named() {
    let world = World::new();
    let gate = world.gate('S', "0 10");
    let (client, id) = gate.started();
    let send = |bytes: &[u8]| {
        world.node.send(world.watchdog, gate.handle, PTYPE_CLIENT, 0, bytes).expect("it lives");
    };
    let from = format!("{:x}", world.watchdog.raw());
    // Before the start has happened, what is written is lost.
    gate.serves(&client, id, Header::Two);
    send(&[b"raw", &id.to_le_bytes()[..]].concat());
    assert_eq!(read(&client, 3), b"raw");
    send(b"abc");
    assert_eq!(world.logged("Invalid"), format!("Invalid client message from {from}"));
    send(&id.to_le_bytes());
    assert_eq!(world.logged("Invalid"), format!("Invalid client message from {from}"));
    send(&[b"x", &777_i32.to_le_bytes()[..]].concat());
    assert_eq!(world.logged("Invalid"), format!("Invalid client id 777 from {from}"));
    world.stop();
}

#[test]
fn commands_kick_and_close_and_unknown_ones_are_logged() {
    let world = World::new();
    let gate = world.gate('S', "0 10");
    let (kicked, id) = gate.started();
    let (kept, other) = gate.started();
    gate.say("bogus 1");
    assert_eq!(world.logged("[gate]"), "[gate] Unknown command : bogus 1");
    for nothing in ["", "kick", "kick 999", "start 999", "forward"] {
        gate.say(nothing);
    }
    gate.say(&format!("kick {id}"));
    assert_eq!(world.text(), format!("{id} close"));
    assert_eq!(drain(&kicked), b"");
    gate.say("close");
    gate.say("close");
    until("the listener is gone", || world.sockets.netstat().iter().all(|info| info.kind != Kind::Listen));
    assert!(TcpStream::connect(gate.address).is_err());
    gate.serves(&kept, other, Header::Two);
    world.node.kill(gate.handle);
    assert_eq!(drain(&kept), b"");
    world.stop();
}

#[test]
fn wrong_parameters_fail_the_launch_in_the_known_words() {
    let world = World::new();
    let watchdog = world.watchdog;
    for (args, reason) in [
        (format!("S {watchdog} 0 0"), "Need max connection"),
        ("S .nobody 0 0 1".to_owned(), "Invalid watchdog .nobody"),
        ("S nobody 0 0 1".to_owned(), "Invalid watchdog nobody"),
        (format!("S {watchdog} x:y 0 1"), "Invalid gate address x:y"),
        (format!("Q {watchdog} 0 0 1"), "Invalid data header style"),
        (format!("S {watchdog} 192.0.2.1:1 0 1"), "gate: cannot use 192.0.2.1:1"),
    ] {
        let error = world.node.launch("gate", args.as_bytes()).expect_err("it is refused");
        assert!(error.to_string().contains(reason), "{args}: {error}");
    }
    assert!(world.sockets.netstat().is_empty());
    world.stop();
}

#[test]
fn half_a_header_for_ever_is_idle() {
    let world = World::new();
    let gate = world.gate('S', "0 10 idle=1");
    let (good, id) = gate.started();
    let (bad, hostile) = gate.started();
    let start = Instant::now();
    // It drips, and never ends a package.
    let ends = std::thread::spawn(move || {
        let mut bad = bad;
        while bad.write_all(b"\xff").is_ok() && start.elapsed() < DEADLINE {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    });
    let end = format!("{hostile} close");
    loop {
        write(&good, &frame(b"beat"));
        let text = world.text();
        if text == end {
            break;
        }
        assert_eq!(text, format!("{id} data beat"));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let line = world.logged("is closed");
    assert!(line.starts_with(&format!("gate: connection {hostile} (127.0.0.1:")), "{line}");
    assert!(line.contains("no whole package for 1."), "{line}");
    assert_eq!(world.text(), format!("{id} data beat"));
    gate.serves(&good, id, Header::Two);
    ends.join().expect("it gives up");
    world.stop();
}

#[test]
fn four_gigabytes_are_refused_at_their_header() {
    let world = World::new();
    let gate = world.gate('L', "0 10");
    let (good, id) = gate.started();
    let (bad, hostile) = gate.started();
    write(&bad, b"\xff\xff\xff\xffand so on");
    assert_eq!(drain(&bad), b"");
    assert_eq!(world.text(), format!("{hostile} close"));
    let line = world.logged("is closed");
    assert!(line.starts_with(&format!("gate: connection {hostile} (127.0.0.1:")), "{line}");
    assert!(line.contains("Recv socket message > 16M"), "{line}");
    gate.serves(&good, id, Header::Four);
    world.stop();
}

#[test]
fn a_flood_is_cut() {
    let world = World::new();
    let gate = world.gate('S', "0 10 rate=50");
    let (good, id) = gate.started();
    let (bad, hostile) = gate.started();
    // Clock seconds change: within three of them one is full.
    write(&bad, &frame(b"x").repeat(150));
    let mut packages = 0;
    loop {
        let text = world.text();
        if text == format!("{hostile} close") {
            break;
        }
        packages += 1;
    }
    assert!(packages < 150, "{packages} passed");
    let line = world.logged("is closed");
    assert!(line.starts_with(&format!("gate: connection {hostile} (127.0.0.1:")), "{line}");
    assert!(line.contains("more than 50 packages within a second"), "{line}");
    gate.serves(&good, id, Header::Two);
    world.stop();
}

#[test]
fn a_client_that_does_not_read_is_cut() {
    let world = World::new();
    let gate = world.gate('S', "0 10 buffer=1000000");
    let (good, id) = gate.started();
    let (_bad, hostile) = gate.started();
    let reply = [&pattern(100_000)[..], &hostile.to_le_bytes()].concat();
    let end = format!("{hostile} close");
    // The system's own buffers come first.
    let mut sent = 0;
    let ended = loop {
        world.node.send(Handle::NONE, gate.handle, PTYPE_CLIENT, 0, &reply[..]).expect("it lives");
        sent += 1;
        assert!(sent < 10_000, "it takes everything");
        if let Ok((_, _, _, text)) = world.got.try_recv() {
            break text;
        }
        std::thread::yield_now();
    };
    assert_eq!(ended, end);
    let line = world.logged("is closed");
    assert!(line.starts_with(&format!("gate: connection {hostile} (127.0.0.1:")), "{line}");
    assert!(line.contains("send buffer overflow") && line.contains("the limit is 1000000"), "{line}");
    gate.serves(&good, id, Header::Two);
    world.stop();
}

#[test]
fn those_who_vanish_harm_nobody() {
    let world = World::new();
    let gate = world.gate('S', "0 1000");
    let (good, id) = gate.started();
    for number in 0..100 {
        let (bad, hostile) = gate.started();
        if number % 2 == 0 {
            write(&bad, b"\0");
            reset(&bad);
        }
        drop(bad);
        assert_eq!(world.text(), format!("{hostile} close"));
    }
    gate.serves(&good, id, Header::Two);
    until("only the good ones are left", || world.sockets.netstat().len() == 2);
    world.stop();
}

#[test]
fn one_too_many_is_turned_away() {
    let world = World::new();
    let gate = world.gate('S', "0 2");
    let (good, id) = gate.started();
    let (other, second) = gate.started();
    let refused = connect(gate.address);
    assert_eq!(drain(&refused), b"");
    let line = world.logged("is refused");
    assert!(line.contains(&refused.local_addr().expect("it was connected").to_string()), "{line}");
    assert!(line.ends_with("2 are open, and no more may be"), "{line}");
    gate.serves(&good, id, Header::Two);
    drop(other);
    assert_eq!(world.text(), format!("{second} close"));
    let (third, id) = gate.started();
    gate.serves(&third, id, Header::Two);
    world.stop();
}
