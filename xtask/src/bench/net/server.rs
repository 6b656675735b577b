//! A server in a process of its own, on a loopback port of the system's choice.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};

use super::super::node::{config_text, tail};
use super::cases::Test;
use super::{Programs, Who};
use crate::shell;

/// How long a process may take until it says that it is ready.
const DEADLINE: Duration = Duration::from_secs(60);

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);

/// Runs a program with as many descriptors as it may have.
const WITH_DESCRIPTORS: &str = "ulimit -n \"$(ulimit -H -n)\"; exec \"$0\" \"$@\"";

/// A running server. It is ended when this is dropped.
pub(super) struct Server {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    ///
    /// When it does not start, or ends or is silent instead of listening; its last log lines are in the error.
    pub(super) fn start(test: &Test, who: Who, programs: &Programs) -> Result<Server> {
        let folder = shell::target_dir()?.join("bench").join(format!("net-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut command = command(test, who, programs, &folder)?;
        let output = folder.join("output");
        let sink = File::create(&output).with_context(|| format!("cannot make {}", output.display()))?;
        let child = command
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(sink)
            .spawn()
            .with_context(|| format!("cannot start `{}`", shell::shown(&command)))?;
        let mut server = Server { child, folder, port: 0 };
        match line_of(&mut server.child, &output, "LISTENING ") {
            Ok(port) => server.port = port.parse().with_context(|| format!("`{port}` is no port"))?,
            Err(error) => return Err(server.explain(error)),
        }
        Ok(server)
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Resident memory in KiB.
    ///
    /// # Errors
    ///
    /// Where the system does not tell.
    pub(super) fn resident(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .context("the system does not tell the memory of a process")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        number.context("no VmRSS in the status of a process")?.trim().parse().context("VmRSS is no number")
    }

    /// The error, with how the server ended, if it did, and the end of its log.
    pub(super) fn explain(&mut self, error: Error) -> Error {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let error = if log.is_empty() {
            error
        } else {
            error.context(format!("its log ended with:\n{}\n", tail(&log, 8)))
        };
        match self.child.try_wait() {
            Ok(Some(status)) => error.context(format!("the server ended with {status}")),
            _ => error,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Neither can be mended here; the next server of that folder tells.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn command(test: &Test, who: Who, programs: &Programs, folder: &Path) -> Result<Command> {
    let mut command = Command::new("sh");
    command.args(["-c", WITH_DESCRIPTORS]);
    match who {
        Who::Rust => command.arg(&programs.netload).arg("serve-native"),
        Who::Epoll if test.name == "accept" => command.arg(&programs.netload).arg("serve-epoll-once"),
        Who::Epoll => command.arg(&programs.netload).arg("serve-epoll"),
        Who::Node(kind) => {
            let contestant = programs.nodes.iter().find(|contestant| contestant.kind == kind);
            let contestant = contestant.with_context(|| format!("{} does not take part", kind.name()))?;
            let config = folder.join("config");
            fs::write(&config, config_text(contestant, test.script, folder))
                .with_context(|| format!("cannot write {}", config.display()))?;
            command.arg(&contestant.program).arg(config)
        }
    };
    Ok(command)
}

/// Waits for a line of `file`, to which a process prints, that begins with `prefix`, and gives its rest.
///
/// # Errors
///
/// When the process ends or the time is over before.
pub(in crate::bench) fn line_of(child: &mut Child, file: &Path, prefix: &str) -> Result<String> {
    let begun = Instant::now();
    loop {
        // Read after the look at the process, so that its last words are not missed.
        let ended = child.try_wait()?;
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        if let Some(rest) = complete.lines().find_map(|line| line.strip_prefix(prefix)) {
            return Ok(rest.trim().to_owned());
        }
        let said = || tail(&text, 4);
        if let Some(status) = ended {
            bail!("it ended with {status} and did not say `{prefix}`: {}", said());
        }
        if begun.elapsed() > DEADLINE {
            bail!("it did not say `{prefix}` in {} s: {}", DEADLINE.as_secs(), said());
        }
        std::thread::sleep(LOOK);
    }
}
