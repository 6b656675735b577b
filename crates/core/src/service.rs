//! What a service is.

use std::sync::Arc;

use crate::scheduler::WorkerThread;
use crate::{Context, Message, Node, ServiceError};

/// An actor: it owns its state and handles one message at a time.
///
/// A closure `FnMut(&Context, Message)` is a service too. A panic ends the one service, and answers what it owed.
pub trait Service: Send + 'static {
    /// Runs on the thread that launches, before any message is handled. Messages that arrive meanwhile wait.
    ///
    /// # Errors
    ///
    /// An error undoes the launch: the handle is retired and what has arrived is answered with `PTYPE_ERROR`.
    fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        let _ = ctx;
        Ok(())
    }

    /// Handles one message, on whatever worker has time.
    fn on_message(&mut self, ctx: &Context, msg: Message);

    /// Runs at the end of a turn in which the service has asked for it by [`Context::at_turn_end`]: what it has put off, so that
    /// several messages share the cost, is done now.
    fn on_turn_end(&mut self, ctx: &Context) {
        let _ = ctx;
    }

    /// Runs once when the service ends, on whatever thread ends it, after its handle was retired and before it is dropped.
    /// It answers what is owed: `ctx` still sends.
    fn on_exit(&mut self, ctx: &Context) {
        let _ = ctx;
    }

    /// A side door that other threads may use while the service runs: asked for once, after `init`.
    fn control(&self) -> Option<Arc<dyn ServiceControl>> {
        None
    }
}

impl<F: FnMut(&Context, Message) + Send + 'static> Service for F {
    fn on_message(&mut self, ctx: &Context, msg: Message) {
        self(ctx, msg);
    }
}

/// What other threads may tell a service while it runs.
pub trait ServiceControl: Send + Sync {
    /// The command SIGNAL, on the thread that gives it. `running` is the worker inside the service just now, if any.
    fn signal(&self, sig: i32, running: Option<WorkerThread<'_>>);

    /// The service was killed while it was running: make it come back soon.
    fn condemn(&self, running: WorkerThread<'_>);

    /// Whether a message of the kind `PTYPE_DEBUG` goes before all that wait, but for earlier ones of its sort. It is asked by
    /// whoever sends the message, before the service gets it, and must not take long.
    fn is_urgent(&self, msg: &Message) -> bool {
        let _ = msg;
        false
    }
}

/// A kind of service that is launched by name, with its arguments as bytes.
///
/// A closure `Fn(&Node, &[u8]) -> Result<Box<dyn Service>, ServiceError>` is a module too.
pub trait Module: Send + Sync + 'static {
    /// Makes a service. Its [`init`](Service::init) follows, once it has a handle.
    ///
    /// # Errors
    ///
    /// Why there can be none.
    fn create(&self, node: &Node, args: &[u8]) -> Result<Box<dyn Service>, ServiceError>;
}

impl<F> Module for F
where
    F: Fn(&Node, &[u8]) -> Result<Box<dyn Service>, ServiceError> + Send + Sync + 'static,
{
    fn create(&self, node: &Node, args: &[u8]) -> Result<Box<dyn Service>, ServiceError> {
        self(node, args)
    }
}
