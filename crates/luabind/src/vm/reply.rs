//! Requests that the service has accepted and not answered: in its threads, and in `skynet.response` closures.

use skynet_core::Handle;

use super::{Thread, Vm, dispatch::answer_error};

impl Vm {
    /// The requester `source` has ended: answers to it would find nobody.
    pub(crate) fn forget_requester(&mut self, source: u32) {
        self.forgotten.retain(|(requester, _)| *requester != source);
        self.responders.forget_requester(source);
    }

    /// Answers every request that a thread has open with an error: the service ends.
    pub(crate) fn fail_open_requests(&mut self) {
        let obituary = self.context().obituary();
        let threads: Vec<_> = self.live_threads().collect();
        for thread in threads {
            self.end_request_of(thread, &obituary);
        }
    }

    /// Answers the request that a thread has open, if it has one, with the obituary of the service.
    pub(super) fn end_request_of(&mut self, thread: *mut Thread, obituary: &str) {
        // SAFETY: the record is alive; nothing here runs Lua.
        unsafe {
            if std::mem::take(&mut (*thread).open) && (*thread).session > 0 {
                let source = Handle::from_raw((*thread).source);
                answer_error(self.context(), source, (*thread).session, obituary.as_bytes());
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
        for responder in self.responders.drain() {
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

    /// Tells those whom this service has been waiting for that it ends.
    pub(crate) fn tell_callees(&self, callees: &[u32]) {
        let obituary = self.context().obituary();
        for callee in callees {
            answer_error(self.context(), Handle::from_raw(*callee), 0, obituary.as_bytes());
        }
    }
}
