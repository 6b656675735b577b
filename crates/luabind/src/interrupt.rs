//! Interrupting running Lua code: `SIGNAL 0`, the end of a service that is killed while it runs, messages that take too long.
//!
//! Nobody walks a VM that runs on another thread. The request is noted in a flag, and the worker's thread gets an OS signal
//! (SIGURG, which is ignored by default); its handler, on that very thread, sets a hook on the Lua state that runs there, as
//! the stand-alone `lua` does for SIGINT. The hook raises the error, or only notes in the log where it is.
//!
//! The same side door says which debug commands go before all messages that wait.

mod displaced;
mod place;

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use mlua::ffi::{self, lua_Debug, lua_State};
use skynet_core::{Handle, LongMessage, Message, Node, Overdue, ServiceControl, WorkerThread};
use skynet_seri::{Decoder, Token};

use displaced::Displaced;

use crate::vm::{Vm, vm_of};

/// Raise `signal 0` once.
const SIGNAL: u8 = 1;
/// The service has been killed: raise until the VM has unwound.
const CONDEMNED: u8 = 2;
/// Say in the log where the code is, and go on.
const REPORT: u8 = 4;
/// The message in hand has reached its time limit: raise once, so that what the program wants to clean up is cleaned up.
const OVERRUN: u8 = 8;
/// That did not end it: raise until the thread has.
const STUBBORN: u8 = 16;
/// Those that are about one message.
const OF_MESSAGE: u8 = REPORT | OVERRUN | STUBBORN;

thread_local! {
    /// The VM that this thread is inside of. Const-initialised and without a destructor, so that the signal handler may read it.
    static INSIDE: Cell<*const Vm> = const { Cell::new(ptr::null()) };
}

/// The side door of a VM.
pub(crate) struct Interrupt {
    node: Node,
    handle: Handle,
    /// What is due, as bits.
    request: AtomicU8,
    /// The number of the message that the requests in `OF_MESSAGE` are about.
    number: AtomicU64,
    /// What the report says before the place.
    report: Mutex<String>,
    /// How many milliseconds that message has taken.
    age: AtomicU64,
    /// A debugger keeps the worker waiting; the number of the last message for which one did.
    held: AtomicBool,
    exempt: AtomicU64,
    displaced: Displaced,
    /// Bytes that the VM held after its last message.
    memory: AtomicUsize,
    /// The first message, which loads the service, is over: others may go before those that wait.
    loaded: AtomicBool,
}

