//! What a module knows as `struct skynet_context`: the runtime's side of one C service.
//!
//! A module may use it on threads of its own while its service lives, so everything in it is safe to share. What only the service's own
//! thread may do goes by the [`Context`] of the core, if the calling thread runs that service just now.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use skynet_core::{Context, Handle, Node};
use skynet_socket::Sockets;

/// `skynet_cb`: what gets the messages of a service. Other than 0 means that it keeps the block.
pub(super) type Callback =
    unsafe extern "C" fn(*mut CContext, *mut c_void, c_int, c_int, u32, *const c_void, usize) -> c_int;

/// Where sessions begin that threads of C modules open for a Lua service.
const FROM_ELSEWHERE: i32 = 1 << 30;

thread_local! {
    /// The text that the last command gave, of those that this thread gave for services it was not in.
    static ELSEWHERE: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// One C service, as its module sees it.
pub(crate) struct CContext {
    pub(super) node: Node,
    handle: AtomicU32,
    /// The last session given out.
    session: AtomicI32,
    /// A [`Callback`], or null.
    callback: AtomicPtr<c_void>,
    /// What it gets with each message.
    data: AtomicPtr<c_void>,
    /// The text that the last command gave, of those from within the service.
    result: Mutex<Option<CString>>,
    sockets: OnceLock<Sockets>,
    /// The service is one in Lua, and only its C modules know this.
    lua: bool,
}

impl CContext {
    pub(super) fn new(node: &Node) -> CContext {
        CContext {
            lua: false,
            node: node.clone(),
            handle: AtomicU32::new(0),
            session: AtomicI32::new(0),
            callback: AtomicPtr::default(),
            data: AtomicPtr::default(),
            result: Mutex::default(),
            sockets: OnceLock::new(),
        }
    }

    /// For the C modules of a Lua service.
    pub(super) fn of_lua(ctx: &Context) -> CContext {
        let new =
            CContext { lua: true, session: AtomicI32::new(FROM_ELSEWHERE), ..CContext::new(ctx.node()) };
        new.set_handle(ctx.handle());
        new
    }

    /// Whether the service is one in Lua.
    pub(super) fn is_lua(&self) -> bool {
        self.lua
    }

    /// The service has an address now.
    pub(super) fn set_handle(&self, handle: Handle) {
        self.handle.store(handle.raw(), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn handle(&self) -> Handle {
        Handle::from_raw(self.handle.load(Ordering::Relaxed))
    }

    /// A new session number: 1 to `i32::MAX`, then 1 again. A Lua service goes on counting itself; where its thread does not run, it is
    /// counted in numbers that it takes long to come to.
    pub(super) fn new_session(&self) -> i32 {
        if self.lua
            && let Some(session) = self.within(|inside| inside.map(Context::new_session))
        {
            return session;
        }
        let next = |session: i32| session.checked_add(1).unwrap_or(1);
        let before = self.session.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        next(before.unwrap_or_else(|last| last))
    }

    /// Names the function that gets the messages; `None` drops them.
    pub(super) fn set_callback(&self, callback: Option<Callback>, data: *mut c_void) {
        self.data.store(data, Ordering::Relaxed);
        self.callback
            .store(callback.map_or(ptr::null_mut(), |callback| callback as *mut c_void), Ordering::Release);
    }

    /// That function, and what it gets with each message.
    #[inline]
    pub(super) fn callback(&self) -> Option<(Callback, *mut c_void)> {
        let callback = self.callback.load(Ordering::Acquire);
        // SAFETY: null is `None`; anything else was a `Callback` in `set_callback`.
        let callback = unsafe { mem::transmute::<*mut c_void, Option<Callback>>(callback) };
        Some((callback?, self.data.load(Ordering::Relaxed)))
    }

    /// Calls `f` with the core's context if the calling thread runs this service just now.
    pub(super) fn within<R>(&self, f: impl FnOnce(Option<&Context>) -> R) -> R {
        let handle = self.handle();
        Context::with(|ctx| f(ctx.filter(|ctx| ctx.handle() == handle)))
    }

    /// Keeps the result of a command until the service's next one; on a thread that is not in the service, until the next one of that
    /// thread. Null for none; a text ends at its first NUL.
    pub(super) fn keep(&self, result: Option<Vec<u8>>) -> *const c_char {
        let keep = |kept: &mut Option<CString>| {
            *kept = result.map(until_nul);
            kept.as_ref().map_or(ptr::null(), |text| text.as_ptr())
        };
        if self.within(|inside| inside.is_some()) {
            return keep(&mut self.result.lock().unwrap_or_else(PoisonError::into_inner));
        }
        // A thread that is about to end has no place for it.
        ELSEWHERE.try_with(|kept| keep(&mut kept.borrow_mut())).unwrap_or(ptr::null())
    }

    /// The sockets of the node, while it has some.
    pub(super) fn sockets(&self) -> Option<&Sockets> {
        if self.sockets.get().is_none() {
            // If another thread was faster it has set the same.
            let _ = self.sockets.set(Sockets::of(&self.node)?);
        }
        self.sockets.get()
    }

    /// Writes a log line with this service as its source.
    pub(super) fn log(&self, text: impl AsRef<[u8]>) {
        self.node.log(self.handle(), text);
    }
}

/// A C text of bytes: up to the first NUL, if there is one.
pub(super) fn until_nul(mut bytes: Vec<u8>) -> CString {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    // There is no NUL in it.
    CString::new(bytes).unwrap_or_default()
}
