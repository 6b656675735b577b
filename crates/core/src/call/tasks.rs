//! The calls and spawned futures of one service.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Waiting, Poll, Wake, Waker};

use super::answer::{Answer, Call};
use crate::payload::Payload;
use crate::ptype::{PTYPE_ERROR, PTYPE_RESPONSE};
use crate::request::Link;
use crate::scheduler::{order, seat};
use crate::sync::lock;
use crate::{CallError, Context, Handle, Message, SendError};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
pub(crate) struct Tasks {
    calls: HashMap<i32, (Handle, Answer)>,
    /// By number; `None` while it is being polled.
    tasks: HashMap<u64, Option<Task>>,
    next_task: u64,
    ready: Option<Arc<Ready>>,
}

impl Tasks {
    /// Whether a call waits for the answer with this session.
    pub(crate) fn waits_for(&self, session: i32) -> bool {
        self.calls.contains_key(&session)
    }

    /// Notes a call.
    pub(crate) fn expect_answer(&mut self, session: i32, dest: Handle) -> Call {
        let answer = Answer::default();
        self.calls.insert(session, (dest, answer.clone()));
        Call(answer)
    }

    pub(crate) fn not_sent(&mut self, session: i32, cause: SendError) {
        if let Some((_, answer)) = self.calls.remove(&session) {
            answer.set(Err(CallError::Send(cause)));
        }
    }

    /// Gives an answer to the call that waits for it; other messages come back.
    pub(crate) fn take_answer(&mut self, msg: Message) -> Option<Message> {
        match (msg.kind, msg.session) {
            (PTYPE_ERROR, 0) => {
                self.fail_calls_to(msg.source, &msg.payload);
                Some(msg)
            }
            (PTYPE_RESPONSE | PTYPE_ERROR, session) => match self.calls.remove(&session) {
                None => Some(msg),
                Some((dest, answer)) => {
                    let ok = msg.kind == PTYPE_RESPONSE;
                    answer.set(if ok { Ok(msg.payload) } else { Err(CallError::failed(dest, &msg.payload)) });
                    None
                }
            },
            _ => Some(msg),
        }
    }

    fn fail_calls_to(&mut self, gone: Handle, reason: &[u8]) {
        self.calls.retain(|_, (dest, answer)| {
            let lost = *dest == gone;
            if lost {
                answer.set(Err(CallError::failed(gone, reason)));
            }
            !lost
        });
    }

    /// Adds a task that is ready to be polled.
    pub(crate) fn spawn(&mut self, link: Arc<Link>, task: Task) -> Arc<Ready> {
        let number = self.next_task;
        self.next_task += 1;
        self.tasks.insert(number, Some(task));
        let ready = self.ready.get_or_insert_with(|| Arc::new(Ready::new(link)));
        lock(&ready.numbers).push(number);
        ready.clone()
    }

    /// Whom the service has been waiting for. Its calls end.
    pub(crate) fn end(&mut self) -> Vec<Handle> {
        let mut dests: Vec<Handle> = self.calls.values().map(|(dest, _)| *dest).collect();
        dests.sort_unstable();
        dests.dedup();
        for (_, (_, answer)) in self.calls.drain() {
            answer.set(Err(CallError::Stopped));
        }
        dests
    }
}

/// How often in a row tasks that were woken by polling are polled: what they wait for may be a message.
const ROUNDS: usize = 16;

/// Polls the tasks that were woken. The service's tasks are borrowed only between polls, so that a task may call and spawn.
pub(crate) fn poll_ready(ctx: &Context) {
    let Some(ready) = ctx.with_tasks(|tasks| tasks.ready.clone()) else { return };
    ready.asked.store(false, Ordering::SeqCst);
    for _ in 0..ROUNDS {
        let woken = std::mem::take(&mut *lock(&ready.numbers));
        if woken.is_empty() {
            return;
        }
        for number in woken {
            let task = ctx.with_tasks(|tasks| tasks.tasks.get_mut(&number).and_then(Option::take));
            let Some(mut task) = task else { continue };
            let waker = Waker::from(Arc::new(TaskWaker { ready: ready.clone(), number }));
            let done = task.as_mut().poll(&mut Waiting::from_waker(&waker));
            ctx.with_tasks(|tasks| match done {
                Poll::Ready(()) => drop(tasks.tasks.remove(&number)),
                Poll::Pending => drop(tasks.tasks.insert(number, Some(task))),
            });
        }
    }
    if !lock(&ready.numbers).is_empty() {
        ready.ask();
    }
}

/// The tasks that were woken.
pub(crate) struct Ready {
    numbers: Mutex<Vec<u64>>,
    /// An order to poll is in the mailbox.
    asked: AtomicBool,
    link: Arc<Link>,
}

impl Ready {
    fn new(link: Arc<Link>) -> Ready {
        Ready { numbers: Mutex::default(), asked: AtomicBool::new(false), link }
    }

    /// Sees to it that the service polls: at the end of the message if it runs on this thread, else by an order.
    pub(crate) fn wake_owner(&self) {
        let runs_here = seat::with_context(|ctx| {
            ctx.is_some_and(|ctx| ctx.handle() == self.link.handle() && seat::in_message())
        });
        if !runs_here {
            self.ask();
        }
    }

    /// Orders a poll, behind the messages that wait.
    fn ask(&self) {
        if self.asked.swap(true, Ordering::SeqCst) {
            return;
        }
        let payload = Payload::order(order::POLL);
        // If the service is gone, its tasks are too.
        let _ = self.link.send(self.link.handle(), PTYPE_RESPONSE, 0, payload);
    }
}

struct TaskWaker {
    ready: Arc<Ready>,
    number: u64,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        lock(&self.ready.numbers).push(self.number);
        self.ready.wake_owner();
    }
}
