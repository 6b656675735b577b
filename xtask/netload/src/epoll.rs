//! A server that is nothing but a loop around the system's epoll, on one thread: what the kernel itself lets through.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::link;

const LISTENER: Token = Token(usize::MAX);
const BUFFER: usize = 256 * 1024;

/// What it does with what it reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Sends it back.
    Echo,
    /// Sends one line back, and closes.
    OneLine,
}

/// A connection, and what could not be written yet.
struct Peer {
    stream: TcpStream,
    waiting: Vec<u8>,
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    manner: Manner,
    peers: Vec<Option<Peer>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
}

/// Prints `LISTENING <port>` and serves until it is ended from outside.
///
/// # Errors
///
/// When the system lets it neither listen nor wait.
pub(crate) fn serve(manner: Manner) -> Result<()> {
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).context("cannot listen")?;
    let poll = Poll::new().context("the system has no way to wait for connections")?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("LISTENING {}", listener.local_addr()?.port());
    let buffer = vec![0; BUFFER];
    let mut server = Server { poll, listener, manner, peers: Vec::new(), free: Vec::new(), buffer };
    let mut events = Events::with_capacity(1024);
    loop {
        server.poll.poll(&mut events, None).context("waiting for the system failed")?;
        for event in &events {
            match event.token() {
                LISTENER => server.accept(),
                Token(place) => server.look_at(place, event),
            }
        }
    }
}

impl Server {
    fn accept(&mut self) {
        // An error is either that there is nobody more, or one of the peer that is gone already.
        while let Ok((mut stream, _)) = self.listener.accept() {
            let place = self.free.pop().unwrap_or(self.peers.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            if self.poll.registry().register(&mut stream, Token(place), interest).is_err() {
                self.free.push(place);
                continue;
            }
            if place == self.peers.len() {
                self.peers.push(None);
            }
            if let Some(slot) = self.peers.get_mut(place) {
                *slot = Some(Peer { stream, waiting: Vec::new() });
            }
        }
    }

    fn look_at(&mut self, place: usize, event: &Event) {
        let Some(slot) = self.peers.get_mut(place) else { return };
        let Some(peer) = slot else { return };
        let lasts = match self.manner {
            Manner::Echo => echo(peer, event, &mut self.buffer),
            Manner::OneLine => answer_line(peer, &mut self.buffer),
        };
        // An error is the peer's end, too.
        if !lasts.unwrap_or(false) {
            *slot = None;
            self.free.push(place);
        }
    }
}

/// False at the end of the connection.
fn echo(peer: &mut Peer, event: &Event, buffer: &mut [u8]) -> std::io::Result<bool> {
    if !peer.waiting.is_empty() {
        let written = link::write(&mut peer.stream, &peer.waiting)?;
        peer.waiting.drain(..written);
    }
    // While something waits nothing more is read; the next look comes when there is room.
    while peer.waiting.is_empty() {
        let Some(count) = link::read(&mut peer.stream, buffer)? else { break };
        if count == 0 {
            return Ok(false);
        }
        let bytes = buffer.get(..count).unwrap_or_default();
        let written = link::write(&mut peer.stream, bytes)?;
        peer.waiting.extend_from_slice(bytes.get(written..).unwrap_or_default());
        if count < buffer.len() && !event.is_read_closed() {
            break;
        }
    }
    Ok(true)
}

/// False when the line is answered, or the connection is at its end.
fn answer_line(peer: &mut Peer, buffer: &mut [u8]) -> std::io::Result<bool> {
    let Some(count) = link::read(&mut peer.stream, buffer)? else { return Ok(true) };
    let bytes = buffer.get(..count).unwrap_or_default();
    peer.waiting.extend_from_slice(bytes);
    if bytes.last() == Some(&b'\n') {
        link::write(&mut peer.stream, &peer.waiting)?;
        return Ok(false);
    }
    Ok(count > 0)
}
