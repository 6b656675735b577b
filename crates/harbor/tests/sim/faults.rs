//! What goes wrong.

use crate::node::{HEARTBEAT, Node};
use crate::world::World;

impl World {
    pub(crate) fn cut(&mut self) {
        if self.wires.is_empty() {
            return;
        }
        self.totals.cuts += 1;
        let keep = [self.dice.below(200), self.dice.below(200)];
        let wire = self.dice.below(self.wires.len());
        self.wires[wire].cut(keep);
    }

    pub(crate) fn silence(&mut self) {
        if self.wires.is_empty() {
            return;
        }
        self.totals.silences += 1;
        let wire = self.dice.below(self.wires.len());
        self.wires[wire].silent = true;
    }

    /// A node dies, its connections with a reset or with its machine; or one comes back.
    pub(crate) fn die_or_return(&mut self) {
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

    pub(crate) fn bring_back(&mut self, at: usize) {
        self.lives += 1;
        self.nodes[at] = Node::new(self.nodes[at].id, self.lives);
    }

    pub(crate) fn revive(&mut self) {
        for at in 0..self.nodes.len() {
            if !self.nodes[at].alive {
                self.bring_back(at);
            }
        }
    }

    /// A node stands still for a while, or the master says that one is gone.
    pub(crate) fn freeze_or_forget(&mut self) {
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
