//! Framework threads: the coroutines that handlers, timers and forks run in.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::{R_THREADS, Vm};

/// The most finished coroutines that are kept for reuse.
const POOL: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// In the pool, its Lua thread finished.
    Idle,
    /// Has a function on its stack and waits for its first resume: forked, or a timer's.
    Ready,
    /// On the native stack now.
    Running,
    /// Suspended by the framework.
    Waiting,
    /// Suspended by a bare `coroutine.yield()`: only a debugger resumes it.
    Parked,
}

/// What a thread sleeps on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Token {
    None,
    /// Its own coroutine object, the usual case: no table is touched.
    Own,
    /// A value in the table of tokens.
    Value,
}

/// The timer behind a thread's session.
#[derive(Clone, Copy)]
pub(crate) enum Timer {
    /// None: it waits for an answer, or for a wake-up alone.
    None,
    /// The message is in the mailbox already.
    Posted,
    Armed(skynet_core::TimerKey),
}

/// The record of a framework thread, at a fixed address while the VM lives.
pub(crate) struct Thread {
    pub(crate) vm: *mut Vm,
    pub(crate) l: *mut lua_State,
    /// Where its Lua thread is anchored in the table of threads; 0 for the root, which is the main Lua state.
    pub(crate) slot: u32,
    pub(crate) state: State,
    pub(crate) token: Token,
    /// Its Lua thread is not to be used again: an error that a hook raised leaves hooks switched off in it for good, and
    /// with them interrupts.
    pub(crate) spent: bool,
    /// A request that it has not answered yet.
    pub(crate) open: bool,
    /// The type of the message that it handles.
    pub(crate) kind: u8,
    /// The request's session; 0 for a message that wants no answer.
    pub(crate) session: i32,
    /// Who sent the message that it handles, 0 if it handles none.
    pub(crate) source: u32,
    /// The session that it waits on; 0 while it waits on none.
    pub(crate) wait: i32,
    /// The socket that it waits for; 0 while it waits for none.
    pub(crate) socket: i32,
    /// When it was suspended last: a moment of the node.
    pub(crate) since: u64,
    /// How many values its first resume passes.
    pub(crate) nargs: c_int,
    /// Timer to cancel when it is woken early.
    pub(crate) timer: Timer,
    /// The session of its last call with a time limit.
    pub(crate) limited: i32,
    /// Trace tag of what it does.
    pub(crate) tag: Tag,
    /// Results of parallel requests, oldest first.
    pub(crate) select: Option<Box<super::sessions::Select>>,
}

/// Trace tag of a thread.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Tag {
    #[default]
    None,
    /// Tracing is forced off.
    Off,
    On(Box<[u8]>),
}

impl Thread {
    pub(super) fn new(vm: *mut Vm, l: *mut lua_State, slot: u32) -> Box<Thread> {
        Box::new(Thread {
            vm,
            l,
            slot,
            state: State::Idle,
            token: Token::None,
            spent: false,
            open: false,
            kind: 0,
            session: 0,
            source: 0,
            wait: 0,
            socket: 0,
            since: 0,
            nargs: 0,
            timer: Timer::None,
            limited: 0,
            tag: Tag::None,
            select: None,
        })
    }

    pub(crate) fn is_root(&self) -> bool {
        self.slot == 0
    }

    /// The trace tag, if the thread is traced.
    pub(crate) fn tag(&self) -> Option<&[u8]> {
        match &self.tag {
            Tag::On(tag) => Some(tag),
            _ => None,
        }
    }

    /// Whether something must be set right before it is forgotten. After a handler that came back from its function it is
    /// at most what is left of parallel requests.
    #[inline]
    fn owes(&self) -> bool {
        (self.open && self.session > 0) || self.select.is_some() || self.token == Token::Value
    }

    /// Forgets what it did. The Lua thread must be finished.
    pub(super) fn reset(&mut self) {
        self.state = State::Idle;
        self.token = Token::None;
        self.open = false;
        self.session = 0;
        self.source = 0;
        self.wait = 0;
        self.socket = 0;
        self.nargs = 0;
        self.timer = Timer::None;
        self.limited = 0;
        if self.tag != Tag::None {
            self.tag = Tag::None;
        }
        if self.select.is_some() {
            self.select = None;
        }
    }
}

