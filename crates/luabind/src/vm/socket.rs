//! What arrives for sockets, and the threads that wait for it.

use skynet_core::{Payload, SocketKind, SocketMessage};
use skynet_socket::SocketId;

use super::{State, Thread, Vm};
use crate::net::{self, Net, PAUSE_AT};

impl Vm {
    /// Handles a message of a socket that no dispatch function has to see: received bytes, and that a socket is open. False if it
    /// is none.
    ///
    /// # Safety
    /// As [`Vm::handle`].
    #[inline]
    pub(super) unsafe fn receive(this: *mut Vm, payload: &mut Payload) -> bool {
        unsafe {
            // What a service makes up has a source.
            if (*this).message.source != 0 || !(*this).net.as_deref().is_some_and(|net| net.direct) {
                return false;
            }
            match SocketMessage::head(payload) {
                Some((SocketKind::Data, id, _)) => {
                    let Some(data) = SocketMessage::take_buffer(payload) else { return false };
                    Vm::received(this, id, data);
                    true
                }
                Some((SocketKind::Connect, id, _)) => Vm::opened(this, id),
                _ => false,
            }
        }
    }

    /// A socket is open: the thread that opened it runs. False if a dispatch function has to see that, as with listeners,
    /// which have an address to tell.
    unsafe fn opened(this: *mut Vm, id: i32) -> bool {
        unsafe {
            let Some(net) = (*this).net.as_deref_mut() else { return false };
            match net.get(id) {
                Some(conn) if !conn.listening => {
                    if conn.state == net::State::Opening {
                        conn.state = net::State::Open;
                        if let Some(thread) = Vm::take_opener(this, id) {
                            Vm::resume(this, thread, 0);
                        }
                    }
                    true
                }
                _ => false,
            }
        }
    }

    /// The thread that waits until a socket is open. If it was killed, nobody else knows of the socket, and that is closed.
    unsafe fn take_opener(this: *mut Vm, id: i32) -> Option<*mut Thread> {
        unsafe {
            let opener = Vm::take_reader(this, id);
            if opener.is_none()
                && let Some(net) = (*this).net.as_deref_mut()
            {
                net.sockets.close(SocketId::from_raw(id));
                Vm::forget_socket(this, id);
            }
            opener
        }
    }

    /// Bytes have come: the thread that waits for them runs.
    ///
    /// # Safety
    /// No Lua runs on the threads of this VM, or it waits until this is over.
    pub(crate) unsafe fn received(this: *mut Vm, id: i32, data: Payload) {
        unsafe {
            let Some(net) = (*this).net.as_deref_mut() else { return };
            let net: *mut Net = net;
            let Some(conn) = (*net).get(id) else {
                (*this).context().log(format!("socket: drop package from {id}"));
                return;
            };
            if conn.flooded {
                return;
            }
            conn.inbox.push(data);
            if conn.overflows() {
                conn.flooded = true;
                Vm::overflow(this, id);
                return;
            }
            if conn.reader != 0 {
                if !conn.met() {
                    return;
                }
                if let Some(thread) = Vm::take_reader(this, id) {
                    Vm::resume(this, thread, 0);
                }
            }
            Vm::pause_if_full(this, id);
        }
    }

    /// [`Vm::received`] from within Lua code, which goes on afterwards with the message that it was handling.
    pub(crate) unsafe fn received_nested(this: *mut Vm, id: i32, data: Payload) {
        unsafe {
            let (message, parked, keep) = ((*this).message, (*this).parked, (*this).keep);
            Vm::received(this, id, data);
            (*this).message = message;
            (*this).parked = parked;
            (*this).keep = keep;
        }
    }

    /// Stops a socket from reading if more waits than somebody reads.
    #[inline]
    unsafe fn pause_if_full(this: *mut Vm, id: i32) {
        unsafe {
            let Some(net) = (*this).net.as_deref_mut() else { return };
            if let Some(conn) = net.get(id)
                && conn.inbox.len() > PAUSE_AT
                && conn.reader == 0
                && !conn.paused
            {
                conn.paused = true;
                let size = conn.inbox.len();
                net.sockets.pause(SocketId::from_raw(id));
                (*this).context().log(format!("Pause socket ({id}) size : {size}"));
            }
        }
    }

