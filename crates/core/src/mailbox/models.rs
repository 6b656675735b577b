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
        })
    }

    /// Sends, and runs the service if that is the sender's to do: the shortest of all run queues.
    fn send(&self) {
        match self.mailbox.push(ME, Message::default()) {
            Push::Done => {}
            Push::Wake => self.run(),
            Push::Gone(_) => drop(self.bounced.fetch_add(1, Ordering::SeqCst)),
        }
    }

    fn run(&self) {
        loop {
            assert!(!self.running.swap(true, Ordering::SeqCst), "a service runs twice at a time");
            self.running.store(false, Ordering::SeqCst);
            match self.mailbox.take() {
                Take::Messages(batch) => drop(self.handled.fetch_add(batch.len(), Ordering::SeqCst)),
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
