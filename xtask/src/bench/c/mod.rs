//! `cargo xtask bench c`: messages between services written in C. One module, built once, runs on all nodes.
//!
//! * [`rows`]: what is measured, and what we aim for

mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::node::{self, Contestant, Kind};
use super::options::Options;
use super::stats::{Samples, median};
use super::{finish, report};
use crate::shell;
pub(super) use rows::CRow;

/// The module, without `.c` and `.so`; also how its services are called.
const MODULE: &str = "bench_c";

/// The benchmarks of C services.
///
/// # Errors
///
/// When the arguments are wrong, something does not build, or a run fails; a missed aim is no error.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let tests = rows::tests(&options);
    if tests.is_empty() {
        bail!("no benchmark of C services is called like that; there are {}", rows::names());
    }
    let nodes = nodes()?;
    let folder = build_module()?;

    let mut samples: BTreeMap<Kind, Samples> = BTreeMap::new();
    let mut failures = Vec::new();
    for test in tests {
        for turn in 1..=options.runs {
            for node in &nodes {
                eprintln!("{}: {} {turn}/{}", test.name, node.kind.name(), options.runs);
                match node::measure_with(node, |scratch| config(node, test.name, &folder, scratch)) {
                    Ok(values) => samples.entry(node.kind).or_default().add(values),
                    Err(error) => failures.push(format!("{} on {}: {error:#}", test.name, node.kind.name())),
                }
            }
        }
    }

    let results = rows::results(&options, |kind, row| median(samples.get(&kind)?.of(row)));
    println!("{}", if options.json { report::c_json(&results) } else { report::c_table(&results) });
    finish(&failures)
}

/// Our node and, where `SKYNET_C` names one, C skynet; both with accounting and without.
fn nodes() -> Result<Vec<Contestant>> {
    let ours = shell::build_node()?;
    let c = shell::skynet_c()?;
    let node = |kind: Kind| {
        let tree = match kind {
            Kind::Ours | Kind::OursProfileOff => None,
            Kind::C | Kind::CProfileOff => Some(c.clone()?),
        };
        let program = tree.as_ref().map_or_else(|| ours.clone(), |tree| tree.join("skynet"));
        Some(Contestant { kind, program, tree })
    };
    Ok(rows::KINDS.into_iter().filter_map(node).collect())
}

/// Builds the module, and gives its folder.
fn build_module() -> Result<PathBuf> {
    let folder = shell::target_dir()?.join("bench").join("c");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let root = shell::root();
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(folder.join(MODULE).with_extension("so"))
        .arg(root.join("xtask/bench/c").join(MODULE).with_extension("c"))
        .arg("-I")
        .arg(root.join("crates/node/include"));
    shell::run(&mut command)?;
    Ok(folder)
}

/// A node that is the benchmark alone; C skynet must be told where its logger lies.
fn config(node: &Contestant, test: &str, module: &Path, scratch: &Path) -> String {
    let mut cpath = module.join("?.so").display().to_string();
    if let Some(tree) = &node.tree {
        cpath.push_str(&format!(";{}/cservice/?.so", tree.display()));
    }
    format!(
        "thread = 2\nharbor = 0\nbootstrap = \"{MODULE} {test}\"\nlualoader = \"none\"\ncpath = \"{cpath}\"\nlogger = \"{}\"\n{}",
        scratch.join("log").display(),
        node::profile(node.kind),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounting_is_off_where_it_should_be() {
        let node = |kind, tree: Option<&str>| Contestant {
            kind,
            program: PathBuf::from("skynet"),
            tree: tree.map(PathBuf::from),
        };
        let text = |node: &Contestant| config(node, "send", Path::new("so"), Path::new("scratch"));
        let ours = text(&node(Kind::Ours, None));
        assert!(ours.contains("bootstrap = \"bench_c send\"") && !ours.contains("profile"), "{ours}");
        assert!(text(&node(Kind::OursProfileOff, None)).ends_with("profile = false\n"));
        let c = text(&node(Kind::CProfileOff, Some("tree")));
        assert!(c.contains("so/?.so;tree/cservice/?.so") && c.ends_with("profile = false\n"), "{c}");
    }
}
