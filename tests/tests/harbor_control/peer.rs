//! The other end of a connection: packages, bytes, and a node to talk to.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use skynet_seri::Value;
use skynet_tests::node::Config;
use skynet_tests::services::Runtime;
use skynet_tests::session::Node;

/// How long anything may take that a test waits for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// What features of ours look like.
pub(crate) const FEATURES: &str = "rs1 77 0";

/// The values of a package.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$(crate::peer::ToValue::to_value(&$value)),*] };
}
pub(crate) use values;

pub(crate) trait ToValue {
    fn to_value(&self) -> Value;
}

impl ToValue for &str {
    fn to_value(&self) -> Value {
        Value::Str(self.as_bytes().to_vec())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        self.as_str().to_value()
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> Value {
        Value::Str(self.clone())
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> Value {
        Value::Integer(*self)
    }
}

impl ToValue for i32 {
    fn to_value(&self) -> Value {
        Value::Integer((*self).into())
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

/// The text in a value.
pub(crate) fn text(value: &Value) -> &str {
    match value {
        Value::Str(bytes) => std::str::from_utf8(bytes).unwrap(),
        other => panic!("{other:?} is no text"),
    }
}

/// A package of a harbor network.
pub(crate) fn package(values: &[Value]) -> Vec<u8> {
    let content = Value::pack(values).unwrap();
    let mut bytes = vec![u8::try_from(content.len()).unwrap()];
    bytes.extend(content);
    bytes
}

/// One end of a connection.
pub(crate) struct Peer(TcpStream);

impl Peer {
    fn new(stream: TcpStream) -> Peer {
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Peer(stream)
    }

    /// Connects; a node that is starting may not listen yet.
    pub(crate) fn connect(port: u16) -> Peer {
        let end = Instant::now() + DEADLINE;
        loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(stream) => return Peer::new(stream),
                Err(error) => assert!(Instant::now() < end, "cannot connect to {port}: {error}"),
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The next connection to a listener.
    #[track_caller]
    pub(crate) fn accept(listener: &TcpListener) -> Peer {
        listener.set_nonblocking(true).unwrap();
        let end = Instant::now() + DEADLINE;
        loop {
            match listener.accept() {
                Ok((stream, _)) => return Peer::new(stream),
                Err(error) => assert!(Instant::now() < end, "nobody connects: {error}"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends bytes. That the other side has gone is noticed when reading.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// Sends a package.
    pub(crate) fn send(&mut self, values: &[Value]) {
        self.raw(&package(values));
    }

    /// The next bytes.
    #[track_caller]
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap_or_else(|error| panic!("{error} instead of {count} bytes"));
        bytes
    }

    /// Whether anything comes before the end. It is not taken.
    pub(crate) fn is_answered(&mut self) -> bool {
        self.0.peek(&mut [0]).is_ok_and(|count| count > 0)
    }

    /// The next package, but for heartbeats.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Vec<Value> {
        loop {
            let values = self.any();
            if values != values!["P"] {
                return values;
            }
        }
    }

    /// The next package.
    #[track_caller]
    pub(crate) fn any(&mut self) -> Vec<Value> {
        let length = self.bytes(1)[0];
        Value::unpack(&self.bytes(length.into())).unwrap()
    }

    /// Demands that the next package is this one.
    #[track_caller]
    pub(crate) fn expect(&mut self, values: &[Value]) {
        assert_eq!(self.next(), values);
    }

    /// Demands that the connection ends, and gives what came before.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => {
                panic!("{error} instead of the end; got {rest:?}")
            }
            _ => rest,
        }
    }
}

/// A port for somebody who is to listen there later.
pub(crate) fn free_port() -> u16 {
    listen().local_addr().unwrap().port()
}

pub(crate) fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

pub(crate) fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

pub(crate) fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// A node with the id 1 that is the master of its network.
pub(crate) struct Master {
    pub(crate) node: Node,
    pub(crate) port: u16,
}

impl Master {
    /// Waits until the node has joined itself.
    pub(crate) fn start(runtime: &Runtime, more: impl FnOnce(Config) -> Config) -> Master {
        let (port, own) = (free_port(), free_port());
        let node = Node::start_with(runtime, "harbor_subject", |config| {
            more(network(config, port, own).text("standalone", address(port)))
        })
        .unwrap();
        let _ = node.await_log("subject: ready");
        Master { node, port }
    }

    /// Waits until the master knows the names that its own node registers: they go to all who are there, and nobody expects them.
    pub(crate) fn settled(self) -> Master {
        const ID: i64 = 250;
        let mut peer = self.slave(ID, "127.0.0.1:1", None);
        let mut names = vec!["DATACENTER", "SUBJECT"];
        for name in &names {
            peer.send(&values!["Q", *name]);
        }
        while !names.is_empty() {
            let values = peer.next();
            names.retain(|name| values[..1] != values!["N"] || text(&values[1]) != *name);
        }
        drop(peer);
        let _ = self.node.await_log(&format!("slave {ID} is down"));
        self
    }

    /// A connection that has not said anything.
    pub(crate) fn stranger(&self) -> Peer {
        Peer::connect(self.port)
    }

    /// A slave as C skynet's, or with features as ours. Its answer is not read yet.
    pub(crate) fn slave(&self, id: i64, at: &str, features: Option<&str>) -> Peer {
        let mut peer = self.stranger();
        let mut values = values!["H", id, at].to_vec();
        values.extend(features.map(|text| text.to_value()));
        peer.send(&values);
        peer
    }
}

/// A node with the id 1 whose master is the test.
pub(crate) struct Slave {
    pub(crate) node: Node,
    /// Where it listens for other slaves.
    pub(crate) port: u16,
    /// Where the master listens.
    pub(crate) listener: TcpListener,
}

impl Slave {
    pub(crate) fn start(runtime: &Runtime, more: impl FnOnce(Config) -> Config) -> Slave {
        let (listener, own) = (listen(), free_port());
        let node = Node::start_with(runtime, "none", |config| {
            more(network(config, port(&listener), own).text("bootstrap", "snlua harbor_subject"))
        })
        .unwrap();
        Slave { node, port: own, listener }
    }

    /// The connection to the master, whose H is not read yet.
    #[track_caller]
    pub(crate) fn master(&self) -> Peer {
        Peer::accept(&self.listener)
    }

    /// The connection to the master after the handshake: `count` others will connect, nobody announced anything.
    #[track_caller]
    pub(crate) fn joined(&self, count: i64) -> Peer {
        let mut master = self.master();
        assert_eq!(master.next()[..2], values!["H", 1]);
        master.send(&values!["W", count]);
        master
    }

    /// The same with a master of ours, which says who is there.
    #[track_caller]
    pub(crate) fn joined_ours(&self, others: &[(i64, &str)]) -> Peer {
        let mut master = self.master();
        assert_eq!(master.next()[..2], values!["H", 1]);
        master.welcome(others);
        master
    }
}

impl Peer {
    /// The answer of a master of ours to H.
    pub(crate) fn welcome(&mut self, others: &[(i64, &str)]) {
        let mut values = values!["W", i64::try_from(others.len()).unwrap(), FEATURES].to_vec();
        values.extend(others.iter().flat_map(|(id, features)| values![*id, *features]));
        self.send(&values);
    }

    /// Connects to a slave and says an id.
    pub(crate) fn link(port: u16, id: u8) -> Peer {
        let mut peer = Peer::connect(port);
        peer.raw(&[id]);
        peer
    }
}

fn network(config: Config, master: u16, own: u16) -> Config {
    config.number("harbor", 1).text("master", address(master)).text("address", address(own))
}
