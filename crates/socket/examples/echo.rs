//! An echo server: what comes on a connection goes back on it.
//!
//! `cargo run --release -p skynet-socket --example echo -- 127.0.0.1 7000`; try it with `nc 127.0.0.1 7000`.

use skynet_core::{Context, Message, Node};
use skynet_socket::{Options, SocketEvent, Sockets};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let host = args.next().unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = args.next().map_or(Ok(7000), |port| port.parse())?;

    let node = Node::builder().start()?;
    let sockets = Sockets::attach(&node, Options::default())?;
    let echo = node.spawn({
        let sockets = sockets.clone();
        move |ctx: &Context, mut msg: Message| {
            let Some((id, event)) = SocketEvent::take(&mut msg) else { return };
            match event {
                SocketEvent::Data(data) => {
                    if let Err(error) = sockets.send(id, data) {
                        ctx.log(error.to_string());
                    }
                }
                SocketEvent::Accepted { id, .. } => sockets.start(ctx.handle(), id),
                SocketEvent::Ready { port, text } if port > 0 => {
                    ctx.log(format!("listening on {text} port {port}"));
                    sockets.start(ctx.handle(), id);
                }
                SocketEvent::Failed(reason) => ctx.log(format!("socket {id}: {reason}")),
                SocketEvent::Closed => sockets.close(id),
                _ => {}
            }
        }
    })?;
    sockets.listen(echo, &host, port, 1024)?;
    node.wait();
    Ok(())
}
