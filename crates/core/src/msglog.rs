//! The message log of one service: a file with a line for each message that it handles.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::clock::NodeClock;
use crate::os::local_time;
use crate::ptype::PTYPE_SOCKET;
use crate::{Handle, Message, SocketMessage};

/// Three `int`s and a pointer: the head of a socket message (`struct skynet_socket_message`).
const SOCKET_HEAD: usize = 16 + size_of::<usize>();

pub(crate) struct MessageLog {
    file: File,
}

/// Where the log of a service is.
pub(crate) fn path(dir: &Path, handle: Handle) -> PathBuf {
    dir.join(format!("{:08x}.log", handle.raw()))
}

impl MessageLog {
    /// Opens the file, to append.
    pub(crate) fn open(path: &Path, clock: &NodeClock) -> io::Result<MessageLog> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let mut log = MessageLog { file };
        log.put(format!("open time: {} {}", clock.now_cs(), date(clock)).into_bytes());
        Ok(log)
    }

    /// Writes a message down.
    pub(crate) fn write(&mut self, msg: &Message, clock: &NodeClock) {
        let line = match socket_line(msg) {
            Some(line) => line,
            None => {
                let mut line =
                    format!("{} {} {} {} ", msg.source, msg.kind, msg.session, clock.now_cs()).into_bytes();
                push_hex(&mut line, &msg.payload);
                line
            }
        };
        self.put(line);
    }

    pub(crate) fn close(mut self, clock: &NodeClock) {
        self.put(format!("close time: {}", clock.now_cs()).into_bytes());
    }

    fn put(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        // A full disk must not stop the service whose messages are written.
        let _ = self.file.write_all(&line);
    }
}

/// The line of a socket message: its kind, id and size, and its text if it is one.
fn socket_line(msg: &Message) -> Option<Vec<u8>> {
    if msg.kind != PTYPE_SOCKET {
        return None;
    }
    let (head, text) = msg.payload.split_at_checked(SOCKET_HEAD)?;
    let number =
        |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    let mut line = format!("[socket] {} {} {} ", number(0)?, number(4)?, number(8)?).into_bytes();
    if let Some(data) = SocketMessage::buffer(&msg.payload) {
        let size = usize::try_from(number(8)?).ok()?;
        push_hex(&mut line, data.get(..size)?);
    } else if head[16..].iter().all(|byte| *byte == 0) {
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        line.push(b'[');
        line.extend_from_slice(text);
        line.push(b']');
    }
    Some(line)
}

fn push_hex(line: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        line.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// The date as C's `ctime` writes it, without its newline.
fn date(clock: &NodeClock) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let time = local_time(clock.wall());
    let name =
        |names: &[&'static str], at: i32| usize::try_from(at).ok().and_then(|at| names.get(at).copied());
    let mut date = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        date,
        "{} {} {:2} {:02}:{:02}:{:02} {}",
        name(&DAYS, time.weekday).unwrap_or("???"),
        name(&MONTHS, time.month - 1).unwrap_or("???"),
        time.day,
        time.hour,
        time.minute,
        time.second,
        time.year
    );
    date
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::Payload;

    fn socket(buffer: usize, text: &[u8]) -> Message {
        let mut bytes = Vec::new();
        [1_i32, 7, 5, 0].iter().for_each(|part| bytes.extend(part.to_ne_bytes()));
        bytes.extend(buffer.to_ne_bytes());
        bytes.extend(text);
        Message { kind: PTYPE_SOCKET, payload: Payload::from(bytes), ..Message::default() }
    }

    #[test]
    fn socket_messages_have_their_own_line() {
        assert_eq!(socket_line(&socket(0, b"addr:1\0")).as_deref(), Some(&b"[socket] 1 7 5 [addr:1]"[..]));
        let data = SocketMessage::with_data(7, Payload::from(b"\x01\xc3\xbf"));
        let data = Message { kind: PTYPE_SOCKET, payload: data, ..Message::default() };
        assert_eq!(socket_line(&data).as_deref(), Some(&b"[socket] 1 7 3 01c3bf"[..]));
        assert_eq!(socket_line(&socket(8, b"")).as_deref(), Some(&b"[socket] 1 7 5 "[..]));
        assert_eq!(socket_line(&Message { kind: PTYPE_SOCKET, ..Message::default() }), None);
    }

    #[test]
    fn bytes_are_written_in_lower_case_hex() {
        let mut line = Vec::new();
        push_hex(&mut line, b"\x00\xaf");
        assert_eq!(line, b"00af");
    }
}
