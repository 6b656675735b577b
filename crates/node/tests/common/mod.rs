//! Runs the real binary in folders of their own.

// Each test binary uses its share of this.
#![allow(dead_code, unreachable_pub)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take. Reached only when something hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// A folder for one test, removed with the value.
pub struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    pub fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("node-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Scratch { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file, and the folders that it is in.
    pub fn write(&self, name: &str, text: &str) -> &Scratch {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skynet"));
        command.args(args).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, args: &[&str]) -> Outcome {
        Outcome::of(self.command(args))
    }

    /// Runs a node with this config to its end.
    pub fn run_config(&self, text: &str) -> Outcome {
        self.write("config", text).run(&["config"])
    }

    /// Starts a node with this config; what it prints goes to the file `out`.
    pub fn start_config(&self, text: &str) -> Running {
        self.write("config", text);
        let out = fs::File::create(self.path("out")).unwrap();
        Running(self.command(&["config"]).stdout(out).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Waits until the file has the text.
    pub fn await_text(&self, name: &str, text: &str) {
        wait_until(
            || self.read(name).contains(text),
            || format!("{name} lacks {text:?}:\n{}", self.read(name)),
        );
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A node that runs, killed with the value.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a process ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Outcome {
    /// Runs a command to its end, or kills it at the deadline.
    pub fn of(mut command: Command) -> Outcome {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let id = child.id();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        match receiver.recv_timeout(DEADLINE) {
            Ok(output) => Outcome::from(output.unwrap()),
            Err(_) => {
                signal("KILL", id);
                let output = receiver.recv().unwrap().unwrap();
                panic!("{command:?} does not end: {:?}", Outcome::from(output));
            }
        }
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Outcome {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Outcome { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Sends a signal to one process.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
    assert!(sent.success(), "kill -{name} {pid}");
}

/// Looks again and again, until it is so or the deadline has passed.
pub fn wait_until(mut holds: impl FnMut() -> bool, explain: impl Fn() -> String) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "{}", explain());
        std::thread::sleep(Duration::from_millis(5));
    }
}
