//! Connections that do nothing, for the memory that they take in a server.
//!
//! All but the last say nothing. The last makes one request: servers take connections in turn, so when it is answered, all
//! are taken. Then `READY <connections>` is printed, and they are held until the input ends.

use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::args::Load;
use crate::link;
use crate::pattern::Pattern;

/// Connections under way at a time: fewer than any server's queue of those that it has not taken.
const AT_A_TIME: usize = 16;

const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(100);

/// # Errors
///
/// When the server cannot be reached, refuses connections, or does not answer.
pub(crate) fn run(load: &Load) -> Result<()> {
    let mut opened = open(load)?;
    ask(load, &mut opened)?;
    let mut byte = [0];
    let lost = opened
        .iter_mut()
        .map(|stream| link::read(stream, &mut byte))
        .filter(|read| !matches!(read, Ok(None)))
        .count();
    ensure!(lost == 0, "the server closed {lost} of {} connections", opened.len());
    println!("READY {}", opened.len());
    std::io::stdin().read_to_end(&mut Vec::new()).context("cannot wait for the input's end")?;
    Ok(())
}

/// Opens all connections, a few at a time.
fn open(load: &Load) -> Result<Vec<TcpStream>> {
    let mut poll = Poll::new().context("the system has no way to wait for connections")?;
    let mut events = Events::with_capacity(AT_A_TIME);
    let mut opened = Vec::with_capacity(load.connections);
    let mut under_way: [Option<TcpStream>; AT_A_TIME] = std::array::from_fn(|_| None);
    let mut begun = 0;
    let mut last = Instant::now();
    while opened.len() < load.connections {
        for (place, slot) in under_way.iter_mut().enumerate() {
            // The last one begins when all others are there.
            let others_first = begun + 1 < load.connections || opened.len() == begun;
            if slot.is_none() && begun < load.connections && others_first {
                let mut stream = link::connect(load.address, begun)?;
                poll.registry().register(&mut stream, Token(place), Interest::WRITABLE)?;
                *slot = Some(stream);
                begun += 1;
            }
        }
        poll.poll(&mut events, Some(LOOK)).context("waiting for the system failed")?;
        for event in &events {
            let Some(mut stream) = under_way.get_mut(event.token().0).and_then(Option::take) else {
                continue;
            };
            if let Some(error) = stream.take_error()? {
                return Err(error).with_context(|| format!("connection {} failed", opened.len() + 1));
            }
            poll.registry().deregister(&mut stream)?;
            opened.push(stream);
            last = Instant::now();
        }
        if last.elapsed() > PATIENCE {
            bail!("the server took {} connections, and then no more", opened.len());
        }
    }
    Ok(opened)
}

/// One request on the last connection, and its answer.
fn ask(load: &Load, opened: &mut [TcpStream]) -> Result<()> {
    let pattern = Pattern::new(load.frame, load.size, 1)?;
    let Some(stream) = opened.last_mut() else { return Ok(()) };
    let mut poll = Poll::new().context("the system has no way to wait for connections")?;
    let mut events = Events::with_capacity(1);
    poll.registry().register(stream, Token(0), Interest::READABLE)?;
    let request = pattern.piece(0, pattern.request());
    ensure!(link::write(stream, request)? == request.len(), "a new connection has no room for a request");
    let mut answer = vec![0; request.len()];
    let mut received = 0;
    let begun = Instant::now();
    while received < answer.len() {
        ensure!(begun.elapsed() < PATIENCE, "the last connection got no answer for {} s", PATIENCE.as_secs());
        poll.poll(&mut events, Some(LOOK)).context("waiting for the system failed")?;
        while let Some(rest) = answer.get_mut(received..).filter(|rest| !rest.is_empty()) {
            match link::read(stream, rest).context("the last connection broke")? {
                None => break,
                Some(0) => bail!("the server closed the last connection"),
                Some(count) => received += count,
            }
        }
    }
    ensure!(answer == request, "the server answered other bytes than it got");
    Ok(())
}
