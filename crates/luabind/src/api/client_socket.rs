//! `client.socket`: plain TCP for test clients that are written as scripts. It waits where it stands, and its service, with
//! its worker, waits with it: servers use `skynet.socket`.
//!
//! A descriptor is looked up among those that this service has opened, so that no other can be closed by it. What is
//! still open when the service ends is closed then.

use std::collections::HashMap;
use std::ffi::c_int;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd as _, RawFd};
use std::time::{Duration, Instant};

use mlua::ffi::{self, lua_State};

use super::{Entry, check_bytes, push_bytes};
use crate::vm::{Vm, vm_of};
use crate::{interrupt, stdin};

const FUNCTIONS: &[Entry] = &[
    (c"connect", connect),
    (c"send", send),
    (c"recv", recv),
    (c"shutdown", shutdown),
    (c"close", close),
    (c"usleep", usleep),
    (c"readstdin", readstdin),
];

/// The most that one `recv` gives.
const CHUNK: usize = 4096;
/// How long a function waits before it looks whether it is to be interrupted.
const SLICE: Duration = Duration::from_millis(100);

type Streams = HashMap<RawFd, TcpStream>;

/// Every function has the service's connections as its upvalue.
pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe {
        ffi::lua_createtable(l, 0, FUNCTIONS.len() as c_int);
        let streams = ffi::lua_newuserdatauv(l, size_of::<Streams>(), 0).cast::<Streams>();
        streams.write(Streams::new());
        ffi::lua_createtable(l, 0, 1);
        ffi::lua_pushcclosure(l, close_all, 0);
        ffi::lua_setfield(l, -2, c"__gc".as_ptr());
        ffi::lua_setmetatable(l, -2);
        for (name, function) in FUNCTIONS {
            ffi::lua_pushvalue(l, -1);
            ffi::lua_pushcclosure(l, *function, 1);
            ffi::lua_setfield(l, -3, name.as_ptr());
        }
        ffi::lua_settop(l, -2);
    }
}

unsafe extern "C-unwind" fn close_all(l: *mut lua_State) -> c_int {
    unsafe {
        let streams = ffi::lua_touserdata(l, 1).cast::<Streams>();
        drop(streams.replace(Streams::new()));
        0
    }
}

unsafe fn streams(l: *mut lua_State) -> *mut Streams {
    unsafe { ffi::lua_touserdata(l, ffi::lua_upvalueindex(1)).cast() }
}

/// The descriptor argument.
unsafe fn check_descriptor(l: *mut lua_State) -> RawFd {
    unsafe { RawFd::try_from(ffi::luaL_checkinteger(l, 1)).unwrap_or(-1) }
}

/// How far an operation came.
enum Step {
    Done(usize),
    /// There is nothing to read, or no room to write.
    Blocked,
    Failed(c_int),
}

impl Step {
    fn of(outcome: std::io::Result<usize>) -> Step {
        match outcome {
            Ok(count) => Step::Done(count),
            Err(e) if e.kind() == ErrorKind::WouldBlock => Step::Blocked,
            Err(e) if e.kind() == ErrorKind::Interrupted => Step::Blocked,
            Err(e) => Step::Failed(e.raw_os_error().unwrap_or(libc::EIO)),
        }
    }
}

/// `connect(host, port) -> descriptor`
unsafe extern "C-unwind" fn connect(l: *mut lua_State) -> c_int {
    unsafe {
        let host = check_bytes(l, 1);
        let port = ffi::luaL_checkinteger(l, 2);
        match begin(&mut *streams(l), host, port) {
            Some(descriptor) => ffi::lua_pushinteger(l, i64::from(descriptor)),
            None => {
                let host = ffi::lua_tolstring(l, 1, std::ptr::null_mut());
                return ffi::luaL_error(l, c"Connect %s %I failed".as_ptr(), host, port);
            }
        }
        1
    }
}

/// A leaf.
fn begin(streams: &mut Streams, host: &[u8], port: i64) -> Option<RawFd> {
    let host = std::str::from_utf8(host).ok()?;
    let stream = TcpStream::connect((host, u16::try_from(port).ok()?)).ok()?;
    stream.set_nonblocking(true).ok()?;
    let descriptor = stream.as_raw_fd();
    streams.insert(descriptor, stream);
    Some(descriptor)
}

