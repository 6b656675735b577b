//! A service in Rust that echoes: the sockets of a node, and no Lua.

use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use skynet_core::{Context, LogTarget, Message, Node};
use skynet_socket::{Options, SocketEvent, Sockets};

/// As many as the nodes of the benchmarks have.
const WORKERS: usize = 2;

const BACKLOG: i32 = 1024;

/// The allocator of the node's binary.
#[used]
static OVERRIDE: unsafe extern "C" fn(usize) -> *mut std::ffi::c_void = libmimalloc_sys::mi_malloc;

#[global_allocator]
static GLOBAL: std::alloc::System = std::alloc::System;

/// Prints `LISTENING <port>` and serves until it is ended from outside.
///
/// # Errors
///
/// When the node does not start, or cannot listen.
pub(crate) fn serve() -> Result<()> {
    let node =
        Node::builder().workers(WORKERS).log(LogTarget::Null).start().context("cannot start the node")?;
    let sockets = Sockets::attach(&node, Options::default()).context("the node gets no sockets")?;
    let (bound, ports) = mpsc::channel();
    let echo = node.spawn({
        let sockets = sockets.clone();
        move |ctx: &Context, mut msg: Message| match SocketEvent::take(&mut msg) {
            Some((listener, SocketEvent::Ready { port, .. })) if port > 0 => {
                sockets.start(ctx.handle(), listener);
                let _ = bound.send(port);
            }
            Some((_, SocketEvent::Accepted { id, .. })) => sockets.start(ctx.handle(), id),
            // It fails if the peer has gone meanwhile.
            Some((id, SocketEvent::Data(data))) => drop(sockets.send(id, data)),
            Some((id, SocketEvent::Closed)) => sockets.close(id),
            _ => {}
        }
    })?;
    sockets.listen(echo, "127.0.0.1", 0, BACKLOG).context("cannot listen")?;
    let port = ports.recv_timeout(Duration::from_secs(5)).context("the listener did not come up")?;
    println!("LISTENING {port}");
    loop {
        std::thread::park();
    }
}
