//! Calls with a time limit, and answers that nobody waits for any more.
//!
//! The timer of such a call has the session of the call: whatever comes first ends it, and a timer's message has no source.

use super::sessions::Outcome;
use super::{Parked, Timer, Vm, Waiter};

/// The limit of a call that waits for ever.
pub(crate) const NO_LIMIT: i32 = -1;

impl Vm {
    /// Whether the message of a timer will still come, which is cancelled by this if it can be.
    pub(crate) fn still_fires(&mut self, timer: Timer) -> bool {
        match timer {
            Timer::None => false,
            Timer::Posted => true,
            Timer::Armed(key) => !self.context().cancel_timer(key),
        }
    }

    /// The running thread's call to `dest` is over. True if that was by its time limit; else the timer is forgotten.
    pub(crate) fn end_limited(&mut self, session: i32, dest: u32) -> bool {
        // SAFETY: the running thread's record is alive.
        let timer = unsafe {
            (*self.current).limited = 0;
            std::mem::replace(&mut (*self.current).timer, Timer::None)
        };
        if matches!(self.parked, Parked::Answer { .. }) && self.message.source == 0 {
            self.sessions.insert(session, Waiter::Abandoned { dest, timer: false });
            return true;
        }
        // With a call that was given up by hand the timer is gone already.
        if self.still_fires(timer) {
            self.sessions.insert(session, Waiter::Nobody);
        }
        false
    }

    /// Something has come for a session for which nobody waits any more; its entry was taken out.
    #[cold]
    pub(super) fn note_late(&mut self, session: i32, waiter: Waiter, outcome: &Outcome) {
        let Waiter::Abandoned { dest, timer } = waiter else { return };
        let answered = matches!(outcome, Outcome::Answer(_));
        if answered && self.message.source == 0 {
            // The timer alone: the answer may still come.
            self.sessions.insert(session, Waiter::Abandoned { dest, timer: false });
            return;
        }
        self.late_answers += u64::from(answered);
        if timer {
            self.sessions.insert(session, Waiter::Nobody);
        }
    }
}
