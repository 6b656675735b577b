//! The beginning and the end of services.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread;

use super::Node;
use crate::caught::caught;
use crate::cell::{CLOSING, Cell, CellRef, KILLED, Shared, UNCOUNTED};
use crate::context::Context;
use crate::mailbox::Released;
use crate::message::Message;
use crate::ptype::{PTYPE_CLIENT, PTYPE_ERROR};
use crate::scheduler::{seat, turn};
use crate::service::Service;
use crate::{Handle, LaunchError, Payload, ServiceError};

/// How a service ends that asks for it and gives no reason.
pub(super) const NORMAL_END: &str = "has ended";

/// Characters of what is said of a service's end.
const MOST_OF_END: usize = 400;

/// The module and the arguments of a launch, for the log.
type Launched<'a> = (&'a str, &'a [u8]);

/// A panic is an error, too.
fn guarded<T>(f: impl FnOnce() -> Result<T, ServiceError>) -> Result<T, ServiceError> {
    caught(f).unwrap_or_else(|panic| Err(ServiceError::from(format!("it panicked: {panic}"))))
}

impl Node {
    /// Starts a service and returns its address once its [`init`](Service::init) is done.
    ///
    /// # Errors
    ///
    /// [`LaunchError`] if its `init` fails, it is killed meanwhile, or the node is stopping or full.
    pub fn spawn<S: Service>(&self, service: S) -> Result<Handle, LaunchError> {
        self.start_service(Box::new(service), std::any::type_name::<S>().into(), None, 0)
    }

    /// Launches a service of a module by its name, with its arguments. The log gets a line `LAUNCH <module> <args>`.
    ///
    /// # Errors
    ///
    /// [`LaunchError`] if there is no such module, it cannot make the service, or as [`Node::spawn`].
    pub fn launch(&self, module: &str, args: &[u8]) -> Result<Handle, LaunchError> {
        let failed = |cause| LaunchError::Create { module: module.to_owned(), cause };
        let found = self.0.modules.read().unwrap_or_else(PoisonError::into_inner).get(module).map(Arc::clone);
        let maker = match (found, &self.0.resolver) {
            (Some(maker), _) => maker,
            (None, Some(resolver)) => {
                let found = guarded(|| resolver(module)).map_err(failed)?;
                let mut modules = self.0.modules.write().unwrap_or_else(PoisonError::into_inner);
                // Another thread may have found it meanwhile.
                Arc::clone(modules.entry(module.to_owned()).or_insert_with(|| Arc::from(found)))
            }
            (None, None) => return Err(LaunchError::UnknownModule { module: module.to_owned() }),
        };
        let service = guarded(|| maker.create(self, args)).map_err(failed)?;
        let mut name = module.to_owned();
        if !args.is_empty() {
            name = name + " " + &String::from_utf8_lossy(args);
        }
        self.start_service(service, name.into(), Some((module, args)), 0)
    }

    /// Ends a service: its handle is retired and what it has not handled yet is answered with errors, at once; if it runs
    /// just now it is told to come back, and ends then. The monitor service is told. False if it was not alive.
    pub fn kill(&self, handle: Handle) -> bool {
        self.end_service(handle)
    }

    pub(crate) fn start_service(
        &self,
        service: Box<dyn Service>,
        name: Box<str>,
        launched: Option<Launched<'_>>,
        flags: u8,
    ) -> Result<Handle, LaunchError> {
        let counted = flags & UNCOUNTED == 0;
        self.0.life.begin(counted);
        if !self.0.life.is_running() {
            self.one_ended(counted);
            return Err(LaunchError::Stopped);
        }
        let inserted = self.0.table.insert(|handle, cell| {
            cell.reset(flags, self.0.message_limit);
            cell.set_shared(Shared { handle, name, ..Shared::default() });
            cell.mailbox.open(handle);
        });
        let Some((handle, cell)) = inserted else {
            self.one_ended(counted);
            return Err(LaunchError::Full);
        };
        let result = self.init_service(service, handle, cell, launched);
        if !self.0.life.is_running() {
            // The node began to stop after the first look: its list of services may not have this one.
            self.retire(handle, 0);
        }
        result.map(|()| handle)
    }

