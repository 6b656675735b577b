//! A connection for each request: connects, sends one, reads the answer, waits for the server to close, and begins anew. That
//! many at a time as the load has connections.
//!
//! Timed is from connecting to the complete answer. The server closes first, so the ports of this side are free at once.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};

use crate::args::Load;
use crate::echo::nanoseconds;
use crate::histogram::Histogram;
use crate::pattern::Pattern;
use crate::{link, report};

const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);
const BUFFER: usize = 64 * 1024;

/// One connection from its beginning to its end.
struct Visit {
    stream: TcpStream,
    begun: Instant,
    /// Where in the pattern its request and answer begin.
    start: u64,
    /// Bytes sent and received.
    sent: usize,
    received: usize,
    answered: Option<Instant>,
}

impl Visit {
    fn begin(
        load: &Load,
        pattern: &Pattern,
        registry: &Registry,
        place: usize,
        number: usize,
    ) -> Result<Visit> {
        let begun = Instant::now();
        // Always from the same address: ports are free again when a visit is over.
        let mut stream = link::connect(load.address, 0)?;
        registry.register(&mut stream, Token(place), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Visit { stream, begun, start: pattern.start(number), sent: 0, received: 0, answered: None })
    }

    /// Goes on; true at the end of the connection.
    fn advance(&mut self, event: &Event, pattern: &Pattern, buffer: &mut [u8]) -> Result<bool> {
        if event.is_error()
            && let Some(error) = self.stream.take_error()?
        {
            return Err(error).context("a connection failed");
        }
        if self.sent < pattern.request() && event.is_writable() {
            let left = pattern.request() - self.sent;
            let rest = pattern.piece(self.start + self.sent as u64, left);
            self.sent += link::write(&mut self.stream, rest).context("a connection broke while sending")?;
        }
        if !event.is_readable() && !event.is_read_closed() {
            return Ok(false);
        }
        loop {
            let read = link::read(&mut self.stream, buffer).context("a connection broke while receiving")?;
            let Some(count) = read else { return Ok(false) };
            if count == 0 {
                ensure!(self.answered.is_some(), "the server closed a connection before it had answered");
                return Ok(true);
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            let position = self.start + self.received as u64;
            ensure!(pattern.matches(position, bytes), "the server answered other bytes than it got");
            self.received += count;
            ensure!(self.received <= pattern.request(), "the server answered more than it was asked");
            if self.received == pattern.request() {
                self.answered = Some(Instant::now());
            }
        }
    }
}

/// # Errors
///
/// When the server cannot be reached, breaks a connection, is silent, or answers anything but what it was sent.
pub(crate) fn run(load: &Load) -> Result<()> {
    let mut poll = Poll::new().context("the system has no way to wait for connections")?;
    let pattern = Pattern::new(load.frame, load.size, 1)?;
    let mut buffer = vec![0; BUFFER];
    let mut events = Events::with_capacity(1024);
    let mut latencies = Histogram::new();

    let start = Instant::now();
    let (from, until) = (start + load.warm_up, start + load.warm_up + load.measured);
    let mut number = 0;
    let mut begin = |registry: &Registry, place: usize| {
        number += 1;
        Visit::begin(load, &pattern, registry, place, number)
    };
    let mut visits = Vec::with_capacity(load.connections);
    for place in 0..load.connections {
        visits.push(Some(begin(poll.registry(), place)?));
    }
    let mut heard = start;
    while visits.iter().any(Option::is_some) {
        poll.poll(&mut events, Some(LOOK)).context("waiting for the system failed")?;
        for event in &events {
            let place = event.token().0;
            let Some(slot) = visits.get_mut(place) else { continue };
            let Some(visit) = slot else { continue };
            if !visit.advance(event, &pattern, &mut buffer)? {
                continue;
            }
            heard = Instant::now();
            if let Some(answered) = visit.answered
                && heard >= from
                && heard < until
            {
                latencies.add(nanoseconds(answered - visit.begun));
            }
            // Closes before the next one connects.
            *slot = None;
            if heard < until {
                *slot = Some(begin(poll.registry(), place)?);
            }
        }
        if heard.elapsed() > PATIENCE {
            let silent = visits.iter().flatten().count();
            bail!("{silent} of {} connections came to no end in {} s", load.connections, PATIENCE.as_secs());
        }
    }
    report::print(load, &latencies, start.elapsed());
    Ok(())
}
