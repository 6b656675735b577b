//! Safe exit: who wants a part in it, the order that begins it, and how it went.
//!
//! The core keeps the list and passes the order on. Who goes through the phases is up to the program around the node, which
//! hears of the order by [`NodeBuilder::on_shutdown`](super::NodeBuilder::on_shutdown); without one the node ends at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::Node;
use crate::Handle;
use crate::context::Context;
use crate::ptype::PTYPE_TEXT;
use crate::sync::lock;

/// The exit code of a shutdown in which something was left undone.
pub const EXIT_UNCLEAN: u8 = 3;

/// Steps that are kept before those of dead services are looked for.
const FIRST_SWEEP: usize = 64;

/// What one service does in a shutdown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownStep {
    /// The service.
    pub service: Handle,
    /// The session of the `PTYPE_RESPONSE` that asks it to begin.
    pub session: i32,
    /// Its place in the order: lower ones come first.
    pub phase: i32,
    /// How long it may take.
    pub limit: Duration,
}

/// The standard phases. Numbers between them are phases, too.
impl ShutdownStep {
    /// Nobody new is let in: listeners close.
    pub const ACCEPT: i32 = 10;
    /// Those who are there are parted from.
    pub const CLIENTS: i32 = 20;
    /// What is going on comes to an end.
    pub const LOGIC: i32 = 30;
    /// What must last is written.
    pub const STORE: i32 = 40;
    /// Supervisors stop their children.
    pub const LAST: i32 = 50;
}

/// Which nodes a shutdown is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownScope {
    /// This one.
    Node,
    /// All of its harbor network.
    Network,
    /// This one, at the pace of a service on the node that leads.
    Led(Handle),
}

/// The order to end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownOrder {
    /// Which nodes are to end.
    pub scope: ShutdownScope,
    /// Why, for the log.
    pub reason: String,
}

/// What the program around a node hears of its shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownEvent {
    /// It was ordered: [`Node::shutdown_order`] says how.
    Ordered,
    /// Its phases are over, and the services are being ended.
    Ending,
}

/// Hears of the events.
pub(super) type ShutdownHook = dyn Fn(ShutdownEvent) + Send + Sync;

#[derive(Default)]
pub(super) struct Shutdown {
    list: Mutex<List>,
    exit_code: AtomicU8,
    hook: Option<Box<ShutdownHook>>,
}

impl Shutdown {
    pub(super) fn new(hook: Option<Box<ShutdownHook>>) -> Shutdown {
        Shutdown { hook, ..Shutdown::default() }
    }
}

#[derive(Default)]
struct List {
    steps: Vec<ShutdownStep>,
    order: Option<ShutdownOrder>,
    /// Who goes through the phases.
    coordinator: Handle,
    /// The length at which steps of dead services are taken out.
    sweep_at: usize,
}

impl Node {
    /// Orders the node to end in an orderly way. False if that was ordered before: the first order counts. On a node that is being
    /// ended already it is taken as well, so that whoever waits for the services hears of it, but no phase can begin any more, and
    /// its status stays.
    pub fn shutdown(&self, scope: ShutdownScope, reason: impl Into<String>) -> bool {
        {
            let mut list = lock(&self.0.shutdown.list);
            if list.order.is_some() {
                return false;
            }
            list.order = Some(ShutdownOrder { scope, reason: reason.into() });
            if self.is_running() {
                // Until somebody can say that it went well.
                self.set_exit_code(EXIT_UNCLEAN);
            }
        }
        match &self.0.shutdown.hook {
            Some(hook) => hook(ShutdownEvent::Ordered),
            None => self.end_shutdown(0),
        }
        true
    }

    /// The order to end, once it was given.
    #[must_use]
    pub fn shutdown_order(&self) -> Option<ShutdownOrder> {
        lock(&self.0.shutdown.list).order.clone()
    }

    /// Ends every service, as [`Node::abort`] does: the phases of the shutdown are over. The process should end with this code, unless the
    /// node is ending already: then the shutdown was cut off, and how it went is no longer said.
    pub fn end_shutdown(&self, exit_code: u8) {
        self.abort_with(|| self.set_exit_code(exit_code));
        if let Some(hook) = &self.0.shutdown.hook {
            hook(ShutdownEvent::Ending);
        }
    }

    /// The status that the process should end with: 0 unless a shutdown says otherwise.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.0.shutdown.exit_code.load(Ordering::SeqCst)
    }

    /// Changes that status.
    pub fn set_exit_code(&self, code: u8) {
        self.0.shutdown.exit_code.store(code, Ordering::SeqCst);
    }

    /// The service that goes through the phases, once it does.
    pub(crate) fn shutdown_coordinator(&self) -> Option<Handle> {
        let coordinator = lock(&self.0.shutdown.list).coordinator;
        (!coordinator.is_none()).then_some(coordinator)
    }

    /// Names that service.
    pub(crate) fn set_shutdown_coordinator(&self, coordinator: Handle) {
        lock(&self.0.shutdown.list).coordinator = coordinator;
    }

    /// The steps of live services, in the order in which they were reported.
    #[must_use]
    pub fn shutdown_steps(&self) -> Vec<ShutdownStep> {
        let mut list = lock(&self.0.shutdown.list);
        list.steps.retain(|step| self.is_alive(step.service));
        list.steps.clone()
    }

    /// The name of a live service: the module and the arguments that it was launched with.
    pub(crate) fn service_name(&self, handle: Handle) -> Option<String> {
        self.cell_of(handle)?.with_shared(handle, |shared| shared.name.to_string())
    }

    fn add_step(&self, step: ShutdownStep) {
        let mut list = lock(&self.0.shutdown.list);
        // Services come and go: their number, not that of all there ever were, bounds the list.
        if list.steps.len() >= list.sweep_at.max(FIRST_SWEEP) {
            list.steps.retain(|step| self.is_alive(step.service));
            list.sweep_at = list.steps.len() * 2;
        }
        list.steps.push(step);
    }
}

impl Context {
    /// Takes part in a shutdown of the node: when `phase` begins, the service gets a `PTYPE_RESPONSE` with this session. It then does
    /// what it has to, and calls [`Context::finish_shutdown`] (or sends a `PTYPE_TEXT` to the source of that message: `done <session>`, or
    /// `failed <session> <reason>`). If that takes longer than `limit`, the shutdown goes on without it. Everything that was
    /// sent to it before the phase began, it has handled by then.
    pub fn join_shutdown(&self, session: i32, phase: i32, limit: Duration) {
        self.node().add_step(ShutdownStep { service: self.handle(), session, phase, limit });
    }

    /// Reports the end of a step to the coordinator, the source of the message that began it.
    pub fn finish_shutdown(&self, coordinator: Handle, session: i32, outcome: Result<(), &str>) {
        let report = match outcome {
            Ok(()) => format!("done {session}"),
            Err(reason) => format!("failed {session} {reason}"),
        };
        // A coordinator that is gone waits for nobody.
        let _ = self.send(coordinator, PTYPE_TEXT, report);
    }

    /// Takes a step of this service back. False if there is no such step.
    pub fn leave_shutdown(&self, session: i32) -> bool {
        let mut list = lock(&self.node().0.shutdown.list);
        let before = list.steps.len();
        list.steps.retain(|step| (step.service, step.session) != (self.handle(), session));
        list.steps.len() < before
    }
}
