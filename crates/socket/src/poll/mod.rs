//! Waiting for the system.
//!
//! There is one poll that idle workers of the node wait in, or there are polls with threads of their own. A poll has a share of the
//! sockets; whoever is inside of it alone registers, reads and closes them. The system reports changes, not states: a socket
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
use skynet_core::{Driver, Handle};

use crate::SocketId;
use crate::sockets::Inner;
use close::Lingering;
use connect::Attempt;
pub(crate) use order::Command;

/// What the system reports in one go.
const EVENTS: usize = 32;

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
    /// Ends a wait, or the next one.
    pub(crate) fn wake(&self) {
        // Without memory for it the wait ends with the next event.
        let _ = self.waker.wake();
    }

    pub(crate) fn send(&self, command: Command) {
        // It fails only after the end of the thread: then there is nothing to be done any more.
        if self.commands.send(command).is_ok() {
            fence(Ordering::SeqCst);
            if self.asleep.swap(false, Ordering::SeqCst) {
                self.wake();
            }
        }
    }
}

/// What a poll is made of, before it runs.
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

/// One poll, and the sockets that are its share.
pub(crate) struct Poller {
    inner: Arc<Inner>,
    index: usize,
    poll: Poll,
    events: Events,
    commands: Receiver<Command>,
    asleep: Arc<AtomicBool>,
    /// Sockets that had more to read than they got to.
    ready: Vec<SocketId>,
    /// Sockets that are not read while the mailbox of a service is full.
    held: HashMap<Handle, Vec<SocketId>>,
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
    pub(crate) fn new(inner: Arc<Inner>, index: usize, prepared: Prepared) -> Poller {
        let Prepared { poll, commands, asleep } = prepared;
        Poller {
            inner,
            index,
            poll,
            events: Events::with_capacity(EVENTS),
            commands,
            asleep,
            ready: Vec::new(),
            held: HashMap::new(),
            attempts: HashMap::new(),
            spare: accept::spare(),
            starved: Vec::new(),
            retry_at: Instant::now(),
            lingering: VecDeque::new(),
            scratch: Vec::new(),
            stopped: false,
        }
    }

    /// Gives it a thread of its own.
    pub(crate) fn spawn(mut self) -> io::Result<JoinHandle<()>> {
        Builder::new().name(format!("skynet-socket-{}", self.index)).spawn(move || {
            while !self.stopped {
                self.wait(None);
                self.dispatch();
                if !self.events.is_empty() {
                    // Lets the services that were woken run first, if they wait for this core. What comes meanwhile is then
                    // found in one go, without going to sleep for each piece of it.
                    std::thread::yield_now();
                }
            }
            self.close_all();
        })
    }
}

impl Driver for Poller {
    fn wait(&mut self, limit: Option<Duration>) {
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let timeout = if !self.ready.is_empty() || !self.commands.is_empty() {
            Some(Duration::ZERO)
        } else {
            let retry = (!self.starved.is_empty()).then_some(self.retry_at);
            let lingering = self.lingering.front().map(|first| first.until);
            let until = retry.into_iter().chain(lingering).min();
            let until = until.map(|until| until.saturating_duration_since(Instant::now()));
            until.into_iter().chain(limit).min()
        };
        if self.events.capacity() == 0 {
            // A panic has lost them.
            self.events = Events::with_capacity(EVENTS);
        }
        let polled = self.poll.poll(&mut self.events, timeout);
        self.asleep.store(false, Ordering::SeqCst);
        if polled.is_err() {
            // Interrupted by a signal: whatever there was comes again.
            self.events.clear();
        }
    }

    fn dispatch(&mut self) -> bool {
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in events.iter().filter(|event| event.token() != WAKE) {
            self.event(event);
        }
        let lively = !events.is_empty();
        std::mem::swap(&mut self.events, &mut events);
        self.retry_starved();
        self.go_on_reading();
        if !self.lingering.is_empty() {
            self.end_lingering(Instant::now());
        }
        self.obey_all();
        lively
    }

    fn close(&mut self) {
        self.close_all();
    }
}

impl Poller {
    /// What others want by now.
    fn obey_all(&mut self) {
        for _ in 0..COMMANDS {
            match self.commands.try_recv() {
                Ok(command) => self.obey(command),
                Err(_) => break,
            }
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
