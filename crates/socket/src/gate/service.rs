//! The service around the parts: it listens, and does what clients, commands and limits demand.

use std::fmt;
use std::time::Duration;

use skynet_core::{
    Context, Handle, Message, Module, Node, PTYPE_CLIENT, PTYPE_RESPONSE, PTYPE_SOCKET, PTYPE_TEXT, Payload,
    PayloadBuf, Service, ServiceError, ShutdownStep,
};

use super::args::{Args, ArgsError};
use super::client::Client;
use super::command::{self, Command};
use super::{IdMap, Limits, closing_line, is_overflow, lost_line};
use crate::framing::Header;
use crate::{SocketEvent, SocketId, SocketInfo, Sockets};

/// Connections that may wait to be taken.
const BACKLOG: i32 = 128;

/// How long the gate may take for each of its parts in a shutdown.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long clients have in it to take what was written to them, in 1/100 s.
const PATIENCE: u64 = 400;
/// Between two looks whether they have.
const LOOK: Duration = Duration::from_millis(30);

/// Packages of one read for which room is kept.
const MOST_ROOM: usize = 1024;

/// The module `gate`; its parameters are described [above](crate::gate).
#[must_use]
pub fn module() -> impl Module {
    |node: &Node, args: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
        let sockets = Sockets::of(node).ok_or("gate: the node has no sockets")?;
        Ok(Box::new(Gate {
            args: args.to_vec(),
            sockets,
            header: Header::Two,
            watchdog: Handle::NONE,
            broker: Handle::NONE,
            client_tag: PTYPE_CLIENT,
            max: 0,
            limits: Limits::default(),
            listener: None,
            clients: IdMap::default(),
            packages: Vec::new(),
            idle_timer: 0,
            farewell: Farewell::default(),
        }))
    }
}

struct Gate {
    /// What it was launched with; read by `init`.
    args: Vec<u8>,
    sockets: Sockets,
    header: Header,
    watchdog: Handle,
    broker: Handle,
    client_tag: u8,
    max: usize,
    limits: Limits,
    listener: Option<SocketId>,
    clients: IdMap<Client>,
    /// Room for the packages of one read.
    packages: Vec<Payload>,
    /// The session of the timer that looks for idle clients; 0 while there is none.
    idle_timer: i32,
    farewell: Farewell,
}

/// What the gate does in a shutdown of the node: the sessions of its steps.
#[derive(Default)]
struct Farewell {
    accept: i32,
    clients: i32,
    /// The clients are being parted from.
    parting: bool,
    /// The listener that is being closed, and who waits for that.
    closing: Option<(SocketId, Handle)>,
    /// Who waits until the last client has gone with all that was written to it.
    waiting: Option<Handle>,
    /// Until when.
    until: u64,
    /// The session of the timer of the next look; 0 while there is none.
    look: i32,
}

impl Service for Gate {
    fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        let args = Args::parse(&std::mem::take(&mut self.args)).map_err(ServiceError::new)?;
        if let Some(name) = args.watchdog {
            self.watchdog = service(ctx, &name);
            if self.watchdog.is_none() {
                return Err(ServiceError::new(ArgsError::Watchdog(name)));
            }
        }
        (self.header, self.client_tag, self.max, self.limits) =
            (args.header, args.client_tag, args.max, args.limits);
        let listener = self.sockets.listen(ctx.handle(), &args.host, args.port, BACKLOG);
        let listener = listener.map_err(|error| ServiceError::from(format!("gate: {error}")))?;
        self.listener = Some(listener);
        self.sockets.start(ctx.handle(), listener);
        (self.farewell.accept, self.farewell.clients) = (ctx.new_session(), ctx.new_session());
        ctx.join_shutdown(self.farewell.accept, ShutdownStep::ACCEPT, FAREWELL);
        ctx.join_shutdown(self.farewell.clients, ShutdownStep::CLIENTS, FAREWELL);
        Ok(())
    }

    fn on_message(&mut self, ctx: &Context, mut msg: Message) {
        match msg.kind {
            PTYPE_SOCKET => {
                if let Some((id, event)) = SocketEvent::take(&mut msg) {
                    self.on_event(ctx, id, event);
                }
            }
            PTYPE_TEXT => self.on_command(ctx, &String::from_utf8_lossy(&msg.payload)),
            PTYPE_CLIENT => self.on_write(ctx, msg.source, &msg.payload),
            PTYPE_RESPONSE if msg.session == self.idle_timer => self.on_idle_timer(ctx),
            PTYPE_RESPONSE if msg.session == self.farewell.accept => {
                // Those who came in before the end of the listener is told are parted from like the others.
                match self.listener {
                    Some(listener) => self.farewell.closing = Some((listener, msg.source)),
                    None => ctx.finish_shutdown(msg.source, msg.session, Ok(())),
                }
                self.close_listener();
            }
            PTYPE_RESPONSE if msg.session == self.farewell.clients => {
                (self.farewell.parting, self.farewell.waiting) = (true, Some(msg.source));
                self.farewell.until = ctx.node().now() + PATIENCE;
                self.clients.keys().for_each(|id| self.sockets.close(SocketId::from_raw(*id)));
                self.check_farewell(ctx);
            }
            PTYPE_RESPONSE if msg.session == self.farewell.look => {
                self.farewell.look = 0;
                self.check_farewell(ctx);
            }
            _ => {}
        }
    }

    fn on_exit(&mut self, _: &Context) {
        // Nobody else will: its sockets would wait for another owner.
        let ids = self.clients.keys().map(|id| SocketId::from_raw(*id));
        ids.chain(self.listener).for_each(|id| self.sockets.close(id));
    }
}

