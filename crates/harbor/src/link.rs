//! One connection to another node: from the greeting to its end.
//!
//! ```text
//! Opening --ready--> Greeting --the peer's id--> Up       made by this node
//! Opening --ready--> Up                                   accepted: the slave has read the peer's id
//! ```
//!
//! Both sides begin with one byte, their harbor id; then there are [frames](crate::frame).

use std::fmt;

use skynet_core::{Handle, Message, Payload};
use skynet_socket::SocketId;

use crate::frame::{Decoder, Frame, FrameError, PING};
use crate::gather::Gather;
use crate::pulse::{Due, Pulse};

/// How long a greeting may take, in 1/100 s.
const GREETING_LIMIT: u64 = 1000;

/// How a connection came to be.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Side {
    /// This node has made it.
    Connected,
    /// The other has, and its id was read from it.
    Accepted,
}

#[derive(Debug)]
enum Stage {
    /// The socket is not this service's yet.
    Opening {
        until: u64,
    },
    /// The peer has not said its id.
    Greeting {
        until: u64,
    },
    Up,
}

/// Why a link has ended.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Fault {
    /// The peer has said another id.
    WrongId(u8),
    Frame(FrameError),
    /// The peer has said nothing for so long, in seconds.
    Silence(u64),
    /// The greeting has not come.
    NoGreeting,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongId(id) => write!(f, "it says that it is harbor {id}"),
            Self::Frame(error) => error.fmt(f),
            Self::Silence(seconds) => write!(f, "it has been silent for {seconds} s"),
            Self::NoGreeting => write!(f, "it did not say its id within {} s", GREETING_LIMIT / 100),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) socket: SocketId,
    side: Side,
    stage: Stage,
    decoder: Decoder,
    out: Gather,
    pulse: Pulse,
    /// More waits in the socket than may: nothing is taken until less does.
    pub(crate) clogged: bool,
}

impl Link {
    /// A connection that is being taken over. `pulse` is asked once it is up.
    pub(crate) fn new(socket: SocketId, side: Side, pulse: Pulse, now: u64) -> Link {
        let stage = Stage::Opening { until: now.saturating_add(GREETING_LIMIT) };
        let (decoder, out) = (Decoder::new(), Gather::default());
        Link { socket, side, stage, decoder, out, pulse, clogged: false }
    }

    /// Messages can go out.
    #[inline]
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up)
    }

    /// The socket is this service's.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Opening { .. })
    }

    /// The socket can be written to. The first thing said is the own id.
    pub(crate) fn ready(&mut self, own: u8) {
        if let Stage::Opening { until } = self.stage {
            self.out.raw(&[own]);
            self.stage = match self.side {
                Side::Connected => Stage::Greeting { until },
                Side::Accepted => Stage::Up,
            };
        }
    }

    /// Eats what was received, as far as that is the greeting. The link may be up then.
    pub(crate) fn greet(&mut self, id: u8, input: &mut &[u8]) -> Result<(), Fault> {
        self.pulse.heard();
        if let Stage::Greeting { .. } = self.stage
            && let Some((said, rest)) = input.split_first()
        {
            if *said != id {
                return Err(Fault::WrongId(*said));
            }
            *input = rest;
            self.stage = Stage::Up;
        }
        Ok(())
    }

    /// The next message of what was received, as (local id of its receiver, message).
    #[inline]
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<(u32, Message)>, Fault> {
        loop {
            return match self.decoder.next(input) {
                Ok(Some(Frame::Message { dest, kind, session, source, payload })) => {
                    Ok(Some((dest, Message { kind, session, source, payload })))
                }
                Ok(Some(Frame::Ping)) => continue,
                Ok(None) => Ok(None),
                Err(error) => Err(Fault::Frame(error)),
            };
        }
    }

    /// Sends a message. True if nothing was on its way out.
    #[inline]
    pub(crate) fn send(&mut self, dest: Handle, message: Message) -> bool {
        let first = self.out.is_empty();
        self.out.message(dest, message);
        first
    }

    /// What goes out now.
    pub(crate) fn take(&mut self) -> Vec<Payload> {
        self.pulse.said();
        self.out.take()
    }

    /// Bytes that go out.
    pub(crate) fn gathered(&self) -> usize {
        self.out.len()
    }

    /// When to look at the clock again.
    pub(crate) fn next_look(&self) -> Option<u64> {
        match self.stage {
            Stage::Opening { until } | Stage::Greeting { until } => Some(until),
            Stage::Up => self.pulse.next(),
        }
    }

    /// Looks at the clock. True if something goes out.
    pub(crate) fn look(&mut self, now: u64, silence_s: u64) -> Result<bool, Fault> {
        match self.stage {
            Stage::Opening { until } | Stage::Greeting { until } if now >= until => Err(Fault::NoGreeting),
            Stage::Opening { .. } | Stage::Greeting { .. } => Ok(false),
            Stage::Up => match self.pulse.look(now) {
                Due::Nothing => Ok(false),
                Due::Ping => {
                    if self.out.is_empty() {
                        self.out.raw(&PING);
                    }
                    Ok(true)
                }
                Due::Gone => Err(Fault::Silence(silence_s)),
            },
        }
    }
}