    /// Runs `init`, and lets the service go or ends it.
    fn init_service(
        &self,
        service: Box<dyn Service>,
        handle: Handle,
        cell: CellRef,
        launched: Option<Launched<'_>>,
    ) -> Result<(), LaunchError> {
        // SAFETY: a service that is held belongs to the one who launches it.
        let (owned, ctx) = unsafe {
            cell.set_context(Some(Context::new(self, cell, handle)));
            (cell.owned(), cell.context())
        };
        let (service, Some(ctx)) = (owned.service.insert(service), ctx) else {
            return Err(LaunchError::Stopped);
        };
        let begin = || service.init(ctx).map(|()| service.control());
        let began = caught(|| seat::enter(ctx, false, begin))
            .unwrap_or_else(|panic| Err(ServiceError::from(format!("its init panicked: {panic}"))));
        let control = match began {
            Ok(control) => control,
            Err(cause) => {
                if let Some((module, _)) = launched {
                    self.log(handle, format!("error: launch {module} FAILED"));
                }
                ctx.set_end("failed to start");
                self.retire_own(handle, cell);
                turn::finish(self, cell, false);
                return Err(LaunchError::Init { handle, cause });
            }
        };
        if control.is_some() {
            cell.with_shared(handle, |shared| shared.control = control);
        }
        if let Some((module, args)) = launched {
            let line = [b"LAUNCH ", module.as_bytes(), b" ", args].concat();
            self.log(handle, line);
        }
        match cell.mailbox.release() {
            Released::Idle => Ok(()),
            Released::Wake => {
                self.0.scheduler.schedule(cell);
                Ok(())
            }
            Released::Closed => {
                turn::finish(self, cell, true);
                Err(LaunchError::Killed { handle })
            }
        }
    }

    /// Ends a service, and tells the monitor service before.
    fn end_service(&self, handle: Handle) -> bool {
        if self.0.table.is_alive(handle) {
            self.tell_monitor(handle);
        }
        self.retire(handle, KILLED)
    }

    /// The same from within the service: only for its owner.
    pub(crate) fn end_own(&self, handle: Handle, cell: CellRef) {
        if self.0.table.is_alive(handle) {
            self.tell_monitor(handle);
        }
        self.retire_own(handle, cell);
    }

    /// Tells the monitor service of a death.
    pub(crate) fn tell_monitor(&self, victim: Handle) {
        let monitor = self.monitor_service();
        if !monitor.is_none() {
            let notice =
                Message { kind: PTYPE_CLIENT, session: 0, source: victim, payload: Payload::empty() };
            // A monitor that has ended needs no notice.
            let _ = self.deliver(monitor, notice);
        }
    }

    /// Tells those who watch a service that it has ended. Only for its owner, with its handle retired and its last answers sent.
    pub(crate) fn tell_watchers(&self, dead: Handle, obituary: &str) {
        for watcher in self.0.watches.end(dead) {
            let payload = self.reason(obituary);
            let notice = Message { kind: PTYPE_ERROR, session: 0, source: dead, payload };
            // A watcher that has ended needs no notice.
            let _ = self.deliver(watcher, notice);
        }
    }

    /// Notes that a service wants to be told of the end of another one of this node. False if that is not alive.
    pub(crate) fn watch(&self, watcher: Handle, target: Handle) -> bool {
        self.0.watches.add(watcher, target, || self.0.table.is_alive(target))
    }

    /// Takes that back.
    pub(crate) fn unwatch(&self, watcher: Handle, target: Handle) {
        self.0.watches.remove(watcher, target);
    }

