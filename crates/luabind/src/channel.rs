//! Queues of texts between two services of a node: the debugger in one, what it looks at in the other.
//!
//! Both ends read and write the same queue. An end is handed from one service to the other by a number, which is looked
//! up and never followed: any number may be asked for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// All channels of a node.
#[derive(Default)]
pub(crate) struct Channels(Mutex<Table>);

#[derive(Default)]
struct Table {
    last: usize,
    open: HashMap<usize, Entry>,
}

struct Entry {
    queue: Arc<Queue>,
    /// Somebody has the second end, or had it.
    connected: bool,
    ends: u8,
}

#[derive(Default)]
struct Queue {
    texts: Mutex<VecDeque<Box<[u8]>>>,
    written: Condvar,
}

/// One end of a channel, counted until it is dropped.
pub(crate) struct End {
    channels: Arc<Channels>,
    number: usize,
    queue: Arc<Queue>,
}

/// Why there is no second end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ConnectError {
    /// No channel has this number, or not any more.
    Unknown,
    /// It has been given away already.
    Taken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these values whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Channels {
    /// Makes a channel: its first end. [`End::number`] leads to the second.
    pub(crate) fn create(self: &Arc<Channels>) -> End {
        let mut table = lock(&self.0);
        table.last += 1;
        let (number, queue) = (table.last, Arc::<Queue>::default());
        table.open.insert(number, Entry { queue: Arc::clone(&queue), connected: false, ends: 1 });
        End { channels: Arc::clone(self), number, queue }
    }

    /// The second end of a channel; there is only one.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub(crate) fn connect(self: &Arc<Channels>, number: usize) -> Result<End, ConnectError> {
        let mut table = lock(&self.0);
        let entry = table.open.get_mut(&number).ok_or(ConnectError::Unknown)?;
        if entry.connected {
            return Err(ConnectError::Taken);
        }
        entry.connected = true;
        entry.ends += 1;
        Ok(End { channels: Arc::clone(self), number, queue: Arc::clone(&entry.queue) })
    }
}

impl End {
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Appends a text and wakes a reader.
    pub(crate) fn write(&self, text: &[u8]) {
        lock(&self.queue.texts).push_back(text.into());
        self.queue.written.notify_one();
    }

    /// Takes the oldest text. If there is none, waits for one until the time is over.
    pub(crate) fn read(&self, until: Instant) -> Option<Box<[u8]>> {
        let mut texts = lock(&self.queue.texts);
        loop {
            if let Some(text) = texts.pop_front() {
                return Some(text);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return None;
            }
            let woken = self.queue.written.wait_timeout(texts, left);
            texts = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut table = lock(&self.channels.0);
        if let Some(entry) = table.open.get_mut(&self.number) {
            entry.ends -= 1;
            if entry.ends == 0 {
                table.open.remove(&self.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Instant {
        Instant::now()
    }

    #[test]
    fn texts_come_in_order_to_whoever_reads() {
        let channels = Arc::<Channels>::default();
        let one = channels.create();
        one.write(b"early");
        let two = channels.connect(one.number()).ok().unwrap();
        two.write(b"late");
        assert_eq!(two.read(now()).as_deref(), Some(&b"early"[..]));
        assert_eq!(one.read(now()).as_deref(), Some(&b"late"[..]));
        assert_eq!(one.read(now()), None);
    }

    #[test]
    fn the_second_end_is_given_away_once() {
        let channels = Arc::<Channels>::default();
        let one = channels.create();
        let two = channels.connect(one.number()).ok().unwrap();
        assert_eq!(channels.connect(one.number()).err(), Some(ConnectError::Taken));
        drop(two);
        assert_eq!(channels.connect(one.number()).err(), Some(ConnectError::Taken));
        let number = one.number();
        drop(one);
        assert_eq!(channels.connect(number).err(), Some(ConnectError::Unknown));
        assert_eq!(channels.connect(usize::MAX).err(), Some(ConnectError::Unknown));
        assert!(lock(&channels.0).open.is_empty());
    }

    #[test]
    fn a_reader_is_woken_by_a_text_from_another_thread() {
        let channels = Arc::<Channels>::default();
        let one = channels.create();
        let two = channels.connect(one.number()).ok().unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || two.read(now() + Duration::from_secs(60)));
            one.write(b"wake up");
            assert_eq!(reader.join().unwrap().as_deref(), Some(&b"wake up"[..]));
        });
        let began = now();
        assert_eq!(one.read(began + Duration::from_millis(20)), None);
        assert!(began.elapsed() >= Duration::from_millis(20));
    }
}
