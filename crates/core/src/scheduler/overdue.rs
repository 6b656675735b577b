//! Messages that take long: the monitor reports them, and has those interrupted that have reached their limit.
//!
//! Nobody looks into a service that runs. Its side door is told, and sees to it that the worker's own thread finds out what it is
//! at, or comes back. Nothing of this costs a message anything: the monitor looks at the progress that workers leave behind anyway.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::worker::Worker;
use crate::Handle;
use crate::caught::caught;
use crate::node::Node;
use crate::service::{LongMessage, Overdue};

/// How long a message runs before it is reported, and between two reports of it.
pub(super) const ENDLESS: Duration = Duration::from_secs(5);
/// After a report: what could not be found out until then is not to be found out.
const CONFIRM: Duration = Duration::from_millis(500);
/// Between two interrupts of the same message.
const INSIST: Duration = Duration::from_secs(1);

/// The message that a worker was seen to handle.
pub(super) struct Watched {
    version: u64,
    began: Instant,
    /// When it was reported last; when it began, before that.
    reported: Instant,
    /// A report waits for its confirmation.
    unconfirmed: bool,
    interrupted: Option<Instant>,
}

impl Watched {
    pub(super) fn new(worker: &Worker) -> Watched {
        let (version, ..) = worker.progress();
        Watched::message(version)
    }

    fn message(version: u64) -> Watched {
        let began = Instant::now();
        Watched { version, began, reported: began, unconfirmed: false, interrupted: None }
    }

    /// Looks whether a worker is still at the same message, and does what is due then. `endless` is the time after which a message
    /// is reported.
    pub(super) fn look(&mut self, node: &Node, worker: &Worker, endless: Duration) {
        let (version, source, dest) = worker.progress();
        if version != self.version || dest.is_none() {
            *self = Watched::message(version);
            return;
        }
        let now = Instant::now();
        if now - self.reported >= endless {
            (self.reported, self.unconfirmed) = (now, true);
            node.mark_endless(dest);
            node.log(
                Handle::NONE,
                format!(
                    "error: A message from [ {source} ] to [ {dest} ] maybe in an endless loop (version = {version})"
                ),
            );
            self.tell(node, worker, Overdue::Report);
        } else if self.unconfirmed && now - self.reported >= CONFIRM {
            self.unconfirmed = false;
            self.tell(node, worker, Overdue::Confirm);
        }
        match self.interrupted {
            Some(last) if now - last >= INSIST => {
                self.interrupted = Some(now);
                self.tell(node, worker, Overdue::Insist);
            }
            None if limit(node, dest).is_some_and(|limit| now - self.began >= limit) => {
                self.interrupted = Some(now);
                self.tell(node, worker, Overdue::Interrupt);
            }
            _ => {}
        }
    }

    /// Tells the side door of the service, if the message is still the same.
    fn tell(&self, node: &Node, worker: &Worker, step: Overdue) {
        let (_, source, dest) = worker.progress();
        let Some(cell) = node.cell_of(dest) else { return };
        let number = cell.messages.load(Ordering::Acquire);
        let (kind, session) = worker.shape();
        let found = cell.with_shared(dest, |shared| (shared.name.to_string(), shared.control.clone()));
        let Some((name, control)) = found else { return };
        // The number was counted after the worker's progress, so an old progress means that the rest is of the same message.
        if worker.progress() != (self.version, source, dest) {
            return;
        }
        let message = LongMessage {
            service: dest,
            name,
            source,
            source_name: name_of(node, source),
            kind,
            session,
            number,
            age: self.began.elapsed(),
        };
        let told = control.is_some_and(|control| {
            caught(|| control.overdue(&message, step, worker.thread())).unwrap_or_else(|panic| {
                node.log(dest, format!("error: the side door of {dest} panicked: {panic}"));
                false
            })
        });
        if !told && step == Overdue::Report {
            node.log(dest, format!("error: {message}"));
        }
    }
}

/// How long a message of a service may take.
fn limit(node: &Node, service: Handle) -> Option<Duration> {
    let limit = node.cell_of(service)?.message_limit.load(Ordering::Relaxed);
    (limit != 0).then(|| Duration::from_millis(limit))
}

