//! What the tests share: services that pass on what their sockets tell, and waits with a deadline.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use skynet_core::{Context, Handle, LogTarget, Message, Node};
use skynet_socket::{Options, SocketEvent, SocketId, Sockets};

/// How long a test waits for what must happen.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A node with sockets.
pub struct Bench {
    pub node: Node,
    pub sockets: Sockets,
}

/// A service that passes on the events of its sockets.
pub struct Probe {
    pub handle: Handle,
    events: Receiver<(SocketId, SocketEvent)>,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(Options::default())
    }

    pub fn with(options: Options) -> Bench {
        let node = Node::builder().workers(2).log(LogTarget::Null).start().expect("the node starts");
        let sockets = Sockets::attach(&node, options).expect("the poll threads start");
        Bench { node, sockets }
    }

    pub fn probe(&self) -> Probe {
        let (seen, events) = channel();
        let handle = self.node.spawn(move |_: &Context, mut msg: Message| {
            if let Some(event) = SocketEvent::take(&mut msg) {
                // The test may have seen enough.
                let _ = seen.send(event);
            }
        });
        Probe { handle: handle.expect("the probe starts"), events }
    }

    /// A started listener and where it is.
    pub fn listen(&self, probe: &Probe) -> (SocketId, SocketAddr) {
        let id =
            self.sockets.listen(probe.handle, "127.0.0.1", 0, 1024).expect("loopback can be listened on");
        let (told, event) = probe.next();
        let SocketEvent::Ready { port, text } = event else { panic!("not ready: {event:?}") };
        assert_eq!((told, text.as_str()), (id, "127.0.0.1"));
        self.sockets.start(probe.handle, id);
        probe.ready(id, "start");
        (id, SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// A started connection that came from a plain client.
    pub fn pair(&self, probe: &Probe) -> (SocketId, TcpStream) {
        let (listener, address) = self.listen(probe);
        let client = connect(address);
        let id = probe.accepted(listener);
        self.sockets.start(probe.handle, id);
        probe.ready(id, "start");
        (id, client)
    }

    /// A connection of ours to a plain listener.
    pub fn dial(&self, probe: &Probe) -> (SocketId, TcpStream) {
        let (server, port) = server();
        let id = self.sockets.connect(probe.handle, "127.0.0.1", port).expect("there is room");
        let (stream, _) = server.accept().expect("it connects");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time-out can be set");
        probe.ready(id, "127.0.0.1");
        (id, stream)
    }

    pub fn stop(self) {
        self.node.stop(DEADLINE).expect("all ends");
    }
}

impl Probe {
    pub fn next(&self) -> (SocketId, SocketEvent) {
        self.events.recv_timeout(DEADLINE).expect("an event comes")
    }

    /// The next event of this socket; others are skipped.
    pub fn of(&self, id: SocketId) -> SocketEvent {
        loop {
            let (from, event) = self.next();
            if from == id {
                return event;
            }
        }
    }

    pub fn ready(&self, id: SocketId, expected: &str) {
        match self.of(id) {
            SocketEvent::Ready { text, .. } => assert_eq!(text, expected),
            other => panic!("not ready: {other:?}"),
        }
    }

    pub fn accepted(&self, listener: SocketId) -> SocketId {
        loop {
            match self.next() {
                (from, SocketEvent::Accepted { id, .. }) if from == listener => return id,
                _ => {}
            }
        }
    }

    pub fn closed(&self, id: SocketId) {
        let event = self.of(id);
        assert!(matches!(event, SocketEvent::Closed), "not closed: {event:?}");
    }

    pub fn failed(&self, id: SocketId) -> String {
        match self.of(id) {
            SocketEvent::Failed(text) => text,
            other => panic!("no failure: {other:?}"),
        }
    }

    /// The next so many bytes of this socket.
    pub fn read(&self, id: SocketId, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            match self.of(id) {
                SocketEvent::Data(data) => bytes.extend_from_slice(&data),
                other => panic!("after {} bytes: {other:?}", bytes.len()),
            }
        }
        bytes
    }

    /// What came and was not looked at, when no more can come.
    pub fn rest(&self) -> Vec<(SocketId, SocketEvent)> {
        self.events.try_iter().collect()
    }
}

/// A plain listener.
pub fn server() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened on");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, port)
}

/// A plain client.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time-out can be set");
    stream
}

pub fn read(mut stream: &TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("so many bytes come");
    bytes
}

pub fn write(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).expect("the peer is there");
}

/// Reads until the end, which may be a broken connection.
pub fn drain(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read stays when the connection breaks.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// Closes so that the peer gets a reset.
pub fn reset(stream: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let fd = std::os::fd::AsRawFd::as_raw_fd(stream);
    // SAFETY: the option is a `linger`, and the pointer and the length are those of one.
    let set = unsafe {
        let size = size_of::<libc::linger>() as libc::socklen_t;
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), size)
    };
    assert_eq!(set, 0);
}

/// Waits until `done`, which other threads bring about.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < DEADLINE, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

/// More than what the system buffers on both sides of a loopback connection.
pub const LOTS: usize = 24 * 1024 * 1024;

/// Bytes that differ, so that a lost or doubled piece shows.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ at >> 8 ^ at >> 16) as u8).collect()
}
