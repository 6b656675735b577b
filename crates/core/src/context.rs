//! What a service may do.

mod owed;

use std::cell::{Cell as Slot, OnceCell, RefCell};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::call::{Call, Tasks};
use crate::cell::CellRef;
use crate::node::{Node, limit_ms};
use crate::request::Link;
use crate::scheduler::seat;
use crate::timer::TimerKey;
use crate::{Handle, Message, Payload, SendError, SharedPayload};

/// A service's access to its node: sending, calling, timers, commands.
///
/// It is lent to the service for each message. Its address stays the same from `init` to the end of the service.
pub struct Context {
    /// Borrowed: whoever runs a service holds its node.
    node: ManuallyDrop<Node>,
    cell: CellRef,
    handle: Handle,
    /// The last session given out.
    session: Slot<i32>,
    /// The sender and session of the current message, if it waits for an answer and was not accepted as a [`Request`].
    open_request: Slot<(Handle, i32)>,
    /// The counter when the current message began; with profiling only.
    message_start: Slot<u64>,
    has_tasks: Slot<bool>,
    /// The service wants to know of the end of this turn.
    turn_end: Slot<bool>,
    tasks: RefCell<Option<Box<Tasks>>>,
    link: OnceCell<Arc<Link>>,
    not_sync: PhantomData<*const ()>,
}

impl Context {
    pub(crate) fn new(node: &Node, cell: CellRef, handle: Handle) -> Context {
        Context {
            node: node.lend(),
            cell,
            handle,
            session: Slot::new(0),
            open_request: Slot::default(),
            message_start: Slot::new(0),
            has_tasks: Slot::new(false),
            turn_end: Slot::new(false),
            tasks: RefCell::default(),
            link: OnceCell::new(),
            not_sync: PhantomData,
        }
    }

    /// Calls `f` with the context of the service that runs on this thread just now, if one does. This is how a
    /// [spawned](Context::spawn) future reaches its service.
    pub fn with<R>(f: impl FnOnce(Option<&Context>) -> R) -> R {
        seat::with_context(f)
    }

    /// The service's own address.
    #[inline]
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// The node that it runs on.
    #[inline]
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// A new session number: 1 to `i32::MAX`, then 1 again.
    #[inline]
    pub fn new_session(&self) -> i32 {
        let session = self.session.get().checked_add(1).unwrap_or(1);
        self.session.set(session);
        session
    }

    /// Lets the next [`new_session`](Context::new_session) return `next`; below 1 is taken as 1.
    #[doc(hidden)]
    pub fn set_next_session(&self, next: i32) {
        self.session.set(next.max(1) - 1);
    }

    /// Sends a message in the name of `source` ([`Handle::NONE`]: this service).
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the payload back. A handle of another node is accepted if there is a harbor service.
    #[inline]
    pub fn send_from(
        &self,
        source: Handle,
        dest: Handle,
        kind: u8,
        session: i32,
        payload: Payload,
    ) -> Result<(), SendError> {
        let source = if source.is_none() { self.handle } else { source };
        self.node.deliver(dest, Message { kind, session, source, payload })
    }

    /// Sends several messages that differ in their payloads alone, in order. If the receiver is on this node it finds some dozens of
    /// them at once: it cannot have handled the first before the last is there. `source` as in [`Context::send_from`].
    ///
    /// # Errors
    ///
    /// [`SendError`] hands back the first payload that could not be sent. Those behind it are dropped.
    pub fn send_all(
        &self,
        source: Handle,
        dest: Handle,
        kind: u8,
        session: i32,
        payloads: impl IntoIterator<Item = Payload>,
    ) -> Result<(), SendError> {
        let source = if source.is_none() { self.handle } else { source };
        let shape = Message { kind, session, source, payload: Payload::empty() };
        self.node.deliver_all(dest, &shape, payloads)
    }

    /// Sends one message to many services, all of which read the same payload: see [`Node::send_to_many`]. `source` as in
    /// [`Context::send_from`].
    pub fn send_to_many(
        &self,
        source: Handle,
        dests: &[Handle],
        kind: u8,
        session: i32,
        payload: &SharedPayload,
    ) -> Vec<Handle> {
        let source = if source.is_none() { self.handle } else { source };
        self.node.send_to_many(source, dests, kind, session, payload)
    }

