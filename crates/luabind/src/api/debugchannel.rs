//! `skynet.debugchannel`: what a debugger in another service needs. A queue between the two services, and hooks that can
//! suspend the coroutine that they look at.

use std::ffi::{CStr, c_int, c_void};
use std::time::{Duration, Instant};

use mlua::ffi::{self, lua_Debug, lua_State};

use super::{Entry, check_bytes, push_bytes};
use crate::channel::{ConnectError, End};
use crate::interrupt;
use crate::vm::{Yielded, shared, vm_of};

const FUNCTIONS: &[Entry] =
    &[(c"create", create), (c"connect", connect), (c"release", release), (c"sethook", sethook)];
const METHODS: &[Entry] = &[(c"read", read), (c"write", write)];
const TYPE_NAME: &CStr = c"debugchannel";

/// The unit of waiting, in seconds: what a program passes to `read` is a number of these.
const TICK: f64 = 0.1;
/// How long a reader waits before it looks whether it is to be interrupted.
const SLICE: Duration = Duration::from_millis(100);

/// A place in the registry: coroutine → function that its hook calls.
static HOOKS: u8 = 0;

/// What a channel object holds.
struct Channel {
    /// `None` once it is released.
    end: Option<End>,
    /// A text on its way to Lua: if there is no memory for the string, the next read gives it.
    taken: Option<Box<[u8]>>,
}

pub(super) unsafe fn open(l: *mut lua_State) {
    unsafe { super::new_module(l, FUNCTIONS) }
}

/// Pushes a channel object without an end. From then on it is collected as any other.
unsafe fn new_object(l: *mut lua_State) -> *mut Channel {
    unsafe {
        let channel = ffi::lua_newuserdatauv(l, size_of::<Channel>(), 0).cast::<Channel>();
        channel.write(Channel { end: None, taken: None });
        if ffi::luaL_newmetatable(l, TYPE_NAME.as_ptr()) != 0 {
            super::new_module(l, METHODS);
            ffi::lua_setfield(l, -2, c"__index".as_ptr());
            ffi::lua_pushcclosure(l, release, 0);
            ffi::lua_setfield(l, -2, c"__gc".as_ptr());
        }
        ffi::lua_setmetatable(l, -2);
        channel
    }
}

unsafe fn check_channel(l: *mut lua_State) -> *mut Channel {
    unsafe { ffi::luaL_checkudata(l, 1, TYPE_NAME.as_ptr()).cast() }
}

/// `create() -> channel, lightuserdata`
unsafe extern "C-unwind" fn create(l: *mut lua_State) -> c_int {
    unsafe {
        let channel = new_object(l);
        let number = make_end(l, channel);
        ffi::lua_pushlightuserdata(l, number as *mut c_void);
        2
    }
}

/// A leaf.
unsafe fn make_end(l: *mut lua_State, channel: *mut Channel) -> usize {
    unsafe {
        let end = shared(vm_of(l)).channels.create();
        let number = end.number();
        (*channel).end = Some(end);
        number
    }
}

/// `connect(lightuserdata) -> channel`
unsafe extern "C-unwind" fn connect(l: *mut lua_State) -> c_int {
    unsafe {
        let number = ffi::lua_touserdata(l, 1) as usize;
        let channel = new_object(l);
        match join(l, channel, number) {
            Ok(()) => 1,
            Err(ConnectError::Unknown) => ffi::luaL_error(l, c"Invalid channel pointer".as_ptr()),
            Err(ConnectError::Taken) => ffi::luaL_error(l, c"new channel failed".as_ptr()),
        }
    }
}

/// A leaf.
unsafe fn join(l: *mut lua_State, channel: *mut Channel, number: usize) -> Result<(), ConnectError> {
    unsafe {
        (*channel).end = Some(shared(vm_of(l)).channels.connect(number)?);
        Ok(())
    }
}

/// `release(channel)`: lets go of this end before it is collected.
unsafe extern "C-unwind" fn release(l: *mut lua_State) -> c_int {
    unsafe {
        let channel = ffi::luaL_testudata(l, 1, TYPE_NAME.as_ptr()).cast::<Channel>();
        if !channel.is_null() {
            channel.replace(Channel { end: None, taken: None });
        }
        0
    }
}

/// `channel:write(text)`
unsafe extern "C-unwind" fn write(l: *mut lua_State) -> c_int {
    unsafe {
        let channel = check_channel(l);
        let text = check_bytes(l, 2);
        if let Some(end) = (*channel).end.as_ref() {
            end.write(text);
        }
        0
    }
}

/// `channel:read(time?) -> text | nothing`. The time is in tenths of a second; none at all by default, for ever if negative.
unsafe extern "C-unwind" fn read(l: *mut lua_State) -> c_int {
    unsafe {
        let channel = check_channel(l);
        let time = ffi::luaL_optnumber(l, 2, 0.0) * TICK;
        // What is no time that the clock can count is for ever, too.
        let time = if time < 0.0 { None } else { Duration::try_from_secs_f64(time).ok() };
        let until = time.and_then(|time| Instant::now().checked_add(time));
        while !wait(&mut *channel, until) {
            if until.is_some_and(|until| Instant::now() >= until) {
                return 0;
            }
            // A service that is killed or signalled here must not wait on.
            interrupt::deliver(l);
        }
        let Some(text) = (*channel).taken.as_deref() else { return 0 };
        push_bytes(l, text);
        (*channel).taken = None;
        1
    }
}

