//! Calls from threads that are not services.
//!
//! Their answers need an address: a small service that the node makes for the first such call.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context as Waiting, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::answer::Answer;
use crate::ptype::{PTYPE_ERROR, PTYPE_RESPONSE};
use crate::scheduler::seat;
use crate::service::Service;
use crate::sync::lock;
use crate::{CallError, Context, Handle, Message, Payload, SendError};

/// The calls that wait, by session.
#[derive(Default)]
pub(crate) struct ClientState(Mutex<Pending>);

#[derive(Default)]
struct Pending {
    calls: HashMap<i32, (Handle, Answer)>,
    last_session: i32,
    closed: bool,
}

impl ClientState {
    /// Notes a call to `dest`.
    pub(crate) fn begin(self: &Arc<Self>, dest: Handle) -> (i32, PendingCall) {
        let answer = Answer::default();
        let mut pending = lock(&self.0);
        let session = loop {
            pending.last_session = pending.last_session.checked_add(1).unwrap_or(1);
            if !pending.calls.contains_key(&pending.last_session) {
                break pending.last_session;
            }
        };
        if pending.closed {
            answer.set(Err(CallError::Stopped));
        } else {
            pending.calls.insert(session, (dest, answer.clone()));
        }
        (session, PendingCall { state: Some(self.clone()), session, dest, answer })
    }

    pub(crate) fn not_sent(&self, session: i32, cause: SendError) {
        self.finish(session, Err(CallError::Send(cause)));
    }

    fn finish(&self, session: i32, result: Result<Payload, CallError>) {
        let call = lock(&self.0).calls.remove(&session);
        if let Some((_, answer)) = call {
            answer.set(result);
        }
    }

    fn fail(&self, mut which: impl FnMut(i32, Handle) -> bool, error: impl Fn(Handle) -> CallError) {
        let mut lost = Vec::new();
        lock(&self.0).calls.retain(|session, (dest, answer)| {
            let gone = which(*session, *dest);
            if gone {
                lost.push((*dest, answer.clone()));
            }
            !gone
        });
        lost.into_iter().for_each(|(dest, answer)| answer.set(Err(error(dest))));
    }
}

/// The service to which the answers go.
pub(crate) struct Client(pub(crate) Arc<ClientState>);

impl Service for Client {
    fn on_message(&mut self, ctx: &Context, msg: Message) {
        match (msg.kind, msg.session) {
            (PTYPE_RESPONSE, session) => self.0.finish(session, Ok(msg.payload)),
            (PTYPE_ERROR, 0) => {
                self.0.fail(|_, dest| dest == msg.source, |dest| CallError::failed(dest, &msg.payload));
            }
            (PTYPE_ERROR, session) => {
                self.0.fail(|other, _| other == session, |dest| CallError::failed(dest, &msg.payload));
            }
            // It serves nothing: a request is answered with an error.
            _ => drop(ctx.accept(msg)),
        }
    }

    fn on_exit(&mut self, _: &Context) {
        lock(&self.0.0).closed = true;
        self.0.fail(|_, _| true, |_| CallError::Stopped);
    }
}

/// The answer to come of [`Node::call`](crate::Node::call): a future of any executor, or to be waited for.
#[must_use = "a call has an answer"]
pub struct PendingCall {
    state: Option<Arc<ClientState>>,
    session: i32,
    dest: Handle,
    answer: Answer,
}

impl PendingCall {
    /// A call that has failed already.
    pub(crate) fn failed(dest: Handle, error: CallError) -> PendingCall {
        let answer = Answer::default();
        answer.set(Err(error));
        PendingCall { state: None, session: 0, dest, answer }
    }

    /// Blocks until the answer is here.
    ///
    /// # Errors
    ///
    /// [`CallError`]; `OnWorker` at once on a worker thread.
    pub fn wait(self) -> Result<Payload, CallError> {
        self.wait_until(None)
    }

    /// Blocks for this time at most.
    ///
    /// # Errors
    ///
    /// [`CallError`]; `TimedOut` if no answer came in time, which is dropped when it comes.
    pub fn wait_timeout(self, limit: Duration) -> Result<Payload, CallError> {
        self.wait_until(Some(limit))
    }

    fn wait_until(self, limit: Option<Duration>) -> Result<Payload, CallError> {
        if seat::on_worker() {
            return Err(CallError::OnWorker);
        }
        let (start, dest) = (Instant::now(), self.dest);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut waiting = Waiting::from_waker(&waker);
        let mut call = pin!(self);
        loop {
            if let Poll::Ready(result) = call.as_mut().poll(&mut waiting) {
                return result;
            }
            match limit {
                None => thread::park(),
                Some(after) => match after.checked_sub(start.elapsed()) {
                    Some(left) if !left.is_zero() => thread::park_timeout(left),
                    _ => return Err(CallError::TimedOut { dest, after }),
                },
            }
        }
    }
}

impl Future for PendingCall {
    type Output = Result<Payload, CallError>;

    fn poll(self: Pin<&mut Self>, waiting: &mut Waiting<'_>) -> Poll<Self::Output> {
        self.answer.poll(waiting)
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        if let Some(state) = &self.state {
            lock(&state.0).calls.remove(&self.session);
        }
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall").field("dest", &self.dest).finish_non_exhaustive()
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