    /// What callers of a service are told when it ends: who it is and how it went.
    pub(crate) fn obituary(&self, handle: Handle, cell: &Cell) -> String {
        let end = cell.with_shared(handle, |shared| shared.end.clone()).flatten();
        let how = match &end {
            _ if cell.has(KILLED) => "was killed",
            Some(end) => end,
            None => NORMAL_END,
        };
        format!("{} {how}", self.title(handle, cell))
    }

    /// What [`Node::obituary`] says of a service that is not killed, in place of "has ended".
    pub(crate) fn set_end(&self, handle: Handle, cell: &Cell, how: &str) {
        let how = how.lines().next().unwrap_or_default().chars().take(MOST_OF_END).collect::<String>();
        cell.with_shared(handle, |shared| shared.end = Some(how.into()));
    }

    /// What a service is called in errors.
    pub(crate) fn title(&self, handle: Handle, cell: &Cell) -> String {
        format!("service {handle} ({})", cell.short_name(handle).unwrap_or_default())
    }

    /// Makes a service unreachable, answers what waits in its mailbox, and sees to it that somebody ends it. `how` is [`KILLED`]
    /// or nothing.
    pub(super) fn retire(&self, handle: Handle, how: u8) -> bool {
        // Whoever takes it out of the table closes its mailbox; its owner can end it only after that.
        let Some(cell) = self.0.table.remove(handle) else { return false };
        self.0.names.remove_all(handle);
        let control = cell.with_shared(handle, |shared| shared.control.clone()).flatten();
        cell.set(CLOSING | how);
        // Before somebody else may end it.
        let obituary = self.obituary(handle, &cell);
        let Some(mut closed) = cell.mailbox.close(handle) else { return false };
        if closed.wake {
            self.0.scheduler.schedule(cell);
        } else if let Some(control) = control
            && seat::with_context(|ctx| ctx.is_none_or(|ctx| ctx.handle() != handle))
            && let Some(worker) = self.0.scheduler.worker_inside(cell)
        {
            // Its panic must not keep the answers below from going out.
            if let Err(panic) = caught(|| control.condemn(worker)) {
                self.log(handle, format!("error: the side door of {handle} panicked: {panic}"));
            }
        }
        if closed.full {
            self.tell_relief(handle);
        }
        self.bounce_all(handle, &obituary, &mut closed.messages);
        true
    }

    /// Retires a service from within: only for its owner. When it returns, the mailbox is closed, also if another thread was
    /// about to do that: the owner must not go on before that thread is through with the cell.
    pub(crate) fn retire_own(&self, handle: Handle, cell: CellRef) {
        if !self.retire(handle, 0) {
            while !cell.mailbox.is_closed() {
                thread::yield_now();
            }
        }
    }

    /// The last step of an end: the cell is free for the next service. Called by the owner, who gives it up by this.
    pub(crate) fn forget(&self, cell: CellRef) {
        let shared = cell.set_shared(Shared::default());
        let counted = !cell.has(UNCOUNTED);
        if let Some(log) = shared.log {
            log.close(self.clock());
        }
        cell.mailbox.free();
        self.0.table.recycle(cell);
        self.one_ended(counted);
    }

    pub(crate) fn mark_endless(&self, handle: Handle) {
        if let Some(cell) = self.0.table.find(handle)
            && cell.mailbox.is_owned_by(handle)
        {
            cell.endless.store(true, Ordering::Relaxed);
        }
    }

    /// Passes a signal to a service; false if it is not alive or takes none.
    pub fn signal(&self, handle: Handle, sig: i32) -> bool {
        let Some(cell) = self.0.table.find(handle) else { return false };
        let control = cell.with_shared(handle, |shared| shared.control.clone()).flatten();
        control.map(|control| control.signal(sig, self.0.scheduler.worker_inside(cell))).is_some()
    }

    /// The cell of a live service.
    pub(crate) fn cell_of(&self, handle: Handle) -> Option<CellRef> {
        self.0.table.find(handle).filter(|cell| !handle.is_none() && cell.mailbox.is_owned_by(handle))
    }
}
