//! The network: chance chooses what happens next.

use skynet_core::{Handle, Message, PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE, Payload};
use skynet_harbor::peers::{Event, Sent, Side};
use skynet_socket::SocketId;

use crate::books::{Books, UNORDERED, content};
use crate::dice::Dice;
use crate::node::{HEARTBEAT, Node, SERVICES};
use crate::wire::{End, Wire};

/// What happened in a run.
#[derive(Debug, Default, Clone, Copy, Eq, PartialEq)]
pub(crate) struct Totals {
    pub(crate) sent: u64,
    pub(crate) answers: u64,
    pub(crate) errors: u64,
    /// Answers that were given after the error for the same call.
    pub(crate) late_answers: u64,
    /// Messages for services that are gone.
    pub(crate) unknown: u64,
    pub(crate) redirects: u64,
    pub(crate) refused: u64,
    pub(crate) cuts: u64,
    pub(crate) silences: u64,
    pub(crate) deaths: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: Totals) {
        self.sent += other.sent;
        self.answers += other.answers;
        self.errors += other.errors;
        self.late_answers += other.late_answers;
        self.unknown += other.unknown;
        self.redirects += other.redirects;
        self.refused += other.refused;
        self.cuts += other.cuts;
        self.silences += other.silences;
        self.deaths += other.deaths;
    }
}

