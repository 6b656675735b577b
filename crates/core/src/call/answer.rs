//! The place where an answer arrives.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Waiting, Poll, Waker};

use crate::sync::lock;
use crate::{CallError, Payload};

/// Shared by the future and by the table of sessions.
#[derive(Clone, Default)]
pub(crate) struct Answer(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    Polled(Waker),
    Here(Result<Payload, CallError>),
    Taken,
}

impl Answer {
    /// Sets the result, once; what comes later is dropped.
    pub(crate) fn set(&self, result: Result<Payload, CallError>) {
        let mut state = lock(&self.0);
        if matches!(*state, State::Here(_) | State::Taken) {
            return;
        }
        let before = std::mem::replace(&mut *state, State::Here(result));
        drop(state);
        if let State::Polled(waker) = before {
            waker.wake();
        }
    }

    /// Takes the result, or leaves the waker.
    pub(crate) fn poll(&self, waiting: &Waiting<'_>) -> Poll<Result<Payload, CallError>> {
        let mut state = lock(&self.0);
        match std::mem::replace(&mut *state, State::Taken) {
            State::Here(result) => Poll::Ready(result),
            State::Taken => Poll::Ready(Err(CallError::Stopped)),
            State::Waiting | State::Polled(_) => {
                *state = State::Polled(waiting.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The answer to come of [`Context::call`](crate::Context::call).
///
/// Dropped before, it lets the answer go; the request has been sent nevertheless.
#[must_use = "a call has an answer"]
pub struct Call(pub(super) Answer);

impl Future for Call {
    type Output = Result<Payload, CallError>;

    fn poll(self: Pin<&mut Self>, waiting: &mut Waiting<'_>) -> Poll<Self::Output> {
        self.0.poll(waiting)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}
