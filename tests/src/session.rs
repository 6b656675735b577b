//! Talking to a running node: a node that stays up while a test goes on, and a client of one of its ports.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::node::{Config, Scratch};
use crate::services::Runtime;
use crate::signals;

/// How long anything may take that a test waits for. Reached only when something is wrong.
const DEADLINE: Duration = Duration::from_secs(60);

/// How often the log is looked at.
const POLL: Duration = Duration::from_millis(5);

/// A node that runs until the value is dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    scratch: Scratch,
}

impl Node {
    /// Starts a node whose start service is `start`, one of `lua/service`. Its standard input is a pipe.
    ///
    /// # Errors
    /// When files cannot be written or the process cannot be started.
    pub fn start(runtime: &Runtime, start: &str) -> io::Result<Node> {
        Node::start_with(runtime, start, |config| config)
    }

    /// The same with more in its config: what is set last holds.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_with(
        runtime: &Runtime,
        start: &str,
        more: impl FnOnce(Config) -> Config,
    ) -> io::Result<Node> {
        Node::spawn(runtime, start, more, Stdio::null())
    }

    /// The same with a standard error that nobody reads: writing there fails.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_unheard(
        runtime: &Runtime,
        start: &str,
        more: impl FnOnce(Config) -> Config,
    ) -> io::Result<Node> {
        let mut node = Node::spawn(runtime, start, more, Stdio::piped())?;
        drop(node.child.stderr.take());
        Ok(node)
    }

    fn spawn(
        runtime: &Runtime,
        start: &str,
        more: impl FnOnce(Config) -> Config,
        stderr: Stdio,
    ) -> io::Result<Node> {
        signals::let_children_hear()?;
        let scratch = Scratch::new(start)?;
        let config = scratch.path().join("config");
        let settings = runtime.config(start, scratch.path()).map_err(io::Error::other)?;
        fs::write(&config, more(settings).to_string())?;
        // A shell that runs tests in the background has them ignore SIGINT, and nodes inherit that.
        let mut command = if ignores_interrupts() {
            let mut command = Command::new("env");
            command.arg("--default-signal=INT").arg(runtime.binary());
            command
        } else {
            Command::new(runtime.binary())
        };
        let child = command
            .arg(&config)
            .current_dir(scratch.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()?;
        Ok(Node { child, scratch })
    }

    /// Starts what `binary` runs without an argument, with these variables in its environment.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn demo(binary: &Path, variables: &[(&str, &str)]) -> io::Result<Node> {
        signals::let_children_hear()?;
        let scratch = Scratch::new("demo")?;
        let child = Command::new(binary)
            .envs(variables.iter().copied())
            .current_dir(scratch.path())
            .stdin(Stdio::null())
            .stdout(fs::File::create(scratch.path().join("log"))?)
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Node { child, scratch })
    }

    /// Sends the process a signal, by its name: `TERM`.
    ///
    /// # Panics
    /// When the process has been waited for.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "no signal {name} could be sent");
    }

    /// Waits until the process ends by itself; its status, `None` if a signal ended it.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn await_exit(&mut self) -> Option<i32> {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.child.try_wait().expect("a child can be waited for") {
                Some(status) => return status.code(),
                None => assert!(Instant::now() < end, "it does not end:\n{}", self.log()),
            }
            thread::sleep(POLL);
        }
    }

    /// A file in the folder that the node runs in.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// What the node has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.read("log")
    }

    /// A file of the node's folder; nothing if it is not there yet.
    fn read(&self, name: &str) -> String {
        fs::read(self.file(name))
            .map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits until the log has a text, and gives the rest of that line.
    ///
    /// # Panics
    /// When that takes too long.
    #[must_use]
    pub fn await_log(&self, text: &str) -> String {
        self.await_text("log", text)
    }

    /// The same for another file of the node's folder.
    ///
    /// # Panics
    /// When that takes too long.
    #[must_use]
    pub fn await_text(&self, name: &str, text: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let all = self.read(name);
            // A line that is still being written does not count.
            let rest = all.split_once(text).and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((rest, _)) = rest {
                return rest.to_owned();
            }
            assert!(Instant::now() < end, "no {text:?} in {name}:\n{all}");
            thread::sleep(POLL);
        }
    }

    /// A client of the debug console, which has read the greeting.
    ///
    /// # Panics
    /// When there is no console.
    #[must_use]
    pub fn console(&self) -> Client {
        let port = self.await_log("Start debug console at 127.0.0.1:");
        let mut client = Client::connect(port.parse().expect("a port"));
        client.expect("Welcome to skynet console\n");
        client
    }

    /// The standard input of the node; dropping it closes that.
    ///
    /// # Panics
    /// The second time.
    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("the standard input is taken once")
    }
}

