//! The record itself: what one VM knows, and how it is opened and closed.

use std::collections::{HashMap, VecDeque};
use std::ffi::c_int;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use mlua::ffi::{self, lua_State};
use skynet_core::{Context, Payload};

use super::alloc::{self, Memory};
use super::waiters::Sessions;
use super::{Fork, Parked, R_LAST, Responders, Thread, Wake};
use crate::codec::{KeyCache, Scratch};
use crate::interrupt::Interrupt;
use crate::loader::Chunk;
use crate::shared::Shared;

/// What happens to the messages of a VM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Neither `skynet.start` nor `skynet.core.callback` has been called: requests are refused.
    Silent,
    /// The engine dispatches them.
    Native,
    /// They go to a Lua function of the program's.
    Callback {
        /// The function owns the payloads.
        forward: bool,
    },
}

/// Why a Lua thread yielded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Yielded {
    /// The program yielded by itself.
    Plain,
    /// A native function suspended the framework thread.
    Framework,
    /// `skynet.coroutine.yield`.
    User,
    /// `skynet.exit`.
    Quit,
}

/// The message in hand, for reports.
#[derive(Clone, Copy, Default)]
pub(crate) struct Current {
    pub(crate) kind: u8,
    pub(crate) session: i32,
    pub(crate) source: u32,
    pub(crate) len: usize,
}

/// One VM. Boxed, so its address is fixed. Touched only by the thread that is inside the service just now.
pub(crate) struct Vm {
    pub(crate) main: *mut lua_State,
    /// Valid while the service is being run.
    pub(crate) ctx: *const Context,
    pub(crate) handle: u32,
    pub(crate) shared: Arc<Shared>,
    pub(crate) interrupt: Arc<Interrupt>,
    /// The innermost Lua state that runs: the interrupt sets its hook.
    pub(crate) running: AtomicPtr<lua_State>,
    pub(crate) root: Box<Thread>,
    /// The framework thread that runs, or the root.
    pub(crate) current: *mut Thread,
    pub(crate) mode: Mode,
    pub(crate) memory: Box<Memory>,

    pub(super) threads: Vec<Option<Box<Thread>>>,
    pub(super) free_slots: Vec<u32>,
    pub(super) pool: Vec<*mut Thread>,

    pub(crate) sessions: Sessions,
    pub(super) last_session: i32,
    pub(super) wrapped: bool,
    pub(crate) wakeups: VecDeque<Wake>,
    /// Sessions that failed and whose threads have not heard of it.
    pub(crate) failures: VecDeque<(i32, Payload)>,
    pub(crate) forks: VecDeque<Fork>,
    /// How many numbers of kept functions there are, and which of them are free.
    pub(super) bare_count: u32,
    pub(super) free_bare: Vec<u32>,
    /// The service has called `skynet.exit`.
    pub(crate) quitting: bool,
    /// `skynet.start` was called in the main chunk.
    pub(crate) started: bool,
    /// The thread that runs the start function; 0 before and after.
    pub(crate) start_slot: u32,
    /// Cs that a call may wait by default; negative without a limit.
    pub(crate) call_limit: i32,
    /// Answers that came when nobody waited for them any more.
    pub(crate) late_answers: u64,
    /// Names of the calls that went to a global name, for `skynet.term`.
    pub(crate) named_calls: HashMap<i32, Box<[u8]>>,

    pub(crate) parked: Parked,
    pub(crate) yielded: Yielded,
    pub(crate) scratch: Scratch,
    /// Buffers of packings that wait for a `__pairs` metamethod, which may pack messages of its own.
    pub(crate) aside: Vec<Scratch>,
    pub(crate) keys: Option<Box<KeyCache>>,

    pub(crate) responders: Responders,
    /// Requests (source, session) whose handlers came back without an answer. Their callers hear when the service ends.
    pub(crate) forgotten: Vec<(u32, i32)>,
    /// Requests that are forgotten are answered with an error at once.
    pub(crate) answers_forgotten: bool,
    /// Errors say more than those of C skynet: what this service tells its callers, and what its own calls raise.
    pub(crate) explains: bool,
    /// The reason of the last failure that a thread was told of, if it was hidden from it.
    pub(crate) hidden: Vec<u8>,

