//! For what the threads of a service wait, and what it owes: what the debug command WAITS tells.

use std::collections::HashSet;

use super::{State, Thread, Timer, Vm, Waiter};

/// How a thread waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitKind {
    /// For the answer to a request.
    Call,
    /// For one of several answers: an entry for each.
    Select,
    /// For a time.
    Sleep,
    /// For a `skynet.wakeup`.
    Wait,
    /// For a socket.
    Socket,
}

/// One wait of one thread.
#[derive(Clone, Copy)]
pub(crate) struct Wait {
    pub(crate) kind: WaitKind,
    /// The thread's slot.
    pub(crate) slot: u32,
    /// The session that it waits on, or its socket.
    pub(crate) session: i32,
    /// Whom it asked; 0 if nobody.
    pub(crate) dest: u32,
    /// It waits no longer than some time.
    pub(crate) limited: bool,
    /// When it began to wait: a moment of the node.
    pub(crate) since: u64,
    /// The request that it has to answer; session 0 if none.
    pub(crate) source: u32,
    pub(crate) request: i32,
}

impl Vm {
    /// Notes in `waits` what its threads wait for; only answers, unless `all` or somebody waits for the thread.
    pub(crate) fn list_waits(&mut self, all: bool) {
        self.waits.clear();
        let threads: Vec<_> = self.live_threads().collect();
        for thread in threads {
            // SAFETY: the records are alive while they are in `threads`; nothing here runs Lua.
            let thread = unsafe { &*thread };
            if thread.state != State::Waiting || thread.select.as_ref().is_some_and(|select| select.waiting) {
                continue;
            }
            if let Some(wait) = self.wait_of(thread)
                && (all || wait.kind == WaitKind::Call || wait.request != 0)
            {
                self.waits.push(wait);
            }
        }
        self.list_selects();
    }

    /// What a thread waits for that is none of several requests.
    fn wait_of(&self, thread: &Thread) -> Option<Wait> {
        let (kind, session, dest) = match thread.wait {
            _ if thread.socket != 0 => (WaitKind::Socket, thread.socket, 0),
            0 => return None,
            session => match (self.sessions.get(session)?.dest(), thread.timer) {
                (0, Timer::None) => (WaitKind::Wait, session, 0),
                (0, _) => (WaitKind::Sleep, session, 0),
                (dest, _) => (WaitKind::Call, session, dest),
            },
        };
        let limited = kind == WaitKind::Call && thread.limited == session;
        Some(Wait { kind, session, dest, limited, ..blank(thread, thread.since) })
    }

    /// Requests for which a thread waits that sent several at once.
    fn list_selects(&mut self) {
        let entries: Vec<(i32, u32, u32)> = self
            .sessions
            .iter()
            .filter_map(|(session, waiter)| match *waiter {
                Waiter::Select { slot, dest } => Some((session, slot, dest)),
                _ => None,
            })
            .collect();
        // The timer of a loop is a session without a destination.
        let timers: HashSet<u32> =
            entries.iter().filter(|(.., dest)| *dest == 0).map(|(_, slot, _)| *slot).collect();
        for (session, slot, dest) in entries.into_iter().filter(|(.., dest)| *dest != 0) {
            let Some(thread) = self.thread_at(slot) else { continue };
            // SAFETY: as above.
            let thread = unsafe { &*thread };
            let Some(select) = thread.select.as_ref().filter(|select| select.waiting) else { continue };
            let limited = timers.contains(&slot);
            self.waits.push(Wait {
                kind: WaitKind::Select,
                session,
                dest,
                limited,
                ..blank(thread, select.since)
            });
        }
    }

    /// Notes in `owed` the requests (source, session) that no thread has, but a `skynet.response` function.
    pub(crate) fn list_owed(&mut self) {
        self.owed.clear();
        self.owed.extend(self.responders.iter().map(|responder| (responder.source, responder.session)));
    }
}

/// A wait of a thread of which only the beginning is known.
fn blank(thread: &Thread, since: u64) -> Wait {
    let request = if thread.open && thread.session > 0 { thread.session } else { 0 };
    Wait {
        kind: WaitKind::Wait,
        slot: thread.slot,
        session: 0,
        dest: 0,
        limited: false,
        since,
        source: thread.source,
        request,
    }
}
