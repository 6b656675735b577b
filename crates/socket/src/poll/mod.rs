//! The threads that wait for the system.
//!
//! A thread has a share of the sockets. It alone registers, reads and closes them. The system reports changes, not states: a socket
//! is read until it has no more, or for a few rounds; then it goes on the list of those that are ready still.

mod accept;
mod close;
mod connect;
mod order;
mod read;
mod watch;

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use mio::{Events, Poll, Token, Waker};

use crate::SocketId;
use crate::sockets::Inner;
use close::Lingering;
use connect::Attempt;
pub(crate) use order::Command;

/// What the system reports in one go.
const EVENTS: usize = 1024;

/// Commands that are obeyed in one go.
const COMMANDS: usize = 1024;

/// No socket has this id.
const WAKE: Token = Token(0);

/// Where commands for a poll thread go.
pub(crate) struct Post {
    commands: Sender<Command>,
    waker: Waker,
    /// Whether the thread may have to be woken.
    asleep: Arc<AtomicBool>,
}

impl Post {
    pub(crate) fn send(&self, command: Command) {
        // It fails only after the end of the thread: then there is nothing to be done any more.
        if self.commands.send(command).is_ok() {
            fence(Ordering::SeqCst);
            if self.asleep.swap(false, Ordering::SeqCst) {
                // Without memory for it the thread wakes with the next event.
                let _ = self.waker.wake();
            }
        }
    }
}

/// What a thread is made of, before it runs.
pub(crate) struct Prepared {
    poll: Poll,
    commands: Receiver<Command>,
    asleep: Arc<AtomicBool>,
}

pub(crate) fn prepare() -> io::Result<(Post, Prepared)> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKE)?;
    let (sender, commands) = unbounded();
    let asleep = Arc::new(AtomicBool::new(false));
    Ok((Post { commands: sender, waker, asleep: Arc::clone(&asleep) }, Prepared { poll, commands, asleep }))
}

pub(crate) fn spawn(inner: Arc<Inner>, index: usize, prepared: Prepared) -> io::Result<JoinHandle<()>> {
    let Prepared { poll, commands, asleep } = prepared;
    let mut poller = Poller {
        inner,
        index,
        poll,
        commands,
        asleep,
        ready: Vec::new(),
        attempts: HashMap::new(),
        spare: accept::spare(),
        starved: Vec::new(),
        retry_at: Instant::now(),
        lingering: VecDeque::new(),
        scratch: Vec::new(),
        stopped: false,
    };
    Builder::new().name(format!("skynet-socket-{index}")).spawn(move || poller.run())
}

/// One thread's state.
struct Poller {
    inner: Arc<Inner>,
    index: usize,
    poll: Poll,
    commands: Receiver<Command>,
    asleep: Arc<AtomicBool>,
    /// Sockets that had more to read than they got to.
    ready: Vec<SocketId>,
    /// Connections that are being made.
    attempts: HashMap<SocketId, Attempt>,
    /// A descriptor that is given up to turn a connection away when there is no other.
    spare: Option<File>,
    /// Listeners that could not even do that.
    starved: Vec<SocketId>,
    /// When they try again.
    retry_at: Instant,
    /// Closed sockets that still send, by their deadlines.
    lingering: VecDeque<Lingering>,
    /// Where datagrams are read into.
    scratch: Vec<u8>,
    stopped: bool,
}

impl Poller {
    fn run(&mut self) {
        let mut events = Events::with_capacity(EVENTS);
        while !self.stopped {
            self.wait(&mut events);
            for event in &events {
                if event.token() != WAKE {
                    self.event(event);
                }
            }
            self.retry_starved();
            self.go_on_reading();
            self.end_lingering(Instant::now());
            for _ in 0..COMMANDS {
                match self.commands.try_recv() {
                    Ok(command) => self.obey(command),
                    Err(_) => break,
                }
            }
        }
        self.close_all();
    }

    fn wait(&mut self, events: &mut Events) {
        if !events.is_empty() {
            // Lets the services that were woken run first, if they wait for this core. What comes meanwhile is then found in one
            // go, without going to sleep for each piece of it.
            std::thread::yield_now();
        }
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let timeout = if !self.ready.is_empty() || !self.commands.is_empty() {
            Some(Duration::ZERO)
        } else {
            let retry = (!self.starved.is_empty()).then_some(self.retry_at);
            let lingering = self.lingering.front().map(|first| first.until);
            let until = retry.into_iter().chain(lingering).min();
            until.map(|until| until.saturating_duration_since(Instant::now()))
        };
        let polled = self.poll.poll(events, timeout);
        self.asleep.store(false, Ordering::SeqCst);
        if polled.is_err() {
            // Interrupted by a signal: whatever there was comes again.
            events.clear();
        }
    }

    /// Something changed with a socket.
    fn event(&mut self, event: &mio::event::Event) {
        let Ok(raw) = i32::try_from(event.token().0) else { return };
        let id = SocketId::from_raw(raw);
        if self.attempts.contains_key(&id) {
            self.attempt_changed(id);
            return;
        }
        // It may have been closed since the system said so.
        let Some(socket) = self.inner.table.get(id) else { return };
        if event.is_writable() && socket.queued.load(Ordering::SeqCst) {
            self.send_waiting(&socket);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            let ended = event.is_read_closed() || event.is_error();
            self.readable(&socket, ended);
        }
    }
}
