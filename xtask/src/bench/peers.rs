//! The core beside other actor libraries: drives the program in `xtask/peers`, which is a cargo project of its own, so
//! that none of those libraries is in the workspace's dependencies.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::node;
use super::options::Options;
use super::stats::{self, Values};
use crate::shell::{self, cargo};

/// Who takes part; the first is ours.
pub(super) const PEERS: &[&str] = &["skynet", "tokio", "actix", "actix-2", "kameo", "ractor"];

/// One line of the table.
pub(super) struct Shape {
    /// The name that the value is reported under.
    pub(super) row: &'static str,
    /// The shape that measures it.
    shape: &'static str,
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    /// Whether more is better.
    pub(super) more: bool,
}

const fn rate(row: &'static str, title: &'static str) -> Shape {
    Shape { row, shape: row, title, unit: "/s", more: true }
}

const SHAPES: &[Shape] = &[
    rate("one-way", "one-way, 1 producer to 1 consumer, 10 M"),
    rate("request", "request and answer, one after another"),
    rate("pairs", "request and answer, 64 pairs"),
    rate("spawn", "actors started, 200 k"),
    Shape {
        row: "memory",
        shape: "spawn",
        title: "resident memory of such an idle actor",
        unit: "KiB",
        more: false,
    },
];

/// A row with the median of each peer, in the order of [`PEERS`].
pub(super) struct ShapeResult {
    pub(super) shape: &'static Shape,
    pub(super) values: Vec<Option<f64>>,
}

impl ShapeResult {
    /// Ours divided by the best of the others.
    pub(super) fn ratio(&self) -> Option<f64> {
        let (ours, others) = self.values.split_first()?;
        let others = others.iter().flatten().copied();
        let best = if self.shape.more { others.reduce(f64::max) } else { others.reduce(f64::min) };
        Some((*ours)? / best?)
    }

    /// Whether ours is the best.
    pub(super) fn met(&self) -> Option<bool> {
        self.ratio().map(|ratio| if self.shape.more { ratio > 1.0 } else { ratio < 1.0 })
    }
}

/// The shapes to run, each once.
pub(super) fn shapes(options: &Options) -> Vec<&'static str> {
    let mut shapes: Vec<&str> = Vec::new();
    for shape in SHAPES.iter().filter(|shape| options.wants(shape.row)) {
        if !shapes.contains(&shape.shape) {
            shapes.push(shape.shape);
        }
    }
    shapes
}

/// The names of all rows, for a message.
pub(super) fn names() -> String {
    SHAPES.iter().map(|shape| shape.row).collect::<Vec<_>>().join(", ")
}

/// The rows that were asked for, with the medians that `value` gives for a peer and a row.
pub(super) fn results(options: &Options, value: impl Fn(&str, &str) -> Option<f64>) -> Vec<ShapeResult> {
    SHAPES
        .iter()
        .filter(|shape| options.wants(shape.row))
        .map(|shape| ShapeResult { shape, values: PEERS.iter().map(|peer| value(peer, shape.row)).collect() })
        .collect()
}

/// Builds the program and tells where it lies.
///
/// # Errors
///
/// When it does not build.
pub(super) fn build() -> Result<PathBuf> {
    let manifest = shell::root().join("xtask").join("peers").join("Cargo.toml");
    let target = shell::target_dir()?.join("peers");
    let mut command = cargo(&["build", "--release", "--manifest-path"]);
    shell::run(command.arg(manifest).env("CARGO_TARGET_DIR", &target))?;
    let program = target.join("release").join(format!("peers{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        bail!("the build made no {}", program.display());
    }
    Ok(program)
}

/// Runs one shape of one peer and gives what it reported.
///
/// # Errors
///
/// When the process cannot be started, fails, hangs or reports nothing.
pub(super) fn measure(program: &Path, peer: &str, shape: &str) -> Result<Values> {
    let file = shell::target_dir()?.join("peers").join(format!("output.{}", std::process::id()));
    let text = node::output(Command::new(program).args([peer, shape]), &file);
    std::fs::remove_file(&file)?;
    stats::parse(&text?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_against_the_best_other_in_the_direction_of_the_row() {
        let result = |row: usize, values: &[f64]| ShapeResult {
            shape: &SHAPES[row],
            values: values.iter().copied().map(Some).collect(),
        };
        let rate = result(0, &[6.0, 2.0, 3.0]);
        assert_eq!((rate.ratio(), rate.met()), (Some(2.0), Some(true)));
        let memory = result(4, &[6.0, 2.0, 3.0]);
        assert_eq!((memory.ratio(), memory.met()), (Some(3.0), Some(false)));
    }
}
