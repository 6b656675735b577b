//! The network: chance chooses what happens next.

use skynet_core::Handle;

use crate::books::Books;
use crate::dice::Dice;
use crate::node::{HEARTBEAT, Node};
use crate::wire::Wire;

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
    pub(crate) dice: Dice,
    pub(crate) nodes: Vec<Node>,
    pub(crate) wires: Vec<Wire>,
    pub(crate) books: Books,
    pub(crate) now: u64,
    pub(crate) sockets: i32,
    pub(crate) lives: u32,
    pub(crate) totals: Totals,
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

    pub(crate) fn pairs(&self) -> Vec<(usize, usize)> {
        let count = self.nodes.len();
        (0..count).flat_map(|a| (0..count).filter(move |b| *b != a).map(move |b| (a, b))).collect()
    }
}