pub(crate) struct World {
    dice: Dice,
    nodes: Vec<Node>,
    wires: Vec<Wire>,
    books: Books,
    now: u64,
    sockets: i32,
    lives: u32,
    totals: Totals,
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let mut dice = Dice::new(seed);
        let count = 2 + dice.below(5);
        let nodes = (0..count).map(|index| Node::new(index as u8 + 1, index as u32 + 1)).collect();
        World {
            dice,
            nodes,
            wires: Vec::new(),
            books: Books::default(),
            now: 0,
            sockets: 0,
            lives: count as u32,
            totals: Totals::default(),
        }
    }

    /// Lets faults happen for a while, then none, and looks whether all is well.
    pub(crate) fn run(mut self) -> Totals {
        let steps = 200 + self.dice.below(600);
        for _ in 0..steps {
            match self.dice.below(300) {
                0..=79 => self.send(),
                80..=159 => {
                    self.carry(200);
                }
                160..=209 => self.answer(),
                210..=269 => self.connect(),
                270..=293 => self.pass(20),
                294 | 295 => self.cut(),
                296 => self.silence(),
                297 | 298 => self.die_or_return(),
                _ => self.freeze_or_forget(),
            }
        }
        for node in &mut self.nodes {
            node.frozen = 0;
        }
        self.revive();
        // As long as it takes to notice every silence, and to link again.
        for _ in 0..60 {
            self.pass(HEARTBEAT / 5);
            self.connect_all();
            while self.carry_all() {}
            self.answer_all();
            while self.carry_all() {}
            if self.is_settled() {
                break;
            }
        }
        self.check_the_end();
        self.totals
    }

    fn open_calls(&self) -> Vec<(Handle, i32)> {
        self.books.open(|source| self.nodes.iter().any(|node| node.has(source)))
    }

    /// Nothing is amiss any more, and no silence is still to be noticed.
    fn is_settled(&self) -> bool {
        let linked = |from: &Node, to: &Node| from.id == to.id || from.peers.linked(to.id).is_some();
        self.wires
            .iter()
            .all(|wire| !wire.silent && wire.ends.iter().all(|end| end.open && end.coming.is_empty()))
            && self.nodes.iter().all(|from| self.nodes.iter().all(|to| linked(from, to)))
            && self.open_calls().is_empty()
    }

    fn check_the_end(&mut self) {
        let open = self.open_calls();
        assert!(open.is_empty(), "calls without an answer: {open:?}");
        for (from, to) in self.pairs() {
            let id = self.nodes[to].id;
            assert!(self.nodes[from].peers.linked(id).is_some(), "{} is linked to {id}", self.nodes[from].id);
            let before = self.totals.answers;
            self.ask(from, self.nodes[to].service(0), true);
            while self.carry_all() {}
            self.answer_all();
            while self.carry_all() {}
            assert_eq!(self.totals.answers, before + 1, "a call from {} to {id}", self.nodes[from].id);
        }
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let count = self.nodes.len();
        (0..count).flat_map(|a| (0..count).filter(move |b| *b != a).map(move |b| (a, b))).collect()
    }

    /// Some service sends to another, maybe of a node that is gone, maybe one of a former life.
    fn send(&mut self) {
        let (from, to) = (self.dice.below(self.nodes.len()), self.dice.below(self.nodes.len()));
        if from == to || !self.nodes[from].runs(self.now) {
            return;
        }
        let index = self.dice.below(SERVICES as usize) as u32;
        let mut dest = self.nodes[to].service(index);
        if self.dice.one_in(10) {
            dest = Handle::new(dest.harbor(), dest.local() + 100);
        }
        let wants_answer = self.dice.below(3) > 0;
        self.ask(from, dest, wants_answer);
    }

    fn ask(&mut self, from: usize, dest: Handle, wants_answer: bool) {
        let source = self.nodes[from].service(self.dice.below(SERVICES as usize) as u32);
        let mut session = 0;
        if wants_answer {
            self.nodes[from].session += 1;
            session = self.nodes[from].session;
            self.books.asked(source, session);
        }
        let filler = if self.dice.one_in(10) { 5000 } else { self.dice.below(60) };
        let payload = content(self.books.number(source, dest), dest, filler).into();
        self.totals.sent += 1;
        self.route(from, dest, Message { kind: PTYPE_LUA, session, source, payload });
    }

    /// What the harbor service does with a message for another node.
    fn route(&mut self, from: usize, dest: Handle, message: Message) {
        match self.nodes[from].peers.send(dest, message) {
            Sent::Out | Sent::Waits => {}
            Sent::Refused { message, .. } => {
                self.totals.refused += 1;
                self.fail(from, &message);
            }
            Sent::Down { message, .. } => self.fail(from, &message),
            other => panic!("{other:?}"),
        }
        self.settle(from);
        if self.dice.one_in(2) {
            self.flush(from);
        }
    }

    fn fail(&mut self, at: usize, message: &Message) {
        if message.wants_answer() {
            self.error(at, message.source, message.session);
        }
    }

    /// An error for whoever waits, who may be on another node.
    fn error(&mut self, at: usize, source: Handle, session: i32) {
        if source.harbor() == self.nodes[at].id {
            if self.nodes[at].has(source) {
                self.totals.errors += 1;
                self.books.answered(source, session, "an error");
            }
        } else {
            let own = self.nodes[at].service(0);
            let error = Message { kind: PTYPE_ERROR, session, source: own, payload: Payload::empty() };
            self.route(at, source, error);
        }
    }

    fn settle(&mut self, at: usize) {
        while let Some(event) = self.nodes[at].peers.event() {
            match event {
                Event::Fail { source, session } => self.error(at, source, session),
                Event::Start(socket) => self.end(socket).started = true,
                Event::Close { socket, .. } => self.close(socket),
                _ => {}
            }
        }
    }

    fn flush(&mut self, at: usize) {
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

    fn end(&mut self, socket: SocketId) -> &mut End {
        let mut ends = self.wires.iter_mut().flat_map(|wire| &mut wire.ends);
        ends.find(|end| end.socket == socket).expect("wires stay while one end is open")
    }

    /// This end is closed. The other reads what is on its way, and then hears of it, unless the wire is silent.
    fn close(&mut self, socket: SocketId) {
        for wire in &mut self.wires {
            let Some(this) = wire.ends.iter().position(|end| end.socket == socket) else { continue };
            wire.ends[this].open = false;
            wire.ends[1 - this].over |= !wire.silent;
        }
        self.wires.retain(|wire| !wire.is_gone());
    }

    /// Bytes move on a wire.
    fn carry(&mut self, most: usize) -> bool {
        if self.wires.is_empty() {
            return false;
        }
        let (wire, side) = (self.dice.below(self.wires.len()), self.dice.below(2));
        let most = 1 + self.dice.below(most);
        self.carry_on(wire, side, most)
    }

    fn carry_all(&mut self) -> bool {
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
    fn carry_on(&mut self, wire: usize, side: usize, most: usize) -> bool {
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
    fn accept(&mut self, at: usize, socket: SocketId, from: usize) -> bool {
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

    fn receive(&mut self, at: usize, socket: SocketId, bytes: &[u8]) {
        let mut came = Vec::new();
        self.nodes[at].peers.received(socket, bytes, |dest, message| came.push((dest, message)));
        for (dest, message) in came {
            self.deliver(at, dest, message);
        }
    }

    fn deliver(&mut self, at: usize, dest: Handle, message: Message) {
        let Message { kind, session, source, .. } = message;
        let is_answer = matches!(kind, PTYPE_RESPONSE | PTYPE_ERROR);
        if !self.nodes[at].has(dest) {
            self.totals.unknown += 1;
            if !is_answer {
                let error = Message { kind: PTYPE_ERROR, session, source: dest, payload: Payload::empty() };
                if source.harbor() == self.nodes[at].id {
                    self.deliver(at, source, error);
                } else {
                    self.route(at, source, error);
                }
            }
            return;
        }
        if is_answer {
            if session > 0 {
                let count =
                    if kind == PTYPE_ERROR { &mut self.totals.errors } else { &mut self.totals.answers };
                *count += 1;
                self.books.answered(
                    dest,
                    session,
                    if kind == PTYPE_ERROR { "a remote error" } else { "an answer" },
                );
            }
            return;
        }
        self.books.delivered(source, dest, &message.payload);
        if message.wants_answer() {
            self.nodes[at].owed.push((dest, message));
        }
    }

    /// Some service answers one of its requests, or passes it on.
    fn answer(&mut self) {
        let at = self.dice.below(self.nodes.len());
        if !self.nodes[at].runs(self.now) || self.nodes[at].owed.is_empty() {
            return;
        }
        let which = self.dice.below(self.nodes[at].owed.len());
        let (service, request) = self.nodes[at].owed.swap_remove(which);
        let Message { session, source, .. } = request;
        let other = self.dice.below(self.nodes.len());
        if self.dice.one_in(12)
            && other != at
            && self.nodes[other].id != source.harbor()
            && source.harbor() != self.nodes[at].id
        {
            self.totals.redirects += 1;
            self.books.passed_on(source, session);
            let dest = self.nodes[other].service(0);
            // It takes another way than what its source sends there itself.
            let payload = content(UNORDERED, dest, 0).into();
            self.route(at, dest, Message { kind: PTYPE_LUA, session, source, payload });
            return;
        }
        self.respond(at, service, source, session);
    }

    fn answer_all(&mut self) {
        for at in 0..self.nodes.len() {
            for (service, Message { session, source, .. }) in std::mem::take(&mut self.nodes[at].owed) {
                self.respond(at, service, source, session);
            }
        }
    }

    fn respond(&mut self, at: usize, service: Handle, source: Handle, session: i32) {
        self.totals.late_answers += u64::from(self.books.is_answered(source, session));
        let answer = Message { kind: PTYPE_RESPONSE, session, source: service, payload: "done".into() };
        if source.harbor() == self.nodes[at].id {
            self.deliver(at, source, answer);
        } else {
            self.route(at, source, answer);
        }
    }

    /// Some node that has no link to another connects to it.
    fn connect(&mut self) {
        let (from, to) = (self.dice.below(self.nodes.len()), self.dice.below(self.nodes.len()));
        self.connect_pair(from, to);
    }

    fn connect_all(&mut self) {
        for (from, to) in self.pairs() {
            self.connect_pair(from, to);
        }
    }

    fn connect_pair(&mut self, from: usize, to: usize) {
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
    fn pass(&mut self, most: u64) {
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

    fn cut(&mut self) {
        if self.wires.is_empty() {
            return;
        }
        self.totals.cuts += 1;
        let keep = [self.dice.below(200), self.dice.below(200)];
        let wire = self.dice.below(self.wires.len());
        self.wires[wire].cut(keep);
    }

    fn silence(&mut self) {
        if self.wires.is_empty() {
            return;
        }
        self.totals.silences += 1;
        let wire = self.dice.below(self.wires.len());
        self.wires[wire].silent = true;
    }

    /// A node dies, its connections with a reset or with its machine; or one comes back.
    fn die_or_return(&mut self) {
        let at = self.dice.below(self.nodes.len());
        if !self.nodes[at].alive {
            return self.bring_back(at);
        }
        self.totals.deaths += 1;
        self.nodes[at].alive = false;
        let (machine, life) = (self.dice.one_in(2), self.nodes[at].life);
        for wire in &mut self.wires {
            if let Some(this) = wire.ends.iter().position(|end| end.node == at && end.life == life) {
                wire.ends[this].open = false;
                wire.silent |= machine;
                let keep = self.dice.below(300);
                let other = &mut wire.ends[1 - this];
                other.coming.truncate(keep);
                other.over |= !wire.silent;
            }
        }
        self.wires.retain(|wire| !wire.is_gone());
    }

    fn bring_back(&mut self, at: usize) {
        self.lives += 1;
        self.nodes[at] = Node::new(self.nodes[at].id, self.lives);
    }

    fn revive(&mut self) {
        for at in 0..self.nodes.len() {
            if !self.nodes[at].alive {
                self.bring_back(at);
            }
        }
    }

    /// A node stands still for a while, or the master says that one is gone.
    fn freeze_or_forget(&mut self) {
        let (at, about) = (self.dice.below(self.nodes.len()), self.dice.below(self.nodes.len()));
        if self.dice.one_in(2) {
            self.nodes[at].frozen = self.now + self.dice.below(2 * HEARTBEAT as usize) as u64;
        } else if at != about && self.nodes[at].runs(self.now) && !self.nodes[about].alive {
            let id = self.nodes[about].id;
            self.nodes[at].peers.gone(id);
            self.settle(at);
        }
    }
}
