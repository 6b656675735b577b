//! A service's turn on a worker.

use std::sync::atomic::Ordering;

use super::worker::Worker;
use super::{Scheduler, order, seat};
use crate::Handle;
use crate::call;
use crate::caught::caught;
use crate::cell::{CLOSING, Cell, CellRef, LOGGED, OVERLOAD, Owned};
use crate::context::Context;
use crate::mailbox::{Batch, Take};
use crate::message::Message;
use crate::node::Node;
use crate::ptype::PTYPE_ERROR;
use crate::service::Service;

/// Ticks for which something is put off, while messages of the same turn follow: some 100 microseconds.
const DEFERRED: u64 = 250_000;

/// Messages of a turn in which something is put off, though others wait.
const PUT_OFF: usize = 16;

/// Runs turns on one worker.
pub(super) struct Turn<'a> {
    node: &'a Node,
    scheduler: &'a Scheduler,
    worker: &'a Worker,
    profile: bool,
    /// The counter at the end of the last turn; 0 after a pause.
    ticks: u64,
}

impl<'a> Turn<'a> {
    pub(super) fn new(node: &'a Node, scheduler: &'a Scheduler, worker: &'a Worker) -> Turn<'a> {
        Turn { node, scheduler, worker, profile: node.profiles(), ticks: 0 }
    }

    /// The counter at the end of the last turn; 0 if that is not known.
    pub(super) fn ended_at(&self) -> u64 {
        self.ticks
    }

    /// The worker has nothing to do: time that passes now is nobody's.
    pub(super) fn pause(&mut self) {
        self.ticks = 0;
    }

    /// Takes the service's turn. True if it has more to do, and must be put into a run queue; false if it is no longer the
    /// caller's.
    pub(super) fn run(&mut self, cell: CellRef) -> bool {
        self.worker.begin_turn(cell);
        if self.profile && self.ticks == 0 {
            self.ticks = self.node.ticks().read();
        }
        let more = self.run_owned(cell);
        if self.worker.deferred_since() != 0 {
            self.scheduler.end_deferral(self.worker);
        }
        self.worker.end_turn();
        more
    }

    fn run_owned(&mut self, cell: CellRef) -> bool {
        // SAFETY: the run queue gave the service to this worker, which owns it until it gives it up: `refill` returns false,
        // `finish` ends, or the service goes back into a queue. Each is the last use of the reference.
        let Some(ctx) = (unsafe { cell.context() }) else { return false };
        // SAFETY: as above; the reference ends before the next one is made.
        let has_rest = unsafe { !cell.owned().batch.is_empty() };
        // Under the mailbox's lock in either case: whoever closes it after this sees the worker inside.
        if has_rest && cell.mailbox.is_closed() {
            finish(self.node, cell, true);
            return false;
        }
        if !has_rest && !self.refill(cell) {
            return false;
        }
        loop {
            // SAFETY: as above; `refill` and `finish`, which make their own, come after its last use.
            let owned = unsafe { cell.owned() };
            let share = self.worker.share(cell.mailbox.len().max(owned.batch.len()));
            // The state of a service that panicked is seen by its `on_exit` and drop alone.
            let handled = caught(|| {
                seat::enter(ctx, true, || {
                    self.handle_share(&cell, owned, ctx, share);
                    if ctx.take_turn_end() {
                        self.end_share(&cell, owned, ctx);
                    }
                });
            });
            if let Err(panic) = handled {
                self.end_by_panic(&cell, ctx, &panic);
            }
            if cell.has(CLOSING) && cell.mailbox.is_closed() {
                finish(self.node, cell, true);
                return false;
            }
            if owned.batch.is_empty() && !self.refill(cell) {
                return false;
            }
            if self.scheduler.others_wait(self.worker) {
                return true;
            }
        }
    }

    #[cold]
    fn end_by_panic(&mut self, cell: &Cell, ctx: &Context, panic: &str) {
        report_panic(ctx, panic);
        ctx.set_end("panicked");
        self.account(cell);
        if let Some((source, session)) = ctx.take_open_request() {
            // If the one who asked is gone, nobody waits.
            let reason = self.node.reason(format!("{} panicked", ctx.title()));
            let _ = ctx.send_from(Handle::NONE, source, PTYPE_ERROR, session, reason);
        }
        ctx.exit();
    }

    /// Takes what the mailbox has. False if that is nothing, and the service no longer the worker's.
    fn refill(&self, cell: CellRef) -> bool {
        if cell.mailbox.len() == 0 {
            // SAFETY: the worker owns the service until `take` gives it up, and the caller uses no reference that it made
            // before.
            unsafe { cell.owned() }.overload = 0;
        }
        match cell.mailbox.take() {
            Take::Messages(batch) => {
                // SAFETY: what was taken is the worker's to handle, so it owns the service still, and the caller uses no
                // reference that it made before.
                unsafe { cell.owned() }.batch = batch;
                true
            }
            Take::Signals => true,
            Take::Idle => false,
            Take::Closed => {
                finish(self.node, cell, true);
                false
            }
        }
    }

    #[inline]
    fn next_message(&self, cell: &Cell, batch: &mut Batch, ctx: &Context) -> Option<Message> {
        if cell.mailbox.has_signals()
            && let Some(urgent) = self.heed(cell, ctx)
        {
            return Some(urgent);
        }
        batch.pop()
    }

    #[cold]
    fn heed(&self, cell: &Cell, ctx: &Context) -> Option<Message> {
        let (urgent, relieved) = cell.mailbox.heed();
        if relieved {
            self.node.tell_relief(ctx.handle());
        }
        urgent
    }

    /// Handles a share of the batch; more of it while no other service waits.
    fn handle_share(&mut self, cell: &Cell, owned: &mut Owned, ctx: &Context, share: usize) {
        let Owned { batch, service, overload } = owned;
        let Some(service) = service.as_deref_mut() else { return };
        let (mut handled, mut first_put_off) = (0, 0);
        while let Some(msg) = self.next_message(cell, batch, ctx) {
            let waiting = cell.mailbox.handled();
            if waiting > OVERLOAD + *overload {
                report_overload(overload, ctx, waiting);
            }
            self.worker.begin_message(&msg, ctx.handle());
            // In this order: the monitor must not take a new message for the one that it has seen for long.
            cell.messages.store(cell.messages.load(Ordering::Relaxed) + 1, Ordering::Release);
            ctx.begin_message(&msg, self.ticks);
            if cell.flags.load(Ordering::Relaxed) & LOGGED != 0 {
                write_log(cell, ctx, &msg);
            }
            if msg.payload.is_order() || ctx.has_tasks() {
                handle_special(service, ctx, msg);
            } else {
                service.on_message(ctx, msg);
            }
            if ctx.has_tasks() {
                call::poll_ready(ctx);
            }
            self.account(cell);
            handled += 1;
            let mut least = share;
            let since = self.worker.deferred_since();
            if since != 0 {
                let now = self.node.ticks().read();
                if now.wrapping_sub(since) > DEFERRED {
                    self.scheduler.end_deferral(self.worker);
                }
                // With the turn ends what is put off. To do that for each message costs others more than to wait for a few
                // quick ones.
                first_put_off = if first_put_off == 0 { since } else { first_put_off };
                if now.wrapping_sub(first_put_off) <= DEFERRED {
                    least = share.max(PUT_OFF);
                }
            }
            if cell.has(CLOSING) || (handled >= least && self.scheduler.others_wait(self.worker)) {
                return;
            }
        }
    }

    /// The service does what it has put off.
    fn end_share(&mut self, cell: &Cell, owned: &mut Owned, ctx: &Context) {
        if let Some(service) = owned.service.as_deref_mut() {
            service.on_turn_end(ctx);
            self.account(cell);
        }
    }

    /// Puts the time since the last look to the service's account.
    #[inline]
    fn account(&mut self, cell: &Cell) {
        if self.profile {
            let now = self.node.ticks().read();
            let spent = now.saturating_sub(self.ticks);
            cell.cpu_ticks.store(cell.cpu_ticks.load(Ordering::Relaxed) + spent, Ordering::Relaxed);
            self.ticks = now;
        }
    }
}

/// Messages that are perhaps not for the service itself: orders of the runtime, and answers that its calls wait for.
#[cold]
fn handle_special(service: &mut dyn Service, ctx: &Context, msg: Message) {
    match msg.payload.order_code() {
        Some(order::EXIT) => ctx.exit(),
        Some(order::LOOK) => service.on_message(ctx, msg),
        Some(_) => {}
        None if ctx.has_tasks() => {
            if let Some(msg) = ctx.with_tasks(|tasks| tasks.take_answer(msg)) {
                service.on_message(ctx, msg);
            }
        }
        None => service.on_message(ctx, msg),
    }
}

#[cold]
fn report_overload(overload: &mut usize, ctx: &Context, waiting: usize) {
    while waiting > OVERLOAD + *overload {
        *overload = *overload * 2 + OVERLOAD;
    }
    ctx.log(format!("error: May overload, message queue length = {waiting}"));
}

#[cold]
fn report_panic(ctx: &Context, panic: &str) {
    ctx.log(format!("error: service {} panicked: {panic}", ctx.handle()));
}

#[cold]
fn write_log(cell: &Cell, ctx: &Context, msg: &Message) {
    if msg.payload.order_code().is_none() {
        cell.with_shared(ctx.handle(), |shared| {
            if let Some(log) = &mut shared.log {
                log.write(msg, ctx.node().clock());
            }
        });
    }
}

/// Ends a service whose mailbox is closed: its last words, answers to what it left, its drop. Called by its owner, who owns
/// it no longer then. A service that never came up has no last words.
pub(crate) fn finish(node: &Node, cell: CellRef, was_up: bool) {
    // SAFETY: the caller owns the service, and uses none of its references any more.
    let owned = unsafe { cell.owned() };
    // SAFETY: as above.
    let ctx = unsafe { cell.context() };
    let Some(ctx) = ctx else { return };
    let handle = ctx.handle();
    let guarded = |part: &mut dyn FnMut()| {
        if let Err(panic) = caught(|| seat::enter(ctx, false, &mut *part)) {
            report_panic(ctx, &panic);
        }
    };
    if was_up && let Some(service) = owned.service.as_deref_mut() {
        guarded(&mut || service.on_exit(ctx));
    }
    let obituary = node.obituary(handle, &cell);
    node.bounce_all(handle, &obituary, &mut owned.batch);
    if let Some(mut tasks) = ctx.take_tasks() {
        for dest in tasks.end() {
            let _ = ctx.send_from(Handle::NONE, dest, PTYPE_ERROR, 0, node.reason(&obituary));
        }
        let mut tasks = Some(tasks);
        guarded(&mut || drop(tasks.take()));
    }
    let mut service = owned.service.take();
    guarded(&mut || drop(service.take()));
    // What the drops started has nobody to run it.
    guarded(&mut || drop(ctx.take_tasks()));
    node.tell_watchers(handle, &obituary);
    *owned = Owned::default();
    // SAFETY: the caller owns the service, and `ctx` is used no more.
    unsafe { cell.set_context(None) };
    node.forget(cell);
}
