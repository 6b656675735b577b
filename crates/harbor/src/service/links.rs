//! The service's side of the links: what sockets tell, and what the tables want of them.

use std::time::Duration;

use skynet_core::{
    Context, Handle, Message, PTYPE_ERROR, PTYPE_HARBOR, PTYPE_MULTICAST, PTYPE_RESPONSE, PTYPE_SOCKET,
    PTYPE_SYSTEM, PTYPE_TEXT, SendError,
};
use skynet_socket::{SocketEvent, SocketId};

use super::{Harbor, gone, nobody};
use crate::peers::Event;

impl Harbor {
    /// Something happened to a connection.
    pub(super) fn on_socket(&mut self, ctx: &Context, socket: SocketId, event: SocketEvent) {
        if self.leaving.contains(&socket) {
            if matches!(event, SocketEvent::Closed) {
                self.leaving.remove(&socket);
            }
            return;
        }
        match event {
            SocketEvent::Data(block) => return self.on_data(ctx, socket, &block),
            SocketEvent::Ready { .. } => self.peers.ready(socket),
            SocketEvent::Failed(reason) => {
                let what = self
                    .peers
                    .id_of(socket)
                    .map_or("a connection".into(), |id| format!("the link to harbor {id}"));
                ctx.log(format!("harbor: {what} (fd = {socket}) failed: {reason}"));
                self.peers.closed(socket);
            }
            SocketEvent::Closed => {
                if !self.peers.closed(socket) {
                    ctx.log(format!("Unknown fd ({socket}) closed"));
                }
                self.settle(ctx);
                self.leaving.remove(&socket);
                return;
            }
            SocketEvent::Backlog { kib } => match self.peers.id_of(socket) {
                Some(id) if kib == 0 => self.peers.unclog(id),
                Some(id) => ctx.log(format!("message havn't send to Harbor ({id}) reach {kib} K")),
                None => {}
            },
            SocketEvent::Accepted { id, .. } => {
                if let Some(sockets) = &self.sockets {
                    sockets.shutdown(id);
                }
            }
            _ => {}
        }
        self.settle(ctx);
    }

    fn on_data(&mut self, ctx: &Context, socket: SocketId, block: &[u8]) {
        let (node, lost) = (ctx.node(), &mut self.lost);
        self.peers.received(socket, block, |dest, message| {
            let Message { kind, session, source, payload } = message;
            let sent = match kind {
                // These are orders of a node to itself, and no node sends them to another.
                PTYPE_SYSTEM | PTYPE_HARBOR | PTYPE_SOCKET => Err(payload),
                _ => match node.send(source, dest, kind, session, payload) {
                    // Whoever asked on the other node hears of it.
                    Err(error) if node.answer_refused(&error, source, session) => Ok(()),
                    sent => sent.map_err(SendError::into_payload),
                },
            };
            if let Err(payload) = sent {
                lost.push((dest, Message { kind, session, source, payload }));
            }
        });
        for (dest, message) in std::mem::take(&mut self.lost) {
            self.return_to_sender(ctx, dest, &message);
        }
        self.settle(ctx);
    }

    /// Nobody has this handle, or nobody may get this. Whoever sent a message there is told so, but for answers, whose sessions
    /// are others'.
    fn return_to_sender(&mut self, ctx: &Context, dest: Handle, message: &Message) {
        let &Message { kind, mut session, source, .. } = message;
        let (to, from) = (dest.raw(), source.raw());
        let (line, why) = match kind {
            PTYPE_SYSTEM | PTYPE_HARBOR | PTYPE_SOCKET => (
                format!(
                    "harbor: A message of type {kind} from :{from:x} to :{to:x} is refused: no other node may send it"
                ),
                format!("messages of type {kind} are refused from other nodes"),
            ),
            _ => (format!("Unknown destination :{to:x} from :{from:x} type({kind})"), nobody(dest)),
        };
        ctx.log(line);
        if matches!(kind, PTYPE_RESPONSE | PTYPE_ERROR) {
            return;
        }
        let payload = ctx.node().reason(why);
        if kind == PTYPE_MULTICAST {
            // The number of a channel, not that of a call.
            session = 0;
        }
        if ctx.node().is_remote(source) {
            self.forward(ctx, source, Message { kind: PTYPE_ERROR, session, source: dest, payload });
        } else {
            // The one who asked was passed on to here, and may be gone.
            let _ = ctx.send_from(dest, source, PTYPE_ERROR, session, payload);
        }
    }

    /// Does what the tables say.
    pub(super) fn settle(&mut self, ctx: &Context) {
        while let Some(event) = self.peers.event() {
            match event {
                Event::Log(line) => ctx.log(line),
                Event::Down(id) => {
                    // A slave that is gone has nobody to tell.
                    let _ = ctx.send(self.slave, PTYPE_TEXT, format!("D {id}"));
                }
                Event::Fail { source, session, node } => {
                    let reason = ctx.node().reason(gone(node));
                    // If the one who asked is gone, nobody waits.
                    let _ = ctx.send_from(Handle::NONE, source, PTYPE_ERROR, session, reason);
                }
                Event::Start(socket) => self.take_over(ctx, socket),
                Event::Close { socket, ours } => {
                    if let Some(sockets) = &self.sockets {
                        if ours {
                            self.leaving.insert(socket);
                        }
                        sockets.shutdown(socket);
                    }
                }
            }
        }
        self.arm(ctx);
    }

    fn take_over(&self, ctx: &Context, socket: SocketId) {
        let Some(sockets) = &self.sockets else { return };
        sockets.start(ctx.handle(), socket);
        sockets.nodelay(socket);
        // What waits is bounded here, and a message that is refused is answered.
        sockets.limit(socket, None);
        if !self.limits.heartbeat.is_zero() {
            sockets.keepalive_after(socket, self.limits.heartbeat);
        }
    }

    /// Arms the timer anew if it would be late.
    fn arm(&mut self, ctx: &Context) {
        let Some(next) = self.peers.new_tick().filter(|next| *next < self.timer.1) else { return };
        let after = next.saturating_sub(ctx.node().now()).max(1);
        self.timer = (ctx.timeout(Duration::from_millis(after.saturating_mul(10))), next);
    }

    /// Sends what has come together.
    pub(super) fn flush(&mut self, ctx: &Context) {
        self.gathering_since = None;
        if let Some(sockets) = &self.sockets {
            // A connection that is closed already says so.
            self.peers.flush(|socket, parts| sockets.send_parts(socket, parts).unwrap_or(0));
        }
        if self.peers.are_calls_many() {
            self.peers.sweep(|handle| ctx.node().is_alive(handle));
        }
    }
}