impl Gate {
    fn on_event(&mut self, ctx: &Context, id: SocketId, event: SocketEvent) {
        match event {
            SocketEvent::Data(block) => self.on_data(ctx, id, block),
            SocketEvent::Accepted { id: new, peer } => self.on_connection(ctx, new, peer),
            SocketEvent::Ready { .. } if self.listener == Some(id) => {}
            SocketEvent::Ready { .. } => self.on_started(ctx, id),
            SocketEvent::Failed(reason) if self.listener == Some(id) => {
                ctx.log(format!("gate: a connection could not be taken: {reason}"));
            }
            SocketEvent::Failed(reason) => {
                if is_overflow(&reason)
                    && let Some(client) = self.clients.get(&id.raw())
                {
                    ctx.log(closing_line(id.raw(), &client.peer, &reason));
                }
                self.on_gone(ctx, id);
            }
            SocketEvent::Closed if self.listener == Some(id) => self.listener = None,
            SocketEvent::Closed => self.on_gone(ctx, id),
            SocketEvent::Backlog { kib: 0 } | SocketEvent::Datagram(_) => {}
            SocketEvent::Backlog { kib } => ctx.log(format!("fd ({id}) send buffer ({kib})K")),
        }
    }

    fn on_connection(&mut self, ctx: &Context, id: SocketId, peer: String) {
        if self.clients.len() >= self.max {
            let max = self.max;
            ctx.log(format!("gate: connection {id} ({peer}) is refused: {max} are open, and no more may be"));
            self.sockets.shutdown(id);
            return;
        }
        if self.farewell.parting {
            // It was taken before the listener was closed, and would keep those waiting who part from the others.
            self.sockets.shutdown(id);
            return;
        }
        ctx.log(format!("socket open: {:x}", id.raw()));
        self.report(ctx, format!("{id} open {id} {peer}:0"));
        self.clients.insert(id.raw(), Client::new(peer));
    }

    fn on_started(&mut self, ctx: &Context, id: SocketId) {
        let now = self.now(ctx);
        let Some(client) = self.clients.get_mut(&id.raw()) else { return };
        client.begin(self.header, &self.limits, now);
        if self.limits.buffer.is_some() {
            self.sockets.limit(id, self.limits.buffer);
        }
        if self.idle_timer == 0 {
            self.arm_idle_timer(ctx);
        }
    }

    fn on_data(&mut self, ctx: &Context, id: SocketId, block: Payload) {
        let now = self.now(ctx);
        let Some(client) = self.clients.get_mut(&id.raw()) else {
            ctx.log(format!("Drop unknown connection {id} message"));
            self.sockets.close(id);
            return;
        };
        client.begin(self.header, &self.limits, now);
        let Client { peer, intake, agent, client: name, lost } = client;
        let Some(intake) = intake else { return };
        let packages = &mut self.packages;
        let fed = intake.feed(block, now, &self.limits, |package| {
            if !package.is_empty() {
                packages.push(package);
            }
        });
        let packages = packages.drain(..);
        let (dest, sent) = if !self.broker.is_none() {
            (self.broker, ctx.send_all(Handle::NONE, self.broker, self.client_tag, id.raw(), packages))
        } else if !agent.is_none() {
            (*agent, ctx.send_all(*name, *agent, self.client_tag, id.raw(), packages))
        } else if !self.watchdog.is_none() {
            let texts = packages.map(|package| data_text(id, &package));
            (self.watchdog, ctx.send_all(Handle::NONE, self.watchdog, PTYPE_TEXT, id.raw(), texts))
        } else {
            drop(packages);
            (Handle::NONE, Ok(()))
        };
        self.sockets.hold(id, dest);
        if let Err(error) = sent
            && !std::mem::replace(lost, true)
        {
            ctx.log(lost_line(id.raw(), peer, &error));
        }
        if let Err(breach) = fed {
            self.close_for(ctx, id, &breach);
        }
        if self.packages.capacity() > MOST_ROOM {
            self.packages = Vec::new();
        }
    }

    /// A connection has ended, on either side.
    fn on_gone(&mut self, ctx: &Context, id: SocketId) {
        if let Some((_, coordinator)) = self.farewell.closing.take_if(|(listener, _)| *listener == id) {
            ctx.finish_shutdown(coordinator, self.farewell.accept, Ok(()));
            return;
        }
        if self.clients.remove(&id.raw()).is_some() {
            self.report(ctx, format!("{id} close"));
        }
        // The peer's end leaves it open for us.
        self.sockets.close(id);
        self.check_farewell(ctx);
    }

