//! Interrupting running Lua code: `SIGNAL 0`, and the end of a service that is killed while it runs.
//!
//! Nobody walks a VM that runs on another thread. The request is noted in a flag, and the worker's thread gets an OS signal
//! (SIGURG, which is ignored by default); its handler, on that very thread, sets a hook on the Lua state that runs there, as
//! the stand-alone `lua` does for SIGINT. The hook raises the error.
//!
//! The same side door says which debug commands go before all messages that wait.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use mlua::ffi::{self, lua_Debug, lua_State};
use skynet_core::{Handle, Message, Node, ServiceControl, WorkerThread};
use skynet_seri::{Decoder, Token};

use crate::vm::{Vm, vm_of};

const NONE: u8 = 0;
/// Raise `signal 0` once.
const SIGNAL: u8 = 1;
/// The service has been killed: raise until the VM has unwound.
const CONDEMNED: u8 = 2;

thread_local! {
    /// The VM that this thread is inside of. Const-initialised and without a destructor, so that the signal handler may read it.
    static INSIDE: Cell<*const Vm> = const { Cell::new(ptr::null()) };
}

/// The side door of a VM.
pub(crate) struct Interrupt {
    node: Node,
    handle: Handle,
    request: AtomicU8,
    /// Bytes that the VM held after its last message.
    memory: AtomicUsize,
    /// The first message, which loads the service, is over: others may go before those that wait.
    loaded: AtomicBool,
}

impl Interrupt {
    pub(crate) fn new(node: Node, handle: Handle) -> Interrupt {
        install_handler();
        let (request, memory) = (AtomicU8::new(NONE), AtomicUsize::new(0));
        Interrupt { node, handle, request, memory, loaded: AtomicBool::new(false) }
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
        self.request.load(Ordering::Acquire) != NONE
    }

    #[inline]
    pub(crate) fn condemned(&self) -> bool {
        self.request.load(Ordering::Acquire) == CONDEMNED
    }

    /// Whether `signal 0` is due: it is from now on the caller's to raise.
    fn take_signal(&self) -> bool {
        self.request.compare_exchange(SIGNAL, NONE, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub(crate) fn clear(&self) {
        self.request.store(NONE, Ordering::Release);
    }
}

impl ServiceControl for Interrupt {
    fn signal(&self, sig: i32, running: Option<WorkerThread<'_>>) {
        self.node.log(self.handle, format!("recv a signal {sig}"));
        match sig {
            0 => {
                let _ = self.request.compare_exchange(NONE, SIGNAL, Ordering::AcqRel, Ordering::Relaxed);
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
        self.request.store(CONDEMNED, Ordering::Release);
        running.interrupt();
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

/// Sets the hook that raises the error at the next instruction.
pub(crate) unsafe fn arm(l: *mut lua_State) {
    let mask = ffi::LUA_MASKCALL | ffi::LUA_MASKRET | ffi::LUA_MASKLINE | ffi::LUA_MASKCOUNT;
    unsafe { ffi::lua_sethook(l, Some(hook), mask, 1) }
}

unsafe extern "C-unwind" fn hook(l: *mut lua_State, _: *mut lua_Debug) {
    unsafe {
        let interrupt = &(*vm_of(l)).interrupt;
        let signalled = interrupt.take_signal();
        if !interrupt.condemned() {
            ffi::lua_sethook(l, None, 0, 0);
            // What came in between has set the hook that was just taken away.
            if interrupt.requested() {
                arm(l);
            }
        }
        raise(l, signalled);
    }
}

/// Raises the error that is due, if one is: for native functions that wait, since no hook runs meanwhile.
///
/// Jumping.
pub(crate) unsafe fn deliver(l: *mut lua_State) {
    unsafe {
        let signalled = (*vm_of(l)).interrupt.take_signal();
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