    pub(crate) message: Current,
    /// The name of the lua protocol as Lua has interned it, while its class is known to be as we made it; else null. Calls
    /// by that name need not look the class up.
    pub(crate) lua_protocol: *const std::ffi::c_char,
    /// `skynet.forward_type`: kind → kind as which it is dispatched; such payloads belong to the handler.
    pub(crate) forward: Option<Box<[Option<u8>; 256]>>,
    /// The program has a dispatch function of its own for errors.
    pub(crate) own_errors: bool,
    /// The sockets of this service, once it has needed them.
    pub(crate) net: Option<Box<crate::net::Net>>,
    /// The message in hand, if it came from the sockets of the node and owns a buffer; else null.
    pub(crate) socket_message: *const std::ffi::c_void,
    /// The message in hand, if others read it too; else null.
    pub(crate) shared_message: *const u8,
    /// The payload in hand belongs to Lua now.
    pub(crate) keep: bool,

    /// A protocol may be traced: look at its class on every message.
    pub(crate) tracing: bool,
    pub(crate) trace_count: u64,
    /// Tags that came ahead of a request, by source.
    pub(crate) tags: HashMap<u32, Box<[u8]>>,
    /// Sessions that are being listed.
    pub(crate) snapshot: Vec<(i32, Option<u32>)>,
    /// Waits, and answers that are owed, that are being listed.
    pub(crate) waits: Vec<super::Wait>,
    pub(crate) owed: Vec<(u32, i32)>,
    /// Handles and bytes of services that are being listed.
    pub(crate) figures: Vec<(u32, usize)>,
    /// Sessions of `skynet.profile`.
    pub(crate) profiles: Vec<crate::api::profile::Profile>,

    /// The queue of `skynet.netpack` that has routes; null if none has. It clears this when it is collected.
    pub(crate) netpack: *mut crate::api::netpack::Inbox,

    /// What C modules know the service by, once it has looked for one.
    pub(crate) module_context: Option<Box<dyn crate::api::c_modules::ModuleContext>>,

    /// Buffers that loaded functions point into.
    pub(crate) code: Vec<Arc<Chunk>>,
    pub(crate) cache_mode: crate::loader::CacheMode,
    /// Limit that `skynet.memlimit` asked for, applied when the service is loaded.
    pub(crate) wanted_limit: usize,
}

impl Vm {
    /// Opens a VM with the standard libraries. `None` when memory runs out.
    pub(crate) fn open(shared: Arc<Shared>, interrupt: Arc<Interrupt>, ctx: &Context) -> Option<Box<Vm>> {
        let mut memory = Memory::new();
        let ud: *mut Memory = &mut *memory;
        let seed = shared.seed;
        // SAFETY: the allocator matches its user data, which lives in the record until the state is closed.
        let main = unsafe { ffi::lua_newstate(alloc::allocate, ud.cast(), seed) };
        if main.is_null() {
            return None;
        }
        let mut vm = Box::new(Vm {
            main,
            ctx,
            handle: ctx.handle().raw(),
            shared,
            interrupt,
            running: AtomicPtr::new(ptr::null_mut()),
            root: Thread::new(ptr::null_mut(), main, 0),
            current: ptr::null_mut(),
            mode: Mode::Silent,
            memory,
            threads: Vec::new(),
            free_slots: Vec::new(),
            pool: Vec::new(),
            sessions: Sessions::default(),
            last_session: 0,
            wrapped: false,
            wakeups: VecDeque::new(),
            failures: VecDeque::new(),
            forks: VecDeque::new(),
            bare_count: 0,
            free_bare: Vec::new(),
            quitting: false,
            started: false,
            start_slot: 0,
            call_limit: super::NO_LIMIT,
            late_answers: 0,
            named_calls: HashMap::new(),
            parked: Parked::Nothing,
            yielded: Yielded::Plain,
            scratch: Scratch::EMPTY,
            aside: Vec::new(),
            keys: None,
            responders: Responders::default(),
            forgotten: Vec::new(),
            answers_forgotten: false,
            explains: ctx.node().explains_errors(),
            hidden: Vec::new(),
            message: Current::default(),
            lua_protocol: ptr::null(),
            forward: None,
            own_errors: false,
            net: None,
            socket_message: ptr::null(),
            shared_message: ptr::null(),
            keep: false,
            tracing: false,
            trace_count: 0,
            tags: HashMap::new(),
            snapshot: Vec::new(),
            waits: Vec::new(),
            owed: Vec::new(),
            figures: Vec::new(),
            profiles: Vec::new(),
            netpack: ptr::null_mut(),
            module_context: None,
            code: Vec::new(),
            cache_mode: crate::loader::CacheMode::On,
            wanted_limit: 0,
        });
        let this: *mut Vm = &mut *vm;
        vm.root.vm = this;
        vm.current = &mut *vm.root;
        // SAFETY: the extra space is ours; states made later copy it.
        unsafe { *ffi::lua_getextraspace(main).cast::<*mut Thread>() = vm.current };
        // SAFETY: `prepare` runs protected.
        let status = unsafe {
            ffi::lua_pushcclosure(main, prepare, 0);
            ffi::lua_pcallk(main, 0, 0, 0, 0, None)
        };
        if status != ffi::LUA_OK {
            // SAFETY: the state is closed once, here; the record does nothing with it when dropped.
            unsafe { ffi::lua_close(main) };
            vm.main = ptr::null_mut();
            return None;
        }
        Some(vm)
    }