    /// Reports that no client is left, if somebody waits for that. A close is told at once, but with the node all that waits to be
    /// sent would be lost.
    fn check_farewell(&mut self, ctx: &Context) {
        let Some(coordinator) = self.farewell.waiting.filter(|_| self.farewell.look == 0) else { return };
        let sending = |info: &SocketInfo| info.owner == ctx.handle() && info.closing && info.writing;
        let left = self.clients.len() + self.sockets.netstat().iter().filter(|info| sending(info)).count();
        if left > 0 && ctx.node().now() < self.farewell.until {
            self.farewell.look = ctx.timeout(LOOK);
            return;
        }
        if left > 0 {
            ctx.log(format!("gate: {left} clients do not take what was written to them and are left behind"));
        }
        self.farewell.waiting = None;
        ctx.finish_shutdown(coordinator, self.farewell.clients, Ok(()));
    }

    fn close_listener(&mut self) {
        if let Some(listener) = self.listener.take() {
            self.sockets.close(listener);
        }
    }

    /// A client loses its connection for breaking a limit.
    fn close_for(&mut self, ctx: &Context, id: SocketId, reason: &dyn fmt::Display) {
        if let Some(client) = self.clients.get(&id.raw()) {
            ctx.log(closing_line(id.raw(), &client.peer, reason));
        }
        self.sockets.shutdown(id);
    }

    fn on_command(&mut self, ctx: &Context, text: &str) {
        match Command::parse(text) {
            Command::Kick(id) => {
                if self.clients.contains_key(&id) {
                    self.sockets.close(SocketId::from_raw(id));
                }
            }
            Command::Forward { id, agent, client } => {
                if let Some(known) = self.clients.get_mut(&id) {
                    known.forward(agent, client);
                }
            }
            Command::Broker(name) => self.broker = service(ctx, name),
            Command::Start(id) => {
                if self.clients.contains_key(&id) {
                    self.sockets.start(ctx.handle(), SocketId::from_raw(id));
                }
            }
            Command::Close => self.close_listener(),
            Command::Incomplete => {}
            Command::Unknown => ctx.log(format!("[gate] Unknown command : {text}")),
        }
    }

    /// Bytes for a client, with its id in little-endian behind them.
    fn on_write(&mut self, ctx: &Context, source: Handle, payload: &[u8]) {
        let Some((bytes, id)) = payload.split_last_chunk::<4>().filter(|(bytes, _)| !bytes.is_empty()) else {
            ctx.log(format!("Invalid client message from {:x}", source.raw()));
            return;
        };
        let id = i32::from_le_bytes(*id);
        if !self.clients.contains_key(&id) {
            ctx.log(format!("Invalid client id {id} from {:x}", source.raw()));
            return;
        }
        // It fails if the connection is being closed: the client has gone, or is going.
        let _ = self.sockets.send(SocketId::from_raw(id), bytes);
    }

    fn arm_idle_timer(&mut self, ctx: &Context) {
        self.idle_timer = match self.limits.idle_check() {
            Some(after) => ctx.timeout(Duration::from_millis(after * 10)),
            None => 0,
        };
    }

    fn on_idle_timer(&mut self, ctx: &Context) {
        let now = ctx.node().now();
        let mut any = false;
        for (id, client) in &mut self.clients {
            let Some(intake) = &mut client.intake else { continue };
            any = true;
            if let Err(breach) = intake.check_idle(now, &self.limits) {
                ctx.log(closing_line(*id, &client.peer, &breach));
                self.sockets.shutdown(SocketId::from_raw(*id));
            }
        }
        self.idle_timer = 0;
        if any {
            self.arm_idle_timer(ctx);
        }
    }

    /// The time, if a limit needs it.
    fn now(&self, ctx: &Context) -> u64 {
        if self.limits.needs_clock() { ctx.node().now() } else { 0 }
    }

    fn report(&self, ctx: &Context, text: String) {
        if !self.watchdog.is_none() {
            // A watchdog that is gone watches no more.
            let _ = ctx.send(self.watchdog, PTYPE_TEXT, text);
        }
    }
}

/// `<fd> data <bytes>`
fn data_text(id: SocketId, package: &[u8]) -> Payload {
    let head = format!("{id} data ");
    let mut text = PayloadBuf::with_capacity(head.len() + package.len());
    text.extend_from_slice(head.as_bytes());
    text.extend_from_slice(package);
    text.into_payload()
}

/// The service of an address `:hex` or `.name`; none if there is no such name.
fn service(ctx: &Context, address: &str) -> Handle {
    match address.strip_prefix('.') {
        _ if address.starts_with(':') => command::handle(address),
        Some(name) => ctx.node().find_name(name).unwrap_or(Handle::NONE),
        None => {
            ctx.log(format!("error: Don't support query global name {address}"));
            Handle::NONE
        }
    }
}
