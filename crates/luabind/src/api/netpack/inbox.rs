//! What a queue of `skynet.netpack` holds: clients, and packages that wait to be popped. Leaf code: there is no Lua in it.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;

use skynet_core::{Context, Handle, PTYPE_CLIENT, Payload, SendError};
use skynet_socket::framing::Header;
use skynet_socket::gate::{IdMap, Intake, Limits, closing_line, is_overflow, lost_line};
use skynet_socket::{SocketId, Sockets};

/// Packages of one read for which room is kept.
const MOST_ROOM: usize = 1024;

/// The clients of one gate.
pub(crate) struct Inbox {
    /// Those about whom something is to be remembered: a package that has begun, limits, a route.
    clients: IdMap<Box<Client>>,
    ready: VecDeque<(i32, Payload)>,
    /// Room for those of one read.
    packages: Vec<Payload>,
    limits: Limits,
    /// `None` on a node without sockets, where nothing ever comes in.
    sockets: Option<Sockets>,
}

#[derive(Default)]
struct Client {
    peer: Option<SocketAddr>,
    /// What comes in; there is nothing before the connection was started.
    intake: Option<Intake>,
    route: Option<Route>,
}

/// Where the packages of a client go without Lua.
struct Route {
    agent: Handle,
    /// In whose name; [`Handle::NONE`] is the gate's.
    client: Handle,
    /// That they get nowhere was logged.
    lost: bool,
}

/// What a read has brought for Lua.
pub(super) enum Came {
    Nothing,
    /// Exactly one package.
    One(Payload),
    /// Some are ready to be popped.
    Several,
}

