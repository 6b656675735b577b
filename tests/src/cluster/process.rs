//! One process of a node: started, frozen, killed by its id.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail};

use super::layout::Kind;

/// Runs a program with a stack of 64 MiB for each thread: C's harbor service takes the buffer of a remote message from there, and
/// one of 8 MiB ends it otherwise.
const WITH_STACK: &str = "ulimit -s 65536; exec \"$0\" \"$@\"";

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    /// Starts the binary of a `kind` on `config` in `folder`; what it prints is appended to `log`.
    pub(super) fn start(
        kind: Kind,
        program: &Path,
        config: &Path,
        folder: &Path,
        log: &Path,
    ) -> Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot open {}", log.display()))?;
        writeln!(file, "--- a process begins ---")?;
        let mut command = match kind {
            Kind::Ours => Command::new(program),
            Kind::C | Kind::Files => Command::new("sh"),
        };
        if kind != Kind::Ours {
            command.args(["-c", WITH_STACK]).arg(program);
        }
        let child = command
            .arg(config)
            .current_dir(folder)
            // Ctrl-C at the terminal is for the test, which then ends its nodes.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self(child))
    }

    /// `kill -9`, and waits until it is gone.
    pub(super) fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Asks it to end (`SIGTERM`).
    pub(super) fn terminate(&self) -> Result<()> {
        self.signal("-TERM")
    }

    /// Stops it where it is (`SIGSTOP`).
    pub(super) fn freeze(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// Lets it go on (`SIGCONT`).
    pub(super) fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill").args([name, &self.0.id().to_string()]).status()?;
        if !status.success() {
            bail!("`kill {name}` of process {} ended with {status}", self.0.id());
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already, which is what they are for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
