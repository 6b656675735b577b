//! A service in Rust, called with the values that Lua services send.

use std::error::Error;
use std::time::Duration;

use skynet_core::{Context, Message, Node, PTYPE_LUA, Service};

/// Keeps a number. No lock is needed: a service handles one message at a time.
#[derive(Default)]
struct Counter {
    total: i64,
}

impl Service for Counter {
    fn on_message(&mut self, ctx: &Context, msg: Message) {
        let Ok((request, args)) = ctx.accept(msg) else {
            return; // A message that asks for no answer.
        };
        match skynet_seri::from_args::<(&str, Option<i64>)>(&args) {
            Ok(("add", amount)) => self.total += amount.unwrap_or(1),
            Ok(("get", _)) => {}
            // A request that is dropped is answered with an error: no caller waits for ever.
            _ => return ctx.log("the counter knows add and get"),
        }
        if let Ok(answer) = skynet_seri::to_args(&(self.total,)) {
            let _ = request.respond(answer);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let node = Node::builder().workers(2).start()?;
    let counter = node.spawn(Counter::default())?;

    // In Lua: skynet.call(counter, "lua", "add", 42)
    let answer = node.call(counter, PTYPE_LUA, skynet_seri::to_args(&("add", 42))?).wait()?;
    let (total,): (i64,) = skynet_seri::from_args(&answer)?;
    println!("the counter says {total}");

    node.stop(Duration::from_secs(1))?;
    Ok(())
}
