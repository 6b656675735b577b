//! Reading: `read`, `readline`, `readall`, `block`. What is there already is given at once; otherwise the thread waits, and the
//! message that brings what it waits for resumes it.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_socket::SocketId;

use super::{assertion, id_at};
use crate::api::socketdriver::net_of;
use crate::api::{bytes_at, check_bytes, push_bytes, suspendable};
use crate::net::{Conn, Inbox, Net, Separator, State, Want};
use crate::vm::{Vm, Yielded, vm_of};

/// What the waiting function was.
const READ: ffi::lua_KContext = 0;
const LINE: ffi::lua_KContext = 1;
const ALL: ffi::lua_KContext = 2;
const BLOCK: ffi::lua_KContext = 3;
/// It waits until the socket is open.
pub(super) const OPEN: ffi::lua_KContext = 4;

/// Pushes the first bytes of an inbox, which keeps them.
///
/// Jumping: raises when memory runs out.
#[inline]
pub(in crate::api) unsafe fn push_first(l: *mut lua_State, inbox: *const Inbox, count: usize) {
    unsafe {
        match (*inbox).front().get(..count) {
            Some(bytes) => push_bytes(l, bytes),
            None => push_joined(l, inbox, count),
        }
    }
}

/// [`push_first`] for bytes that are in several blocks.
unsafe fn push_joined(l: *mut lua_State, inbox: *const Inbox, count: usize) {
    unsafe {
        let mut buffer = std::mem::MaybeUninit::<ffi::luaL_Buffer>::uninit();
        let room = ffi::luaL_buffinitsize(l, buffer.as_mut_ptr(), count).cast::<u8>();
        // Making room may have run a finalizer that has read the socket: then there are fewer than there were.
        let copied = (*inbox).copy_to(room, count);
        ffi::luaL_pushresultsize(buffer.as_mut_ptr(), copied);
    }
}

/// Pushes all that was received, which is consumed.
unsafe fn push_all(l: *mut lua_State, inbox: *mut Inbox) {
    unsafe {
        let count = (*inbox).len();
        push_first(l, inbox, count);
        (*inbox).consume(count);
    }
}

/// `false, rest`
unsafe fn push_rest(l: *mut lua_State, inbox: *mut Inbox) -> c_int {
    unsafe {
        ffi::lua_pushboolean(l, 0);
        push_all(l, inbox);
        2
    }
}

/// The socket of the first argument. Raises if it is not ours.
#[inline]
unsafe fn owned(l: *mut lua_State, net: *mut Net) -> *mut Conn {
    unsafe {
        let id = id_at(l, 1);
        match (*net).get(id) {
            Some(conn) if conn.datagrams => {
                ffi::luaL_error(l, c"socket %d gets datagrams: its function is given them".as_ptr(), id);
                std::ptr::null_mut()
            }
            Some(conn) => conn,
            None => {
                assertion(l);
                std::ptr::null_mut()
            }
        }
    }
}

/// Suspends the thread until `want` is met, which it is not; the socket is at index 1.
pub(super) unsafe fn wait(l: *mut lua_State, net: *mut Net, want: Want, how: ffi::lua_KContext) -> c_int {
    unsafe {
        let (vm, thread) = ((vm_of(l)), (*vm_of(l)).current);
        let id = ffi::lua_tointegerx(l, 1, std::ptr::null_mut()) as i32;
        if let Some(conn) = (*net).get(id) {
            conn.want = want;
            conn.reader = (*thread).slot;
            if conn.paused {
                conn.paused = false;
                resume_reading(vm, net, id);
            }
        }
        (*thread).socket = id;
        (*vm).yielded = Yielded::Framework;
        ffi::lua_yieldk(l, 0, how, Some(done))
    }
}

/// A leaf.
#[cold]
unsafe fn resume_reading(vm: *mut Vm, net: *mut Net, id: i32) {
    unsafe {
        let ctx = (*vm).context();
        ctx.log(format!("Resume socket ({id})"));
        (*net).sockets.start(ctx.handle(), SocketId::from_raw(id));
    }
}

/// Raises if a thread waits for the socket at index 1, or this one cannot.
unsafe fn check_reader(l: *mut lua_State) {
    unsafe {
        let (vm, _) = suspendable(l);
        let id = ffi::lua_tointegerx(l, 1, std::ptr::null_mut()) as i32;
        if Vm::has_reader(vm, id) {
            assertion(l);
        }
    }
}

