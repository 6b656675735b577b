//! A connection between two nodes, as the network sees it.

use std::collections::VecDeque;

use skynet_socket::SocketId;

/// One end.
pub(crate) struct End {
    /// Index of its node, and which life of it.
    pub(crate) node: usize,
    pub(crate) life: u32,
    pub(crate) socket: SocketId,
    /// Its slave has still to read the first byte.
    pub(crate) fresh: bool,
    /// The harbor service has taken it over, and can read and write.
    pub(crate) ready: bool,
    /// It is to be told that it is ready.
    pub(crate) started: bool,
    pub(crate) open: bool,
    /// What is on its way to this end.
    pub(crate) coming: VecDeque<u8>,
    /// Nothing more comes: once `coming` is read this end hears of the end.
    pub(crate) over: bool,
}

impl End {
    pub(crate) fn new(node: usize, life: u32, socket: SocketId, fresh: bool) -> End {
        End {
            node,
            life,
            socket,
            fresh,
            ready: false,
            started: false,
            open: true,
            coming: VecDeque::new(),
            over: false,
        }
    }
}

pub(crate) struct Wire {
    pub(crate) ends: [End; 2],
    /// Whatever is sent vanishes, and nobody is told.
    pub(crate) silent: bool,
}

impl Wire {
    /// Both ends will hear that it has ended, after some of what is on its way.
    pub(crate) fn cut(&mut self, keep: [usize; 2]) {
        for (end, keep) in self.ends.iter_mut().zip(keep) {
            end.coming.truncate(keep);
            end.over = true;
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.ends.iter().all(|end| !end.open)
    }
}
