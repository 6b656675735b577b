//! A service of a module, as the core sees it.

use std::borrow::Cow;
use std::ffi::c_void;
use std::panic::resume_unwind;
use std::ptr;
use std::sync::Arc;
use std::thread;

use skynet_core::{
    Context, Handle, Message, Node, Service, ServiceControl, ServiceError, SocketMessage, WorkerThread,
};

use super::functions::HOST;
use crate::Payload;
use crate::abi::{self, Block, ModuleTable, RawMessage, Text};

pub(super) struct HostedService {
    table: &'static ModuleTable,
    origin: String,
    args: Vec<u8>,
    /// What the module has made; null before `create` and if that failed.
    instance: *mut c_void,
    /// What gets its signals, if it wants any.
    signals: Option<Arc<Signals>>,
}

// SAFETY: the pointer is the module's, given back to it alone. It may move between threads: that is the contract of the table, and what
// `Service: Send` asks of a module in Rust.
unsafe impl Send for HostedService {}

/// How a call of the module's table went.
enum Outcome {
    Done,
    Failed(String),
    Panicked(String),
}

impl Outcome {
    /// Calls a function of the module, which gets a place for the text of its failure.
    fn of(call: impl FnOnce(*mut Block) -> i32) -> Outcome {
        let mut why = Block::NONE;
        let code = call(&raw mut why);
        // SAFETY: what the module has put there is given away.
        let why = unsafe { Payload::from_block(why) };
        let text = || match String::from_utf8_lossy(&why) {
            Cow::Borrowed("") => format!("the module gave the code {code} and no reason"),
            text => text.into_owned(),
        };
        match code {
            abi::DONE => Outcome::Done,
            abi::PANICKED => Outcome::Panicked(text()),
            _ => Outcome::Failed(text()),
        }
    }

    /// A panic of the module goes on as one of this side, and so does what should not have failed. The core does the rest: it logs the
    /// text, answers the request in hand, and ends the service. The module has written its own report of it.
    fn or_panic(self) {
        match self {
            Outcome::Done => {}
            Outcome::Failed(text) | Outcome::Panicked(text) => resume_unwind(Box::new(text)),
        }
    }
}

impl HostedService {
    pub(super) fn new(table: &'static ModuleTable, origin: String, args: &[u8]) -> HostedService {
        HostedService { table, origin, args: args.to_vec(), instance: ptr::null_mut(), signals: None }
    }

    fn ask_for_signals(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        let mut handler = ptr::null_mut();
        // SAFETY: the function is of a table that was checked; the instance is the one that `create` gave just now.
        let asked = Outcome::of(|why| unsafe { (self.table.signals)(self.instance, &raw mut handler, why) });
        if let Outcome::Failed(text) | Outcome::Panicked(text) = asked {
            return Err(format!("{}: its signal_handler panicked: {text}", self.origin).into());
        }
        if !handler.is_null() {
            let (table, node, handle) = (self.table, ctx.node().clone(), ctx.handle());
            self.signals = Some(Arc::new(Signals { table, handler, node, handle }));
        }
        Ok(())
    }
}

/// The core's context as the module gets it.
fn raw(ctx: &Context) -> *const c_void {
    ptr::from_ref(ctx).cast()
}

impl Service for HostedService {
    fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        let args = std::mem::take(&mut self.args);
        let mut instance = ptr::null_mut();
        // SAFETY: the function is of a table that was checked; the arguments stay for the call, the host's table for ever.
        let made = Outcome::of(|why| unsafe {
            (self.table.create)(&HOST, raw(ctx), Text::new(&args), &raw mut instance, why)
        });
        let origin = &self.origin;
        match made {
            Outcome::Done if instance.is_null() => Err(format!("{origin}: it gave no instance").into()),
            Outcome::Done => {
                self.instance = instance;
                self.ask_for_signals(ctx)
            }
            Outcome::Failed(text) => Err(format!("{origin}: {text}").into()),
            Outcome::Panicked(text) => Err(format!("{origin}: its init panicked: {text}").into()),
        }
    }

    #[inline]
    fn on_message(&mut self, ctx: &Context, msg: Message) {
        if SocketMessage::buffer(&msg.payload).is_some() {
            // It owns a second block, of which this version of the interface does not speak. No module has sockets.
            return;
        }
        let Message { kind, session, source, payload } = msg;
        let (ptr, len) = payload.into_raw();
        let message = RawMessage { block: Block { ptr, len }, source: source.raw(), session, kind };
        // SAFETY: the instance is the one of this service, which one thread at a time runs; the block goes over.
        Outcome::of(|why| unsafe { (self.table.message)(self.instance, raw(ctx), &raw const message, why) })
            .or_panic();
    }

    fn on_exit(&mut self, ctx: &Context) {
        // SAFETY: as above. There is an instance: this is not called when `init` failed.
        Outcome::of(|why| unsafe { (self.table.exit)(self.instance, raw(ctx), why) }).or_panic();
    }

    fn control(&self) -> Option<Arc<dyn ServiceControl>> {
        self.signals.clone().map(|signals| -> Arc<dyn ServiceControl> { signals })
    }
}

impl Drop for HostedService {
    fn drop(&mut self) {
        if self.instance.is_null() {
            return;
        }
        // SAFETY: the instance is the one of this service, and used no more.
        let dropped = Outcome::of(|why| unsafe { (self.table.drop)(self.instance, why) });
        if !thread::panicking() {
            dropped.or_panic();
        }
    }
}

/// What gets the signals of a service.
struct Signals {
    table: &'static ModuleTable,
    handler: *mut c_void,
    node: Node,
    handle: Handle,
}

// SAFETY: the table says that the handler may be called and dropped on any thread, and a Rust module's is `Send` and `Sync`.
unsafe impl Send for Signals {}
// SAFETY: as above.
unsafe impl Sync for Signals {}

impl Signals {
    /// Whoever gives a signal, or drops the last share of this, has nothing to do with a panic of the handler.
    fn report(&self, outcome: &Outcome) {
        if let Outcome::Failed(text) | Outcome::Panicked(text) = outcome {
            self.node
                .log(self.handle, format!("error: the signal handler of {} panicked: {text}", self.handle));
        }
    }
}

impl ServiceControl for Signals {
    fn signal(&self, sig: i32, _: Option<WorkerThread<'_>>) {
        // SAFETY: the handler is not dropped yet.
        self.report(&Outcome::of(|why| unsafe { (self.table.signal)(self.handler, sig, why) }));
    }

    /// Code of a module comes back when it likes.
    fn condemn(&self, _: WorkerThread<'_>) {}
}

impl Drop for Signals {
    fn drop(&mut self) {
        // SAFETY: this is the last use of the handler.
        self.report(&Outcome::of(|why| unsafe { (self.table.drop_signals)(self.handler, why) }));
    }
}
