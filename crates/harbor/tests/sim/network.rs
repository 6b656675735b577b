//! Connections, and the bytes on them. And what sockets and slaves do.

use skynet_harbor::peers::{Event, Side};
use skynet_socket::SocketId;

use crate::node::HEARTBEAT;
use crate::wire::{End, Wire};
use crate::world::World;

impl World {
    pub(crate) fn settle(&mut self, at: usize) {
        while let Some(event) = self.nodes[at].peers.event() {
            match event {
                Event::Fail { source, session, .. } => self.error(at, source, session),
                Event::Start(socket) => self.end(socket).started = true,
                Event::Close { socket, .. } => self.close(socket),
                _ => {}
            }
        }
    }

    pub(crate) fn flush(&mut self, at: usize) {
        let wires = &mut self.wires;
        self.nodes[at].peers.flush(|socket, parts| {
            let wire =
                wires.iter_mut().find(|wire| wire.ends.iter().any(|end| end.socket == socket && end.open));
            let Some(wire) = wire else { return 0 };
            let other = usize::from(wire.ends[0].socket == socket);
            let end = &mut wire.ends[other];
            if !wire.silent && end.open && !end.over {
                parts.iter().for_each(|part| end.coming.extend(&**part));
            }
            end.coming.len()
        });
    }

    pub(crate) fn end(&mut self, socket: SocketId) -> &mut End {
        let mut ends = self.wires.iter_mut().flat_map(|wire| &mut wire.ends);
        ends.find(|end| end.socket == socket).expect("wires stay while one end is open")
    }

    /// This end is closed. The other reads what is on its way, and then hears of it, unless the wire is silent.
    pub(crate) fn close(&mut self, socket: SocketId) {
        for wire in &mut self.wires {
            let Some(this) = wire.ends.iter().position(|end| end.socket == socket) else { continue };
            wire.ends[this].open = false;
            wire.ends[1 - this].over |= !wire.silent;
        }
        self.wires.retain(|wire| !wire.is_gone());
    }

    /// Bytes move on a wire.
    pub(crate) fn carry(&mut self, most: usize) -> bool {
        if self.wires.is_empty() {
            return false;
        }
        let (wire, side) = (self.dice.below(self.wires.len()), self.dice.below(2));
        let most = 1 + self.dice.below(most);
        self.carry_on(wire, side, most)
    }

    pub(crate) fn carry_all(&mut self) -> bool {
        (0..self.nodes.len()).for_each(|at| self.flush(at));
        let ends: Vec<SocketId> =
            self.wires.iter().flat_map(|wire| wire.ends.iter().map(|end| end.socket)).collect();
        let mut moved = false;
        for socket in ends {
            let place = self.wires.iter().enumerate().find_map(|(at, wire)| {
                wire.ends.iter().position(|end| end.socket == socket).map(|side| (at, side))
            });
            if let Some((wire, side)) = place {
                moved |= self.carry_on(wire, side, 10_000);
            }
        }
        moved
    }

    /// One thing happens at one end of a wire. False if there was nothing to happen.
    pub(crate) fn carry_on(&mut self, wire: usize, side: usize, most: usize) -> bool {
        let wire = &mut self.wires[wire];
        let from = wire.ends[1 - side].node;
        let end = &mut wire.ends[side];
        let (at, socket) = (end.node, end.socket);
        let node = &self.nodes[at];
        if !end.open {
            return false;
        }
        if !node.alive || node.life != end.life {
            self.close(socket);
            return true;
        }
        if !node.runs(self.now) {
            return false;
        }
        if end.fresh {
            return self.accept(at, socket, from);
        }
        if end.started && !end.ready {
            end.ready = true;
            self.nodes[at].peers.ready(socket);
        } else if end.ready && !end.coming.is_empty() {
            let count = most.min(end.coming.len());
            let bytes: Vec<u8> = end.coming.drain(..count).collect();
            if end.coming.is_empty() {
                let (id, back) = (self.nodes[at].id, from);
                self.nodes[back].peers.unclog(id);
            }
            self.receive(at, socket, &bytes);
        } else if end.ready && end.over {
            self.nodes[at].peers.closed(socket);
            self.close(socket);
        } else {
            return false;
        }
        self.settle(at);
        true
    }

    /// The slave of the accepting node reads who that is.
    pub(crate) fn accept(&mut self, at: usize, socket: SocketId, from: usize) -> bool {
        let end = self.end(socket);
        let over = end.over;
        let Some(id) = end.coming.pop_front() else {
            if over {
                self.close(socket);
            }
            return over;
        };
        assert_eq!(id, self.nodes[from].id, "the first byte is the id");
        self.end(socket).fresh = false;
        // It mostly knows that the other one has a reason to connect anew.
        if self.dice.below(5) > 0 {
            self.nodes[at].peers.gone(id);
            self.settle(at);
        }
        let now = self.now;
        self.nodes[at].peers.link(id, socket, Side::Accepted, HEARTBEAT, now);
        self.settle(at);
        true
    }

    pub(crate) fn receive(&mut self, at: usize, socket: SocketId, bytes: &[u8]) {
        let mut came = Vec::new();
        self.nodes[at].peers.received(socket, bytes, |dest, message| came.push((dest, message)));
        for (dest, message) in came {
            self.deliver(at, dest, message);
        }
    }

    /// Some node that has no link to another connects to it.
    pub(crate) fn connect(&mut self) {
        let (from, to) = (self.dice.below(self.nodes.len()), self.dice.below(self.nodes.len()));
        self.connect_pair(from, to);
    }

    pub(crate) fn connect_all(&mut self) {
        for (from, to) in self.pairs() {
            self.connect_pair(from, to);
        }
    }

    pub(crate) fn connect_pair(&mut self, from: usize, to: usize) {
        let now = self.now;
        if from == to || !self.nodes[from].runs(now) || !self.nodes[to].alive {
            return;
        }
        let linked = self.wires.iter().any(|wire| {
            let touches = |node: usize| {
                wire.ends.iter().any(|end| end.node == node && end.open && end.life == self.nodes[node].life)
            };
            touches(from) && touches(to)
        });
        if linked {
            return;
        }
        let ids = [SocketId::from_raw(self.sockets + 1), SocketId::from_raw(self.sockets + 2)];
        self.sockets += 2;
        let lives = [self.nodes[from].life, self.nodes[to].life];
        let ends = [End::new(from, lives[0], ids[0], false), End::new(to, lives[1], ids[1], true)];
        self.wires.push(Wire { ends, silent: false });
        let id = self.nodes[to].id;
        self.nodes[from].peers.link(id, ids[0], Side::Connected, HEARTBEAT, now);
        self.settle(from);
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, most: u64) {
        self.now += 1 + self.dice.below(most as usize) as u64;
        for at in 0..self.nodes.len() {
            let (now, node) = (self.now, &mut self.nodes[at]);
            if node.runs(now) && node.peers.next_tick().is_some_and(|next| next <= now) {
                node.peers.tick(now);
                self.settle(at);
                self.flush(at);
            }
        }
    }
}
