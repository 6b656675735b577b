//! What callers are told about requests that failed.
//!
//! The text of a `PTYPE_ERROR` is for people: who failed, and how. C skynet sends none and looks at none.

use skynet_core::Handle;

use super::{Thread, Vm, dispatch::answer_error};

/// The most bytes of a reason that are sent, and shown: enough for an error with its traceback and some more of those
/// that it came through.
const MOST: usize = 4096;

/// Stands where a reason was cut.
const CUT: &[u8] = b"\n...";

/// The part of a reason that is shown. A leaf.
pub(crate) fn shown(reason: &[u8]) -> &[u8] {
    if reason.len() <= MOST { reason } else { cut(reason, MOST) }
}

/// The first lines that fit, or as many whole characters.
fn cut(text: &[u8], most: usize) -> &[u8] {
    let part = text.get(..most).unwrap_or(text);
    let end = match part.iter().rposition(|byte| *byte == b'\n') {
        // A long first line is worth more than none.
        Some(end) if end > most / 2 => end,
        _ => {
            let next_is_inside = |end: &usize| text.get(*end).is_some_and(|byte| byte & 0xc0 == 0x80);
            (most.saturating_sub(3)..=most).rev().find(|end| !next_is_inside(end)).unwrap_or(most)
        }
    };
    part.get(..end).unwrap_or(part)
}

impl Vm {
    /// What the service says of a request that it fails by itself: its name, and what happened.
    pub(crate) fn reason(&self, what: impl AsRef<[u8]>) -> Vec<u8> {
        let mut text = self.context().title().into_bytes();
        text.extend_from_slice(what.as_ref());
        if text.len() > MOST {
            let end = cut(&text, MOST - CUT.len()).len();
            text.truncate(end);
            text.extend_from_slice(CUT);
        }
        text
    }

    /// Answers the request that a thread has open, if it has one, with an error; `what` follows the name of the service.
    pub(crate) fn fail_request_of(&mut self, thread: *mut Thread, what: impl AsRef<[u8]>) {
        // SAFETY: the record is alive; nothing here runs Lua.
        unsafe {
            if std::mem::take(&mut (*thread).open) && (*thread).session > 0 {
                let reason = self.reason(what);
                answer_error(self.context(), Handle::from_raw((*thread).source), (*thread).session, &reason);
            }
        }
    }

    /// [`Vm::fail_request_of`] for a handler that raised: the error with its traceback, unless the service keeps that to itself.
    pub(super) fn fail_raised(&mut self, thread: *mut Thread, error: &[u8]) {
        if self.explains {
            self.fail_request_of(thread, [b": ", error].concat());
        } else {
            self.fail_request_of(thread, " answered with an error");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_after_a_line() {
        let text = [b"first\n".as_slice(), &b"\tthe next line\n".repeat(MOST)].concat();
        let part = shown(&text);
        assert!(part.len() <= MOST && part.len() > MOST - 20, "{}", part.len());
        assert!(part.ends_with(b"line"));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        for shift in 0..4 {
            let text = "x".repeat(shift) + &"\u{20ac}".repeat(MOST);
            let part = std::str::from_utf8(shown(text.as_bytes())).unwrap();
            assert!(part.len() <= MOST && part.len() > MOST - 3);
        }
        assert_eq!(shown(&[0x80; MOST + 1]).len(), MOST, "bytes that are no text are cut anywhere");
        assert_eq!(shown(b"short"), b"short");
    }
}