    /// The context of the service. Only callable while the service is being run, as all Lua code is.
    #[inline]
    pub(crate) fn context(&self) -> &Context {
        // SAFETY: whoever enters the VM sets `ctx` to a context that outlives the visit.
        unsafe { &*self.ctx }
    }

    /// The record of the thread in a slot.
    #[inline]
    pub(crate) fn thread_at(&mut self, slot: u32) -> Option<*mut Thread> {
        let place = self.threads.get_mut((slot as usize).wrapping_sub(1))?;
        place.as_mut().map(|thread| ptr::from_mut(&mut **thread))
    }

    /// All threads that are not in the pool.
    pub(crate) fn live_threads(&mut self) -> impl Iterator<Item = *mut Thread> {
        self.threads.iter_mut().flatten().map(|thread| ptr::from_mut(&mut **thread)).filter(|thread| {
            // SAFETY: the records are alive while they are in `threads`.
            unsafe { (**thread).state != super::State::Idle }
        })
    }

    /// Leaves the memory usage where other threads may read it.
    #[inline]
    pub(crate) fn note_memory(&self) {
        self.interrupt.note_memory(self.memory.used);
    }

    /// Frees the buffers of packings that a jump has left behind. Only when none is going on.
    #[cold]
    pub(super) fn free_aside(&mut self) {
        for mut scratch in self.aside.drain(..) {
            scratch.free();
        }
    }

    #[inline]
    pub(crate) fn set_running(&self, l: *mut lua_State) -> *mut lua_State {
        let before = self.running.load(Ordering::Relaxed);
        self.running.store(l, Ordering::Release);
        before
    }

    /// Closes the Lua state; finalizers run, and may still send. Does nothing the second time.
    pub(crate) unsafe fn close(this: *mut Vm) {
        unsafe {
            let main = (*this).main;
            if main.is_null() {
                return;
            }
            (*this).memory.limit = 0;
            (*this).current = &mut *(*this).root;
            (*this).set_running(ptr::null_mut());
            ffi::lua_close(main);
            (*this).main = ptr::null_mut();
            if let Some(net) = (*this).net.as_deref_mut() {
                net.close_all();
            }
        }
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        // The state is closed before: finalizers need the context. What is left is plain memory.
        self.scratch.free();
        self.free_aside();
    }
}

/// First steps in a new state: libraries and the registry slots.
unsafe extern "C-unwind" fn prepare(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_gc(l, ffi::LUA_GCSTOP);
        let mut slot = super::R_THREADS;
        while slot <= R_LAST {
            if slot == super::R_THREADS || slot == super::R_PROTO {
                ffi::lua_createtable(l, 0, 0);
            } else if slot == super::R_PAIRS {
                ffi::lua_pushstring(l, c"__pairs".as_ptr());
            } else {
                // A placeholder keeps `luaL_ref` from handing the slot out; tables are made when they are needed.
                ffi::lua_pushboolean(l, 0);
            }
            ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, slot);
            slot += 1;
        }
        let shared = super::shared(super::vm_of(l));
        if shared.wants_probe() {
            let good = super::bare::probe(l);
            shared.set_probed(good);
        }
        crate::api::open_libraries(l);
        0
    }
}