/// What a service of this node is called.
fn name_of(node: &Node, handle: Handle) -> String {
    let cell = node.cell_of(handle);
    cell.and_then(|cell| cell.with_shared(handle, |shared| shared.name.to_string())).unwrap_or_default()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use super::*;
    use crate::scheduler::WorkerThread;
    use crate::{Context, LogTarget, Message, Payload, Service, ServiceControl, ServiceError};

    #[test]
    fn an_endless_message_is_reported_and_marked() {
        let (lines, log) = channel();
        let module = move |_: &Node, _: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
            let lines = lines.clone();
            Ok(Box::new(move |_: &Context, msg: Message| {
                let _ = lines.send(msg.payload.to_vec());
            }))
        };
        let target = LogTarget::Module { name: "capture".to_owned(), args: String::new() };
        let node =
            Node::builder().workers(1).module("capture", module).log(target).start().expect("it starts");
        let victim = node.spawn(|_: &Context, _: Message| {}).expect("it starts");

        let worker = Worker::new(0);
        let mut watched = Watched::new(&worker);
        watched.look(&node, &worker, Duration::ZERO);
        let source = Handle::from_raw(0x0100_0009);
        let msg = Message { source, kind: crate::PTYPE_LUA, session: 7, payload: Payload::empty() };
        worker.begin_message(&msg, victim);
        watched.look(&node, &worker, Duration::ZERO);
        let cell = node.cell_of(victim).expect("it is alive");
        assert!(!cell.endless.load(Ordering::Relaxed), "a new message has its time");
        watched.look(&node, &worker, Duration::ZERO);
        assert!(cell.endless.load(Ordering::Relaxed));
        node.stop(Duration::from_secs(20)).expect("all end");
        let lines: Vec<String> =
            log.try_iter().map(|line| String::from_utf8_lossy(&line).into_owned()).collect();
        let expected = format!(
            "error: A message from [ :01000009 ] to [ {victim} ] maybe in an endless loop (version = 1)"
        );
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0], expected);
        let (start, rest) =
            lines[1].split_once(" has been in one message for ").expect("it tells of the message");
        assert!(start.starts_with(&format!("error: service {victim} (")), "{start}");
        assert!(rest.ends_with("s: type lua, session 7, from :01000009"), "{rest}");
    }

    /// Notes what it is told.
    struct Door(std::sync::Mutex<Vec<(Overdue, u64)>>);

    impl ServiceControl for Door {
        fn signal(&self, _: i32, _: Option<WorkerThread<'_>>) {}

        fn condemn(&self, _: WorkerThread<'_>) {}

        fn overdue(&self, message: &LongMessage, step: Overdue, _: WorkerThread<'_>) -> bool {
            crate::sync::lock(&self.0).push((step, message.number));
            true
        }
    }

    struct WithDoor(Arc<Door>);

    impl Service for WithDoor {
        fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
            assert_eq!(ctx.set_message_limit(Duration::from_micros(1)), Duration::from_secs(7));
            assert_eq!(ctx.message_limit(), Duration::from_millis(1), "rounded up");
            Ok(())
        }

        fn on_message(&mut self, _: &Context, _: Message) {}

        fn control(&self) -> Option<Arc<dyn ServiceControl>> {
            Some(self.0.clone())
        }
    }

    #[test]
    fn a_message_over_its_limit_is_interrupted_once_a_second() {
        let door = Arc::new(Door(std::sync::Mutex::default()));
        let node = Node::builder()
            .workers(1)
            .log(LogTarget::Null)
            .message_limit(Duration::from_secs(7))
            .start()
            .expect("it starts");
        let victim = node.spawn(WithDoor(door.clone())).expect("it starts");
        let worker = Worker::new(0);
        let msg = Message { kind: crate::PTYPE_TEXT, ..Message::default() };
        let long = Duration::from_secs(3600);
        worker.begin_message(&msg, victim);
        let mut watched = Watched::new(&worker);
        let told = || std::mem::take(&mut *crate::sync::lock(&door.0));
        watched.began -= Duration::from_millis(1);
        watched.look(&node, &worker, long);
        watched.look(&node, &worker, long);
        assert_eq!(told(), [(Overdue::Interrupt, 0)], "once for now");
        watched.interrupted = watched.interrupted.map(|last| last - INSIST);
        watched.look(&node, &worker, long);
        assert_eq!(told(), [(Overdue::Insist, 0)]);
        watched.look(&node, &worker, Duration::ZERO);
        watched.reported -= CONFIRM;
        watched.look(&node, &worker, long);
        assert_eq!(told(), [(Overdue::Report, 0), (Overdue::Confirm, 0)]);
        worker.end_turn();
        watched.began -= long;
        watched.look(&node, &worker, long);
        worker.begin_message(&msg, victim);
        watched.look(&node, &worker, long);
        assert_eq!(told(), [], "a new message has its time");
        node.stop(Duration::from_secs(20)).expect("all end");
    }
}