/// Takes a text from the queue, unless there is one from before; waits a while for it. False if there is none yet. A leaf.
fn wait(channel: &mut Channel, until: Option<Instant>) -> bool {
    if channel.taken.is_none()
        && let Some(end) = channel.end.as_ref()
    {
        let slice = Instant::now() + SLICE;
        channel.taken = end.read(until.map_or(slice, |until| until.min(slice)));
    }
    channel.taken.is_some() || channel.end.is_none()
}

/// `sethook([co,] func, mask, count?)`, or without a function to take the hook away.
unsafe extern "C-unwind" fn sethook(l: *mut lua_State) -> c_int {
    unsafe {
        let mut target = ffi::lua_tothread(l, 1);
        if target.is_null() {
            target = l;
            ffi::lua_pushthread(l);
            ffi::lua_rotate(l, 1, 1);
        }
        // coroutine, function, mask, count
        ffi::lua_settop(l, 4);
        let (mut mask, mut count) = (0, 0);
        if ffi::lua_type(l, 2) > ffi::LUA_TNIL {
            ffi::luaL_checktype(l, 2, ffi::LUA_TFUNCTION);
            count = ffi::luaL_optinteger(l, 4, 0).clamp(0, i64::from(c_int::MAX)) as c_int;
            mask = events(check_bytes(l, 3), count);
        }
        if mask == 0 {
            ffi::lua_pushnil(l);
            ffi::lua_replace(l, 2);
        }
        push_hooks(l);
        ffi::lua_pushvalue(l, 1);
        ffi::lua_pushvalue(l, 2);
        ffi::lua_rawset(l, -3);
        ffi::lua_sethook(target, (mask != 0).then_some(hook as _), mask, count);
        if (*vm_of(l)).interrupt.requested() {
            // It has just lost its own hook.
            interrupt::arm(l);
        }
        0
    }
}

/// The events that a mask names.
fn events(mask: &[u8], count: c_int) -> c_int {
    let named = [(b'c', ffi::LUA_MASKCALL), (b'r', ffi::LUA_MASKRET), (b'l', ffi::LUA_MASKLINE)];
    let counted = if count > 0 { ffi::LUA_MASKCOUNT } else { 0 };
    named.iter().filter(|(letter, _)| mask.contains(letter)).fold(counted, |all, (_, event)| all | event)
}

/// Pushes the table of hook functions. It does not keep coroutines alive.
unsafe fn push_hooks(l: *mut lua_State) {
    unsafe {
        let key = (&raw const HOOKS).cast::<c_void>();
        if ffi::lua_rawgetp(l, ffi::LUA_REGISTRYINDEX, key) == ffi::LUA_TTABLE {
            return;
        }
        ffi::lua_settop(l, -2);
        ffi::lua_createtable(l, 0, 1);
        ffi::lua_createtable(l, 0, 1);
        ffi::lua_pushstring(l, c"k".as_ptr());
        ffi::lua_setfield(l, -2, c"__mode".as_ptr());
        ffi::lua_setmetatable(l, -2);
        ffi::lua_pushvalue(l, -1);
        ffi::lua_rawsetp(l, ffi::LUA_REGISTRYINDEX, key);
    }
}

/// Calls the function of the coroutine that runs: `func(event, line) -> whether to suspend it`.
unsafe extern "C-unwind" fn hook(l: *mut lua_State, event: *mut lua_Debug) {
    unsafe {
        let name = match (*event).event {
            ffi::LUA_HOOKCALL => c"call",
            ffi::LUA_HOOKTAILCALL => c"tail call",
            ffi::LUA_HOOKRET => c"return",
            ffi::LUA_HOOKLINE => c"line",
            _ => c"count",
        };
        push_hooks(l);
        ffi::lua_pushthread(l);
        if ffi::lua_rawget(l, -2) != ffi::LUA_TFUNCTION {
            return;
        }
        ffi::lua_pushstring(l, name.as_ptr());
        let line = (*event).currentline;
        if line >= 0 {
            ffi::lua_pushinteger(l, i64::from(line));
        } else {
            ffi::lua_pushnil(l);
        }
        ffi::lua_callk(l, 2, 1, 0, None);
        let suspend = ffi::lua_toboolean(l, -1) != 0;
        // Between two lines only a coroutine can be suspended, and not while C code is on its stack, as in a sort.
        let can =
            matches!((*event).event, ffi::LUA_HOOKLINE | ffi::LUA_HOOKCOUNT) && ffi::lua_isyieldable(l) != 0;
        if suspend && can {
            (*vm_of(l)).yielded = Yielded::Plain;
            ffi::lua_yieldk(l, 0, 0, None);
        }
    }
}

/// `hold_worker() -> boolean`: whether this service may keep its worker waiting. A node needs one that goes on.
pub(super) unsafe extern "C-unwind" fn hold_worker(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        let workers = (*vm).context().node().workers();
        let held = (*vm).shared.hold_worker(workers);
        if held {
            (*vm).interrupt.hold((*vm).context().message_count());
        }
        ffi::lua_pushboolean(l, c_int::from(held));
        1
    }
}

/// `release_worker()`, after a `hold_worker` that was granted
pub(super) unsafe extern "C-unwind" fn release_worker(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = vm_of(l);
        (*vm).shared.release_worker();
        (*vm).interrupt.release();
        0
    }
}