impl Vm {
    /// A thread from the pool, or a new one.
    ///
    /// Jumping: raises when memory runs out. `l` is the running state.
    #[inline]
    pub(crate) unsafe fn new_thread(this: *mut Vm, l: *mut lua_State) -> *mut Thread {
        unsafe {
            match (*this).pool.pop() {
                Some(thread) => thread,
                None => Vm::make_thread(this, l),
            }
        }
    }

    unsafe fn make_thread(this: *mut Vm, l: *mut lua_State) -> *mut Thread {
        unsafe {
            ffi::luaL_checkstack(l, 4, std::ptr::null());
            let co = ffi::lua_newthread(l);
            let slot = match (*this).free_slots.pop() {
                Some(slot) => slot,
                None => (*this).threads.len() as u32 + 1,
            };
            ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_THREADS);
            ffi::lua_rotate(l, -2, 1);
            // May raise: nothing refers to the slot yet, but for the freed slot number, which is merely lost.
            ffi::lua_rawseti(l, -2, i64::from(slot));
            ffi::lua_settop(l, -2);
            (*this).adopt(co, slot)
        }
    }

    fn adopt(&mut self, co: *mut lua_State, slot: u32) -> *mut Thread {
        let mut thread = Thread::new(self, co, slot);
        let record: *mut Thread = &mut *thread;
        // SAFETY: the extra space belongs to us in every state of this VM.
        unsafe { *ffi::lua_getextraspace(co).cast::<*mut Thread>() = record };
        let index = slot as usize - 1;
        if index == self.threads.len() {
            self.threads.push(Some(thread));
        } else if let Some(place) = self.threads.get_mut(index) {
            *place = Some(thread);
        }
        record
    }

    /// A thread for a message, made outside of any Lua call: null when memory runs out.
    #[inline]
    pub(super) unsafe fn new_thread_guarded(this: *mut Vm) -> *mut Thread {
        unsafe {
            if let Some(thread) = (*this).pool.pop() {
                return thread;
            }
            let main = (*this).main;
            ffi::lua_pushcclosure(main, make, 0);
            let status = ffi::lua_pcallk(main, 0, 0, 0, 0, None);
            if status != ffi::LUA_OK {
                ffi::lua_settop(main, -2);
                return std::ptr::null_mut();
            }
            (*this).pool.pop().unwrap_or(std::ptr::null_mut())
        }
    }

    /// Takes a thread back whose Lua thread is finished.
    #[inline]
    pub(super) unsafe fn recycle(&mut self, thread: *mut Thread) {
        // SAFETY: the record lives in `threads`.
        unsafe {
            if (*thread).owes() || (*thread).slot == self.start_slot {
                self.settle(thread);
            }
            (*thread).reset();
            ffi::lua_settop((*thread).l, 0);
        }
        // SAFETY: as above.
        if self.pool.len() < POOL && unsafe { !(*thread).spent } {
            self.pool.push(thread);
        } else {
            self.discard(thread);
        }
    }

    /// Puts a thread back that was taken for nothing.
    pub(crate) fn give_back(&mut self, thread: *mut Thread) {
        // SAFETY: the thread came from `new_thread` and never ran: its stack holds plain values.
        unsafe { self.recycle(thread) };
    }

    /// Lets go of a thread: Lua collects it once the program does, too.
    #[cold]
    pub(crate) fn discard(&mut self, thread: *mut Thread) {
        // SAFETY: as above. Storing nil in an existing slot allocates nothing, so it cannot raise. The coroutine may
        // live on in the program's hands: from now on its extra space names the root.
        unsafe {
            let slot = (*thread).slot;
            *ffi::lua_getextraspace((*thread).l).cast::<*mut Thread>() = &mut *self.root;
            ffi::lua_rawgeti(self.main, ffi::LUA_REGISTRYINDEX, R_THREADS);
            ffi::lua_pushnil(self.main);
            ffi::lua_rawseti(self.main, -2, i64::from(slot));
            ffi::lua_settop(self.main, -2);
            if let Some(place) = self.threads.get_mut(slot as usize - 1) {
                *place = None;
            }
            self.free_slots.push(slot);
        }
    }

    /// Drops the pooled threads, so that a full collection frees them.
    pub(crate) fn trim_pool(&mut self) {
        while let Some(thread) = self.pool.pop() {
            self.discard(thread);
        }
    }
}

/// Adds one thread to the pool.
unsafe extern "C-unwind" fn make(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = super::vm_of(l);
        let thread = Vm::make_thread(vm, l);
        (*vm).pool.push(thread);
        0
    }
}