/// Raises `socket error: ...` with the system's word for it.
unsafe fn fail(l: *mut lua_State, code: c_int) -> c_int {
    unsafe {
        let mut text = [0; 128];
        libc::strerror_r(code, text.as_mut_ptr(), text.len());
        ffi::luaL_error(l, c"socket error: %s".as_ptr(), text.as_ptr())
    }
}

/// `send(descriptor, text)`: waits until all is with the system.
unsafe extern "C-unwind" fn send(l: *mut lua_State) -> c_int {
    unsafe {
        let descriptor = check_descriptor(l);
        let mut rest = check_bytes(l, 2);
        while !rest.is_empty() {
            match write(&mut *streams(l), descriptor, rest) {
                Step::Done(count) => rest = rest.get(count..).unwrap_or_default(),
                Step::Blocked => interrupt::deliver(l),
                Step::Failed(code) => return fail(l, code),
            }
        }
        0
    }
}

/// Writes, or waits a while for room. A leaf.
fn write(streams: &mut Streams, descriptor: RawFd, bytes: &[u8]) -> Step {
    let Some(stream) = streams.get_mut(&descriptor) else { return Step::Failed(libc::EBADF) };
    let step = Step::of(stream.write(bytes));
    if let Step::Blocked = step {
        let mut room = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
        // SAFETY: one entry, of a descriptor that is open.
        unsafe { libc::poll(&mut room, 1, SLICE.as_millis() as c_int) };
    }
    step
}

/// `recv(descriptor) -> text, "" at the end, nothing if there is nothing yet`
unsafe extern "C-unwind" fn recv(l: *mut lua_State) -> c_int {
    unsafe {
        let descriptor = check_descriptor(l);
        let mut buffer = [0; CHUNK];
        match read(&mut *streams(l), descriptor, &mut buffer) {
            Step::Done(count) => push_bytes(l, buffer.get(..count).unwrap_or_default()),
            Step::Blocked => return 0,
            Step::Failed(code) => return fail(l, code),
        }
        1
    }
}

/// A leaf.
fn read(streams: &mut Streams, descriptor: RawFd, buffer: &mut [u8]) -> Step {
    match streams.get_mut(&descriptor) {
        Some(stream) => Step::of(stream.read(buffer)),
        None => Step::Failed(libc::EBADF),
    }
}

/// `shutdown(descriptor, "r" | "w" | "rw")`
unsafe extern "C-unwind" fn shutdown(l: *mut lua_State) -> c_int {
    unsafe {
        let descriptor = check_descriptor(l);
        let (mut reading, mut writing) = (false, false);
        for letter in check_bytes(l, 2) {
            match letter {
                b'r' => reading = true,
                b'w' => writing = true,
                _ => return ffi::luaL_error(l, c"Invalid mode %c".as_ptr(), c_int::from(*letter)),
            }
        }
        let how = match (reading, writing) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return ffi::luaL_error(l, c"mode should be r or/and w".as_ptr()),
        };
        if let Some(stream) = (*streams(l)).get(&descriptor) {
            // What is not connected any more is shut down.
            let _ = stream.shutdown(how);
        }
        0
    }
}

/// `close(descriptor)`
unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    unsafe {
        let descriptor = check_descriptor(l);
        drop((*streams(l)).remove(&descriptor));
        0
    }
}

/// `usleep(microseconds)`
unsafe extern "C-unwind" fn usleep(l: *mut lua_State) -> c_int {
    unsafe {
        let time = Duration::from_micros(ffi::luaL_checknumber(l, 1).max(0.0) as u64);
        let began = Instant::now();
        loop {
            let left = time.saturating_sub(began.elapsed());
            std::thread::sleep(left.min(SLICE));
            if left <= SLICE {
                return 0;
            }
            interrupt::deliver(l);
        }
    }
}

/// `readstdin() -> line | nothing`
unsafe extern "C-unwind" fn readstdin(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        if !take_line(vm) {
            return 0;
        }
        push_bytes(l, (*vm).scratch.bytes());
        1
    }
}

/// Leaves a line in the scratch buffer, if there is one. A leaf.
unsafe fn take_line(vm: *mut Vm) -> bool {
    unsafe {
        let Some(line) = stdin::next_line() else { return false };
        (*vm).scratch.clear();
        (*vm).scratch.append(&line)
    }
}
