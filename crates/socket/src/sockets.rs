//! The sockets of a node, and what one may do with them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skynet_core::{Handle, Node, PTYPE_SOCKET, SocketKind, SocketMessage};

use crate::cork::Corks;
use crate::outbox::Phase;
use crate::poll::{Command, Poller, Post};
use crate::resolver::Resolver;
use crate::socket::{Io, Kind, Socket};
use crate::sync::lock;
use crate::table::Table;
use crate::{OpenError, Options, SocketId, StartError, sys};

/// The most polls with threads of their own.
const MAX_THREADS: usize = 64;

/// The sockets of one node. It is a handle: clones are the same. Dropping it closes nothing; the end of the node does.
#[derive(Clone)]
pub struct Sockets(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) node: Node,
    pub(crate) table: Table,
    pub(crate) options: Options,
    /// What workers have put off to the end of their turns.
    pub(crate) corks: Corks,
    posts: Box<[Post]>,
    resolver: Resolver,
    stopped: AtomicBool,
}

impl Inner {
    /// Gives an order to the poll thread of a socket.
    pub(crate) fn post(&self, id: SocketId, command: Command) {
        let index = id.raw().unsigned_abs() as usize % self.posts.len();
        if let Some(post) = self.posts.get(index) {
            post.send(command);
        }
    }

    /// Gives an id to a new socket.
    pub(crate) fn insert(&self, make: impl FnOnce(SocketId) -> Socket) -> Result<Arc<Socket>, OpenError> {
        let socket = self.table.insert(|id| {
            let socket = make(id);
            lock(&socket.out).limit = self.options.write_limit.unwrap_or(usize::MAX);
            socket
        });
        let socket = socket.ok_or(OpenError::Full)?;
        // After the end nobody would ever close it.
        if self.stopped.load(Ordering::SeqCst) {
            self.table.remove(socket.id);
            return Err(OpenError::Stopped);
        }
        Ok(socket)
    }

    /// Closes a connection of which nobody has heard: its owner ended before that.
    fn turn_away(&self, id: SocketId, owner: Handle) {
        let unheard =
            |socket: &Arc<Socket>| socket.owner() == owner && lock(&socket.out).phase == Phase::Unstarted;
        if self.table.get(id).as_ref().is_some_and(unheard) {
            self.post(id, Command::Shutdown(id));
        }
    }

    /// Finds threads for a poll.
    fn start(inner: &Arc<Inner>, poller: Poller) -> std::io::Result<()> {
        if inner.options.threads == 0 {
            let weak = Arc::downgrade(inner);
            return inner.node.drive("skynet-socket", Box::new(poller), move || {
                weak.upgrade().and_then(|inner| inner.posts.first().map(Post::wake));
            });
        }
        inner.node.attach([poller.spawn()?], || ());
        Ok(())
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.resolver.stop();
        self.posts.iter().for_each(|post| post.send(Command::Stop));
    }
}

