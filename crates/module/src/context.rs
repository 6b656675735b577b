//! What a service may do.

use std::fmt;
use std::time::Duration;

use crate::calls::Ctx;
use crate::{Handle, Message, Payload, Request, SendError, Sender};

/// A service's access to its node: sending, timers, commands. It is lent to the service for each message.
pub struct Context(Ctx);

impl Context {
    pub(crate) fn new(ctx: Ctx) -> Context {
        Context(ctx)
    }

    /// The service's own address.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.0.handle()
    }

    /// A new session number: 1 to `i32::MAX`, then 1 again.
    #[must_use]
    pub fn new_session(&self) -> i32 {
        self.0.new_session()
    }

    /// Sends a message that wants no answer.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the payload back. A handle of another node is accepted if there is a harbor service.
    pub fn send(&self, dest: Handle, kind: u8, payload: impl Into<Payload>) -> Result<(), SendError> {
        self.send_message(dest, Message { kind, payload: payload.into(), ..Message::default() })
    }

    /// Sends a request and gives its session. The answer comes to [`on_message`](crate::Service::on_message) as a `PTYPE_RESPONSE`
    /// or a `PTYPE_ERROR` with that session.
    ///
    /// # Errors
    ///
    /// As [`Context::send`]; then no answer comes.
    pub fn request(&self, dest: Handle, kind: u8, payload: impl Into<Payload>) -> Result<i32, SendError> {
        let session = self.new_session();
        let message = Message { kind, session, payload: payload.into(), source: Handle::NONE };
        self.send_message(dest, message).map(|()| session)
    }

    /// Sends a message of which all is said. It comes from this service if its source is [`Handle::NONE`], else in the name of that.
    ///
    /// # Errors
    ///
    /// As [`Context::send`].
    pub fn send_message(&self, dest: Handle, message: Message) -> Result<(), SendError> {
        self.0.send(dest, message)
    }

    /// The same to a name: `:hex`, `.name` of this node, or a global name (its first 16 bytes count).
    ///
    /// # Errors
    ///
    /// As [`Context::send`].
    pub fn send_name(&self, name: impl AsRef<[u8]>, message: Message) -> Result<(), SendError> {
        self.0.send_name(name.as_ref(), message)
    }

    /// Passes a message on as it came, without a copy. If it asks for an answer, `dest` owes it from then on.
    ///
    /// # Errors
    ///
    /// As [`Context::send`]; the answer is then still owed.
    pub fn redirect(&self, dest: Handle, message: Message) -> Result<(), SendError> {
        self.0.forward(dest, message)
    }

    /// Takes a message as a request, which answers with an error if it is dropped unanswered.
    ///
    /// # Errors
    ///
    /// The message, if its sender does not wait for an answer.
    pub fn accept(&self, msg: Message) -> Result<(Request, Payload), Message> {
        if !msg.wants_answer() {
            return Err(msg);
        }
        match self.0.accept(msg.source, msg.session) {
            Some(request) => Ok((Request::new(request, msg.source, msg.session), msg.payload)),
            None => Err(msg),
        }
    }

    /// Arms a timer and returns its new session: an empty `PTYPE_RESPONSE` with it arrives from [`Handle::NONE`] after that time,
    /// with a zero time at once.
    pub fn timeout(&self, after: Duration) -> i32 {
        self.0.timeout(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Writes a log line with this service as its source.
    pub fn log(&self, text: impl AsRef<[u8]>) {
        self.0.log(text.as_ref());
    }

    /// Runs a text command of skynet, such as `QUERY`, `REG`, `LAUNCH`, `GETENV`, `STAT`, for this service. `None` for no result, and for
    /// an unknown command.
    pub fn command(&self, command: &str, param: impl AsRef<[u8]>) -> Option<Payload> {
        self.0.command(command, param.as_ref())
    }

    /// Ends this service after the current message. Its handle is retired at once.
    pub fn exit(&self) {
        self.0.exit();
    }

    /// The time of the node in hundredths of a second; it begins with the node.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.now()
    }

    /// The number of messages that wait for this service.
    #[must_use]
    pub fn mqlen(&self) -> u64 {
        self.0.mqlen()
    }

    /// What sends in the name of this service from threads of its own. `None` only if the node is out of order.
    #[must_use]
    pub fn sender(&self) -> Option<Sender> {
        self.0.sender().map(|sender| Sender::new(sender, self.handle()))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.handle())
    }
}
