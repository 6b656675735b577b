//! The other end of a link, in the hands of the test: it says and reads bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use skynet_core::{Handle, Message, PTYPE_TEXT};
use skynet_harbor::frame::{self, Decoder, Frame};
use skynet_socket::{SocketEvent, SocketId, Sockets};

use super::{LIMIT, Lab};

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    decoder: Decoder,
    rest: Vec<u8>,
}

impl Lab {
    pub(crate) fn sockets(&self) -> Sockets {
        Sockets::of(&self.node).expect("the node has sockets")
    }

    /// A connection that the slave has made and given to the harbor service: `S`. Nothing was said yet.
    pub(crate) fn connect(&self, id: u8, flags: &str) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened on");
        let port = listener.local_addr().expect("it is bound").port();
        let socket = self.sockets().connect(self.slave.handle, "127.0.0.1", port).expect("there is room");
        let (stream, _) = listener.accept().expect("it connects");
        assert!(matches!(self.slave_event(), (of, SocketEvent::Ready { .. }) if of == socket));
        self.command(self.slave.handle, format!("S {socket} {id}{flags}").as_str());
        Peer::new(stream)
    }

    /// A connection that the slave has accepted, whose id it has read, and which it has given to the harbor service: `A`.
    pub(crate) fn accept(&self, id: u8, flags: &str) -> Peer {
        let sockets = self.sockets();
        let listener =
            sockets.listen(self.slave.handle, "127.0.0.1", 0, 8).expect("loopback can be listened on");
        let (_, SocketEvent::Ready { port, .. }) = self.slave_event() else { panic!("not listening") };
        sockets.start(self.slave.handle, listener);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it is listened on");
        stream.write_all(&[id]).expect("it is connected");
        let socket = loop {
            if let (_, SocketEvent::Accepted { id, .. }) = self.slave_event() {
                break id;
            }
        };
        sockets.start(self.slave.handle, socket);
        loop {
            match self.slave_event() {
                (_, SocketEvent::Data(data)) if *data == [id] => break,
                (_, SocketEvent::Ready { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        sockets.close(listener);
        assert!(matches!(self.slave_event(), (of, SocketEvent::Closed) if of == listener));
        self.command(self.slave.handle, format!("A {socket} {id}{flags}").as_str());
        Peer::new(stream)
    }

    /// An accepted link that is up.
    pub(crate) fn link(&self, id: u8) -> Peer {
        let mut peer = self.accept(id, "");
        peer.greeted(self.node.harbor());
        peer
    }

    /// The slave has been told that this node is down.
    pub(crate) fn down(&self, id: u8) {
        let msg = self.slave.next();
        assert_eq!((msg.kind, &*msg.payload), (PTYPE_TEXT, format!("D {id}").as_bytes()));
    }

    fn slave_event(&self) -> (SocketId, SocketEvent) {
        SocketEvent::take(&mut self.slave.next()).expect("it is a message of a socket")
    }
}

impl Peer {
    fn new(stream: TcpStream) -> Peer {
        stream.set_read_timeout(Some(LIMIT)).expect("a time-out can be set");
        Peer { stream, decoder: Decoder::new(), rest: Vec::new() }
    }

    /// The node has said its id.
    pub(crate) fn greeted(&mut self, id: u8) {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).expect("a byte comes");
        assert_eq!(byte, [id]);
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the link is open");
    }

    /// Sends a message to a service of the node.
    pub(crate) fn send(&mut self, dest: Handle, kind: u8, session: i32, source: Handle, text: &[u8]) {
        let message = Message { kind, session, source, payload: text.into() };
        let head = frame::head(text.len()).expect("it fits");
        self.say(&[&head[..], text, &frame::trailer(dest, &message)].concat());
    }

    /// The next frame that comes.
    pub(crate) fn next(&mut self) -> Frame {
        loop {
            let mut input = &self.rest[..];
            let frame = self.decoder.next(&mut input).expect("only frames come");
            self.rest = input.to_vec();
            if let Some(frame) = frame {
                return frame;
            }
            let mut block = vec![0; 1 << 16];
            let count = self.stream.read(&mut block).expect("bytes come");
            assert!(count > 0, "the link has ended");
            block.truncate(count);
            self.rest = block;
        }
    }

    /// The next frame, as (local id, kind, session, source, length).
    pub(crate) fn next_head(&mut self) -> (u32, u8, i32, Handle, usize) {
        match self.next() {
            Frame::Message { dest, kind, session, source, payload } => {
                (dest, kind, session, source, payload.len())
            }
            Frame::Ping => panic!("a ping"),
        }
    }

    /// The node has closed the link.
    pub(crate) fn is_closed(&mut self) {
        let mut block = [0; 4096];
        loop {
            match self.stream.read(&mut block) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) fn hang_up(self) {
        self.stream.shutdown(Shutdown::Both).expect("it is connected");
    }
}