/// Whether this process ignores SIGINT. False where the system does not tell.
fn ignores_interrupts() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).is_some_and(|mask| mask & 2 != 0)
}

impl Drop for Node {
    fn drop(&mut self) {
        // Both fail only if the process has ended already, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of a port of this machine.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    /// Received and not looked at.
    pending: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    #[must_use]
    pub fn connect(port: u16) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        Client { stream, pending: Vec::new() }
    }

    /// Sends bytes as they are. That the other side has gone is noticed when reading.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Reads until what has come ends with one of these texts, and gives it.
    ///
    /// # Panics
    /// When that takes too long, or the connection ends before.
    pub fn read_until(&mut self, endings: &[&str]) -> String {
        loop {
            // More may have come than the answer; nothing is sent before it was asked for, so that is an error.
            if endings.iter().any(|ending| self.pending.ends_with(ending.as_bytes())) {
                return String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned();
            }
            let mut block = [0; 4096];
            match self.stream.read(&mut block) {
                Ok(0) => panic!("the connection ended; waited for {endings:?}, got {:?}", self.text()),
                Ok(count) => self.pending.extend_from_slice(block.get(..count).unwrap_or_default()),
                Err(error) => panic!("{error}; waited for {endings:?}, got {:?}", self.text()),
            }
        }
    }

    /// Reads exactly this text.
    ///
    /// # Panics
    /// When something else comes, or nothing in time.
    pub fn expect(&mut self, text: &str) {
        while !self.pending.starts_with(text.as_bytes()) {
            let so_far = self.text();
            assert!(text.starts_with(&so_far), "expected {text:?}, got {so_far:?}");
            let mut block = [0; 4096];
            let count = self.stream.read(&mut block).unwrap_or(0);
            assert!(count > 0, "expected {text:?}, got {so_far:?} and nothing more");
            self.pending.extend_from_slice(block.get(..count).unwrap_or_default());
        }
        self.pending.drain(..text.len());
    }

    /// Sends a line and reads exactly this text.
    ///
    /// # Panics
    /// As [`Client::expect`].
    pub fn ask(&mut self, line: &str, answer: &str) {
        self.send(format!("{line}\n"));
        self.expect(answer);
    }

    /// Sends a line to the debug console and gives its answer with the mark at its end.
    ///
    /// # Panics
    /// As [`Client::read_until`].
    pub fn command(&mut self, line: &str) -> String {
        self.send(format!("{line}\n"));
        self.read_until(&["<CMD OK>\n", "<CMD Error>\n"])
    }

    /// Sends a line to the debug console again and again, until the answer is one that is waited for, and gives that.
    ///
    /// # Panics
    /// When that takes too long, and as [`Client::read_until`].
    #[track_caller]
    pub fn command_until(&mut self, line: &str, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let answer = self.command(line);
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "{line}: not what is waited for:\n{answer}");
        }
    }

    /// Reads until the connection ends.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn read_to_end(&mut self) -> String {
        let mut rest = std::mem::take(&mut self.pending);
        match self.stream.read_to_end(&mut rest) {
            // Bytes that the other side has not read make a reset of its end.
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => {
                panic!("{error}; got {:?}", String::from_utf8_lossy(&rest))
            }
            _ => String::from_utf8_lossy(&rest).into_owned(),
        }
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }
}
