//! One message to many services.

use super::Node;
use super::deliver::refuse_full;
use crate::cell::CellRef;
use crate::mailbox::Push;
use crate::message::Message;
use crate::{Handle, SendError, SharedPayload};

/// Services that are put into a run queue in one go.
const AT_ONCE: usize = 64;

impl Node {
    /// Sends one message to each of `dests`, in their order, in the name of `source`; all read the same payload. Nothing is allocated
    /// for a receiver of this node. One of another node gets a copy by the harbor service.
    ///
    /// The result lists those of this node that have ended, and is mostly empty. What cannot be sent to another node, or is refused
    /// by a full mailbox, is dropped: a message that wants no answer has no way to say so.
    pub fn send_to_many(
        &self,
        source: Handle,
        dests: &[Handle],
        kind: u8,
        session: i32,
        payload: &SharedPayload,
    ) -> Vec<Handle> {
        let mut gone = Vec::new();
        let mut woken = Vec::with_capacity(dests.len().min(AT_ONCE));
        for (dest, payload) in dests.iter().zip(payload.payloads(dests.len())) {
            let message = Message { kind, session, source, payload };
            match self.push_to(*dest, message) {
                Ok(None) => {}
                Ok(Some(cell)) => woken.push(cell),
                Err(SendError::DeadHandle { dest, .. }) => gone.push(dest),
                Err(_) => {}
            }
            if woken.len() == AT_ONCE {
                self.0.scheduler.schedule_many(&mut woken);
            }
        }
        self.0.scheduler.schedule_many(&mut woken);
        gone
    }

    /// Puts a message into a mailbox, and gives the service if somebody has to put it into a run queue.
    #[inline]
    fn push_to(&self, dest: Handle, message: Message) -> Result<Option<CellRef>, SendError> {
        match self.0.table.find(dest) {
            Some(cell) if !dest.is_none() => match cell.mailbox.push(dest, message) {
                Push::Done => Ok(None),
                Push::Wake => Ok(Some(cell)),
                Push::Gone(message) => self.deliver_elsewhere(dest, message).map(|()| None),
                Push::Full(message) => Err(refuse_full(cell, dest, message)),
                Push::Displaced(oldest) => {
                    drop(oldest);
                    Ok(None)
                }
            },
            _ => self.deliver_elsewhere(dest, message).map(|()| None),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use crate::{Context, Handle, LogTarget, Message, Node, PTYPE_TEXT, SharedPayload};

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn all_get_the_same_block_and_the_dead_are_named() {
        const MEMBERS: usize = 300;
        let node = Node::builder().workers(2).log(LogTarget::Null).start().expect("it starts");
        let (got, gets) = channel();
        let mut members: Vec<Handle> = (0..MEMBERS)
            .map(|_| {
                let got = got.clone();
                let member = move |ctx: &Context, msg: Message| {
                    let at = msg.payload.as_ptr().addr();
                    let _ = got.send((ctx.handle(), msg.source, msg.session, at, msg.payload.to_vec()));
                };
                node.spawn(member).expect("it starts")
            })
            .collect();
        let dead = members[7];
        assert!(node.kill(dead));
        let shared = SharedPayload::copy_from(b"to all");
        let source = Handle::from_raw(5);
        assert_eq!(node.send_to_many(source, &members, PTYPE_TEXT, 3, &shared), [dead]);
        members.remove(7);
        let mut seen = Vec::new();
        for _ in 0..members.len() {
            let (handle, from, session, at, bytes) = gets.recv_timeout(LONG).expect("all get it");
            assert_eq!((from, session, at, &*bytes), (source, 3, shared.as_ptr().addr(), &b"to all"[..]));
            seen.push(handle);
        }
        seen.sort_unstable_by_key(|handle| handle.raw());
        assert_eq!(seen, members);
        node.stop(LONG).expect("all end");
        assert_eq!(shared.readers(), 1, "every message is dropped");
    }

    #[test]
    fn messages_in_mailboxes_of_the_dead_leave_the_block() {
        let node = Node::builder().workers(1).log(LogTarget::Null).start().expect("it starts");
        let (go_on, gate) = channel::<()>();
        let (begun, begins) = channel();
        let gate = std::sync::Mutex::new(gate);
        let busy = node.spawn(move |_: &Context, _: Message| {
            let _ = begun.send(());
            let _ = gate.lock().expect("no panic").recv_timeout(LONG);
        });
        let busy = busy.expect("it starts");
        node.send(Handle::NONE, busy, PTYPE_TEXT, 0, b"go").expect("it is alive");
        begins.recv_timeout(LONG).expect("the only worker is busy");
        let waiting: Vec<Handle> =
            (0..3).map(|_| node.spawn(|_: &Context, _: Message| ()).expect("it starts")).collect();
        let shared = SharedPayload::copy_from(b"unread");
        assert!(node.send_to_many(Handle::NONE, &waiting, PTYPE_TEXT, 0, &shared).is_empty());
        assert_eq!(shared.readers(), 4);
        assert!(waiting.iter().all(|handle| node.kill(*handle)));
        assert_eq!(shared.readers(), 1);
        go_on.send(()).expect("it waits");
        node.stop(LONG).expect("all end");
    }
}
