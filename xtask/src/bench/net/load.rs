//! What is done to a server, by the load generator in a process of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::super::node;
use super::super::options::Options;
use super::super::stats::{self, Values};
use super::cases::{Load, Test};
use super::server::{Server, line_of};
use crate::shell;

/// How long a server's memory may settle before it is measured.
const SETTLE: Duration = Duration::from_millis(500);

/// Connections that are there before memory is measured, so that what the first ones take is not counted.
const FIRST: usize = 100;

/// Puts a test's load on a server and gives what it reports.
///
/// # Errors
///
/// When the load generator does not start or fails.
pub(super) fn put(test: &Test, netload: &Path, server: &Server, options: &Options) -> Result<Values> {
    match test.load {
        Load::Requests(flags) => requests(test, flags, netload, server),
        Load::Idle(flags) => {
            let open = |number: usize| Held::open(netload, server, flags, number);
            let _first = open(FIRST)?;
            std::thread::sleep(SETTLE);
            let before = server.resident()?;
            let _rest = open(options.idle)?;
            std::thread::sleep(SETTLE);
            let each = (server.resident()? - before) / options.idle as f64;
            eprintln!("  {each:.3} KiB");
            Ok(vec![(test.name.to_owned(), each)])
        }
    }
}

fn requests(test: &Test, flags: &[&str], netload: &Path, server: &Server) -> Result<Values> {
    let (kind, flags) = flags.split_first().context("a load without a command")?;
    let mut command = Command::new(netload);
    command.args([kind, server.address().as_str(), "--name", test.name]).args(flags);
    let file = output_file()?;
    let text = node::output(&mut command, &file);
    std::fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    stats::parse(&text?)
}

/// Connections that another process holds, until this is dropped.
struct Held {
    child: Child,
    file: PathBuf,
}

impl Held {
    fn open(netload: &Path, server: &Server, flags: &[&str], number: usize) -> Result<Held> {
        let file = output_file()?.with_extension(number.to_string());
        let sink = File::create(&file).with_context(|| format!("cannot make {}", file.display()))?;
        let mut command = Command::new(netload);
        let number = number.to_string();
        command.args(["idle", server.address().as_str(), "--connections", number.as_str()]).args(flags);
        let child = command
            .stdin(Stdio::piped())
            .stdout(sink)
            .spawn()
            .with_context(|| format!("cannot start `{}`", shell::shown(&command)))?;
        let mut held = Held { child, file };
        line_of(&mut held.child, &held.file, "READY ")?;
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It ends at the end of its input; if it hangs, it shall not keep the others waiting.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}

fn output_file() -> Result<PathBuf> {
    Ok(shell::target_dir()?.join("bench").join(format!("netload-{}", std::process::id())))
}
