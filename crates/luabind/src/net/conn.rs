//! One socket, as the service that owns it sees it.

use super::inbox::Inbox;

/// How a socket stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Opened or started; the answer has not come.
    Opening,
    /// It reads.
    Open,
    /// Its peer has ended, or it has failed. What was received can still be read.
    Ended,
}

/// What a reader waits for.
pub(crate) enum Want {
    Nothing,
    /// Any bytes.
    Any,
    /// So many bytes.
    Bytes(usize),
    /// Bytes that come after those that are there.
    More,
    /// A separator; where the search for it goes on.
    Line {
        separator: Separator,
        from: usize,
    },
    /// The separator is at this place.
    Found(usize),
    /// The end.
    All,
    /// That the socket is open.
    Opening,
    /// It did not open, for this reason.
    Failed(Box<[u8]>),
}

/// The end of a line.
pub(crate) enum Separator {
    Byte(u8),
    Text(Box<[u8]>),
}

impl Separator {
    pub(crate) fn new(text: &[u8]) -> Separator {
        match text {
            [byte] => Separator::Byte(*byte),
            _ => Separator::Text(text.into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Separator::Byte(byte) => std::slice::from_ref(byte),
            Separator::Text(text) => text,
        }
    }
}

/// A socket of this service.
pub(crate) struct Conn {
    pub(crate) inbox: Inbox,
    pub(crate) want: Want,
    /// Slot of the thread that waits; 0 if none does.
    pub(crate) reader: u32,
    /// More unread bytes than this close the socket, unless a reader waits for a number of them.
    pub(crate) limit: usize,
    pub(crate) state: State,
    /// Reading is stopped until the next reader waits.
    pub(crate) paused: bool,
    /// It was closed since too much was received. What still comes is dropped.
    pub(crate) flooded: bool,
    /// It takes connections, and waits for its start.
    pub(crate) listening: bool,
    /// Its datagrams go to a function: there is nothing to read.
    pub(crate) datagrams: bool,
}

impl Conn {
    pub(super) fn new(listening: bool) -> Conn {
        Conn {
            inbox: Inbox::new(),
            want: Want::Nothing,
            reader: 0,
            limit: usize::MAX,
            state: State::Opening,
            paused: false,
            flooded: false,
            listening,
            datagrams: false,
        }
    }

    /// Whether the reader has what it waits for, after bytes came.
    #[inline]
    pub(crate) fn met(&mut self) -> bool {
        let len = self.inbox.len();
        match &mut self.want {
            Want::Nothing | Want::All | Want::Opening | Want::Failed(_) => false,
            Want::Any | Want::More => len > 0,
            Want::Bytes(count) => len >= *count,
            Want::Found(_) => true,
            Want::Line { separator, from } => {
                let text = separator.bytes();
                match self.inbox.find(text, *from) {
                    Some(at) => {
                        self.want = Want::Found(at);
                        true
                    }
                    None => {
                        // Its first bytes may be there already.
                        *from = (len + 1).saturating_sub(text.len().max(1));
                        false
                    }
                }
            }
        }
    }

    /// Whether too much has been received.
    #[inline]
    pub(crate) fn overflows(&self) -> bool {
        self.inbox.len() > self.limit && !matches!(self.want, Want::Any | Want::Bytes(_) | Want::More)
    }
}

#[cfg(test)]
mod tests {
    use skynet_core::Payload;

    use super::*;

    #[test]
    fn a_separator_that_comes_in_pieces_is_found() {
        let mut conn = Conn::new(false);
        conn.want = Want::Line { separator: Separator::new(b"\r\n\r\n"), from: 0 };
        for piece in ["GET /\r", "\n", "\r"] {
            conn.inbox.push(Payload::from(piece));
            assert!(!conn.met(), "{piece:?}");
        }
        conn.inbox.push(Payload::from("\nHost: a\r\n\r\n"));
        assert!(conn.met() && matches!(conn.want, Want::Found(5)));
    }

    #[test]
    fn bytes_are_searched_once() {
        let mut conn = Conn::new(false);
        conn.want = Want::Line { separator: Separator::new(b"\n"), from: 0 };
        conn.inbox.push(Payload::from("no end"));
        assert!(!conn.met() && matches!(conn.want, Want::Line { from: 6, .. }));
        conn.inbox.push(Payload::from(" yet\n"));
        assert!(conn.met() && matches!(conn.want, Want::Found(10)));
    }

    #[test]
    fn a_sized_read_may_exceed_the_limit() {
        let mut conn = Conn::new(false);
        conn.limit = 3;
        conn.inbox.push(Payload::from("12345"));
        assert!(conn.overflows());
        conn.want = Want::Bytes(10);
        assert!(!conn.overflows() && !conn.met());
    }
}
