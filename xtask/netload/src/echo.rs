//! Requests on connections that last: each answer lets the next request go, so that `depth` of them are under way on each
//! connection at all times. Answers that come together are followed by requests that go together.
//!
//! A request is timed from the write that carries it to the read that completes its answer. For each event there are one read,
//! one write and one look at the clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::args::Load;
use crate::histogram::Histogram;
use crate::pattern::Pattern;
use crate::{link, report};

/// How long answers may take to come when the load is over, and how long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait for the system at a time.
const LOOK: Duration = Duration::from_millis(100);

/// More than the answers that come at once.
const BUFFER: usize = 256 * 1024;

/// One connection. Positions are those of the pattern.
struct Link {
    stream: TcpStream,
    /// How far requests are written, and are to be.
    written: u64,
    wanted: u64,
    /// How far answers have come.
    read: u64,
    /// When the requests without an answer were sent, the oldest first.
    asked: VecDeque<Instant>,
}

impl Link {
    /// Sends further requests.
    fn ask(&mut self, pattern: &Pattern, requests: usize, now: Instant) -> Result<()> {
        self.wanted += (requests * pattern.request()) as u64;
        self.asked.extend(std::iter::repeat_n(now, requests));
        self.flush(pattern)
    }

    /// Writes what is to be written and has room.
    fn flush(&mut self, pattern: &Pattern) -> Result<()> {
        while self.written < self.wanted {
            let left = (self.wanted - self.written) as usize;
            let written = link::write(&mut self.stream, pattern.piece(self.written, left));
            match written.context("a connection broke while sending")? {
                0 => break,
                written => self.written += written as u64,
            }
        }
        Ok(())
    }

    /// Reads and compares what has come, and tells how many answers are complete with it.
    fn receive(&mut self, pattern: &Pattern, buffer: &mut [u8], at_end: bool) -> Result<usize> {
        let request = pattern.request() as u64;
        let before = self.read / request;
        loop {
            let count = link::read(&mut self.stream, buffer).context("a connection broke while receiving")?;
            let Some(count) = count else { break };
            ensure!(count > 0, "the server closed a connection");
            let bytes = buffer.get(..count).unwrap_or_default();
            ensure!(pattern.matches(self.read, bytes), "the server answered other bytes than it got");
            self.read += count as u64;
            ensure!(self.read <= self.wanted, "the server answered more than it was asked");
            // Less than there was room for: there is no more, unless it is the end.
            if count < buffer.len() && !at_end {
                break;
            }
        }
        Ok((self.read / request - before) as usize)
    }
}

/// # Errors
///
/// When the server cannot be reached, breaks a connection, is silent, or answers anything but what it was sent.
pub(crate) fn run(load: &Load) -> Result<()> {
    let mut poll = Poll::new().context("the system has no way to wait for connections")?;
    let pattern = Pattern::new(load.frame, load.size, load.depth)?;
    let begun = Instant::now();
    let mut links = open(load, &poll, &pattern)?;
    let mut buffer = vec![0; BUFFER];
    let mut events = Events::with_capacity(1024);
    let mut latencies = Histogram::new();

    let start = Instant::now();
    let (from, until) = (start + load.warm_up, start + load.warm_up + load.measured);
    for link in &mut links {
        link.ask(&pattern, load.depth, start)?;
    }
    let mut heard = start;
    loop {
        poll.poll(&mut events, Some(LOOK)).context("waiting for the system failed")?;
        for event in &events {
            let Some(link) = links.get_mut(event.token().0) else { continue };
            link.flush(&pattern)?;
            let answers = link.receive(&pattern, &mut buffer, event.is_read_closed())?;
            if answers == 0 {
                continue;
            }
            heard = Instant::now();
            for asked in link.asked.drain(..answers) {
                if heard >= from && heard < until {
                    latencies.add(nanoseconds(heard - asked));
                }
            }
            if heard < until {
                link.ask(&pattern, answers, heard)?;
            }
        }
        let now = Instant::now();
        if now >= until && links.iter().all(|link| link.asked.is_empty()) {
            break;
        }
        if now > heard.max(start) + PATIENCE {
            let silent = links.iter().filter(|link| !link.asked.is_empty()).count();
            bail!("{silent} of {} connections got no answer for {} s", links.len(), PATIENCE.as_secs());
        }
    }
    report::print(load, &latencies, begun.elapsed());
    Ok(())
}

/// Opens all connections, and returns when they are there.
fn open(load: &Load, poll: &Poll, pattern: &Pattern) -> Result<Vec<Link>> {
    let mut links = Vec::with_capacity(load.connections);
    for number in 0..load.connections {
        // Connecting to a loopback address takes no time worth sharing.
        let stream = std::net::TcpStream::connect(load.address)
            .with_context(|| format!("cannot connect to {}", load.address))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE)?;
        let start = pattern.start(number);
        let asked = VecDeque::with_capacity(load.depth);
        links.push(Link { stream, written: start, wanted: start, read: start, asked });
    }
    Ok(links)
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