/// What a waiting thread gets when it goes on, for whatever reason: the arguments of its function are on the stack.
unsafe extern "C-unwind" fn done(l: *mut lua_State, _: c_int, how: ffi::lua_KContext) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let thread = (*vm).current;
        (*thread).socket = 0;
        let net = net_of(l);
        let id = ffi::lua_tointegerx(l, 1, std::ptr::null_mut()) as i32;
        // If the socket was given up meanwhile, what it has received was kept for this thread.
        let left = (*net).left((*thread).slot, id).map(|conn| (*net).bury(conn));
        let given_up = left.is_some();
        let ours = || (*net).get(id).map(std::ptr::from_mut);
        let Some(conn) = left.or_else(ours) else { return nothing(l, how) };
        if how == OPEN {
            return super::open::opened(l, conn, given_up);
        }
        let want = std::mem::replace(&mut (*conn).want, Want::Nothing);
        let place = match &want {
            Want::Found(place) => Some(*place),
            _ => None,
        };
        drop(want);
        let inbox = &raw mut (*conn).inbox;
        match how {
            LINE => match place {
                Some(place) => push_line(l, inbox, place, bytes_at(l, 2).len()),
                None => push_rest(l, inbox),
            },
            ALL => {
                push_all(l, inbox);
                1
            }
            BLOCK => {
                ffi::lua_pushboolean(l, c_int::from((*conn).state == State::Open && !given_up));
                1
            }
            _ => read_now(l, inbox).unwrap_or_else(|| push_rest(l, inbox)),
        }
    }
}

/// What a thread gets whose socket was given up while it ran something else.
#[cold]
unsafe fn nothing(l: *mut lua_State, how: ffi::lua_KContext) -> c_int {
    unsafe {
        if how == OPEN {
            return super::open::closed(l);
        }
        ffi::lua_pushboolean(l, 0);
        if how == ALL || how == BLOCK {
            return 1;
        }
        push_bytes(l, b"");
        2
    }
}

/// Pushes the line that ends at a place, and consumes it with its separator.
#[inline]
unsafe fn push_line(l: *mut lua_State, inbox: *mut Inbox, place: usize, separator: usize) -> c_int {
    unsafe {
        push_first(l, inbox, place);
        (*inbox).consume(place + separator);
        1
    }
}

/// Gives what `read` asks for, if it is there. The size is at index 2.
#[inline]
unsafe fn read_now(l: *mut lua_State, inbox: *mut Inbox) -> Option<c_int> {
    unsafe {
        let there = (*inbox).len();
        if ffi::lua_type(l, 2) == ffi::LUA_TNIL {
            if there == 0 {
                return None;
            }
            push_all(l, inbox);
            return Some(1);
        }
        let size = ffi::lua_tointegerx(l, 2, std::ptr::null_mut());
        if size <= 0 || size as usize > there {
            return None;
        }
        push_first(l, inbox, size as usize);
        (*inbox).consume(size as usize);
        Some(1)
    }
}

/// `read(id, n?) -> string | false, rest`
pub(super) unsafe extern "C-unwind" fn read(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 2);
        let net = net_of(l);
        let conn = owned(l, net);
        let any = ffi::lua_type(l, 2) == ffi::LUA_TNIL;
        if !any && ffi::luaL_checkinteger(l, 2) < 0 {
            return ffi::luaL_argerror(l, 2, c"a number of bytes to read cannot be negative".as_ptr());
        }
        let inbox = &raw mut (*conn).inbox;
        if let Some(count) = read_now(l, inbox) {
            return count;
        }
        if (*conn).state == State::Ended {
            return push_rest(l, inbox);
        }
        check_reader(l);
        let size = ffi::lua_tointegerx(l, 2, std::ptr::null_mut()) as usize;
        let want = match size {
            _ if any => Want::Any,
            0 => Want::More,
            _ => Want::Bytes(size),
        };
        wait(l, net, want, READ)
    }
}

/// `readline(id, separator?) -> line | false, rest`
pub(super) unsafe extern "C-unwind" fn readline(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 2);
        if ffi::lua_type(l, 2) == ffi::LUA_TNIL {
            ffi::lua_pushstring(l, c"\n".as_ptr());
            ffi::lua_replace(l, 2);
        }
        let separator = check_bytes(l, 2);
        let net = net_of(l);
        let conn = owned(l, net);
        let inbox = &raw mut (*conn).inbox;
        if let Some(place) = (*inbox).find(separator, 0) {
            return push_line(l, inbox, place, separator.len());
        }
        if (*conn).state == State::Ended {
            return push_rest(l, inbox);
        }
        check_reader(l);
        let from = ((*inbox).len() + 1).saturating_sub(separator.len().max(1));
        wait(l, net, Want::Line { separator: Separator::new(separator), from }, LINE)
    }
}

/// `readall(id) -> string | false`
pub(super) unsafe extern "C-unwind" fn readall(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 1);
        let net = net_of(l);
        let conn = owned(l, net);
        if (*conn).state == State::Ended {
            if (*conn).inbox.len() == 0 {
                ffi::lua_pushboolean(l, 0);
            } else {
                push_all(l, &raw mut (*conn).inbox);
            }
            return 1;
        }
        check_reader(l);
        wait(l, net, Want::All, ALL)
    }
}

/// `block(id) -> boolean`
pub(super) unsafe extern "C-unwind" fn block(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 1);
        let net = net_of(l);
        let open = (*net).get(id_at(l, 1)).filter(|conn| conn.state != State::Ended);
        let Some(there) = open.map(|conn| conn.inbox.len()) else {
            ffi::lua_pushboolean(l, 0);
            return 1;
        };
        check_reader(l);
        if there > 0 {
            ffi::lua_pushboolean(l, 1);
            return 1;
        }
        wait(l, net, Want::Any, BLOCK)
    }
}