impl Sockets {
    /// Ties sockets to a node. They end with it; [`Node::stop`] and [`Node::wait`] wait for that.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the node has sockets already, the number of threads is out of its range, or the system gives no poll or
    /// thread.
    pub fn attach(node: &Node, options: Options) -> Result<Sockets, StartError> {
        if options.threads > MAX_THREADS {
            return Err(StartError::Threads { count: options.threads });
        }
        let prepared =
            (0..options.threads.max(1)).map(|_| crate::poll::prepare()).collect::<Result<Vec<_>, _>>();
        let (posts, polls): (Vec<_>, Vec<_>) = prepared.map_err(StartError::System)?.into_iter().unzip();
        let inner = Arc::new(Inner {
            node: node.clone(),
            table: Table::new(options.max_sockets, 0),
            corks: Corks::new(node.workers()),
            options,
            posts: posts.into(),
            resolver: Resolver::new(),
            stopped: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&inner);
        let hooked = node.on_turn_end(move |worker| {
            weak.upgrade().inspect(|inner| inner.uncork_worker(worker));
        });
        if !hooked {
            return Err(StartError::Attached);
        }
        let weak = Arc::downgrade(&inner);
        let hooked = node.on_unhandled(move |dead, message| {
            if message.kind == PTYPE_SOCKET
                && let Some((SocketKind::Accept, _, id)) = SocketMessage::head(&message.payload)
            {
                weak.upgrade().inspect(|inner| inner.turn_away(SocketId::from_raw(id), dead));
            }
        });
        if !hooked {
            return Err(StartError::Attached);
        }
        let weak = Arc::downgrade(&inner);
        let hooked = node.on_relief(move |service| {
            if let Some(inner) = weak.upgrade() {
                inner.posts.iter().for_each(|post| post.send(Command::Relieve(service)));
            }
        });
        if !hooked {
            return Err(StartError::Attached);
        }
        let started = polls
            .into_iter()
            .enumerate()
            .try_for_each(|(index, poll)| Inner::start(&inner, Poller::new(Arc::clone(&inner), index, poll)));
        if let Err(cause) = started {
            inner.stop();
            return Err(StartError::System(cause));
        }
        let ending = Arc::clone(&inner);
        node.attach([], move || ending.stop());
        let sockets = Sockets(inner);
        node.extend(sockets.clone());
        Ok(sockets)
    }

    /// The sockets that were attached to a node, unless it has ended.
    #[must_use]
    pub fn of(node: &Node) -> Option<Sockets> {
        node.extension::<Sockets>().map(|sockets| Sockets::clone(&sockets))
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// The node that they belong to.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.0.node
    }

    /// Opens a listener. Its owner gets `Ready` with the local address and the real port; connections are taken after
    /// [`Sockets::start`].
    ///
    /// `host` is an address, a name, or empty for all IPv4 addresses; a name may take time to look up, on the calling thread. With
    /// port 0 the system chooses one. `backlog` is how many connections may wait to be taken.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the host is unknown, the address is in use or not allowed, or there are too many sockets.
    pub fn listen(&self, owner: Handle, host: &str, port: u16, backlog: i32) -> Result<SocketId, OpenError> {
        let listener = self.first_of(host, port, |address| sys::listener(address, backlog))?;
        let bound = listener.local_addr().map_err(OpenError::Descriptor)?;
        let make = |id| Socket::with_io(id, owner, Kind::Listen, Io::Listener(listener));
        let id = self.0.insert(make)?.id;
        self.0.tell(owner, SocketKind::Connect, id, i32::from(bound.port()), &bound.ip().to_string());
        Ok(id)
    }

    /// Opens a connection. The id is there at once, and may be written to; the owner gets `Ready` with the peer's address, or
    /// `Failed`, and then the id is gone. Each address of the host is tried in turn.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if there are too many sockets, or no thread for the lookup.
    pub fn connect(&self, owner: Handle, host: &str, port: u16) -> Result<SocketId, OpenError> {
        let socket = self.0.insert(|id| Socket::new(id, owner, Kind::Tcp))?;
        let id = socket.id;
        lock(&socket.out).phase = Phase::Connecting;
        if let Ok(ip) = host.parse::<IpAddr>() {
            self.0.post(id, Command::Connect { id, addresses: Ok(vec![SocketAddr::new(ip, port)]) });
            return Ok(id);
        }
        let (inner, name) = (Arc::downgrade(&self.0), host.to_owned());
        let started = self.0.resolver.run(move || {
            let addresses = resolve(&name)
                .map(|ips| ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect::<Vec<_>>());
            if let Some(inner) = inner.upgrade() {
                inner.post(id, Command::Connect { id, addresses });
            }
        });
        if !started {
            self.0.table.remove(id);
            let reason = "no thread can be started for the lookup".to_owned();
            return Err(OpenError::Resolve { host: host.to_owned(), reason });
        }
        Ok(id)
    }

    /// Adopts a copy of a descriptor, such as that of the standard input, and reads from it. The owner gets `Ready` with
    /// `binding`.
    ///
    /// The original stays open. Both do not block from now on: the system keeps that setting for all copies.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the descriptor cannot be copied, or there are too many sockets.
    pub fn bind(&self, owner: Handle, fd: &impl AsFd) -> Result<SocketId, OpenError> {
        let fd = fd.as_fd().try_clone_to_owned().map_err(OpenError::Descriptor)?;
        sys::set_nonblocking(fd.as_fd()).map_err(OpenError::Descriptor)?;
        let socket = self.0.insert(|id| Socket::with_io(id, owner, Kind::Bind, Io::File(fd.into())))?;
        lock(&socket.out).phase = Phase::Open;
        self.0.tell(owner, SocketKind::Connect, socket.id, 0, "binding");
        self.0.post(socket.id, Command::Open(socket.id));
        Ok(socket.id)
    }

    /// Lets a socket read, or take connections, for `owner`: it is the owner from now on, and gets `Ready`, with `start` the
    /// first time and `transfer` later. This also resumes a paused socket.
    ///
    /// What is sent from now on is not lost, also while the order is on its way.
    ///
    /// If there is no such socket, or its peer has ended, `owner` gets `Failed`.
    pub fn start(&self, owner: Handle, id: SocketId) {
        if let Some(socket) = self.0.table.get(id).filter(|socket| socket.kind == Kind::Tcp) {
            let mut out = lock(&socket.out);
            if out.phase == Phase::Unstarted {
                out.phase = Phase::Open;
            }
        }
        self.0.post(id, Command::Start { id, owner });
    }

    /// Stops reading until the next [`Sockets::start`]. What was read already may still come.
    pub fn pause(&self, id: SocketId) {
        self.0.post(id, Command::Pause(id));
    }

    /// Stops reading while the mailbox of the service `by` is full in the sense of [`Node::is_full`]: for those who pass on to `by`
    /// what the socket brings. Whether the mailbox of the owner is full needs no asking. If `by` has room nothing happens.
    pub fn hold(&self, id: SocketId, by: Handle) {
        if self.0.node.is_full(by) {
            self.0.post(id, Command::Hold { id, by });
        }
    }

    /// Closes a socket when all that waits is sent: see [`Options::close_timeout`]. The owner gets `Closed` at once, unless it
    /// came before; sending fails from now on.
    pub fn close(&self, id: SocketId) {
        if let Some(socket) = self.0.table.get(id) {
            let mut out = lock(&socket.out);
            self.0.uncork(&socket, &mut out);
            if out.phase != Phase::Closed {
                out.phase = Phase::Closing;
                self.0.post(id, Command::Close(id));
            }
        }
    }

    /// Closes a socket at once; what waits is lost. The owner gets `Closed`, unless it came before.
    pub fn shutdown(&self, id: SocketId) {
        if let Some(socket) = self.0.table.get(id) {
            let mut out = lock(&socket.out);
            self.0.uncork(&socket, &mut out);
            if out.phase != Phase::Closed {
                out.phase = Phase::Closing;
                self.0.post(id, Command::Shutdown(id));
            }
        }
    }

    /// Sends small pieces at once instead of gathering them (`TCP_NODELAY`). Nothing happens if there is no such connection.
    pub fn nodelay(&self, id: SocketId) {
        if let Some(socket) = self.0.table.get(id) {
            // Whoever finishes connecting looks at the wish after the stream is set.
            socket.no_delay.store(true, Ordering::SeqCst);
            if let Some(Io::Stream(stream)) = socket.io.get() {
                // It fails only on a connection that is dead.
                let _ = stream.set_nodelay(true);
            }
        }
    }

    /// Switches the probing of quiet connections (`SO_KEEPALIVE`), which is on at first. False if there is no such connection
    /// yet.
    pub fn keepalive(&self, id: SocketId, on: bool) -> bool {
        let socket = self.0.table.get(id);
        socket.is_some_and(|socket| match socket.io.get() {
            Some(Io::Stream(stream)) => sys::keep_alive(stream.as_fd(), on).is_ok(),
            _ => false,
        })
    }

    /// Lets the system find out whether a quiet or stuck peer is there: it probes after `silence / 3` without a word, and breaks the
    /// connection when nothing has come back for about `silence`, or when sent bytes were not taken for so long (the latter
    /// where the system can: Linux). Whole seconds count, at least 3. False if there is no such connection.
    pub fn keepalive_after(&self, id: SocketId, silence: Duration) -> bool {
        let socket = self.0.table.get(id);
        socket.is_some_and(|socket| match socket.io.get() {
            Some(Io::Stream(stream)) => sys::keep_alive_after(stream.as_fd(), silence).is_ok(),
            _ => false,
        })
    }

    /// Above how many waiting bytes a socket is closed; `None` for never. The owner gets `Failed` and `Closed`. It begins at [`Options::write_limit`].
    pub fn limit(&self, id: SocketId, limit: Option<usize>) {
        if let Some(socket) = self.0.table.get(id) {
            lock(&socket.out).limit = limit.unwrap_or(usize::MAX);
        }
    }

    /// The first success of `open` with an address of the host.
    pub(crate) fn first_of<T>(
        &self,
        host: &str,
        port: u16,
        open: impl Fn(SocketAddr) -> std::io::Result<T>,
    ) -> Result<T, OpenError> {
        let mut failure = None;
        for address in addresses(host, port)? {
            match open(address) {
                Ok(opened) => return Ok(opened),
                Err(cause) => {
                    failure.get_or_insert(OpenError::Address { address: address.to_string(), cause });
                }
            }
        }
        Err(failure.unwrap_or_else(|| no_address(host)))
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").field("threads", &self.0.posts.len()).finish_non_exhaustive()
    }
}

/// The addresses of a host, in the order of the system's resolver. It may take seconds: no service should wait for it.
///
/// # Errors
///
/// The resolver's own words, such as `Name or service not known`.
pub fn resolve(host: &str) -> Result<Vec<IpAddr>, String> {
    sys::resolve(host)
}

/// The addresses to listen on or to send to; an empty host is any.
pub(crate) fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, OpenError> {
    let ips = match host.parse::<IpAddr>() {
        Ok(ip) => vec![ip],
        Err(_) if host.is_empty() => vec![IpAddr::from([0, 0, 0, 0])],
        Err(_) => resolve(host).map_err(|reason| OpenError::Resolve { host: host.to_owned(), reason })?,
    };
    Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

pub(crate) fn no_address(host: &str) -> OpenError {
    OpenError::Resolve { host: host.to_owned(), reason: "it has no address".to_owned() }
}
