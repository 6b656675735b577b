//! A proxy between the nodes of a cluster.
//!
//! It stands where the slaves look for the master, and rewrites what the master tells them: where another node listens
//! becomes a port of the proxy that is for this pair of nodes alone. So every connection runs through it, slaves' to the
//! master as well as links, without any node being told, and each can be disturbed on its own.

mod packages;

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use packages::Packages;

/// How often a connection without traffic looks whether it is disturbed.
const LOOK: Duration = Duration::from_millis(20);

/// The id that stands for the master's port, which is not the node that the master runs on.
pub const MASTER: u32 = 0;

/// What happens to the connections of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// What is sent waits this long, in each direction.
    Delay(Duration),
    /// What is sent is kept until this is over; nothing is lost.
    Hold,
    /// What is sent disappears, without an end of the connection: a cable is cut. Connections that have lost something
    /// are ended when this is over.
    Drop,
    /// Half of what is sent next arrives, then the connection ends, in the middle of a message.
    Truncate,
    /// Connections are ended, and new ones at once.
    Cut,
}

/// Two ids, the lower first.
type Pair = (u32, u32);

fn pair(a: u32, b: u32) -> Pair {
    (a.min(b), a.max(b))
}

#[derive(Debug, Default)]
struct State {
    faults: HashMap<Pair, Fault>,
    /// Of the node that connects and the one that listens: our port for it, and where that one really listens.
    links: HashMap<Pair, (SocketAddr, String)>,
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, pair: Pair) -> Fault {
        self.lock().faults.get(&pair).copied().unwrap_or_default()
    }

    /// The address at which `from` reaches `to`, who listens at `target`.
    fn link(&self, from: u32, to: u32, target: &str) -> Result<String> {
        let mut state = self.lock();
        if let Some((address, known)) = state.links.get_mut(&(from, to)) {
            target.clone_into(known);
            return Ok(address.to_string());
        }
        let listener = TcpListener::bind("127.0.0.1:0").context("the proxy cannot listen")?;
        let address = listener.local_addr()?;
        state.links.insert((from, to), (address, target.to_owned()));
        drop(state);
        let shared = self.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let target = shared.lock().links.get(&(from, to)).map(|(_, target)| target.clone());
                let server = target.and_then(|target| TcpStream::connect(target).ok());
                let Some(server) = server.filter(|_| shared.fault(pair(from, to)) != Fault::Cut) else {
                    continue;
                };
                let _ = shared.relay(client, server, move |_, shared, from_stream, to_stream| {
                    shared.pump(&Ends::of(pair(from, to)), from_stream, to_stream, &mut |bytes| {
                        Ok(bytes.to_vec())
                    })
                });
            }
        });
        Ok(address.to_string())
    }

    /// Runs `pump` for each direction, on a thread of its own: `true` towards the server.
    fn relay(
        &self,
        client: TcpStream,
        server: TcpStream,
        pump: impl Fn(bool, &Shared, TcpStream, TcpStream) -> Result<()> + Send + Clone + 'static,
    ) -> Result<()> {
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LOOK))?;
        }
        let (client2, server2) = (client.try_clone()?, server.try_clone()?);
        let (shared, other) = (self.clone(), self.clone());
        let back = pump.clone();
        thread::spawn(move || pump(true, &shared, client, server));
        thread::spawn(move || back(false, &other, server2, client2));
        Ok(())
    }

    /// Carries bytes from one stream to the other until either ends or a fault ends them; then both are ended.
    fn pump(
        &self,
        ends: &Ends,
        mut from: TcpStream,
        mut to: TcpStream,
        change: &mut dyn FnMut(&[u8]) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let result = self.carry(ends, &mut from, &mut to, change);
        // They may have ended already.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
        result
    }

    fn carry(
        &self,
        ends: &Ends,
        from: &mut TcpStream,
        to: &mut TcpStream,
        change: &mut dyn FnMut(&[u8]) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let mut block = vec![0; 64 * 1024];
        let mut lost = false;
        loop {
            let got = match from.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(got) => got,
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
                Err(e) => return Err(e.into()),
            };
            let fault = self.fault(ends.pair());
            if fault == Fault::Cut || (lost && fault != Fault::Drop) {
                return Ok(());
            }
            if got == 0 {
                continue;
            }
            let bytes = change(block.get(..got).unwrap_or_default())?;
            match fault {
                Fault::Drop => lost = true,
                Fault::Truncate => {
                    to.write_all(bytes.get(..bytes.len() / 2).unwrap_or_default())?;
                    return Ok(());
                }
                Fault::Delay(time) => thread::sleep(time),
                Fault::Hold => {
                    while self.fault(ends.pair()) == Fault::Hold {
                        thread::sleep(LOOK);
                    }
                }
                Fault::None | Fault::Cut => {}
            }
            if !lost {
                to.write_all(&bytes)?;
            }
        }
    }
}

/// Between whom a connection is; with the master that is known only after its first package.
#[derive(Debug, Clone)]
struct Ends(Arc<Mutex<Pair>>);

impl Ends {
    fn of(pair: Pair) -> Self {
        Self(Arc::new(Mutex::new(pair)))
    }

    fn pair(&self) -> Pair {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slave(&self) -> u32 {
        self.pair().1
    }

    fn is_slave(&self, id: u32) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (MASTER, id);
    }
}

/// The proxy of a cluster. Its threads end with their connections, those that listen with the process.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Shared,
}

impl Proxy {
    /// Stands before the master that listens at `master`.
    pub(super) fn open(master: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("the proxy cannot listen")?;
        let address = listener.local_addr()?;
        let (shared, master) = (Shared::default(), master.to_owned());
        let ours = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&master) else { continue };
                let ends = Ends::of((MASTER, MASTER));
                let _ = ours.relay(client, server, move |forth, shared, from, to| {
                    let mut packages = Packages::default();
                    shared.pump(&ends, from, to, &mut |bytes| {
                        if forth {
                            packages.each(bytes, |package| {
                                packages::reporting(package).inspect(|id| ends.is_slave(*id));
                                Ok(None)
                            })
                        } else {
                            packages.each(bytes, |package| {
                                packages::with_address(package, |id, target| {
                                    shared.link(ends.slave(), id, target)
                                })
                            })
                        }
                    })
                });
            }
        });
        Ok(Self { address, shared })
    }

    /// Where slaves find the master.
    pub(super) fn master_address(&self) -> String {
        self.address.to_string()
    }

    /// Disturbs the connections between two nodes, or between a node and the [`MASTER`].
    pub fn disturb(&self, a: u32, b: u32, fault: Fault) {
        self.shared.lock().faults.insert(pair(a, b), fault);
    }

    /// Ends all that disturbs.
    pub fn heal(&self) {
        self.shared.lock().faults.clear();
    }
}
