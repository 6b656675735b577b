//! The service that a tunnel is.

use super::watching::Watching;
use crate::{Context, Handle, Message, Module, Node, PTYPE_ERROR, SendError, Service, ServiceError};

/// The module of tunnels, to be launched as `tunnel` with a handle (`:0000000a`), which may be one of another node. All that is sent to
/// a tunnel goes there as it is: kind, session, source and payload, which is not copied on the way to a service of this node. So
/// answers go past it, to the one who asked. It ends when the other end does; what comes meanwhile is answered with an error.
#[must_use]
pub fn tunnel_module() -> impl Module {
    |_: &Node, args: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
        let text = String::from_utf8_lossy(args);
        match text.trim().parse::<Handle>() {
            Ok(target) if !target.is_none() => Ok(Box::new(Tunnel { target, watching: Watching::default() })),
            _ => {
                Err(format!("a tunnel needs the handle that it leads to, such as :0000000a, not {text:?}")
                    .into())
            }
        }
    }
}

struct Tunnel {
    target: Handle,
    watching: Watching,
}

impl Service for Tunnel {
    fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        let target = self.target;
        if target == ctx.handle() {
            return Err("a tunnel cannot lead to itself".into());
        }
        let alive =
            if ctx.node().is_remote(target) { self.watching.begin(ctx, target) } else { ctx.watch(target) };
        if !alive {
            return Err(format!("a tunnel leads nowhere: {target} is not alive").into());
        }
        ctx.node().groups().add_tunnel(ctx.handle(), target);
        Ok(())
    }

    fn on_message(&mut self, ctx: &Context, msg: Message) {
        if self.watching.ended(&msg) == Some(self.target) {
            ctx.exit();
            return;
        }
        let Some(msg) = self.watching.keep(ctx, msg) else { return };
        let owed = msg.wants_answer();
        let Message { kind, session, source, payload } = msg;
        let Err(error) = ctx.node().send(source, self.target, kind, session, payload) else { return };
        let gone = matches!(error, SendError::DeadHandle { .. });
        if owed {
            let (tunnel, target) = (ctx.handle(), self.target);
            let text = match gone {
                true => format!("the tunnel {tunnel} leads nowhere: {target} is gone"),
                false => format!("nothing got through the tunnel {tunnel} to {target}: {error}"),
            };
            // If the one who asked is gone, nobody waits.
            let _ = ctx.send_from(Handle::NONE, source, PTYPE_ERROR, session, ctx.node().reason(text));
        }
        if gone {
            ctx.exit();
        }
    }

    fn on_exit(&mut self, ctx: &Context) {
        ctx.node().groups().remove_tunnel(ctx.handle());
    }
}