impl Interrupt {
    pub(crate) fn new(node: Node, handle: Handle) -> Interrupt {
        install_handler();
        Interrupt {
            node,
            handle,
            request: AtomicU8::new(0),
            number: AtomicU64::new(0),
            report: Mutex::default(),
            age: AtomicU64::new(0),
            held: AtomicBool::new(false),
            exempt: AtomicU64::new(0),
            displaced: Displaced::default(),
            memory: AtomicUsize::new(0),
            loaded: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_loaded(&self) {
        self.loaded.store(true, Ordering::Release);
    }

    /// Bytes that the VM held after its last message.
    pub(crate) fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn note_memory(&self, bytes: usize) {
        self.memory.store(bytes, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn requested(&self) -> bool {
        self.request.load(Ordering::Acquire) != 0
    }

    #[inline]
    pub(crate) fn condemned(&self) -> bool {
        self.request.load(Ordering::Acquire) & CONDEMNED != 0
    }

    /// Whether an error is due at each instruction.
    fn relentless(&self) -> bool {
        self.request.load(Ordering::Acquire) & (CONDEMNED | STUBBORN) != 0
    }

    /// Whether something was due: from now on it is the caller's to do.
    fn take(&self, what: u8) -> bool {
        self.request.fetch_and(!what, Ordering::AcqRel) & what != 0
    }

    pub(crate) fn clear(&self) {
        self.request.store(0, Ordering::Release);
    }

    /// The thread that took too long has ended: what it leaves to be done is not interrupted.
    pub(crate) fn forgive(&self) {
        self.request.fetch_and(!(OVERRUN | STUBBORN), Ordering::AcqRel);
    }

    /// Forgets what is about another message than the one in hand.
    fn forget_old(&self, number: u64) {
        if self.number.load(Ordering::Acquire) != number {
            self.request.fetch_and(!OF_MESSAGE, Ordering::AcqRel);
        }
    }

    /// A debugger keeps the worker waiting in a message: the time that it takes does not count.
    pub(crate) fn hold(&self, number: u64) {
        self.exempt.store(number, Ordering::Relaxed);
        self.held.store(true, Ordering::Relaxed);
        self.forgive();
    }

    /// It waits no longer.
    pub(crate) fn release(&self) {
        self.held.store(false, Ordering::Relaxed);
    }

    fn report(&self) -> MutexGuard<'_, String> {
        // It holds whole texts only.
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for something that is about a message, of the thread that is at it.
    fn request_for(&self, what: u8, message: &LongMessage, running: WorkerThread<'_>) {
        let age = u64::try_from(message.age.as_millis()).unwrap_or(u64::MAX);
        self.age.store(age, Ordering::Relaxed);
        if self.number.swap(message.number, Ordering::AcqRel) != message.number {
            self.request.fetch_and(!OF_MESSAGE, Ordering::AcqRel);
        }
        self.request.fetch_or(what, Ordering::AcqRel);
        running.interrupt();
    }

    fn log(&self, message: &LongMessage, end: &str) {
        self.node.log(self.handle, format!("error: {message}; {end}"));
    }
}

impl ServiceControl for Interrupt {
    fn signal(&self, sig: i32, running: Option<WorkerThread<'_>>) {
        self.node.log(self.handle, format!("recv a signal {sig}"));
        match sig {
            0 => {
                self.request.fetch_or(SIGNAL, Ordering::AcqRel);
                if let Some(worker) = running {
                    worker.interrupt();
                }
            }
            1 => {
                let kib = self.memory() as f64 / 1024.0;
                self.node.log(self.handle, format!("Current Memory {kib:.3}K"));
            }
            _ => {}
        }
    }

    fn condemn(&self, running: WorkerThread<'_>) {
        self.request.fetch_or(CONDEMNED, Ordering::AcqRel);
        running.interrupt();
    }

    fn overdue(&self, message: &LongMessage, step: Overdue, running: WorkerThread<'_>) -> bool {
        let exempt = self.exempt.load(Ordering::Relaxed) == message.number;
        match step {
            Overdue::Report if self.held.load(Ordering::Relaxed) => {
                self.log(message, "a debugger holds it");
            }
            Overdue::Report => {
                *self.report() = format!("error: {message}; ");
                self.request_for(REPORT, message, running);
            }
            // What the hook has not taken until now it cannot.
            Overdue::Confirm if self.take(REPORT) => {
                self.log(message, "it is in C code, or in a finalizer: no Lua code could be looked at");
            }
            Overdue::Interrupt if !exempt => self.request_for(OVERRUN, message, running),
            Overdue::Insist if !exempt => self.request_for(STUBBORN, message, running),
            _ => {}
        }
        true
    }

    /// All commands but PING, which measures how long a message waits.
    fn is_urgent(&self, msg: &Message) -> bool {
        self.loaded.load(Ordering::Acquire)
            && !matches!(Decoder::new(&msg.payload).next_token(), Ok(Some(Token::Str(b"PING"))))
    }
}

/// Marks that this thread is inside a VM, until dropped.
pub(crate) struct Inside(*const Vm);

impl Inside {
    #[inline]
    pub(crate) fn enter(vm: *const Vm) -> Inside {
        Inside(INSIDE.replace(vm))
    }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

fn install_handler() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler is async-signal-safe: it reads a thread-local cell and atomics, and sets a hook, which Lua
        // allows at any time. Other users of SIGURG are not expected in this process: it is ignored by default.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as usize;
            action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(libc::SIGURG, &action, ptr::null_mut());
        }
    });
}

extern "C" fn on_signal(_: c_int) {
    let vm = INSIDE.get();
    if vm.is_null() {
        return;
    }
    // SAFETY: the thread is inside this VM, so the record is alive; only atomics of it are read, and the Lua state that
    // they name is running on this thread.
    unsafe {
        if (*vm).interrupt.requested() {
            let l = (*vm).running.load(Ordering::Acquire);
            if !l.is_null() {
                arm(l);
            }
        }
    }
}

/// Sets the hook that does what is due at the next instruction.
pub(crate) unsafe fn arm(l: *mut lua_State) {
    let mask = ffi::LUA_MASKCALL | ffi::LUA_MASKRET | ffi::LUA_MASKLINE | ffi::LUA_MASKCOUNT;
    unsafe {
        let interrupt = &(*vm_of(l)).interrupt;
        interrupt.displaced.keep(l, hook);
        ffi::lua_sethook(l, Some(hook), mask, 1);
    }
}

unsafe extern "C-unwind" fn hook(l: *mut lua_State, _: *mut lua_Debug) {
    unsafe {
        let vm = vm_of(l);
        let interrupt = &(*vm).interrupt;
        interrupt.forget_old((*vm).context().message_count());
        if interrupt.take(REPORT) {
            write_report(l);
        }
        let signalled = interrupt.take(SIGNAL);
        let overrun = interrupt.take(OVERRUN);
        if !interrupt.relentless() {
            interrupt.displaced.put_back(l);
            // What came in between has set the hook that was just taken away.
            if interrupt.requested() {
                arm(l);
            }
        }
        raise(l, signalled);
        if overrun || interrupt.request.load(Ordering::Acquire) & STUBBORN != 0 {
            raise_overrun(l);
        }
    }
}

/// Logs where the code is. A leaf.
unsafe fn write_report(l: *mut lua_State) {
    unsafe {
        let vm = vm_of(l);
        let mut text = std::mem::take(&mut *(*vm).interrupt.report());
        place::describe(l, &mut text);
        (*vm).context().log(text);
    }
}

/// Jumping, always.
unsafe fn raise_overrun(l: *mut lua_State) {
    unsafe {
        let interrupt = &(*vm_of(l)).interrupt;
        let tenths = interrupt.age.load(Ordering::Relaxed) / 100;
        // The hook of a call runs when that is the innermost function, and may be native.
        let level = place::innermost_lua(l);
        ffi::luaL_where(l, level);
        ffi::lua_pushfstring(l, c"interrupted after %f s in one message".as_ptr(), tenths as f64 / 10.0);
        ffi::lua_concat(l, 2);
        ffi::lua_error(l);
    }
}

/// Raises the error that is due, if one is: for native functions that wait, since no hook runs meanwhile. The time limit of a
/// message is none of these: its error comes with the next Lua instruction.
///
/// Jumping.
pub(crate) unsafe fn deliver(l: *mut lua_State) {
    unsafe {
        let signalled = (*vm_of(l)).interrupt.take(SIGNAL);
        raise(l, signalled);
    }
}

unsafe fn raise(l: *mut lua_State, signalled: bool) {
    unsafe {
        if signalled {
            ffi::luaL_error(l, c"signal 0".as_ptr());
        }
        if (*vm_of(l)).interrupt.condemned() {
            // The hook stays: a `pcall` cannot hold it up.
            ffi::luaL_error(l, c"the service has been killed".as_ptr());
        }
    }
}
