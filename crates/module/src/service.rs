//! What a service is.

use crate::{Context, Error, Message};

/// An actor: it owns its state and handles one message at a time, on whatever thread of the node has time.
///
/// A panic ends the one service, and what it owed is answered with errors. (So it must unwind: a module that is built with
/// `panic = "abort"` ends the process.)
pub trait Service: Sized + Send + 'static {
    /// Makes the service from the arguments of its launch. Messages that arrive meanwhile wait.
    ///
    /// # Errors
    ///
    /// An error undoes the launch: the log gets its text, and whoever launched is told that it failed.
    fn init(ctx: &Context, args: &[u8]) -> Result<Self, Error>;

    /// Handles one message.
    fn on_message(&mut self, ctx: &Context, msg: Message);

    /// Runs once when the service ends, however it does, before it is dropped. `ctx` still sends.
    fn on_exit(&mut self, ctx: &Context) {
        let _ = ctx;
    }

    /// What the command SIGNAL is told to, on the thread that gives it, while the service may be running. Asked for once, after `init`.
    fn signal_handler(&self) -> Option<SignalHandler> {
        None
    }
}

/// Gets the numbers of signals. It may outlive the service a little.
pub type SignalHandler = Box<dyn Fn(i32) + Send + Sync>;
