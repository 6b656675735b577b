//! Models of the state machine, for loom. Run by
//! `RUSTFLAGS="--cfg loom" cargo test -p skynet-core --lib --release loom_`.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::thread;

use super::*;

const ME: Handle = Handle::from_raw(1);

struct Model {
    mailbox: Mailbox,
    running: AtomicBool,
    handled: AtomicUsize,
    bounced: AtomicUsize,
    finished: AtomicUsize,
    reliefs: AtomicUsize,
}

impl Model {
    fn idle() -> Arc<Model> {
        let mailbox = Mailbox::default();
        mailbox.open(ME);
        assert!(matches!(mailbox.release(), Released::Idle));
        Arc::new(Model {
            mailbox,
            running: AtomicBool::new(false),
            handled: AtomicUsize::new(0),
            bounced: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            reliefs: AtomicUsize::new(0),
        })
    }

    /// Sends, and runs the service if that is the sender's to do: the shortest of all run queues.
    fn send(&self) {
        match self.mailbox.push(ME, Message::default()) {
            Push::Done => {}
            Push::Wake => self.run(),
            Push::Gone(_) | Push::Full(_) | Push::Displaced(_) => {
                self.bounced.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn send_urgent(&self) {
        match self.mailbox.push_urgent(ME, Message::default()) {
            Push::Wake => self.run(),
            Push::Gone(_) => drop(self.bounced.fetch_add(1, Ordering::SeqCst)),
            _ => {}
        }
    }

    /// What the owner does between messages.
    fn heed(&self) {
        if self.mailbox.has_signals() {
            let (urgent, relieved) = self.mailbox.heed();
            if relieved {
                self.reliefs.fetch_add(1, Ordering::SeqCst);
            }
            if urgent.is_some() {
                self.mailbox.handled();
                self.handled.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn run(&self) {
        loop {
            assert!(!self.running.swap(true, Ordering::SeqCst), "a service runs twice at a time");
            self.running.store(false, Ordering::SeqCst);
            match self.mailbox.take() {
                Take::Messages(batch) => {
                    for _ in 0..batch.len() {
                        self.mailbox.handled();
                        self.handled.fetch_add(1, Ordering::SeqCst);
                        self.heed();
                    }
                }
                Take::Signals => self.heed(),
                Take::Idle => return,
                Take::Closed => {
                    self.finished.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
        }
    }

    fn close(&self) {
        let closed = self.mailbox.close(ME).expect("it is closed once");
        self.bounced.fetch_add(closed.messages.len(), Ordering::SeqCst);
        if closed.wake {
            self.run();
        }
    }

    fn count(&self) -> [usize; 3] {
        [&self.handled, &self.bounced, &self.finished].map(|counter| counter.load(Ordering::SeqCst))
    }
}

#[test]
fn loom_no_message_is_lost_and_nothing_runs_twice() {
    loom::model(|| {
        let model = Model::idle();
        let other = model.clone();
        let sender = thread::spawn(move || {
            other.send();
            other.send();
        });
        model.send();
        sender.join().expect("no thread panics");
        assert_eq!(model.count(), [3, 0, 0]);
    });
}

#[test]
fn loom_a_close_leaves_one_end_and_no_message() {
    loom::model(|| {
        let model = Model::idle();
        let other = model.clone();
        let closer = thread::spawn(move || other.close());
        model.send();
        model.send();
        closer.join().expect("no thread panics");
        let [handled, bounced, finished] = model.count();
        assert_eq!((handled + bounced, finished), (2, 1));
    });
}

#[test]
fn loom_urgent_messages_are_not_lost() {
    loom::model(|| {
        let model = Model::idle();
        let other = model.clone();
        let sender = thread::spawn(move || other.send_urgent());
        model.send();
        model.send_urgent();
        sender.join().expect("no thread panics");
        assert_eq!(model.count(), [3, 0, 0]);
    });
}

#[test]
fn loom_what_was_full_is_relieved_however_it_is_emptied() {
    loom::model(|| {
        let model = Model::idle();
        let bound = Bound { limit: 1, policy: Policy::PauseSockets };
        assert_eq!(model.mailbox.set_bound(ME, Some(bound)), Some(false));
        let other = model.clone();
        let sender = thread::spawn(move || other.send());
        model.send();
        sender.join().expect("no thread panics");
        assert_eq!(model.count(), [2, 0, 0]);
        // Each time that it was full it was relieved.
        assert!(!model.mailbox.is_full(ME));
        let paused = model.mailbox.stat(ME).expect("it is open").paused;
        assert_eq!(paused as usize, model.reliefs.load(Ordering::SeqCst));
    });
}

#[test]
fn loom_a_close_says_whether_what_feeds_it_waits() {
    loom::model(|| {
        let model = Model::idle();
        let bound = Bound { limit: 1, policy: Policy::PauseSockets };
        assert_eq!(model.mailbox.set_bound(ME, Some(bound)), Some(false));
        let other = model.clone();
        let closer = thread::spawn(move || {
            let closed = other.mailbox.close(ME).expect("it is closed once");
            other.bounced.fetch_add(closed.messages.len(), Ordering::SeqCst);
            other.reliefs.fetch_add(usize::from(closed.full), Ordering::SeqCst);
            if closed.wake {
                other.run();
            }
        });
        model.send();
        closer.join().expect("no thread panics");
        let [handled, bounced, finished] = model.count();
        assert_eq!((handled + bounced, finished), (1, 1));
        let reliefs = model.reliefs.load(Ordering::SeqCst);
        assert!(!model.mailbox.is_full(ME) && reliefs <= 1);
    });
}

#[test]
fn loom_a_bound_that_is_lifted_relieves_what_it_made_pause() {
    loom::model(|| {
        let model = Model::idle();
        let bound = Bound { limit: 1, policy: Policy::PauseSockets };
        assert_eq!(model.mailbox.set_bound(ME, Some(bound)), Some(false));
        let other = model.clone();
        let lifter = thread::spawn(move || {
            let relieved = other.mailbox.set_bound(ME, None).expect("it is open");
            other.reliefs.fetch_add(usize::from(relieved), Ordering::SeqCst);
        });
        model.send();
        model.send();
        lifter.join().expect("no thread panics");
        assert_eq!(model.count(), [2, 0, 0]);
        assert!(!model.mailbox.is_full(ME));
        let paused = model.mailbox.stat(ME).expect("it is open").paused;
        assert_eq!(paused as usize, model.reliefs.load(Ordering::SeqCst));
    });
}

#[test]
fn loom_each_message_is_handled_or_dropped_while_a_bound_that_drops_comes_and_goes() {
    loom::model(|| {
        let model = Model::idle();
        let bound = Bound { limit: 1, policy: Policy::DropOldest };
        assert_eq!(model.mailbox.set_bound(ME, Some(bound)), Some(false));
        let other = model.clone();
        let sender = thread::spawn(move || {
            other.send();
            assert_eq!(other.mailbox.set_bound(ME, None), Some(false));
        });
        model.send();
        model.send();
        sender.join().expect("no thread panics");
        let [handled, bounced, finished] = model.count();
        assert_eq!((handled + bounced, finished), (3, 0));
        let stat = model.mailbox.stat(ME).expect("it is open");
        assert_eq!((stat.waiting, stat.dropped as usize), (0, bounced));
    });
}
