//! Who waits for which session.

use std::collections::VecDeque;

use skynet_core::Payload;

use super::{State, Vm, Waiter};

/// What arrives for a session.
pub(crate) enum Outcome {
    Answer(Payload),
    /// With what the other side says of it, often nothing.
    Failed(Payload),
}

/// The reason of calls that `skynet.term` failed.
pub(crate) const GIVEN_UP: &[u8] = b"skynet.term was called for the service";

/// Parallel requests of one thread.
#[derive(Default)]
pub(crate) struct Select {
    /// Sessions that are done and not consumed, in order of completion.
    pub(crate) done: VecDeque<(i32, Outcome)>,
    /// The thread is suspended until one is done.
    pub(crate) waiting: bool,
    /// When the last request was sent: a moment of the node.
    pub(crate) since: u64,
    /// The message that was consumed last: Lua may still read it.
    pub(crate) current: Payload,
}

impl Vm {
    /// A session number on which nothing waits.
    #[inline]
    pub(crate) fn new_session(&mut self) -> i32 {
        let mut session = self.context().new_session();
        if session < self.last_session {
            self.wrapped = true;
        }
        // Only after the counter wrapped can an old session be in the way.
        while self.wrapped && self.sessions.get(session).is_some() {
            session = self.context().new_session();
        }
        self.last_session = session;
        session
    }

    /// Makes every call to `address` fail: it has ended, of which there may be a text. The failures are delivered in a queue of their own,
    /// after the wake-ups, in the order of the calls.
    pub(crate) fn fail_calls_to(&mut self, address: u32, reason: &[u8]) {
        if address == 0 {
            return;
        }
        let start = self.failures.len();
        let waits = |waiter: &Waiter| waiter.dest() == address && waiter.slot().is_some();
        let called = self.sessions.iter().filter(|(_, waiter)| waits(waiter)).map(|(session, _)| session);
        self.failures.extend(called.map(|session| (session, Payload::copy_from(reason))));
        self.sort_failures(start);
    }

    /// [`Vm::fail_calls_to`] for calls by a global name.
    pub(crate) fn fail_calls_named(&mut self, name: &[u8]) {
        let start = self.failures.len();
        for (session, called) in &self.named_calls {
            let waits = || self.sessions.get(*session).is_some_and(|waiter| waiter.slot().is_some());
            if &**called == name && waits() {
                self.failures.push_back((*session, Payload::copy_from(GIVEN_UP)));
            }
        }
        self.sort_failures(start);
    }

    /// Puts the failures from a place on in the order of their calls.
    fn sort_failures(&mut self, start: usize) {
        if let Some(new) = self.failures.make_contiguous().get_mut(start..) {
            new.sort_unstable_by_key(|(session, _)| *session);
        }
    }

    /// Makes the call that waits on a session fail, after the wake-ups. Timers cannot.
    pub(crate) fn fail_call(&mut self, session: i32, reason: Payload) {
        if matches!(self.sessions.get(session), Some(waiter) if waiter.dest() != 0) {
            self.failures.push_back((session, reason));
        }
    }

    /// Hands an outcome to whoever waits for the session; back if nobody ever did.
    ///
    /// # Safety
    /// No Lua runs on the threads of this VM; `this` is a live record.
    pub(super) unsafe fn complete(this: *mut Vm, session: i32, outcome: Outcome) -> Result<(), Outcome> {
        // SAFETY: short-lived borrows only, none of them across a resume.
        unsafe {
            let Some(waiter) = (*this).sessions.remove(session) else { return Err(outcome) };
            if let Waiter::Bare { number } = waiter {
                Vm::run_function(this, number);
                return Ok(());
            }
            let Some(thread) = waiter.slot().and_then(|slot| (*this).thread_at(slot)) else {
                (*this).note_late(session, waiter, &outcome);
                return Ok(());
            };
            match waiter {
                Waiter::Thread { dest, .. } => {
                    // A call from a coroutine of the program's own may have left its session behind.
                    if (*thread).wait == session && (*thread).state == State::Waiting {
                        (*thread).wait = 0;
                        Vm::resume_with(this, thread, outcome);
                    } else if (*thread).limited == session {
                        (*thread).limited = 0;
                        (*this).note_late(session, Waiter::Abandoned { dest, timer: true }, &outcome);
                    }
                }
                Waiter::Start { .. } => {
                    if (*thread).wait == session && (*thread).state == State::Ready {
                        (*thread).wait = 0;
                        (*thread).timer = super::Timer::None;
                        let nargs = (*thread).nargs;
                        Vm::resume(this, thread, nargs);
                    }
                }
                Waiter::Select { .. } => {
                    let Some(select) = (*thread).select.as_mut() else { return Ok(()) };
                    select.done.push_back((session, outcome));
                    if select.waiting && (*thread).state == State::Waiting {
                        select.waiting = false;
                        Vm::resume(this, thread, 0);
                    }
                }
                Waiter::Bare { .. } | Waiter::Nobody | Waiter::Abandoned { .. } => {}
            }
            Ok(())
        }
    }
}
