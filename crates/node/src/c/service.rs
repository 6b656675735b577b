//! A service of a C module, as the core sees it.

use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::{Arc, PoisonError, RwLock};

use skynet_core::{Context, Message, Module, Node, Service, ServiceControl, ServiceError, WorkerThread};

use super::context::{CContext, until_nul};
use super::library::{self, Entries};
use crate::module::LoadedFile;

/// The instance of a module that has no `_create`.
const NO_INSTANCE: usize = usize::MAX;

/// A module in C, from a loaded file.
pub(crate) struct CModule {
    /// They live as long as the library, which is never unloaded.
    entries: &'static Entries,
}

impl CModule {
    /// The module of this name.
    ///
    /// # Errors
    ///
    /// The file has no such module.
    pub(crate) fn new(file: &LoadedFile, name: &str) -> Result<CModule, ServiceError> {
        let entries = library::entries(file, name).map_err(ServiceError::new)?;
        Ok(CModule { entries: Box::leak(Box::new(entries)) })
    }
}

impl Module for CModule {
    fn create(&self, node: &Node, args: &[u8]) -> Result<Box<dyn Service>, ServiceError> {
        let entries = self.entries;
        let data = match entries.create {
            None => ptr::without_provenance_mut(NO_INSTANCE),
            // SAFETY: the module's function has this type, and asks for nothing.
            Some(create) => unsafe { create() },
        };
        if data.is_null() {
            let (path, base) = (entries.path.display(), &entries.base);
            return Err(format!("{path}: {base}_create gave no instance").into());
        }
        Ok(Box::new(CService {
            instance: Arc::new(Instance { entries, data, alive: RwLock::new(true) }),
            ctx: Box::new(CContext::new(node)),
            args: (!args.is_empty()).then(|| until_nul(args.to_vec())),
        }))
    }
}

/// What a module has made for one service.
struct Instance {
    entries: &'static Entries,
    data: *mut c_void,
    /// Until it is released. A signal holds this for reading, so that the instance stays.
    alive: RwLock<bool>,
}

// SAFETY: the pointer is the module's, given back to it alone. It may move between threads: the contract of `skynet.h` is that one
// thread at a time runs a service, and that signals may come from any.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl ServiceControl for Instance {
    fn signal(&self, sig: i32, _: Option<WorkerThread<'_>>) {
        let alive = self.alive.read().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(signal)) = (*alive, self.entries.signal) {
            // SAFETY: the module's function has this type, and the instance is not released yet.
            unsafe { signal(self.data, sig) };
        }
    }

    /// C code comes back when it likes.
    fn condemn(&self, _: WorkerThread<'_>) {}
}

struct CService {
    instance: Arc<Instance>,
    /// In a block of its own: the module keeps its address.
    ctx: Box<CContext>,
    args: Option<CString>,
}

impl CService {
    fn ctx(&self) -> *mut CContext {
        ptr::from_ref(&*self.ctx).cast_mut()
    }
}

impl Service for CService {
    fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        self.ctx.set_handle(ctx.handle());
        let args = self.args.take();
        let entries = self.instance.entries;
        let text = args.as_ref().map_or(ptr::null(), |args| args.as_ptr());
        // SAFETY: the module's function has this type; the text lives until it returns, the context as long as the service.
        let code = unsafe { (entries.init)(self.instance.data, self.ctx(), text) };
        match code {
            0 => Ok(()),
            _ => Err(format!("{}: {}_init returned {code}", entries.path.display(), entries.base).into()),
        }
    }

    #[inline]
    fn on_message(&mut self, _: &Context, msg: Message) {
        let Some((callback, data)) = self.ctx.callback() else { return };
        let Message { kind, session, source, payload } = msg;
        // What the block owns (a socket's buffer, a message for another node) is the callee's in any case.
        let (block, size) = payload.into_raw();
        // SAFETY: the module has named a function of this type; the block is valid until it is freed, here or there.
        unsafe {
            let kept = callback(self.ctx(), data, kind.into(), session, source.raw(), block, size);
            if kept == 0 {
                libc::free(block);
            }
        }
    }

    fn control(&self) -> Option<Arc<dyn ServiceControl>> {
        Some(self.instance.clone())
    }
}

impl Drop for CService {
    fn drop(&mut self) {
        let instance = &self.instance;
        *instance.alive.write().unwrap_or_else(PoisonError::into_inner) = false;
        if let Some(release) = instance.entries.release {
            // SAFETY: the module's function has this type; nobody uses the instance any more, and the context is still there.
            unsafe { release(instance.data) };
        }
    }
}
