//! Two services that play ping-pong: how many round trips does a second have?
//!
//! `cargo run --release -p skynet-core --example ping_pong`

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use skynet_core::{Context, Handle, LogTarget, Message, Node, PTYPE_TEXT, Payload};

const ROUND_TRIPS: u32 = 2_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().workers(2).log(LogTarget::Null).start()?;
    let pong = node.spawn(|ctx: &Context, msg: Message| {
        if let Ok((request, payload)) = ctx.accept(msg) {
            // If the other side is gone, nobody waits for the answer.
            let _ = request.respond(payload);
        }
    })?;
    let (done, result) = channel();
    let mut left = ROUND_TRIPS;
    let ping = node.spawn(move |ctx: &Context, msg: Message| {
        left -= 1;
        let session = ctx.new_session();
        let sent = ctx.send_from(Handle::NONE, pong, PTYPE_TEXT, session, msg.payload);
        if left == 0 || sent.is_err() {
            let _ = done.send(());
            ctx.exit();
        }
    })?;
    let start = Instant::now();
    node.send(Handle::NONE, ping, PTYPE_TEXT, 0, Payload::from("ball"))?;
    result.recv()?;
    println!(
        "{:.2} million round trips a second",
        f64::from(ROUND_TRIPS) / start.elapsed().as_secs_f64() / 1e6
    );
    node.stop(Duration::from_secs(5))?;
    Ok(())
}
