//! The log service: a line for each text message, to the standard output or to a file.
//!
//! The service only makes the lines; a thread of its own writes them, so that a slow disk holds up the log alone. The way to
//! the thread is bounded: a log that cannot keep up slows its writers, instead of eating the memory.

mod sink;

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::os::{local_time, path_from};
use crate::ptype::{PTYPE_SYSTEM, PTYPE_TEXT};
use crate::service::Service;
use crate::{Context, Handle, Message, Node, Payload, ServiceError};
use sink::Sink;

/// Lines on their way.
const QUEUE: usize = 8192;
/// Bytes that the thread collects before it writes, while more lines wait.
const BUFFER: usize = 64 * 1024;

enum Order {
    Line { source: Handle, at: Option<Duration>, text: Payload },
    Reopen { source: Handle, at: Duration },
}

/// The native module `logger`: its argument is a file name, or nothing for the standard output.
pub(crate) struct Logger {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    dated: bool,
}

pub(crate) fn create(_: &Node, args: &[u8]) -> Result<Box<dyn Service>, ServiceError> {
    let path = (!args.is_empty()).then(|| path_from(args));
    let sink = match &path {
        None => Sink::stdout(),
        Some(path) => Sink::file(path.clone()).map_err(|cause| {
            ServiceError::from(format!("cannot open the log file {}: {cause}", path.display()))
        })?,
    };
    Ok(Box::new(Logger::start(sink, path.is_some())?))
}

impl Logger {
    fn start(sink: Sink, dated: bool) -> io::Result<Logger> {
        let (sender, orders) = bounded(QUEUE);
        let thread = std::thread::Builder::new()
            .name("skynet-log".to_owned())
            .spawn(move || write_lines(sink, &orders))?;
        Ok(Logger { orders: Some(sender), thread: Some(thread), dated })
    }

    fn put(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // The thread ends only after this sender is dropped.
            let _ = orders.send(order);
        }
    }
}

impl Service for Logger {
    fn on_message(&mut self, ctx: &Context, msg: Message) {
        match msg.kind {
            PTYPE_TEXT => {
                let at = self.dated.then(|| ctx.node().clock().wall());
                self.put(Order::Line { source: msg.source, at, text: msg.payload });
            }
            PTYPE_SYSTEM => {
                self.put(Order::Reopen { source: ctx.handle(), at: ctx.node().clock().wall() });
            }
            _ => {}
        }
    }
}

impl Drop for Logger {
    /// Returns when all lines are written.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported on the standard error; there is no log left to write it to.
            let _ = thread.join();
        }
    }
}

/// The body of the log thread: it collects while lines wait, and writes when none do.
fn write_lines(mut sink: Sink, orders: &Receiver<Order>) {
    let mut buffer = Vec::new();
    while let Ok(mut order) = orders.recv() {
        loop {
            match order {
                Order::Line { source, at, text } => push_line(&mut buffer, source, at, &text),
                Order::Reopen { source, at } => {
                    sink.write(&mut buffer);
                    if let Err(complaint) = sink.reopen() {
                        push_line(&mut buffer, source, Some(at), complaint.as_bytes());
                    }
                }
            }
            if buffer.len() >= BUFFER {
                sink.write(&mut buffer);
            }
            match orders.try_recv() {
                Ok(next) => order = next,
                Err(_) => break,
            }
        }
        sink.write(&mut buffer);
    }
}

/// `DD/MM/YY HH:MM:SS.cc [:handle] text`, without the date on the standard output.
fn push_line(buffer: &mut Vec<u8>, source: Handle, at: Option<Duration>, text: &[u8]) {
    use std::io::Write as _;
    if let Some(at) = at {
        let time = local_time(at);
        // Writing to a vector cannot fail.
        let _ = write!(
            buffer,
            "{:02}/{:02}/{:02} {:02}:{:02}:{:02}.{:02} ",
            time.day,
            time.month,
            time.year.rem_euclid(100),
            time.hour,
            time.minute,
            time.second,
            at.subsec_millis() / 10
        );
    }
    let _ = write!(buffer, "[{source}] ");
    buffer.extend_from_slice(text);
    buffer.push(b'\n');
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_source_and_the_text_as_it_is() {
        let mut buffer = Vec::new();
        push_line(&mut buffer, Handle::from_raw(0x0100_000a), None, b"one\ntwo\0\xff");
        assert_eq!(buffer, b"[:0100000a] one\ntwo\0\xff\n");
    }

    #[test]
    fn dated_lines_begin_with_the_local_time() {
        let mut buffer = Vec::new();
        push_line(&mut buffer, Handle::from_raw(1), Some(Duration::from_millis(951_782_400_070)), b"x");
        let text = String::from_utf8(buffer).expect("a line is text");
        assert_eq!(text.len(), "29/02/00 00:00:00.07 [:00000001] x\n".len());
        assert!(text.ends_with(":00.07 [:00000001] x\n") && text.contains("/02/00 "), "{text}");
    }
}