    /// Sends a message that wants no answer.
    ///
    /// # Errors
    ///
    /// As [`Context::send_from`].
    #[inline]
    pub fn send(&self, dest: Handle, kind: u8, payload: impl Into<Payload>) -> Result<(), SendError> {
        self.send_from(self.handle, dest, kind, 0, payload.into())
    }

    /// Sends to a name: `:hex`, `.name` of this node, or a global name (its first 16 bytes count), which goes to the harbor
    /// service. `source` as in [`Context::send_from`].
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the payload back.
    pub fn send_name(
        &self,
        source: Handle,
        name: &[u8],
        kind: u8,
        session: i32,
        payload: Payload,
    ) -> Result<(), SendError> {
        let source = if source.is_none() { self.handle } else { source };
        self.node.deliver_name(name, Message { kind, session, source, payload })
    }

    /// Arms a timer and returns its new session: an empty `PTYPE_RESPONSE` with it arrives from [`Handle::NONE`] after that
    /// time. With a zero time it is put into the own mailbox at once.
    pub fn timeout(&self, after: Duration) -> i32 {
        let session = self.new_session();
        self.timeout_with(session, after);
        session
    }

    /// As [`Context::timeout`] with a session of the caller's, and a key to cancel it with.
    pub fn timeout_with(&self, session: i32, after: Duration) -> TimerKey {
        self.node.timeout(self.handle, session, after)
    }

    /// Disarms a timer. False if it has fired already: then its message is in the mailbox, or was handled.
    pub fn cancel_timer(&self, key: TimerKey) -> bool {
        self.node.timers().cancel(key)
    }

    /// Sends a request and gives a future of the answer. The answer is kept from
    /// [`on_message`](crate::Service::on_message); the future may be polled by a task of [`Context::spawn`], or by hand.
    pub fn call(&self, dest: Handle, kind: u8, payload: impl Into<Payload>) -> Call {
        let mut session = self.new_session();
        let call = self.with_tasks(|tasks| {
            // After 2^31 sessions a number may come round while the first call with it still waits.
            while tasks.waits_for(session) {
                session = self.new_session();
            }
            tasks.expect_answer(session, dest)
        });
        if let Err(cause) = self.send_from(self.handle, dest, kind, session, payload.into()) {
            self.with_tasks(|tasks| tasks.not_sent(session, cause));
        }
        call
    }

