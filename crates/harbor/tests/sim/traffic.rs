//! What services do: ask, answer, pass on. And what their harbor service does with that.

use skynet_core::{Handle, Message, PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE, Payload};
use skynet_harbor::peers::Sent;

use crate::books::{UNORDERED, content};
use crate::node::SERVICES;
use crate::world::World;

impl World {
    /// Some service sends to another, maybe of a node that is gone, maybe one of a former life.
    pub(crate) fn send(&mut self) {
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

    pub(crate) fn ask(&mut self, from: usize, dest: Handle, wants_answer: bool) {
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
    pub(crate) fn route(&mut self, from: usize, dest: Handle, message: Message) {
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

    pub(crate) fn fail(&mut self, at: usize, message: &Message) {
        if message.wants_answer() {
            self.error(at, message.source, message.session);
        }
    }

    /// An error for whoever waits, who may be on another node.
    pub(crate) fn error(&mut self, at: usize, source: Handle, session: i32) {
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

    pub(crate) fn deliver(&mut self, at: usize, dest: Handle, message: Message) {
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
    pub(crate) fn answer(&mut self) {
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

    pub(crate) fn answer_all(&mut self) {
        for at in 0..self.nodes.len() {
            for (service, Message { session, source, .. }) in std::mem::take(&mut self.nodes[at].owed) {
                self.respond(at, service, source, session);
            }
        }
    }

    pub(crate) fn respond(&mut self, at: usize, service: Handle, source: Handle, session: i32) {
        self.totals.late_answers += u64::from(self.books.is_answered(source, session));
        let answer = Message { kind: PTYPE_RESPONSE, session, source: service, payload: "done".into() };
        if source.harbor() == self.nodes[at].id {
            self.deliver(at, source, answer);
        } else {
            self.route(at, source, answer);
        }
    }
}
