//! Lines of the standard input, read by a thread of its own, so that asking for one never waits.
//!
//! The process has one standard input, so there is one such thread. It begins when a line is first asked for, and ends with
//! the input or the process.

use std::io::{BufRead, stdin};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Lines that wait to be asked for. With more of them the thread stops reading.
const WAITING: usize = 1024;

/// The next line without its end, if there is one yet. What comes without a line end before the input ends is a line, too.
pub(crate) fn next_line() -> Option<Vec<u8>> {
    static LINES: OnceLock<Option<Mutex<Receiver<Vec<u8>>>>> = OnceLock::new();
    let lines = LINES.get_or_init(|| {
        let (sender, receiver) = sync_channel(WAITING);
        let reader = std::thread::Builder::new().name("stdin".to_owned());
        // Without a thread there are no lines.
        reader.spawn(move || read_lines(stdin().lock(), &sender)).ok().map(|_| Mutex::new(receiver))
    });
    let lines = lines.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
    lines.try_recv().ok()
}

fn read_lines(mut input: impl BufRead, lines: &SyncSender<Vec<u8>>) {
    loop {
        let mut line = Vec::new();
        match input.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if lines.send(line).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_their_ends_and_the_last_one_needs_none() {
        let (sender, receiver) = sync_channel(WAITING);
        read_lines(&b"one\n\ntwo\r\n\0\nlast"[..], &sender);
        drop(sender);
        let lines: Vec<Vec<u8>> = receiver.iter().collect();
        assert_eq!(lines, [&b"one"[..], b"", b"two\r", b"\0", b"last"]);
    }
}
