//! Setting a node up.

use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::thread;
use std::time::Duration;

use super::extensions::Extensions;
use super::life::Life;
use super::shutdown::{Shutdown, ShutdownEvent, ShutdownHook};
use super::{Inner, Node, Resolver};
use crate::clock::{Clock, NodeClock, Ticks};
use crate::env::Env;
use crate::group::Groups;
use crate::logger;
use crate::message::Message;
use crate::names::Names;
use crate::ptype::PTYPE_RESPONSE;
use crate::scheduler::Scheduler;
use crate::service::Module;
use crate::sync::lock;
use crate::table::Table;
use crate::timer::{Alarm, Timers};
use crate::watches::Watches;
use crate::{Context, Handle, LaunchError, Payload, ServiceError, StartError};

/// The most workers that a node has.
const MAX_WORKERS: usize = 1024;

/// Where the log goes.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum LogTarget {
    /// To the standard output.
    #[default]
    Stdout,
    /// To the end of a file.
    File(PathBuf),
    /// Nowhere.
    Null,
    /// To a service of this module.
    Module {
        /// Its name.
        name: String,
        /// Its arguments.
        args: String,
    },
}

/// Settings of a [`Node`]: see [`Node::builder`].
pub struct NodeBuilder {
    workers: Option<usize>,
    worker_stack: Option<usize>,
    harbor: u8,
    env: Vec<(String, String)>,
    profile: bool,
    message_limit: Duration,
    explain_errors: bool,
    modules: HashMap<String, Arc<dyn Module>>,
    resolver: Option<Box<Resolver>>,
    log: LogTarget,
    first_local_id: u32,
    clock: Clock,
    setup: Vec<Setup>,
    on_shutdown: Option<Box<ShutdownHook>>,
}

/// A part of the program that is tied to a node before anything runs on it.
type Setup = Box<dyn FnOnce(&Node) -> Result<(), Box<dyn Error + Send + Sync>> + Send>;

impl Default for NodeBuilder {
    fn default() -> NodeBuilder {
        NodeBuilder {
            workers: None,
            worker_stack: None,
            harbor: 0,
            env: Vec::new(),
            profile: true,
            message_limit: Duration::ZERO,
            explain_errors: true,
            modules: HashMap::new(),
            resolver: None,
            log: LogTarget::default(),
            first_local_id: 1,
            clock: Clock::default(),
            setup: Vec::new(),
            on_shutdown: None,
        }
    }
}

impl NodeBuilder {
    /// The number of worker threads, 1 to 1024. Without this, one for each core.
    #[must_use]
    pub fn workers(mut self, count: usize) -> NodeBuilder {
        self.workers = Some(count);
        self
    }

    /// The stack of each worker thread, in bytes. Without this, what `std` gives to threads: 2 MiB, or `RUST_MIN_STACK`.
    #[must_use]
    pub fn worker_stack(mut self, bytes: usize) -> NodeBuilder {
        self.worker_stack = Some(bytes);
        self
    }

    /// The harbor id: the high byte of the node's handles. Without this, 0.
    #[must_use]
    pub fn harbor(mut self, id: u8) -> NodeBuilder {
        self.harbor = id;
        self
    }

    /// Sets a variable of the environment; the last value of a key counts.
    #[must_use]
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> NodeBuilder {
        self.env.push((key.into(), value.into()));
        self
    }

    /// Whether CPU time is accounted to services, at one read of a cheap counter for each message. Without this, it is.
    #[must_use]
    pub fn profile(mut self, on: bool) -> NodeBuilder {
        self.profile = on;
        self
    }

    /// How long a service may handle one message before it is interrupted, if it can be; [`Context::set_message_limit`] changes that
    /// for one service. Zero, as without this, is no limit.
    #[must_use]
    pub fn message_limit(mut self, limit: Duration) -> NodeBuilder {
        self.message_limit = limit;
        self
    }

    /// Whether those whose calls fail are told why, by the text in a `PTYPE_ERROR`: who has ended and how, what a handler raised.
    /// The text goes to other nodes, too. Without this, they are told; in C skynet nobody is.
    #[must_use]
    pub fn explain_errors(mut self, on: bool) -> NodeBuilder {
        self.explain_errors = on;
        self
    }

    /// Registers a module, so that services of it can be launched by name. A module named `logger` replaces the one that
    /// is built in.
    #[must_use]
    pub fn module(mut self, name: impl Into<String>, module: impl Module) -> NodeBuilder {
        self.modules.insert(name.into(), Arc::new(module));
        self
    }

    /// Finds modules that are not registered, by their names, when a service of one is launched. What it finds is registered then;
    /// it is asked again about what it did not find. Without this, such a launch is refused with [`LaunchError::UnknownModule`].
    ///
    /// Its errors become [`LaunchError::Create`]. It may be called on several threads at once, and for the same name.
    #[must_use]
    pub fn module_resolver(
        mut self,
        resolver: impl Fn(&str) -> Result<Box<dyn Module>, ServiceError> + Send + Sync + 'static,
    ) -> NodeBuilder {
        self.resolver = Some(Box::new(resolver));
        self
    }

    /// Where the log goes. Without this, to the standard output.
    #[must_use]
    pub fn log(mut self, target: LogTarget) -> NodeBuilder {
        self.log = target;
        self
    }

    /// The local id of the first service (the log service), 1 to 2^24 - 1. Without this, 1.
    #[must_use]
    pub fn first_local_id(mut self, id: u32) -> NodeBuilder {
        self.first_local_id = id;
        self
    }

