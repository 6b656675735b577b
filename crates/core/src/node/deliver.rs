//! Bringing messages to mailboxes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Node;
use crate::call::{Client, PendingCall};
use crate::cell::{CellRef, UNCOUNTED};
use crate::handle::hex_prefix;
use crate::mailbox::{Batch, Push};
use crate::message::Message;
use crate::ptype::{PTYPE_DEBUG, PTYPE_ERROR, PTYPE_HARBOR, PTYPE_SYSTEM, PTYPE_TEXT};
use crate::remote::{RemoteDest, RemoteMessage, global_name};
use crate::sync::lock;
use crate::{CallError, Handle, Payload, SendError};

/// Messages that a mailbox is locked for.
const MOST_AT_ONCE: usize = 32;

/// While no more messages wait, those of the debug protocol keep their place: whoever sends another message first finds it handled.
const IN_TURN: usize = 64;

impl Node {
    /// Sends a message from outside the services, in the name of `source`.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the payload back.
    pub fn send(
        &self,
        source: Handle,
        dest: Handle,
        kind: u8,
        session: i32,
        payload: impl Into<Payload>,
    ) -> Result<(), SendError> {
        self.deliver(dest, Message { kind, session, source, payload: payload.into() })
    }

    /// As [`Node::send`], to a name: see [`Context::send_name`](crate::Context::send_name).
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
        payload: impl Into<Payload>,
    ) -> Result<(), SendError> {
        self.deliver_name(name, Message { kind, session, source, payload: payload.into() })
    }

    /// Sends a request from outside the services; the result is a future of the answer, and can be waited for.
    pub fn call(&self, dest: Handle, kind: u8, payload: impl Into<Payload>) -> PendingCall {
        let mut client = lock(&self.0.client);
        // It is made anew if somebody killed it.
        if client.as_ref().is_none_or(|(_, handle)| !self.is_alive(*handle)) {
            let state = Arc::default();
            match self.start_service(
                Box::new(Client(Arc::clone(&state))),
                "calls from outside".into(),
                None,
                UNCOUNTED,
            ) {
                Ok(handle) => *client = Some((state, handle)),
                Err(_) => return PendingCall::failed(dest, CallError::Stopped),
            }
        }
        let Some((state, source)) = client.clone() else {
            return PendingCall::failed(dest, CallError::Stopped);
        };
        drop(client);
        let (session, call) = state.begin(dest);
        if let Err(cause) = self.send(source, dest, kind, session, payload) {
            state.not_sent(session, cause);
        }
        call
    }

    /// Writes a log line: a text message to the service named `logger`. [`Handle::NONE`] as the source is the node itself.
    pub fn log(&self, source: Handle, text: impl AsRef<[u8]>) {
        if let Some(logger) = self.find_name("logger") {
            let payload = Payload::copy_from(text.as_ref());
            // Without a log service lines are lost.
            let _ = self.deliver(logger, Message { kind: PTYPE_TEXT, session: 0, source, payload });
        }
    }

    /// Makes a service the harbor service: messages for other nodes and for global names go to it. It does not count as
    /// live any more, and ends last. False if it is not alive.
    pub fn set_harbor(&self, handle: Handle) -> bool {
        let alive = self.0.table.find(handle).is_some_and(|cell| {
            // Under the lock that its end takes too, so that it is counted once.
            cell.with_shared(handle, |_| {
                if !cell.has(UNCOUNTED) {
                    cell.set(UNCOUNTED);
                    self.0.life.uncount();
                }
            })
            .is_some()
        });
        if alive {
            self.0.harbor_service.store(handle.raw(), Ordering::SeqCst);
            self.check_life();
        }
        alive
    }

    /// The path of every message.
    #[inline]
    pub(crate) fn deliver(&self, dest: Handle, message: Message) -> Result<(), SendError> {
        if dest.is_none() {
            return self.refuse_none(message);
        }
        let Some(cell) = self.0.table.find(dest) else {
            return self.deliver_elsewhere(dest, message);
        };
        let pushed = if message.kind == PTYPE_DEBUG {
            push_debug(cell, dest, message)
        } else {
            cell.mailbox.push(dest, message)
        };
        match pushed {
            Push::Done => Ok(()),
            Push::Wake => {
                self.0.scheduler.schedule(cell);
                Ok(())
            }
            Push::Gone(message) => self.deliver_elsewhere(dest, message),
            Push::Full(message) => Err(refuse_full(cell, dest, message)),
            Push::Displaced(oldest) => {
                drop(oldest);
                Ok(())
            }
        }
    }

    /// Several messages that differ in their payloads alone. A receiver on this node finds them all at once.
    pub(crate) fn deliver_all(
        &self,
        dest: Handle,
        shape: &Message,
        payloads: impl IntoIterator<Item = Payload>,
    ) -> Result<(), SendError> {
        let &Message { kind, session, source, .. } = shape;
        let message = |payload| Message { kind, session, source, payload };
        let mut payloads = payloads.into_iter();
        let mut rest = Vec::new();
        loop {
            rest.extend(payloads.by_ref().take(MOST_AT_ONCE));
            let cell = match rest.len() {
                0 => return Ok(()),
                1 => None,
                _ => self.0.table.find(dest),
            };
            match cell.map(|cell| (cell, cell.mailbox.push_all(dest, shape, &mut rest))) {
                Some((_, Push::Done)) => {}
                Some((cell, Push::Wake)) => self.0.scheduler.schedule(cell),
                // One alone, or the receiver is elsewhere, gone, or looks at each.
                Some((_, Push::Gone(()) | Push::Full(()) | Push::Displaced(_))) | None => {
                    rest.drain(..).try_for_each(|payload| self.deliver(dest, message(payload)))?;
                }
            }
        }
    }

    #[cold]
    fn refuse_none(&self, message: Message) -> Result<(), SendError> {
        if !message.payload.as_ptr().is_null() {
            self.log(message.source, "error: Destination address can't be 0");
        }
        Err(SendError::NoDestination { payload: message.payload })
    }

    #[cold]
    pub(super) fn deliver_elsewhere(&self, dest: Handle, message: Message) -> Result<(), SendError> {
        if self.is_remote(dest) {
            return self.deliver_remote(RemoteDest::Handle(dest), message);
        }
        Err(SendError::DeadHandle { dest, payload: message.payload })
    }

    /// Gives a message for another node to the harbor service.
    fn deliver_remote(&self, dest: RemoteDest, message: Message) -> Result<(), SendError> {
        let Message { kind, session, source, payload } = message;
        if kind == PTYPE_SYSTEM || kind == PTYPE_HARBOR {
            return Err(SendError::NotForRemote { payload });
        }
        let harbor = Handle::from_raw(self.0.harbor_service.load(Ordering::Relaxed));
        let Some(cell) = (!harbor.is_none()).then(|| self.0.table.find(harbor)).flatten() else {
            return Err(SendError::NoHarbor { payload });
        };
        let payload = RemoteMessage::wrap(dest, kind, payload);
        match cell.mailbox.push(harbor, Message { kind: PTYPE_SYSTEM, session, source, payload }) {
            Push::Done | Push::Displaced(_) => Ok(()),
            Push::Wake => {
                self.0.scheduler.schedule(cell);
                Ok(())
            }
            // What goes to other nodes is never refused by a bound.
            Push::Gone(mut message) | Push::Full(mut message) => {
                let payload = RemoteMessage::take(&mut message).map(|outgoing| outgoing.payload);
                Err(SendError::NoHarbor { payload: payload.unwrap_or_default() })
            }
        }
    }

    /// Sends to `:hex`, `.name` or a global name.
    pub(crate) fn deliver_name(&self, name: &[u8], message: Message) -> Result<(), SendError> {
        match name.split_first() {
            Some((b':', hex)) => self.deliver(Handle::from_raw(hex_prefix(hex)), message),
            Some((b'.', local)) => match self.find_name(local) {
                Some(handle) => self.deliver(handle, message),
                None => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    Err(SendError::UnknownName { name, payload: message.payload })
                }
            },
            _ => self.deliver_remote(RemoteDest::Name(global_name(name)), message),
        }
    }

    /// For senders that cannot look at a [`SendError`]: a message that a full mailbox has refused ([`SendError::Overloaded`]) is as good
    /// as sent, and whoever asked with it (`source`, with a `session` above 0) gets the error as a `PTYPE_ERROR` from `dest`. False for
    /// every other failure; nothing is sent then.
    pub fn answer_refused(&self, error: &SendError, source: Handle, session: i32) -> bool {
        let SendError::Overloaded { dest, .. } = *error else { return false };
        if session > 0 {
            let name = self.0.table.find(dest).and_then(|cell| cell.short_name(dest)).unwrap_or_default();
            let text = error.to_string().replacen(&dest.to_string(), &format!("{dest} ({name})"), 1);
            let answer = Message { kind: PTYPE_ERROR, session, source: dest, payload: self.reason(text) };
            // If the one who asked is gone, nobody waits.
            let _ = self.deliver(source, answer);
        }
        true
    }

    /// [`Node::bounce`] for all that a service leaves.
    pub(crate) fn bounce_all(&self, dead: Handle, obituary: &str, messages: &mut Batch) {
        while let Some(message) = messages.pop() {
            self.bounce(dead, obituary, &message);
        }
    }

    /// Answers a message that its service will not handle any more, with a text about its end. Answers themselves are never answered: their session
    /// numbers belong to others.
    pub(crate) fn bounce(&self, dead: Handle, obituary: &str, message: &Message) {
        if let Some(hook) = self.0.unhandled.get() {
            hook(dead, message);
        }
        if message.wants_answer() {
            let error = Message {
                kind: PTYPE_ERROR,
                session: message.session,
                source: dead,
                payload: self.reason(obituary),
            };
            // If the one who asked is gone too, nobody waits.
            let _ = self.deliver(message.source, error);
        }
    }
}

/// Messages of the debug protocol go before all others when many wait, if their receiver says so.
#[cold]
fn push_debug(cell: CellRef, dest: Handle, message: Message) -> Push {
    if cell.mailbox.len() <= IN_TURN {
        return cell.mailbox.push(dest, message);
    }
    let control = cell.with_shared(dest, |shared| shared.control.clone()).flatten();
    if control.is_some_and(|control| control.is_urgent(&message)) {
        cell.mailbox.push_urgent(dest, message)
    } else {
        cell.mailbox.push(dest, message)
    }
}

#[cold]
pub(super) fn refuse_full(cell: CellRef, dest: Handle, message: Message) -> SendError {
    SendError::Overloaded { dest, waiting: cell.mailbox.len(), payload: message.payload }
}