    /// Runs a future on this service's turns: it is polled at once, and when it was woken, between messages. It ends
    /// with the service at the latest. Inside, [`Context::with`] gives the context.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let ready = self.with_tasks(|tasks| tasks.spawn(self.link().clone(), Box::pin(future)));
        ready.wake_owner();
    }

    /// Watches another service of this node: when it has ended, however it did, and its last answers are sent, a `PTYPE_ERROR` of
    /// session 0 comes from it, once. Every [`Context::call`] to it that waits then fails. False, and nothing comes, if it is not
    /// alive, which a service of another node never is. Watching it again changes nothing.
    pub fn watch(&self, target: Handle) -> bool {
        self.node.watch(self.handle, target)
    }

    /// Ends this service after the current message. Its handle is retired at once.
    pub fn exit(&self) {
        self.node.end_own(self.handle, self.cell);
    }
    /// What the service is called in errors: `service :0000000a (snlua agent)`.
    #[must_use]
    pub fn title(&self) -> String {
        self.node.title(self.handle, &self.cell)
    }

    /// Asks for a call of [`Service::on_turn_end`](crate::Service::on_turn_end), after this message or after a few more that wait
    /// already. Asking again in the same turn changes nothing.
    #[inline]
    pub fn at_turn_end(&self) {
        if !self.turn_end.replace(true) {
            // A turn goes on for a few messages then, if they are quick.
            let _ = self.node.defer();
        }
    }

    /// Whether the service has asked for that; it has not, then.
    #[inline]
    pub(crate) fn take_turn_end(&self) -> bool {
        self.turn_end.replace(false)
    }

    /// What callers are told of this service's end, such as `service :0000000a (snlua agent) was killed`: for those who answer
    /// requests with errors in [`Service::on_exit`](crate::Service::on_exit), or right before [`Context::exit`].
    #[must_use]
    pub fn obituary(&self) -> String {
        self.node.obituary(self.handle, &self.cell)
    }

    /// What the [obituary](Context::obituary) says in place of `has ended`, such as `ended: the disk is full`: for a service that is
    /// about to end, and not as it should. The first line of it, 400 characters at most.
    pub fn set_end(&self, how: &str) {
        self.node.set_end(self.handle, &self.cell, how);
    }

    /// Writes a log line with this service as its source.
    pub fn log(&self, text: impl AsRef<[u8]>) {
        self.node.log(self.handle, text);
    }

    /// Runs a text command: see [`Node::command`]; these are given for this service.
    pub fn command(&self, cmd: &str, param: &[u8]) -> Option<Vec<u8>> {
        crate::command::run(&self.node, Some(self), cmd, param)
    }

    /// The number of messages that wait for this service.
    #[must_use]
    pub fn mqlen(&self) -> usize {
        self.cell.mailbox.len()
    }

    /// The number of messages that it has begun to handle, the current one among them.
    #[must_use]
    pub fn message_count(&self) -> u64 {
        self.cell.messages.load(Ordering::Relaxed)
    }

    /// The time that it has worked, without the current message. Zero if the node does not profile.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        self.node.ticks().duration(self.cell.cpu_ticks.load(Ordering::Relaxed))
    }

    /// The time that the current message has taken. Zero if the node does not profile.
    #[must_use]
    pub fn message_cpu_time(&self) -> Duration {
        let start = self.message_start.get();
        if start == 0 {
            return Duration::ZERO;
        }
        let ticks = self.node.ticks();
        ticks.duration(ticks.read().saturating_sub(start))
    }

    /// Whether a message of this service ran so long that the monitor reported it; asking clears the mark.
    pub fn take_endless(&self) -> bool {
        self.cell.endless.swap(false, Ordering::Relaxed)
    }

    /// Sets how long one message may take this service before it is interrupted, if it can be (see
    /// [`ServiceControl::overdue`](crate::ServiceControl::overdue)); zero is no limit. It is rounded up to milliseconds. Gives the one before.
    pub fn set_message_limit(&self, limit: Duration) -> Duration {
        Duration::from_millis(self.cell.message_limit.swap(limit_ms(limit), Ordering::Relaxed))
    }

    /// How long one message may take this service; zero without a limit.
    #[must_use]
    pub fn message_limit(&self) -> Duration {
        Duration::from_millis(self.cell.message_limit.load(Ordering::Relaxed))
    }

    /// A mark of the time, for [`Context::since`]: when the current message began, or now if the node does not profile. It costs
    /// next to nothing.
    #[inline]
    #[must_use]
    pub fn moment(&self) -> u64 {
        match self.message_start.get() {
            0 => self.node.ticks().read(),
            start => start,
        }
    }

    /// How long ago a [`moment`](Context::moment) of this node was.
    #[must_use]
    pub fn since(&self, moment: u64) -> Duration {
        let ticks = self.node.ticks();
        ticks.duration(ticks.read().saturating_sub(moment))
    }

    /// What outlives the borrow of the context: the node and the handle.
    pub(crate) fn link(&self) -> &Arc<Link> {
        self.link.get_or_init(|| Arc::new(Link::new(Node::clone(&self.node), self.handle)))
    }

    #[inline]
    pub(crate) fn begin_message(&self, msg: &Message, ticks: u64) {
        self.message_start.set(ticks);
        self.open_request.set(if msg.wants_answer() { (msg.source, msg.session) } else { (Handle::NONE, 0) });
    }

    #[inline]
    pub(crate) fn has_tasks(&self) -> bool {
        self.has_tasks.get()
    }

    pub(crate) fn with_tasks<R>(&self, f: impl FnOnce(&mut Tasks) -> R) -> R {
        self.has_tasks.set(true);
        f(self.tasks.borrow_mut().get_or_insert_default())
    }

    /// Ends the tasks and calls of this service; the result lists whom it has been waiting for.
    pub(crate) fn take_tasks(&self) -> Option<Box<Tasks>> {
        self.has_tasks.set(false);
        self.tasks.borrow_mut().take()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.handle)
    }
}
