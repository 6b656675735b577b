//! What a thread knows about itself: the worker that it is, and the service that it runs.

use std::cell::Cell;
use std::ptr;

use super::Scheduler;
use super::worker::Worker;
use crate::context::Context;

thread_local! {
    static SCHEDULER: Cell<*const Scheduler> = const { Cell::new(ptr::null()) };
    static WORKER: Cell<*const Worker> = const { Cell::new(ptr::null()) };
    static CONTEXT: Cell<*const Context> = const { Cell::new(ptr::null()) };
    static IN_MESSAGE: Cell<bool> = const { Cell::new(false) };
}

/// Makes the calling thread a worker while `f` runs.
pub(super) fn sit(scheduler: &Scheduler, worker: &Worker, f: impl FnOnce()) {
    SCHEDULER.set(scheduler);
    WORKER.set(worker);
    f();
    WORKER.set(ptr::null());
    SCHEDULER.set(ptr::null());
}

/// Calls `f` with the worker that the calling thread is, if it is one of this scheduler.
#[inline]
pub(super) fn with_worker<R>(scheduler: &Scheduler, f: impl FnOnce(Option<&Worker>) -> R) -> R {
    if !ptr::eq(SCHEDULER.get(), scheduler) {
        return f(None);
    }
    // SAFETY: the pointer is set by `sit` alone, while it borrows the worker, and on this thread.
    f(unsafe { WORKER.get().as_ref() })
}

/// Whether the calling thread is a worker of any node.
pub(crate) fn on_worker() -> bool {
    !WORKER.get().is_null()
}

/// Makes `ctx` the context of the calling thread while `f` runs. `in_message` says that woken tasks are polled before the
/// thread leaves the service.
#[inline]
pub(crate) fn enter<R>(ctx: &Context, in_message: bool, f: impl FnOnce() -> R) -> R {
    let _leave = Leave { context: CONTEXT.replace(ctx), in_message: IN_MESSAGE.replace(in_message) };
    f()
}

/// Restores what was there before, also when `f` panics.
struct Leave {
    context: *const Context,
    in_message: bool,
}

impl Drop for Leave {
    fn drop(&mut self) {
        CONTEXT.set(self.context);
        IN_MESSAGE.set(self.in_message);
    }
}

/// Calls `f` with the context of the service that the calling thread runs.
pub(crate) fn with_context<R>(f: impl FnOnce(Option<&Context>) -> R) -> R {
    // SAFETY: the pointer is set by `enter` alone, while it borrows the context, and on this thread. `f` cannot keep the
    // reference, since it must accept any lifetime.
    f(unsafe { CONTEXT.get().as_ref() })
}

/// Whether the calling thread handles a message.
pub(crate) fn in_message() -> bool {
    IN_MESSAGE.get()
}
