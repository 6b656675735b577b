//! What waits for the system on behalf of a node, and what is put off to the end of a turn.

use std::io;
use std::thread;

use super::Node;
use crate::scheduler::Driver;
use crate::sync::lock;
use crate::{Handle, Message};

impl Node {
    /// Lets the node's workers wait for the system in `driver` when they have nothing else to do. `wake` ends a wait, from any
    /// thread. A thread stands by for times when all workers are busy. The driver is closed when the node has ended; [`Node::wait`] and
    /// [`Node::stop`] wait for that.
    ///
    /// # Errors
    ///
    /// The node has a driver already (`AlreadyExists`), or the system gives no thread.
    pub fn drive(
        &self,
        name: &str,
        driver: Box<dyn Driver>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<()> {
        let installed = self.0.scheduler.install(driver, Box::new(wake));
        installed.map_err(|_| io::Error::new(io::ErrorKind::AlreadyExists, "the node has a driver"))?;
        let node = self.clone();
        let standby =
            thread::Builder::new().name(name.to_owned()).spawn(move || node.0.scheduler.run_standby(&node));
        match standby {
            Ok(standby) => lock(&self.0.threads).push(standby),
            Err(cause) => {
                self.0.scheduler.remove_driver();
                return Err(cause);
            }
        }
        Ok(())
    }

    /// Names the function that [`Node::defer`] is for: it gets the number of a worker. It may be called on other threads too, while
    /// a turn goes on. False if the node has one already.
    pub fn on_turn_end(&self, hook: impl Fn(usize) + Send + Sync + 'static) -> bool {
        self.0.scheduler.on_turn_end(Box::new(hook))
    }

    /// Names a function that is shown each message which a service leaves unhandled when it ends, with that service's handle:
    /// whoever sent it may have to take something back. It may be called on any thread. False if the node has one already.
    pub fn on_unhandled(&self, hook: impl Fn(Handle, &Message) + Send + Sync + 'static) -> bool {
        self.0.unhandled.set(Box::new(hook)).is_ok()
    }

    /// Asks for a call of the function of [`Node::on_turn_end`] when the turn ends that the calling thread is in; sooner if the
    /// turn takes long. It gives the number of the worker, or `None` if the thread is in no turn of this node: then nothing will be
    /// called.
    #[inline]
    #[must_use]
    pub fn defer(&self) -> Option<usize> {
        self.0.scheduler.defer(self.ticks())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::{Context, LogTarget, PTYPE_TEXT};

    const LONG: Duration = Duration::from_secs(20);

    /// Events are texts for a service; `None` is a wake-up.
    struct Texts {
        events: Receiver<Option<Vec<u8>>>,
        found: Vec<Vec<u8>>,
        node: Node,
        to: Handle,
        closed: Sender<()>,
    }

    impl Driver for Texts {
        fn wait(&mut self, limit: Option<Duration>) {
            let event = match limit {
                None => self.events.recv().ok(),
                Some(limit) => self.events.recv_timeout(limit).ok(),
            };
            self.found.extend(event.flatten());
            self.found.extend(self.events.try_iter().flatten());
        }

        fn dispatch(&mut self) -> bool {
            let found = std::mem::take(&mut self.found);
            for text in &found {
                assert_ne!(text, b"panic", "as asked for");
                let _ = self.node.send(Handle::NONE, self.to, PTYPE_TEXT, 0, text.as_slice());
            }
            !found.is_empty()
        }

        fn close(&mut self) {
            let _ = self.closed.send(());
        }
    }

    struct Driven {
        node: Node,
        events: Sender<Option<Vec<u8>>>,
        texts: Receiver<Vec<u8>>,
        closed: Receiver<()>,
    }

    fn driven(workers: usize) -> Driven {
        let node = Node::builder().workers(workers).log(LogTarget::Null).start().expect("it starts");
        let (send, texts) = channel();
        let to =
            node.spawn(move |_: &Context, msg: Message| drop(send.send(msg.payload.to_vec()))).expect("ok");
        let (send, events) = channel();
        let (close, closed) = channel();
        let driver = Texts { events, found: Vec::new(), node: node.clone(), to, closed: close };
        let waker = send.clone();
        let drive = node.drive("driver", Box::new(driver), move || drop(waker.send(None)));
        drive.expect("it is the first");
        Driven { node, events: send, texts, closed }
    }

    impl Driven {
        fn finish(self) {
            self.node.stop(LONG).expect("all end");
            self.closed.recv_timeout(LONG).expect("the driver is closed");
        }
    }

    #[test]
    fn idle_workers_wait_in_the_driver_and_still_wake_for_messages() {
        for workers in [1, 2, 4] {
            let driven = driven(workers);
            let echo = driven.node.spawn(|ctx: &Context, msg: Message| {
                if let Ok((request, payload)) = ctx.accept(msg) {
                    let _ = request.respond(payload);
                }
            });
            let echo = echo.expect("it starts");
            for round in 0..200_u32 {
                driven.events.send(Some(round.to_le_bytes().to_vec())).expect("it waits");
                assert_eq!(driven.texts.recv_timeout(LONG).as_deref(), Ok(&round.to_le_bytes()[..]));
                assert!(driven.node.call(echo, PTYPE_TEXT, b"?").wait_timeout(LONG).is_ok());
            }
            driven.finish();
        }
    }

    #[test]
    fn somebody_waits_while_all_workers_are_busy() {
        let driven = driven(1);
        let (go_on, gate) = channel::<()>();
        let (begun, begins) = channel();
        let busy = driven.node.spawn({
            let gate = std::sync::Mutex::new(gate);
            move |_: &Context, _: Message| {
                let _ = begun.send(());
                let _ = gate.lock().expect("no panic").recv_timeout(LONG);
            }
        });
        let busy = busy.expect("it starts");
        // The driver counts what it delivers; the service that would get it has no worker.
        driven.node.send(Handle::NONE, busy, PTYPE_TEXT, 0, b"").expect("it is alive");
        begins.recv_timeout(LONG).expect("the worker is busy");
        driven.events.send(Some(b"meanwhile".to_vec())).expect("it waits");
        while driven.node.services().iter().all(|service| service.mqlen == 0) {
            thread::yield_now();
        }
        go_on.send(()).expect("it waits");
        assert_eq!(driven.texts.recv_timeout(LONG).as_deref(), Ok(&b"meanwhile"[..]));
        driven.finish();
    }

    #[test]
    fn a_driver_that_panics_ends_no_worker() {
        let driven = driven(1);
        for text in [&b"panic"[..], b"after"] {
            driven.events.send(Some(text.to_vec())).expect("it waits");
        }
        // What came in the same go is lost with it; the next is not.
        driven.events.send(Some(b"last".to_vec())).expect("it waits");
        while driven.texts.recv_timeout(Duration::from_millis(10)).as_deref() != Ok(b"last") {
            driven.events.send(Some(b"last".to_vec())).expect("it waits");
        }
        driven.finish();
    }

    #[test]
    fn what_is_put_off_is_done_at_the_end_of_the_turn_or_while_it_takes_long() {
        let node = Node::builder().workers(1).log(LogTarget::Null).start().expect("it starts");
        let (call, calls) = channel();
        assert!(node.on_turn_end(move |worker| {
            let _ = call.send(worker);
        }));
        assert!(!node.on_turn_end(|_| ()), "there is one");
        assert_eq!(node.defer(), None, "this is no worker");
        let (go_on, gate) = channel::<()>();
        let gate = std::sync::Mutex::new(gate);
        let service = node.spawn(move |ctx: &Context, msg: Message| {
            assert_eq!(ctx.node().defer(), Some(0));
            if &*msg.payload == b"long" {
                let _ = gate.lock().expect("no panic").recv_timeout(LONG);
            }
        });
        let service = service.expect("it starts");
        node.send(Handle::NONE, service, PTYPE_TEXT, 0, b"short").expect("it is alive");
        assert_eq!(calls.recv_timeout(LONG), Ok(0));
        node.send(Handle::NONE, service, PTYPE_TEXT, 0, b"long").expect("it is alive");
        assert_eq!(calls.recv_timeout(LONG), Ok(0), "the turn goes on");
        go_on.send(()).expect("it waits");
        node.stop(LONG).expect("all end");
    }

    #[test]
    fn what_is_put_off_keeps_a_turn_going_for_a_few_messages() {
        const EACH: usize = 16;
        let node = Node::builder().workers(1).log(LogTarget::Null).start().expect("it starts");
        let (call, calls) = channel();
        assert!(node.on_turn_end(move |_| call.send(()).unwrap_or_default()));
        let (done, handled) = channel();
        let two: Vec<Handle> = (0..2)
            .map(|_| {
                let done = done.clone();
                let service = node.spawn(move |ctx: &Context, _: Message| {
                    assert!(ctx.node().defer().is_some());
                    let _ = done.send(());
                });
                service.expect("it starts")
            })
            .collect();
        // Both have messages before either has a turn: this one runs on the only worker.
        let starter = node.spawn(move |ctx: &Context, _: Message| {
            for dest in &two {
                let payloads = (0..EACH).map(|_| crate::Payload::empty());
                ctx.send_all(Handle::NONE, *dest, PTYPE_TEXT, 0, payloads).expect("it is alive");
            }
        });
        node.send(Handle::NONE, starter.expect("it starts"), PTYPE_TEXT, 0, b"go").expect("it is alive");
        (0..2 * EACH).for_each(|_| handled.recv_timeout(LONG).expect("all are handled"));
        node.stop(LONG).expect("all end");
        // Two, or some more if the worker lost its core meanwhile; it was once for each message.
        let ends = calls.try_iter().count();
        assert!((2..=EACH).contains(&ends), "{ends} times");
    }

    #[test]
    fn what_is_put_off_does_not_let_others_wait_for_slow_messages() {
        const EACH: usize = 6;
        const SLOW: Duration = Duration::from_millis(2);
        let node = Node::builder().workers(1).log(LogTarget::Null).start().expect("it starts");
        assert!(node.on_turn_end(|_| ()));
        let (done, handled) = channel();
        let two: Vec<Handle> = (0..2)
            .map(|index| {
                let done = done.clone();
                let service = node.spawn(move |ctx: &Context, _: Message| {
                    std::thread::sleep(SLOW);
                    // At its end: it never seems to have been put off for long.
                    assert!(ctx.node().defer().is_some());
                    let _ = done.send(index);
                });
                service.expect("it starts")
            })
            .collect();
        let starter = node.spawn(move |ctx: &Context, _: Message| {
            for dest in &two {
                let payloads = (0..EACH).map(|_| crate::Payload::empty());
                ctx.send_all(Handle::NONE, *dest, PTYPE_TEXT, 0, payloads).expect("it is alive");
            }
        });
        node.send(Handle::NONE, starter.expect("it starts"), PTYPE_TEXT, 0, b"go").expect("it is alive");
        let order: Vec<usize> =
            (0..2 * EACH).map(|_| handled.recv_timeout(LONG).expect("all are handled")).collect();
        // The one begun and the next; a few more when the other has no more.
        let longest = order.chunk_by(|a, b| a == b).map(<[usize]>::len).max();
        assert!(longest <= Some(4), "{order:?}");
        node.stop(LONG).expect("all end");
    }
}
