//! What a service is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::scheduler::WorkerThread;
use crate::{Context, Handle, Message, Node, ServiceError, ptype};

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

    /// The service has been handling one message for long, on the worker `running`. Called by the monitor, which must not be held
    /// up. False if that means nothing here; a [`Report`](Overdue::Report) is then written by the monitor, without a place in the code.
    fn overdue(&self, message: &LongMessage, step: Overdue, running: WorkerThread<'_>) -> bool {
        let _ = (message, step, running);
        false
    }

    /// Whether a message of the kind `PTYPE_DEBUG` goes before all that wait, but for earlier ones that did. It is asked when more than
    /// 64 messages wait, by whoever sends the message, and must not take long.
    fn is_urgent(&self, msg: &Message) -> bool {
        let _ = msg;
        false
    }
}

/// What is to be done about a message that takes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overdue {
    /// Say in the log what the service is at: after 5 seconds, and again after each 5 more.
    Report,
    /// Half a second after a report: if nothing could be found out until now, say so.
    Confirm,
    /// Interrupt it: it has reached the [limit](Context::set_message_limit).
    Interrupt,
    /// A second after the interrupt, and after each second more, it still goes on.
    Insist,
}

/// A message that has been handled for long. Its text form tells all of it, and whose message it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LongMessage {
    /// Who handles it.
    pub service: Handle,
    /// What that is called.
    pub name: String,
    /// Who has sent it; [`Handle::NONE`] for a timer.
    pub source: Handle,
    /// What that is called; empty if it has ended, is on another node, or nobody.
    pub source_name: String,
    /// The kind of the message.
    pub kind: u8,
    /// Its session.
    pub session: i32,
    /// Its number: the [`message_count`](Context::message_count) of the service while it handles it.
    pub number: u64,
    /// For how long it has been handled.
    pub age: Duration,
}

impl fmt::Display for LongMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LongMessage { service, name, source, source_name, kind, session, age, .. } = self;
        let (kind, seconds) = (ptype::name(*kind), age.as_secs_f64());
        write!(f, "service {service} ({name}) has been in one message for {seconds:.1} s: type {kind}, ")?;
        match (source.is_none(), source_name.as_str()) {
            (true, _) => write!(f, "session {session}, from a timer"),
            (false, "") => write!(f, "session {session}, from {source}"),
            (false, name) => write!(f, "session {session}, from {source} ({name})"),
        }
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