    #[cold]
    unsafe fn overflow(this: *mut Vm, id: i32) {
        unsafe {
            let Some(net) = (*this).net.as_deref_mut() else { return };
            let Some(size) = net.get(id).map(|conn| conn.inbox.len()) else { return };
            net.sockets.close(SocketId::from_raw(id));
            (*this).context().log(format!("socket buffer overflow: fd={id} size={size}"));
        }
    }

    /// The thread that waits for a socket, if it still does. It no longer waits from now on.
    pub(super) unsafe fn take_reader(this: *mut Vm, id: i32) -> Option<*mut Thread> {
        unsafe {
            let conn = (*this).net.as_deref_mut()?.get(id)?;
            let slot = std::mem::take(&mut conn.reader);
            let thread = (*this).reader_in(slot, id)?;
            (*thread).socket = 0;
            if (*thread).wait != 0 {
                // Somebody has asked for the sessions of waiting threads, so it was given one.
                (*this).forget_wait(thread);
            }
            Some(thread)
        }
    }

    /// The thread in a slot, if it waits for this socket.
    fn reader_in(&mut self, slot: u32, id: i32) -> Option<*mut Thread> {
        let thread = self.thread_at(slot)?;
        // SAFETY: the record is alive.
        unsafe { ((*thread).socket == id && (*thread).state == State::Waiting).then_some(thread) }
    }

    /// Whether a thread waits for a socket. An entry of one that no longer does is cleared.
    pub(crate) unsafe fn has_reader(this: *mut Vm, id: i32) -> bool {
        unsafe {
            let Some(net) = (*this).net.as_deref_mut() else { return false };
            let Some(slot) = net.get(id).map(|conn| conn.reader) else { return false };
            if slot == 0 {
                return false;
            }
            // The thread that asks may be the one: a coroutine of its own was left waiting.
            let waits = (*this).thread_at(slot).is_some_and(|thread| (*thread).socket == id);
            if !waits && let Some(conn) = net.get(id) {
                conn.reader = 0;
            }
            waits
        }
    }

    /// Puts the thread that waits for a socket in the queue of those who are woken.
    pub(crate) unsafe fn wake_reader(this: *mut Vm, id: i32) {
        unsafe {
            if Vm::has_reader(this, id) {
                (*this).wakeups.push_back(super::Wake::Reader(id));
            }
        }
    }

    /// Gives up a socket. Its reader gets what was received.
    pub(crate) unsafe fn forget_socket(this: *mut Vm, id: i32) {
        unsafe {
            let reader = Vm::has_reader(this, id);
            let Some(net) = (*this).net.as_deref_mut() else { return };
            let Some(conn) = net.remove(id) else { return };
            if reader {
                let slot = conn.reader;
                net.leave(slot, id, conn);
                (*this).wakeups.push_back(super::Wake::Left(slot, id));
            } else {
                net.bury(conn);
            }
        }
    }

    /// Runs the thread that waited for a socket when that was given up.
    pub(super) unsafe fn resume_left(this: *mut Vm, slot: u32, id: i32) {
        unsafe {
            let Some(thread) = (*this).reader_in(slot, id) else {
                // It waits for something else by now.
                if let Some(net) = (*this).net.as_deref_mut() {
                    drop(net.left(slot, id));
                }
                return;
            };
            // What was kept for it stays: the thread takes it.
            (*thread).socket = 0;
            (*this).forget_wait(thread);
            Vm::resume(this, thread, 0);
        }
    }

    /// A suspended thread no longer waits for its socket.
    pub(super) fn forget_reading(&mut self, thread: *mut Thread) {
        // SAFETY: the record is alive.
        let (id, slot) = unsafe { (std::mem::take(&mut (*thread).socket), (*thread).slot) };
        if id == 0 {
            return;
        }
        let Some(net) = self.net.as_deref_mut() else { return };
        drop(net.left(slot, id));
        if let Some(conn) = net.get(id)
            && conn.reader == slot
        {
            conn.reader = 0;
        }
    }

    /// Gives the threads that wait for sockets session numbers, under which they are listed.
    pub(crate) fn number_readers(&mut self) {
        let Some(net) = self.net.as_deref() else { return };
        let readers: Vec<(u32, i32)> = net.readers().collect();
        for (slot, id) in readers {
            let Some(thread) = self.reader_in(slot, id) else { continue };
            // SAFETY: the record is alive.
            unsafe {
                if (*thread).wait == 0 {
                    let session = self.new_session();
                    (*thread).wait = session;
                    self.sessions.insert(session, super::Waiter::Thread { slot, dest: 0 });
                }
            }
        }
    }
}
