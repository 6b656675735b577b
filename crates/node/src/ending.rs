//! How the process ends: it waits for the node, and sees to its shutdown when one is ordered, within limits.
//!
//! The phases are gone through by a Lua service, `shutdownd`, which is started only then, and only if there is something to go
//! through. This side trusts nobody: whatever the services do, the process ends.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::low_level;
use skynet_core::{EXIT_UNCLEAN, Handle, Node, ShutdownOrder, ShutdownScope};

use crate::{complain, signals};

/// How long services may take to end that were told to.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// The same when somebody cannot wait.
const ABORT_LIMIT: Duration = Duration::from_millis(500);
/// Where the phases have used up their time, the service that goes through them says so itself. If it has not by now, it cannot.
const GRACE: Duration = Duration::from_secs(1);
/// How often the coordinator is looked after while there is one.
const LOOK: Duration = Duration::from_millis(200);

/// What may happen to a node from outside of it, and what it reports.
pub(crate) enum Event {
    /// SIGTERM or SIGINT.
    Signal(i32),
    /// Something has become of a shutdown.
    Shutdown,
    /// The last service has ended.
    Ended,
}

/// How a shutdown is done: the keys of the config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShutdownSettings {
    /// How long all phases may take together.
    pub(crate) limit: Duration,
    /// Whether a signal ends all nodes of the network.
    pub(crate) network: bool,
}

/// What comes to the thread that waits for the node.
pub(crate) struct Events {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
}

impl Events {
    pub(crate) fn new() -> Events {
        let (sender, receiver) = channel();
        Events { sender, receiver }
    }

    /// A way to report something.
    pub(crate) fn sender(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// Waits until the node has ended, or must not be waited for any longer. The status that the process should end with.
    pub(crate) fn wait(&self, node: &Node, settings: &ShutdownSettings) -> u8 {
        let ended = self.sender();
        // Nobody is left to hear of it only if this function has returned.
        node.attach([], move || drop(ended.send(Event::Ended)));
        let order = loop {
            match self.receiver.recv() {
                Ok(Event::Signal(signal)) => {
                    let scope = if settings.network { ShutdownScope::Network } else { ShutdownScope::Node };
                    node.shutdown(scope, signals::name(signal));
                }
                Ok(Event::Shutdown) => {}
                Ok(Event::Ended) | Err(_) => {
                    node.wait();
                    return node.exit_code();
                }
            }
            // At once, so that a signal that waits here already is a second one.
            if let Some(order) = node.shutdown_order() {
                break order;
            }
        };
        self.shut_down(node, &order, settings.limit)
    }

    fn shut_down(&self, node: &Node, order: &ShutdownOrder, limit: Duration) -> u8 {
        log(node, format!("begins: {}", order.reason));
        // `None` from the moment on at which services are being ended.
        let mut coordinator = start_coordinator(node, order);
        let mut until = Instant::now() + if coordinator.is_some() { limit + GRACE } else { STOP_LIMIT };
        loop {
            let pause = until.saturating_duration_since(Instant::now()).min(LOOK);
            match self.receiver.recv_timeout(pause) {
                Ok(Event::Ended) => {
                    node.wait();
                    return node.exit_code();
                }
                Ok(Event::Signal(signal)) => {
                    log(node, format!("a second signal, {}: everything ends at once", signals::name(signal)));
                    node.set_exit_code(u8::try_from(128 + signal).unwrap_or(EXIT_UNCLEAN));
                    return stop(node, ABORT_LIMIT);
                }
                Ok(Event::Shutdown) | Err(_) => {}
            }
            // Asked first: when its last words end the node, it lives still when the node does not run any more.
            let gone = coordinator.is_some_and(|coordinator| !node.is_alive(coordinator));
            let mut end = coordinator.is_some() && !node.is_running();
            if !end && gone {
                log(node, "the coordinator is gone: all services end");
                end = true;
            } else if !end && Instant::now() >= until {
                log(node, "time is up: all services end, whatever they are doing");
                node.set_exit_code(EXIT_UNCLEAN);
                if coordinator.is_none() {
                    return stop(node, ABORT_LIMIT);
                }
                end = true;
            }
            if end {
                coordinator = None;
                until = Instant::now() + STOP_LIMIT;
                node.abort();
            }
        }
    }
}

/// Starts the service that goes through the phases. `None` if there are none, or there can be none: then all services are told to end.
fn start_coordinator(node: &Node, order: &ShutdownOrder) -> Option<Handle> {
    let scope = match order.scope {
        ShutdownScope::Network if node.harbor() != 0 => "network".to_owned(),
        ShutdownScope::Led(leader) => format!(":{:08x}", leader.raw()),
        _ if node.shutdown_steps().is_empty() => {
            node.end_shutdown(0);
            return None;
        }
        _ => "node".to_owned(),
    };
    match node.launch("snlua", format!("shutdownd {scope}").as_bytes()) {
        Ok(coordinator) => Some(coordinator),
        Err(cause) => {
            log(node, format!("no phases: {cause}"));
            // It is ending already, most likely. If not, what was to be done is not.
            if node.is_running() {
                node.set_exit_code(EXIT_UNCLEAN);
            }
            node.abort();
            None
        }
    }
}

/// Ends all services, and says which of them do not.
fn stop(node: &Node, limit: Duration) -> u8 {
    let Err(stuck) = node.stop(limit) else { return node.exit_code() };
    log(node, &stuck);
    node.close_log(ABORT_LIMIT);
    let status = match node.exit_code() {
        0 => EXIT_UNCLEAN,
        code => code,
    };
    end_for_sure(status);
    complain(format_args!("shutdown: {stuck}"));
    status
}

/// The end of the process takes locks of the C library and writes what waits for the standard output. Code that is stuck may hold
/// the one, and be stuck for the other: then the process ends without that.
fn end_for_sure(status: u8) {
    let body = move || {
        thread::sleep(ABORT_LIMIT);
        low_level::exit(i32::from(status));
    };
    // Without a thread the process may have to be killed.
    let _ = thread::Builder::new().name("last".to_owned()).spawn(body);
}

fn log(node: &Node, text: impl std::fmt::Display) {
    node.log(Handle::NONE, format!("shutdown: {text}"));
}