    /// Where the time comes from. Without this, from the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Into<Clock>) -> NodeBuilder {
        self.clock = clock.into();
        self
    }

    /// Runs `setup` with the node before its first service starts, so that even the log service finds what it ties to the
    /// node, such as sockets.
    #[must_use]
    pub fn setup<E: Into<Box<dyn Error + Send + Sync>>>(
        mut self,
        setup: impl FnOnce(&Node) -> Result<(), E> + Send + 'static,
    ) -> NodeBuilder {
        self.setup.push(Box::new(|node| setup(node).map_err(Into::into)));
        self
    }

    /// Hears when somebody orders the node to [shut down](Node::shutdown), on whatever thread that is; it should only tell another one, which
    /// sees to the phases and then calls [`Node::end_shutdown`]. Without this, all services end at once.
    #[must_use]
    pub fn on_shutdown(mut self, hook: impl Fn(ShutdownEvent) + Send + Sync + 'static) -> NodeBuilder {
        self.on_shutdown = Some(Box::new(hook));
        self
    }

    /// Starts the node: first its log service, which gets the first handle and the name `logger`, then its threads.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the number of workers is out of its range, a [`setup`](NodeBuilder::setup) fails, or the log service or
    /// a thread cannot start.
    pub fn start(self) -> Result<Node, StartError> {
        let workers =
            self.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, |count| count.get()));
        if !(1..=MAX_WORKERS).contains(&workers) {
            return Err(StartError::Workers { count: workers });
        }
        let mut modules = self.modules;
        modules.entry("logger".to_owned()).or_insert_with(|| Arc::new(logger::create));
        let env = Env::default();
        for (key, value) in self.env.iter().rev() {
            // From the last to the first: an earlier value of the same key is refused.
            let _ = env.set(key.as_bytes(), value.as_bytes());
        }
        let node = Node(Arc::new(Inner {
            scheduler: Scheduler::new(workers),
            table: Table::new(self.harbor, self.first_local_id),
            timers: Timers::new(),
            clock: NodeClock::new(self.clock),
            ticks: Ticks::new(),
            names: Names::default(),
            watches: Watches::default(),
            groups: Groups::default(),
            env,
            modules: RwLock::new(modules),
            resolver: self.resolver,
            harbor: self.harbor,
            profile: self.profile,
            message_limit: limit_ms(self.message_limit),
            explain_errors: self.explain_errors,
            harbor_service: AtomicU32::new(0),
            monitor_service: AtomicU32::new(0),
            log_service: AtomicU32::new(0),
            client: Mutex::new(None),
            life: Life::default(),
            shutdown: Shutdown::new(self.on_shutdown),
            threads: Mutex::new(Vec::new()),
            extensions: Extensions::default(),
            unhandled: OnceLock::new(),
            relief: OnceLock::new(),
        }));
        let set_up = self.setup.into_iter().try_for_each(|setup| setup(&node).map_err(StartError::Setup));
        if let Err(error) = set_up.and_then(|()| node.start_logger(&self.log)) {
            // What is tied to it ends with it.
            node.abort();
            return Err(error);
        }
        node.start_threads(self.worker_stack).map_err(|cause| {
            // The threads that did start end the services and then themselves.
            node.abort();
            StartError::Thread(cause)
        })?;
        Ok(node)
    }
}

/// A limit as whole milliseconds, none of which is 0 but for no limit.
pub(crate) fn limit_ms(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl Node {
    fn start_logger(&self, target: &LogTarget) -> Result<(), StartError> {
        let (module, launched) = match target {
            LogTarget::Null => ("null", self.spawn(|_: &Context, _: Message| {})),
            LogTarget::Stdout => ("logger", self.launch("logger", b"")),
            LogTarget::File(path) => ("logger", self.launch("logger", path.as_os_str().as_encoded_bytes())),
            LogTarget::Module { name, args } => (name.as_str(), self.launch(name, args.as_bytes())),
        };
        let fail = |cause: LaunchError| StartError::Logger { module: module.to_owned(), cause };
        let handle = launched.map_err(fail)?;
        self.0.log_service.store(handle.raw(), Ordering::SeqCst);
        self.name("logger", handle);
        Ok(())
    }

    fn start_threads(&self, worker_stack: Option<usize>) -> std::io::Result<()> {
        let start = |name: String, stack: Option<usize>, body: fn(&Node, usize), index: usize| {
            let node = self.clone();
            let thread = thread::Builder::new().name(name);
            let thread = stack.into_iter().fold(thread, thread::Builder::stack_size);
            let thread = thread.spawn(move || body(&node, index))?;
            lock(&self.0.threads).push(thread);
            Ok(())
        };
        for index in 0..self.workers() {
            start(
                format!("skynet-work-{index}"),
                worker_stack,
                |node, index| node.0.scheduler.run_worker(node, index),
                index,
            )?;
        }
        start("skynet-timer".to_owned(), None, |node, _| node.run_timers(), 0)?;
        start("skynet-monitor".to_owned(), None, |node, _| node.0.scheduler.run_monitor(node), 0)
    }

    fn run_timers(&self) {
        self.0.timers.run(&self.0.clock, |Alarm { handle, session }| {
            let message =
                Message { kind: PTYPE_RESPONSE, session, source: Handle::NONE, payload: Payload::empty() };
            // A timer of a service that has ended is nobody's.
            let _ = self.deliver(handle, message);
        });
    }
}
