//! A runtime: its services, its threads, and what they share.

mod bounds;
mod builder;
mod deliver;
mod drive;
mod extensions;
mod fanout;
mod launch;
mod life;
mod shutdown;

use std::collections::HashMap;
use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) use builder::limit_ms;
pub use builder::{LogTarget, NodeBuilder};
pub use shutdown::{EXIT_UNCLEAN, ShutdownEvent, ShutdownOrder, ShutdownScope, ShutdownStep};

use crate::call::ClientState;
use crate::clock::{NodeClock, Ticks};
use crate::env::Env;
use crate::group::Groups;
use crate::names::Names;
use crate::ptype::PTYPE_RESPONSE;
use crate::scheduler::Scheduler;
use crate::service::Module;
use crate::table::Table;
use crate::timer::{Alarm, TimerKey, Timers};
use crate::watches::Watches;
use crate::{EnvError, Handle, MailboxStat, Message, Payload, ServiceError};
use extensions::Extensions;
use life::Life;
use shutdown::Shutdown;

/// A runtime for services: worker threads, a timer, names, a log.
///
/// It is a handle: clones are the same node. Dropping it stops nothing; [`Node::stop`] does. A program may hold several
/// nodes.
#[derive(Clone)]
#[repr(transparent)]
pub struct Node(Arc<Inner>);

struct Inner {
    scheduler: Scheduler,
    table: Table,
    timers: Timers,
    clock: NodeClock,
    ticks: Ticks,
    names: Names,
    watches: Watches,
    groups: Groups,
    env: Env,
    modules: RwLock<HashMap<String, Arc<dyn Module>>>,
    /// Finds those that are not in there.
    resolver: Option<Box<Resolver>>,
    harbor: u8,
    profile: bool,
    /// For services that set none themselves, in milliseconds; 0 without a limit.
    message_limit: u64,
    explain_errors: bool,
    /// Handles of the services with a part of their own; 0 is none.
    harbor_service: AtomicU32,
    monitor_service: AtomicU32,
    log_service: AtomicU32,
    client: Mutex<Option<(Arc<ClientState>, Handle)>>,
    life: Life,
    shutdown: Shutdown,
    threads: Mutex<Vec<JoinHandle<()>>>,
    extensions: Extensions,
    /// Who is shown what ended services leave unhandled.
    unhandled: OnceLock<Box<UnhandledHook>>,
    /// Who is told that what feeds a service may go on.
    relief: OnceLock<Box<ReliefHook>>,
}

/// Finds modules by their names.
type Resolver = dyn Fn(&str) -> Result<Box<dyn Module>, ServiceError> + Send + Sync;

/// Sees a message that its receiver, which has ended, did not handle.
type UnhandledHook = dyn Fn(Handle, &Message) + Send + Sync;

/// Hears of a service whose mailbox is full no more.
type ReliefHook = dyn Fn(Handle) + Send + Sync;

/// What [`Node::services`] tells of a service.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceInfo {
    /// Its address.
    pub handle: Handle,
    /// The module and the arguments that it was launched with, or its Rust type.
    pub name: String,
    /// Messages that it has begun to handle.
    pub messages: u64,
    /// Time spent in it; zero if the node does not profile.
    pub cpu_time: Duration,
    /// Messages that wait.
    pub mqlen: usize,
    /// The bound of its mailbox and what that has cost others.
    pub mailbox: MailboxStat,
}