impl Inbox {
    pub(super) fn new(ctx: &Context) -> Inbox {
        Inbox {
            clients: IdMap::default(),
            ready: VecDeque::new(),
            packages: Vec::new(),
            limits: Limits::default(),
            sockets: Sockets::of(ctx.node()),
        }
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// A listener took a connection.
    pub(super) fn on_accept(&mut self, id: i32, peer: &[u8]) {
        if !self.limits.is_empty() {
            let peer = std::str::from_utf8(peer).ok().and_then(|peer| peer.parse().ok());
            self.clients.entry(id).or_default().peer = peer;
        }
    }

    /// A connection was started. Other sockets of the service are no clients.
    pub(super) fn on_start(&mut self, ctx: &Context, id: i32) {
        let (limits, now) = (self.limits, self.now(ctx));
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.intake.get_or_insert_with(|| Intake::new(Header::Two, &limits, now));
        if let (Some(sockets), Some(_)) = (&self.sockets, limits.buffer) {
            sockets.limit(SocketId::from_raw(id), limits.buffer);
        }
    }

    /// A connection failed.
    pub(super) fn on_error(&mut self, ctx: &Context, id: i32, reason: &[u8]) {
        let reason = String::from_utf8_lossy(reason);
        if is_overflow(&reason) && self.clients.contains_key(&id) {
            ctx.log(closing_line(id, &self.peer(id), &reason));
        }
        self.on_close(id);
    }

    /// A connection has ended: of a package that has begun there will be no more.
    pub(super) fn on_close(&mut self, id: i32) {
        self.clients.remove(&id);
    }

    /// Bytes came.
    pub(super) fn on_data(&mut self, ctx: &Context, id: i32, block: Payload) -> Came {
        if self.routes(id) {
            self.deliver(ctx, id, block);
            return Came::Nothing;
        }
        let (limits, now) = (self.limits, self.now(ctx));
        let mut one = None;
        let ready = &mut self.ready;
        let mut give = |package| match one.take() {
            None if ready.is_empty() => one = Some(package),
            first => {
                ready.extend(first.map(|first| (id, first)));
                ready.push_back((id, package));
            }
        };
        let fed = match self.clients.get_mut(&id) {
            Some(client) => {
                let intake = client.intake.get_or_insert_with(|| Intake::new(Header::Two, &limits, now));
                let fed = intake.feed(block, now, &limits, &mut give);
                if limits.is_empty() && intake.is_between() {
                    self.clients.remove(&id);
                }
                fed
            }
            None => {
                let mut intake = Intake::new(Header::Two, &limits, now);
                let fed = intake.feed(block, now, &limits, &mut give);
                if !limits.is_empty() || !intake.is_between() {
                    self.clients.entry(id).or_default().intake = Some(intake);
                }
                fed
            }
        };
        if let Err(breach) = fed {
            self.close_for(ctx, id, &breach);
        }
        match one {
            Some(package) => Came::One(package),
            None if self.ready.is_empty() => Came::Nothing,
            None => Came::Several,
        }
    }

    /// Whether the packages of a connection go somewhere without Lua.
    #[inline]
    pub(crate) fn routes(&self, id: i32) -> bool {
        self.clients.get(&id).is_some_and(|client| client.route.is_some())
    }

    /// Bytes of a connection whose packages go to a service.
    pub(crate) fn deliver(&mut self, ctx: &Context, id: i32, block: Payload) {
        let (limits, now) = (self.limits, self.now(ctx));
        let Some(client) = self.clients.get_mut(&id) else { return };
        let Client { peer, intake, route } = &mut **client;
        let Some(route) = route else { return };
        let intake = intake.get_or_insert_with(|| Intake::new(Header::Two, &limits, now));
        let packages = &mut self.packages;
        let fed = intake.feed(block, now, &limits, |package| packages.push(package));
        route.send(ctx, id, *peer, packages);
        if let Some(sockets) = &self.sockets {
            sockets.hold(SocketId::from_raw(id), route.agent);
        }
        if let Err(breach) = fed {
            self.close_for(ctx, id, &breach);
        }
    }

    /// From now on the packages of a connection go to a service; those that wait to be popped are the first.
    pub(super) fn route(&mut self, ctx: &Context, id: i32, agent: Handle, client: Handle) {
        let mut route = Route { agent, client, lost: false };
        let known = self.clients.entry(id).or_default();
        let peer = known.peer;
        if self.ready.iter().any(|(owner, _)| *owner == id) {
            for (owner, package) in std::mem::take(&mut self.ready) {
                if owner == id {
                    self.packages.push(package);
                } else {
                    self.ready.push_back((owner, package));
                }
            }
            route.send(ctx, id, peer, &mut self.packages);
        }
        known.route = Some(route);
    }

    /// The packages of a connection come to Lua again.
    pub(super) fn unroute(&mut self, id: i32) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.route = None;
            if self.limits.is_empty() && client.intake.as_ref().is_none_or(Intake::is_between) {
                self.clients.remove(&id);
            }
        }
    }

    pub(super) fn pop(&mut self) -> Option<(i32, Payload)> {
        self.ready.pop_front()
    }

    /// Forgets packages, whole or begun; limits and routes stay.
    pub(super) fn clear(&mut self, ctx: &Context) {
        let (limits, now) = (self.limits, self.now(ctx));
        self.ready.clear();
        self.clients.retain(|_, client| {
            if let Some(intake) = &mut client.intake {
                *intake = Intake::new(Header::Two, &limits, now);
            }
            client.route.is_some() || !limits.is_empty()
        });
    }

    /// Closes those that have been idle for too long. In how many 1/100 s to look again, if there is anybody to look at.
    pub(super) fn sweep(&mut self, ctx: &Context) -> Option<u64> {
        let (limits, now) = (self.limits, self.now(ctx));
        let after = limits.idle_check()?;
        let mut idle = Vec::new();
        for (id, client) in &mut self.clients {
            if let Some(intake) = &mut client.intake
                && let Err(breach) = intake.check_idle(now, &limits)
            {
                idle.push((*id, breach));
            }
        }
        idle.iter().for_each(|(id, breach)| self.close_for(ctx, *id, breach));
        (!self.clients.is_empty()).then_some(after)
    }

    /// A client loses its connection for breaking a limit. It is heard of once more, when it is closed.
    #[cold]
    fn close_for(&self, ctx: &Context, id: i32, reason: &dyn fmt::Display) {
        ctx.log(closing_line(id, &self.peer(id), reason));
        if let Some(sockets) = &self.sockets {
            sockets.shutdown(SocketId::from_raw(id));
        }
    }

    fn peer(&self, id: i32) -> String {
        let peer = self.clients.get(&id).and_then(|client| client.peer);
        peer_text(peer)
    }

    /// The time, if a limit needs it.
    #[inline]
    fn now(&self, ctx: &Context) -> u64 {
        if self.limits.needs_clock() { ctx.node().now() } else { 0 }
    }
}

impl Route {
    #[inline]
    fn send(&mut self, ctx: &Context, id: i32, peer: Option<SocketAddr>, packages: &mut Vec<Payload>) {
        let sent = match packages.len() {
            0 => return,
            // The usual case, and cheaper so.
            1 => packages.drain(..).try_for_each(|one| self.send_one(ctx, id, one)),
            _ => ctx.send_all(self.client, self.agent, PTYPE_CLIENT, id, packages.drain(..)),
        };
        if packages.capacity() > MOST_ROOM {
            *packages = Vec::new();
        }
        if let Err(error) = sent
            && !std::mem::replace(&mut self.lost, true)
        {
            ctx.log(lost_line(id, &peer_text(peer), &error));
        }
    }

    #[inline]
    fn send_one(&self, ctx: &Context, id: i32, package: Payload) -> Result<(), SendError> {
        ctx.send_from(self.client, self.agent, PTYPE_CLIENT, id, package)
    }
}

fn peer_text(peer: Option<SocketAddr>) -> String {
    peer.map_or_else(|| "address unknown".to_owned(), |peer| peer.to_string())
}
