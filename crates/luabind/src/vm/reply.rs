//! Requests that the service has accepted and not answered: in its threads, and in `skynet.response` closures.

use skynet_core::Handle;

use super::{Thread, Vm, dispatch::answer_error};

/// A request that `skynet.response` took over.
#[derive(Clone, Copy)]
pub(crate) struct Responder {
    pub(crate) session: i32,
    pub(crate) source: u32,
    /// The requester has not been reported dead.
    pub(crate) alive: bool,
}

impl Vm {
    /// The requester `source` has ended: answers to it would find nobody.
    pub(crate) fn forget_requester(&mut self, source: u32) {
        self.forgotten.retain(|(requester, _)| *requester != source);
        for responder in self.responders.values_mut().filter(|r| r.source == source) {
            responder.alive = false;
        }
    }

    /// Answers every request that a thread has open with an error: the service ends.
    pub(crate) fn fail_open_requests(&mut self) {
        let obituary = self.context().obituary();
        let threads: Vec<_> = self.live_threads().collect();
        for thread in threads {
            self.fail_request_of(thread, obituary.as_bytes());
        }
    }

    /// Answers the request that a thread has open, if it has one, with an error and a text about it, which may be empty.
    pub(crate) fn fail_request_of(&mut self, thread: *mut Thread, reason: &[u8]) {
        // SAFETY: the record is alive; nothing here runs Lua.
        unsafe {
            if std::mem::take(&mut (*thread).open) && (*thread).session > 0 {
                answer_error(self.context(), Handle::from_raw((*thread).source), (*thread).session, reason);
            }
        }
    }

    /// Answers every open `skynet.response` closure with an error, and the requests whose handlers forgot them: the service ends.
    pub(crate) fn fail_responders(&mut self) {
        let obituary = self.context().obituary();
        let reason = obituary.as_bytes();
        for (source, session) in std::mem::take(&mut self.forgotten) {
            answer_error(self.context(), Handle::from_raw(source), session, reason);
        }
        let mut open: Vec<_> = self.responders.drain().collect();
        open.sort_unstable_by_key(|(id, _)| *id);
        for (_, responder) in open {
            if responder.alive {
                answer_error(self.context(), Handle::from_raw(responder.source), responder.session, reason);
            }
        }
    }

    /// Whom this service waits for, each once.
    pub(crate) fn callees(&self) -> Vec<u32> {
        let mut callees: Vec<u32> = self
            .sessions
            .values()
            .map(super::Waiter::dest)
            .filter(|dest| *dest != 0 && *dest != u32::MAX)
            .collect();
        callees.sort_unstable();
        callees.dedup();
        callees
    }
}
