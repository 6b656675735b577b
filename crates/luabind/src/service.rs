//! The Lua service as the core sees it: a [`Service`] around a VM.

use std::sync::Arc;

use skynet_core::{
    Context, Message, Module, Node, PTYPE_TEXT, Payload, Service, ServiceControl, ServiceError,
};

use crate::api::c_modules::ModuleContexts;
use crate::interrupt::{Inside, Interrupt};
use crate::loader;
use crate::shared::{PreferFiles, Shared};
use crate::sources::Sources;
use crate::vm::{Vm, refuse};

/// Settings of the module `snlua`.
#[derive(Clone, Debug, Default)]
pub struct LuaOptions {
    /// Embedded services and modules. The modules `skynet.api`, `skynet.blocked`, `skynet.debug`, `skynet.require`, `skynet.select` and `skynet.waits` are
    /// needed by the less used functions of the `skynet` module.
    pub sources: Sources,
    /// Which files win over the embedded ones.
    pub prefer_files: PreferFiles,
    /// What C modules find in the registry as `skynet_context`. Without this, nothing.
    pub module_contexts: Option<ModuleContexts>,
}

/// The native module that hosts Lua services, to be registered as `snlua`. Its argument is the name of the service and the
/// arguments of its main chunk, separated by spaces.
///
/// These entries of the node's environment are used, if set: `luaservice`, `lua_path`, `lua_cpath` (search paths),
/// `lualoader` (a loader script), `preload` (a script that runs before the main chunk).
pub fn snlua(options: LuaOptions) -> impl Module {
    let shared = Arc::new(Shared::new(options));
    move |_: &Node, args: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
        Ok(Box::new(LuaService {
            args: args.to_vec(),
            shared: Arc::clone(&shared),
            interrupt: None,
            vm: None,
        }))
    }
}

struct LuaService {
    args: Vec<u8>,
    shared: Arc<Shared>,
    interrupt: Option<Arc<Interrupt>>,
    /// Opened with the first message, on the worker that will use it.
    vm: Option<Box<Vm>>,
}

// SAFETY: the raw pointers in the record lead to the Lua state and to records that it owns alone; nothing of it is bound to
// a thread, and the core runs a service on one thread at a time.
unsafe impl Send for LuaService {}

impl Service for LuaService {
    fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        let interrupt = Arc::new(Interrupt::new(ctx.node().clone(), ctx.handle()));
        self.shared.add_service(ctx.handle().raw(), &interrupt);
        self.interrupt = Some(interrupt);
        // Loading happens on a worker: the launcher does not wait for it.
        ctx.send(ctx.handle(), PTYPE_TEXT, Payload::empty())
            .map_err(|error| ServiceError::from(error.to_string()))
    }

    fn on_message(&mut self, ctx: &Context, msg: Message) {
        let Some(vm) = self.vm.as_deref_mut() else {
            self.load(ctx, &msg);
            return;
        };
        let vm: *mut Vm = vm;
        let _inside = Inside::enter(vm);
        // SAFETY: the record is alive, its state is open, and this thread alone is inside.
        unsafe {
            Vm::handle(vm, ctx, msg);
            (*vm).note_memory();
        }
    }

    fn on_exit(&mut self, ctx: &Context) {
        self.shared.remove_service(ctx.handle().raw());
        if let Some(vm) = self.vm.as_deref_mut() {
            let vm: *mut Vm = vm;
            let _inside = Inside::enter(vm);
            // SAFETY: as above; afterwards the state is closed and the record is only dropped.
            unsafe { Vm::finish(vm, ctx) };
        } else {
            loader::tell_launcher_removed(ctx);
        }
        self.vm = None;
    }

    fn control(&self) -> Option<Arc<dyn ServiceControl>> {
        self.interrupt.clone().map(|interrupt| interrupt as Arc<dyn ServiceControl>)
    }
}

impl LuaService {
    /// The first message: opens the VM and runs the main chunk.
    #[cold]
    fn load(&mut self, ctx: &Context, msg: &Message) {
        if msg.source != ctx.handle() || msg.kind != PTYPE_TEXT {
            // The message that loads the service is always the first; this is a service whose loading failed.
            refuse(ctx, msg);
            return;
        }
        let Some(interrupt) = self.interrupt.clone() else { return };
        let Some(mut vm) = Vm::open(Arc::clone(&self.shared), Arc::clone(&interrupt), ctx) else {
            loader::give_up(ctx, "not enough memory to open a Lua VM");
            return;
        };
        let record: *mut Vm = &mut *vm;
        self.vm = Some(vm);
        let _inside = Inside::enter(record);
        // SAFETY: as in `on_message`.
        unsafe { loader::boot(record, &self.args) };
        self.args = Vec::new();
        interrupt.set_loaded();
    }
}
