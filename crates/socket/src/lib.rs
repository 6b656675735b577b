//! Sockets for the services of a node: TCP, UDP, and adopted descriptors.
//!
//! [`Sockets`] belongs to one [`Node`](skynet_core::Node). A service opens a socket and gets what happens to it as messages of the
//! kind `PTYPE_SOCKET`; [`SocketEvent::take`] reads them. Idle workers of the node wait for the system and read; whoever sends writes
//! to the system directly, unless earlier bytes still wait.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//! use std::sync::mpsc;
//! use std::time::Duration;
//! use skynet_core::{Context, LogTarget, Message, Node, PTYPE_TEXT};
//! use skynet_socket::{Options, SocketEvent, Sockets};
//!
//! let node = Node::builder().workers(2).log(LogTarget::Null).start()?;
//! let sockets = Sockets::attach(&node, Options::default())?;
//! let (port, ports) = mpsc::channel();
//! let echo = node.spawn({
//!     let sockets = sockets.clone();
//!     move |ctx: &Context, mut msg: Message| match SocketEvent::take(&mut msg) {
//!         Some((listener, SocketEvent::Ready { port: bound, .. })) if bound > 0 => {
//!             sockets.start(ctx.handle(), listener);
//!             let _ = port.send(bound);
//!         }
//!         Some((_, SocketEvent::Accepted { id, .. })) => sockets.start(ctx.handle(), id),
//!         // It fails if the peer has gone meanwhile.
//!         Some((id, SocketEvent::Data(data))) => drop(sockets.send(id, data)),
//!         Some((id, SocketEvent::Closed)) => sockets.close(id),
//!         _ => {}
//!     }
//! })?;
//! sockets.listen(echo, "127.0.0.1", 0, 128)?;
//!
//! let mut client = TcpStream::connect(("127.0.0.1", ports.recv_timeout(Duration::from_secs(5))?))?;
//! client.write_all(b"hello")?;
//! let mut answer = [0; 5];
//! client.read_exact(&mut answer)?;
//! assert_eq!(&answer, b"hello");
//! node.stop(Duration::from_secs(5))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The model
//!
//! 1. A socket has an id and an owner, the service that gets its messages. Anybody who knows the id may send and close.
//! 2. Listeners and accepted connections wait until [`Sockets::start`]. Whoever starts a socket owns it from then on; so it
//!    goes from one service to another, and nothing that was read is lost on the way.
//! 3. Connections of one's own read at once, and so do UDP sockets. Host names are looked up on threads of their own.
//! 4. Each read is one message, with the block that was read into. Blocks begin at 64 bytes and adapt to what comes.
//! 5. [`Sockets::send`] writes on the calling thread; small pieces that a service sends to one socket, one after the other, go out
//!    together when its turn ends, and [`Sockets::send_parts`] gives several blocks to the system in one call. What that does not
//!    take waits, in two priorities, until there is room.
//! 6. Back-pressure has both ends: [`Sockets::pause`] stops reading, and so does a full mailbox whose
//!    [policy](skynet_core::Policy::PauseSockets) says so; the owner of a growing queue is warned at 1, 2, 4, … MiB and
//!    told when it is empty again; [`Sockets::limit`] closes a peer that does not read.
//! 7. [`Sockets::close`] sends what waits first, [`Sockets::shutdown`] does not. `Closed` comes once for each socket.
//! 8. After the peer's end a socket can still be written to, until it is closed. A failed write is told once.
//! 9. If an owner ends, its sockets stop reading and wait for another; they go when their peer does.
//! 10. When the node ends, all sockets are closed.

#![deny(unsafe_code)]

mod address;
mod cork;
mod error;
mod event;
pub mod framing;
pub mod gate;
mod id;
mod notice;
mod options;
mod outbox;
mod parts;
mod poll;
mod resolver;
mod socket;
mod sockets;
mod stat;
mod sync;
mod sys;
mod table;
mod udp;
mod write;

pub use address::UdpAddress;
pub use error::{OpenError, SendError, StartError};
pub use event::{Datagram, SocketEvent};
pub use id::SocketId;
pub use options::Options;
pub use socket::Kind;
pub use sockets::{Sockets, resolve};
pub use stat::SocketInfo;
pub use write::Data;
