//! The command line of the cluster tests.
//!
//! Without `--all` they are a test of cargo's like others, and take what its harness takes: a filter, `--exact`, `--skip`,
//! `--list`, `--ignored`.

use anyhow::{Context as _, Result, bail};

use super::layout::Layout;
use super::scenario::{Run, Scenario};

/// What the command line asks for.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// All scenarios, not only the quick ones.
    pub(super) all: bool,
    pub(super) filters: Vec<String>,
    pub(super) skip: Vec<String>,
    pub(super) exact: bool,
    pub(super) list: bool,
    /// Only ignored tests: there are none.
    pub(super) ignored: bool,
    pub(super) nodes: Option<u32>,
    pub(super) seed: Option<u64>,
    pub(super) layout: Option<Layout>,
    pub(super) keep_logs: bool,
}

impl Options {
    pub(super) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let (flag, inline) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let mut value =
                || inline.clone().or_else(|| words.next()).with_context(|| format!("{flag} needs a value"));
            match flag {
                "--all" => options.all = true,
                "--exact" => options.exact = true,
                "--list" => options.list = true,
                "--ignored" => options.ignored = true,
                "--keep-logs" => options.keep_logs = true,
                "--skip" => options.skip.push(value()?),
                "--filter" => options.filters.push(value()?),
                "--seed" => options.seed = Some(number(flag, &value()?)?),
                "--nodes" => {
                    let nodes = number(flag, &value()?)?;
                    if !(1..=255).contains(&nodes) {
                        bail!("--nodes takes 1 to 255, not {nodes}");
                    }
                    options.nodes = u32::try_from(nodes).ok();
                }
                "--layout" => {
                    let name = value()?;
                    let names: Vec<&str> = Layout::ALL.iter().map(|layout| layout.name()).collect();
                    let layout = Layout::ALL.iter().find(|layout| layout.name() == name);
                    let unknown = || format!("no layout `{name}`; there are {}", names.join(", "));
                    options.layout = Some(*layout.with_context(unknown)?);
                }
                // Of the standard harness; with a value that must not be read as a filter.
                "--format" | "--color" | "--logfile" | "-Z" | "--test-threads" => drop(value()?),
                "--nocapture" | "--quiet" | "-q" | "--show-output" | "--include-ignored" => {}
                flag if flag.starts_with('-') => bail!("`{flag}` is not known"),
                _ => options.filters.push(word),
            }
        }
        Ok(options)
    }

    /// The runs that are asked for; those that need C skynet only `with_c`.
    pub(super) fn runs(&self, scenarios: &'static [Scenario], with_c: bool) -> Vec<Run> {
        let mut runs = Vec::new();
        for scenario in scenarios {
            let layouts = match (&self.layout, self.all) {
                (Some(layout), _) => std::slice::from_ref(layout),
                (None, true) => scenario.layouts,
                (None, false) if scenario.quick => &[Layout::Ours],
                (None, false) => &[],
            };
            let sizes = match &self.nodes {
                Some(nodes) if *nodes < scenario.least => &[],
                Some(nodes) => std::slice::from_ref(nodes),
                None if self.all => scenario.sizes,
                None => scenario.sizes.get(..1).unwrap_or_default(),
            };
            for layout in layouts.iter().filter(|layout| with_c || !layout.needs_c()) {
                runs.extend(sizes.iter().map(|size| Run { scenario, layout: *layout, size: *size }));
            }
        }
        runs.retain(|run| self.wants(&run.name()));
        runs
    }

    fn wants(&self, name: &str) -> bool {
        let hit = |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        !self.ignored
            && (self.filters.is_empty() || self.filters.iter().any(hit))
            && !self.skip.iter().any(hit)
    }
}

fn number(flag: &str, text: &str) -> Result<u64> {
    text.parse().ok().with_context(|| format!("{flag} needs a number, not `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    static SCENARIOS: &[Scenario] = &[
        Scenario {
            name: "calls",
            layouts: Layout::ALL,
            sizes: &[2, 5],
            least: 2,
            quick: true,
            run: |_| Ok(()),
        },
        Scenario {
            name: "deaths",
            layouts: &[Layout::Ours],
            sizes: &[5],
            least: 4,
            quick: false,
            run: |_| Ok(()),
        },
    ];

    fn names(line: &str, with_c: bool) -> Vec<String> {
        let options = Options::parse(line.split_whitespace().map(str::to_owned)).expect(line);
        options.runs(SCENARIOS, with_c).iter().map(Run::name).collect()
    }

    #[test]
    fn a_test_run_takes_the_quick_ones_on_our_nodes() {
        assert_eq!(names("", true), ["calls/ours/2"]);
        assert_eq!(names("--nocapture --test-threads 1 deaths", true), [""; 0]);
    }

    #[test]
    fn all_are_all_layouts_that_can_be_run_and_all_sizes() {
        assert_eq!(names("--all", false), ["calls/ours/2", "calls/ours/5", "deaths/ours/5"]);
        assert_eq!(names("--all", true).len(), 13);
        assert_eq!(names("--all --nodes 3", false), ["calls/ours/3"]);
        assert_eq!(names("--all --filter deaths --layout=c", true), ["deaths/c/5"]);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for line in ["--nodes", "--nodes 0", "--nodes 256", "--seed x", "--layout fast", "--fast"] {
            assert!(Options::parse(line.split_whitespace().map(str::to_owned)).is_err(), "{line}");
        }
    }
}
