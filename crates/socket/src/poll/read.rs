//! Reading.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use skynet_core::{Payload, PayloadBuf, SocketMessage};

use super::Poller;
use crate::UdpAddress;
use crate::outbox::Phase;
use crate::socket::{Io, MIN_READ, Reading, Socket};
use crate::sync::lock;
use crate::sys::Block;

/// Reads of one socket before others have their turn.
const ROUNDS: usize = 8;

/// Datagrams of one socket before others have their turn.
const DATAGRAMS: usize = 64;

/// No read has room for more.
const MAX_READ: u32 = 1 << 20;

/// No datagram is longer.
const MAX_DATAGRAM: usize = 65_535;

impl Poller {
    /// There is something to read, or was. `ended`: the peer has said its last, or the connection is broken.
    pub(super) fn readable(&mut self, socket: &Socket, ended: bool) {
        let Some(io) = socket.io.get() else { return };
        match socket.reading() {
            Reading::On => {}
            // A socket that nobody owns any more goes with its peer.
            Reading::Paused if ended && !self.inner.node.is_alive(socket.owner()) => {
                self.destroy(socket);
                return;
            }
            _ => return,
        }
        if self.hold_if_full(socket, socket.owner()) {
            return;
        }
        let more = match io {
            Io::Listener(listener) => self.accept(socket, listener),
            Io::Stream(_) | Io::File(_) => self.read_stream(socket, io, ended),
            Io::Udp(udp) => self.read_datagrams(socket, udp),
        };
        if more {
            self.ready.push(socket.id);
        }
    }

    /// Those that had more than they got to.
    pub(super) fn go_on_reading(&mut self) {
        if self.ready.is_empty() {
            return;
        }
        let mut ready = std::mem::take(&mut self.ready);
        ready.sort_unstable();
        ready.dedup();
        for id in ready {
            if let Some(socket) = self.inner.table.get(id) {
                // Whether the peer has ended is found out by reading to the end.
                self.readable(&socket, true);
            }
        }
    }

    /// True if there may be more.
    fn read_stream(&mut self, socket: &Socket, io: &Io, ended: bool) -> bool {
        for round in 0..ROUNDS {
            let room = socket.read_size.load(Ordering::Relaxed);
            let mut block = match Block::new(room as usize) {
                Ok(block) => block,
                Err(error) => {
                    self.fail(socket, &error);
                    return false;
                }
            };
            match block.read(io.as_fd()) {
                Ok(0) => {
                    self.peer_ended(socket);
                    return false;
                }
                Ok(count) => {
                    adapt(socket, room, count, round == 0);
                    socket.count_read(count, self.inner.node.now_coarse());
                    let full = count == block.capacity();
                    // It may answer what was written after an order that has not been looked at, such as one to read for somebody
                    // else.
                    self.obey_all();
                    if socket.reading() == Reading::Ended {
                        return false;
                    }
                    if !self.deliver(socket, SocketMessage::with_data(socket.id.raw(), block.into_payload()))
                    {
                        return false;
                    }
                    // A read that leaves room has emptied the socket, and what comes later is reported anew; but the end that
                    // was reported with it still has to be found. Files are never reported.
                    let emptied = !full && !ended && matches!(io, Io::Stream(_));
                    if emptied || socket.reading() != Reading::On {
                        return false;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => {
                    self.read_failed(socket, &error);
                    return false;
                }
            }
        }
        true
    }

    fn read_datagrams(&mut self, socket: &Socket, udp: &UdpSocket) -> bool {
        self.scratch.resize(MAX_DATAGRAM, 0);
        for _ in 0..DATAGRAMS {
            let (size, from) = match udp.recv_from(&mut self.scratch) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // Such as the report that an earlier datagram has found nobody.
                Err(_) => continue,
            };
            let blob = UdpAddress::from(from);
            let mut data = PayloadBuf::with_capacity(size + blob.as_bytes().len());
            data.extend_from_slice(self.scratch.get(..size).unwrap_or_default());
            data.extend_from_slice(blob.as_bytes());
            socket.count_read(size, self.inner.node.now_coarse());
            if let Some(message) = SocketMessage::with_datagram(socket.id.raw(), size, data.into_payload())
                && !self.deliver(socket, message)
            {
                return false;
            }
        }
        true
    }

    /// Gives a message to the owner. False if it is gone, or its mailbox full: then reading has stopped.
    pub(super) fn deliver(&mut self, socket: &Socket, message: Payload) -> bool {
        let owner = socket.owner();
        match self.inner.deliver(owner, message) {
            Ok(()) => !self.hold_if_full(socket, owner),
            Err(message) => {
                self.orphaned(socket, Some(message));
                false
            }
        }
    }

    /// The peer sends no more. The socket can be written to until its owner closes it.
    fn peer_ended(&mut self, socket: &Socket) {
        socket.set_reading(Reading::Ended);
        let mut out = lock(&socket.out);
        self.inner.tell_closed(socket, &mut out);
        let over = match out.phase {
            Phase::Open => false,
            // What waits is still sent.
            Phase::Closing => out.is_empty(),
            _ => true,
        };
        drop(out);
        if over || !self.inner.node.is_alive(socket.owner()) {
            self.destroy(socket);
        }
    }

    /// The connection is broken.
    fn read_failed(&mut self, socket: &Socket, error: &io::Error) {
        let mut out = lock(&socket.out);
        self.inner.break_writing(socket, &mut out, error);
        self.inner.tell_closed(socket, &mut out);
        drop(out);
        self.destroy(socket);
    }
}

/// Blocks double while they are filled, and halve while less than half is used. What is read after a full block is the rest of
/// what came, and says nothing of how much comes: else what is a little longer than a block would be read in two for ever.
fn adapt(socket: &Socket, room: u32, count: usize, first: bool) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if count >= room {
        socket.read_size.store(room.saturating_mul(2).min(MAX_READ), Ordering::Relaxed);
    } else if first && room > MIN_READ && count < room / 2 {
        socket.read_size.store(room / 2, Ordering::Relaxed);
    }
}
