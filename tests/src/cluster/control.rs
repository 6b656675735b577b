//! The way from the test to its nodes: pieces of Lua code there, what they return back.
//!
//! Nodes connect to us and say who they are; `agent.lua` has the protocol.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

use super::patience;

/// How often who waits for an answer looks whether the user has pressed Ctrl-C.
const LOOK: Duration = Duration::from_millis(100);

/// Code is short; what it returns as well, but for bodies that are compared there and not here.
const LONGEST_ANSWER: usize = 1 << 24;

/// A value that threads wait for.
#[derive(Debug, Default)]
struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, with: impl FnOnce(&mut T)) {
        with(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `look` gives something; nothing when `limit` is over.
    fn wait<R>(&self, limit: Duration, mut look: impl FnMut(&mut T) -> Option<R>) -> Result<Option<R>> {
        let end = Instant::now() + limit;
        let mut value = self.lock();
        loop {
            if let Some(found) = look(&mut value) {
                return Ok(Some(found));
            }
            if patience::interrupted() {
                bail!("interrupted");
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let waited = self.changed.wait_timeout(value, left.min(LOOK));
            value = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Where nodes connect to.
#[derive(Debug)]
pub(super) struct Hub {
    address: SocketAddr,
    came: Arc<Watched<HashMap<(u32, u32), Channel>>>,
}

impl Hub {
    /// Listens on loopback. The thread that accepts lasts as long as the process.
    pub(super) fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on loopback")?;
        let address = listener.local_addr()?;
        let came: Arc<Watched<HashMap<_, _>>> = Arc::default();
        let arrivals = Arc::clone(&came);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let arrivals = Arc::clone(&arrivals);
                // A connection that does not say who it is costs itself alone.
                thread::spawn(move || greet(stream, &arrivals));
            }
        });
        Ok(Self { address, came })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The channel to this life of a node, once it has connected; nothing when `limit` is over.
    pub(super) fn channel(&self, id: u32, life: u32, limit: Duration) -> Result<Option<Channel>> {
        self.came.wait(limit, |came| came.remove(&(id, life)))
    }
}

/// Reads who is there, and then its answers until it ends.
fn greet(stream: TcpStream, arrivals: &Watched<HashMap<(u32, u32), Channel>>) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    stream.set_nodelay(true)?;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    if words.next() != Some("hello") {
        bail!("no node: {line}");
    }
    let mut number = || words.next().and_then(|word| word.parse::<u32>().ok()).context("no number");
    let (id, life, echo) = (number()?, number()?, number()?);
    let answers = Arc::<Watched<Answers>>::default();
    let channel = Channel { echo, stream: Arc::new(Mutex::new((stream, 0))), answers: Arc::clone(&answers) };
    arrivals.change(|arrivals| drop(arrivals.insert((id, life), channel)));
    let end = read_answers(&mut reader, &answers);
    answers.change(|answers| answers.ended = true);
    end
}

fn read_answers(reader: &mut BufReader<TcpStream>, answers: &Watched<Answers>) -> Result<()> {
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [number, word, bytes] = words[..] else { bail!("not understood: {line}") };
        let (number, bytes): (u64, usize) = (number.parse()?, bytes.parse()?);
        if bytes > LONGEST_ANSWER {
            bail!("an answer of {bytes} bytes");
        }
        let mut text = vec![0; bytes];
        reader.read_exact(&mut text)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let answer = if word == "ok" { Ok(text) } else { Err(text) };
        answers.change(|answers| drop(answers.came.insert(number, answer)));
        line.clear();
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Answers {
    came: HashMap<u64, Result<String, String>>,
    ended: bool,
}

/// The way to one life of a node.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    /// The handle of its echo service.
    pub(super) echo: u32,
    /// Where code goes, and the number of the last piece.
    stream: Arc<Mutex<(TcpStream, u64)>>,
    answers: Arc<Watched<Answers>>,
}

impl Channel {
    /// Sends a piece of code.
    pub(super) fn send(&self, code: &str) -> Result<Pending> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let number = stream.1 + 1;
        stream.1 = number;
        let package = format!("{number} {}\n{code}", code.len());
        stream.0.write_all(package.as_bytes()).context("the node has gone")?;
        Ok(Pending { number, code: code.to_owned(), answers: Arc::clone(&self.answers) })
    }
}

/// Code that runs on a node.
#[derive(Debug)]
#[must_use = "what runs should be waited for"]
pub struct Pending {
    number: u64,
    code: String,
    answers: Arc<Watched<Answers>>,
}

impl Pending {
    /// Waits for what the code returns, as text, its values separated by spaces.
    ///
    /// # Errors
    /// What it raised; or that it took more than a minute, or the node ended.
    pub fn wait(self) -> Result<String> {
        let answer = self.look(patience::PATIENCE)?;
        let answer = answer.with_context(|| format!("still running after a minute: {}", self.code))?;
        answer.map_err(|error| anyhow!("{error}, from {}", self.code))
    }

    /// Waits for the code to fail, and gives what it raised.
    ///
    /// # Errors
    /// What it returned instead; or as [`wait`](Self::wait).
    pub fn wait_error(self) -> Result<String> {
        match self.look(patience::PATIENCE)? {
            Some(Err(error)) => Ok(error),
            Some(Ok(value)) => bail!("returned `{value}` where an error was expected: {}", self.code),
            None => bail!("still running after a minute: {}", self.code),
        }
    }

    /// Whether it still runs after this time.
    ///
    /// # Errors
    /// When the node ended.
    pub fn runs_after(&self, time: Duration) -> Result<bool> {
        let runs = |answers: &mut Answers| {
            (answers.ended || answers.came.contains_key(&self.number)).then_some(answers.ended)
        };
        match self.answers.wait(time, runs)? {
            None => Ok(true),
            Some(false) => Ok(false),
            Some(true) => bail!("the node ended while it ran {}", self.code),
        }
    }

    fn look(&self, limit: Duration) -> Result<Option<Result<String, String>>> {
        let found = self.answers.wait(limit, |answers| match answers.came.remove(&self.number) {
            Some(answer) => Some(Some(answer)),
            None => answers.ended.then_some(None),
        })?;
        match found {
            Some(None) => bail!("the node ended while it ran {}", self.code),
            Some(Some(answer)) => Ok(Some(answer)),
            None => Ok(None),
        }
    }
}
