//! Which node of a cluster is ours and which is C skynet's.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// What a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Our binary.
    Ours,
    /// C skynet's.
    C,
    /// Our binary, with C skynet's harbor service and its control plane in place of ours.
    Files,
}

/// The kinds of the nodes of a cluster. Node 1 is the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// All ours.
    Ours,
    /// All C: shows that a scenario asks for what C skynet does.
    C,
    /// C master, our slaves.
    CMaster,
    /// Our master, C slaves.
    OurMaster,
    /// In turn, the master ours.
    Mixed,
    /// All ours, with C's harbor service in place of ours.
    Files,
}

impl Layout {
    /// Every layout.
    pub const ALL: &'static [Self] =
        &[Self::Ours, Self::C, Self::CMaster, Self::OurMaster, Self::Mixed, Self::Files];

    /// Those with both kinds.
    pub const BOTH: &'static [Self] = &[Self::CMaster, Self::OurMaster, Self::Mixed];

    /// The word for it on the command line and in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::C => "c",
            Self::CMaster => "c-master",
            Self::OurMaster => "our-master",
            Self::Mixed => "mixed",
            Self::Files => "files",
        }
    }

    /// Whether C skynet is needed.
    #[must_use]
    pub fn needs_c(self) -> bool {
        self != Self::Ours
    }

    /// The kind of a node.
    #[must_use]
    pub fn kind(self, id: u32) -> Kind {
        let ours = match self {
            Self::Files => return Kind::Files,
            Self::Ours => true,
            Self::C => false,
            Self::CMaster => id != 1,
            Self::OurMaster => id == 1,
            Self::Mixed => id % 2 == 1,
        };
        if ours { Kind::Ours } else { Kind::C }
    }
}

/// The programs that nodes run.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Our binary.
    pub ours: PathBuf,
    /// The folder of a built C skynet, if there is one.
    pub c: Option<PathBuf>,
}

impl Programs {
    /// The scripts that come with C skynet, if that is there: nodes of both kinds find them.
    pub(super) fn scripts(&self) -> Option<PathBuf> {
        self.c.as_deref().map(|tree| tree.join("test"))
    }

    /// The binary of a kind, and the folder of C skynet where the node needs files of it.
    pub(super) fn of(&self, kind: Kind) -> Result<(PathBuf, Option<&Path>)> {
        let tree = || self.c.as_deref().context("SKYNET_C names no built C skynet");
        Ok(match kind {
            Kind::Ours => (self.ours.clone(), None),
            Kind::Files => (self.ours.clone(), Some(tree()?)),
            Kind::C => (tree()?.join("skynet"), Some(tree()?)),
        })
    }
}