impl Node {
    /// A node to be set up.
    #[must_use]
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }

    /// The value of a variable; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn getenv(&self, key: &str) -> Option<String> {
        self.env().get(key.as_bytes()).map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    /// Sets a variable.
    ///
    /// # Errors
    ///
    /// [`EnvError`] if it is set already: variables do not change.
    pub fn setenv(&self, key: &str, value: &str) -> Result<(), EnvError> {
        self.env().set(key.as_bytes(), value.as_bytes())
    }

    /// Gives a service of this node a local name, written without its dot. False if the name is taken, or the service is
    /// gone. A service may have many names; all go when it ends. A handle of another node may be named too.
    pub fn name(&self, name: impl AsRef<[u8]>, handle: Handle) -> bool {
        let alive = || self.is_remote(handle) || self.0.table.is_alive(handle);
        !handle.is_none() && self.0.names.add(name.as_ref(), handle, alive)
    }

    /// The service with this local name, written without its dot.
    #[must_use]
    pub fn find_name(&self, name: impl AsRef<[u8]>) -> Option<Handle> {
        self.0.names.find(name.as_ref())
    }

    /// The time of the node in hundredths of a second; it begins at the fraction of the second in which the node started.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.clock.now_cs()
    }

    /// As [`Node::now`], but up to some milliseconds late: for notes of when something happened, which must cost next to nothing.
    #[must_use]
    pub fn now_coarse(&self) -> u64 {
        self.0.clock.coarse_cs()
    }

    /// When the node started, in seconds since 1970.
    #[must_use]
    pub fn starttime(&self) -> u64 {
        self.0.clock.starttime()
    }

    /// Nanoseconds since the node started.
    #[must_use]
    pub fn hpc(&self) -> u64 {
        self.0.clock.elapsed_ns()
    }

    /// The harbor id of the node: the high byte of its handles.
    #[must_use]
    pub fn harbor(&self) -> u8 {
        self.0.harbor
    }

    /// Whether a handle belongs to another node: its high byte is neither 0 nor that of this node.
    #[inline]
    #[must_use]
    pub fn is_remote(&self, handle: Handle) -> bool {
        handle.harbor() != 0 && handle.harbor() != self.0.harbor
    }

    /// Whether there is a harbor service, which takes messages for other nodes.
    #[must_use]
    pub fn has_harbor(&self) -> bool {
        let harbor = Handle::from_raw(self.0.harbor_service.load(std::sync::atomic::Ordering::Relaxed));
        !harbor.is_none() && self.is_alive(harbor)
    }

    /// Whether a service with this handle is alive here.
    #[must_use]
    pub fn is_alive(&self, handle: Handle) -> bool {
        self.0.table.is_alive(handle)
    }

    /// The number of messages that wait for a service of this node; `None` if it is not alive.
    #[must_use]
    pub fn mqlen(&self, handle: Handle) -> Option<usize> {
        let cell = (!handle.is_none()).then(|| self.0.table.find(handle)).flatten()?;
        let waiting = cell.mailbox.len();
        cell.mailbox.is_owned_by(handle).then_some(waiting)
    }

    /// The number of worker threads.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.0.scheduler.workers()
    }

    /// Whether the node accounts CPU time to its services.
    #[must_use]
    pub fn profiles(&self) -> bool {
        self.0.profile
    }

    /// Whether those whose calls fail are told why: see [`NodeBuilder::explain_errors`].
    #[must_use]
    pub fn explains_errors(&self) -> bool {
        self.0.explain_errors
    }

    /// The payload of a `PTYPE_ERROR` that says why. If the node does not [explain](Node::explains_errors) it is empty, but for a
    /// normal end, of which it says that and no more: whoever is linked to the service does not end with it then.
    #[must_use]
    pub fn reason(&self, text: impl AsRef<[u8]>) -> Payload {
        if self.0.explain_errors {
            Payload::copy_from(text.as_ref())
        } else if text.as_ref().ends_with(launch::NORMAL_END.as_bytes()) {
            Payload::copy_from(launch::NORMAL_END.as_bytes())
        } else {
            Payload::empty()
        }
    }

    /// What is alive just now, in no order.
    #[must_use]
    pub fn services(&self) -> Vec<ServiceInfo> {
        let cells = self.0.table.cells().into_iter();
        let infos = cells.filter_map(|cell| {
            let (handle, name) = cell.identity()?;
            Some(ServiceInfo {
                handle,
                name,
                messages: cell.messages.load(Ordering::Relaxed),
                cpu_time: self.0.ticks.duration(cell.cpu_ticks.load(Ordering::Relaxed)),
                mqlen: cell.mailbox.len(),
                mailbox: cell.mailbox.stat(handle).unwrap_or_default(),
            })
        });
        infos.collect()
    }

    /// Runs a text command, as C services and scripts give them: `GETENV`, `QUERY`, `LAUNCH`, `KILL`, … Those that are about the
    /// service that gives them (`REG`, `EXIT`, `TIMEOUT`, `STAT`) do nothing here. `None` for no result, and for an unknown
    /// command.
    pub fn command(&self, cmd: &str, param: &[u8]) -> Option<Vec<u8>> {
        crate::command::run(self, None, cmd, param)
    }

    /// Arms a timer for a service, as [`Context::timeout_with`](crate::Context::timeout_with) does, from any thread.
    pub fn timeout(&self, owner: Handle, session: i32, after: Duration) -> TimerKey {
        if after.is_zero() {
            let message =
                Message { kind: PTYPE_RESPONSE, session, source: Handle::NONE, payload: Payload::empty() };
            // It fails only if the service is ending: nobody waits then.
            let _ = self.deliver(owner, message);
            return TimerKey::NONE;
        }
        self.arm(after, Alarm { handle: owner, session })
    }

    /// A copy that does not count, for what lives no longer than the node.
    pub(crate) fn lend(&self) -> ManuallyDrop<Node> {
        // SAFETY: the pointer is that of a live `Arc`, and the copy is never dropped, so the count stays right.
        ManuallyDrop::new(Node(unsafe { Arc::from_raw(Arc::as_ptr(&self.0)) }))
    }

    pub(crate) fn arm(&self, after: Duration, alarm: Alarm) -> TimerKey {
        let after = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        self.0.timers.arm(self.0.clock.elapsed_ns().saturating_add(after), alarm)
    }

    #[inline]
    pub(crate) fn timers(&self) -> &Timers {
        &self.0.timers
    }

    #[inline]
    pub(crate) fn ticks(&self) -> &Ticks {
        &self.0.ticks
    }

    pub(crate) fn clock(&self) -> &NodeClock {
        &self.0.clock
    }

    pub(crate) fn groups(&self) -> &Groups {
        &self.0.groups
    }

    pub(crate) fn env(&self) -> &Env {
        &self.0.env
    }

    /// The monitor service: it is told of each death.
    pub(crate) fn monitor_service(&self) -> Handle {
        Handle::from_raw(self.0.monitor_service.load(Ordering::Relaxed))
    }

    pub(crate) fn set_monitor_service(&self, handle: Handle) {
        self.0.monitor_service.store(handle.raw(), Ordering::Relaxed);
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("harbor", &self.0.harbor)
            .field("workers", &self.workers())
            .finish_non_exhaustive()
    }
}
