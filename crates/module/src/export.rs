//! A service type as a module's table, and the macro that exports it.

// Each block has its reason.
#![allow(unsafe_code)]

use std::ffi::c_void;

use crate::abi::{self, Block, HostTable, ModuleTable, RawMessage, Text};
use crate::calls::{Ctx, Host};
use crate::caught::caught;
use crate::{Context, Error, Handle, Message, Payload, Service, SignalHandler};

/// Makes a crate of the type `cdylib` a module, whose services are of this type: `export!(name = Type)`, once in the crate.
///
/// ```
/// use skynet_module::{Context, Error, Message, Service};
///
/// struct Echo;
///
/// impl Service for Echo {
///     fn init(_: &Context, _: &[u8]) -> Result<Self, Error> {
///         Ok(Echo)
///     }
///
///     fn on_message(&mut self, ctx: &Context, msg: Message) {
///         if let Ok((request, payload)) = ctx.accept(msg) {
///             let _ = request.respond(payload);
///         }
///     }
/// }
///
/// skynet_module::export!(echo = Echo);
/// # fn main() {}
/// ```
///
/// The name is in the table for people and tools. Which name launches it, the file name says.
#[macro_export]
macro_rules! export {
    ($name:ident = $service:ty) => {
        const _: () = {
            // The one symbol of a module. A program has to link no more than one crate that has it.
            #[unsafe(no_mangle)]
            extern "C" fn skynet_rs_module() -> *const $crate::abi::ModuleTable {
                static TABLE: $crate::abi::ModuleTable =
                    $crate::export::table::<$service>(::core::stringify!($name));
                &TABLE
            }
        };
    };
}

/// What an instance pointer points to.
struct Instance<S> {
    service: S,
    host: Host,
}

// SAFETY: a table is only read. Its text is one that lives for ever.
unsafe impl Sync for ModuleTable {}
// SAFETY: as above.
unsafe impl Send for ModuleTable {}

/// The table of a service type, as [`export!`](crate::export!) gives it to a node.
#[must_use]
pub const fn table<S: Service>(name: &'static str) -> ModuleTable {
    ModuleTable {
        header: abi::header(name, size_of::<ModuleTable>()),
        create: create::<S>,
        message: message::<S>,
        exit: exit::<S>,
        drop: drop_instance::<S>,
        signals: signals::<S>,
        signal,
        drop_signals,
    }
}

/// Runs the module's side of a call: errors and panics become a code and a text.
///
/// # Safety
///
/// `why` can be written to.
unsafe fn guarded(why: *mut Block, f: impl FnOnce() -> Result<(), Error>) -> i32 {
    // The error's text and drop are code of the module, too.
    let (code, text) = match caught(|| f().map_err(|error| error.to_string())) {
        Ok(Ok(())) => return abi::DONE,
        Ok(Err(text)) => (abi::FAILED, text),
        Err(panic) => (abi::PANICKED, panic),
    };
    // SAFETY: as the caller promises.
    unsafe { why.write(Payload::from(text).into_block()) };
    code
}

/// # Safety
///
/// As [`ModuleTable::create`] asks.
unsafe extern "C" fn create<S: Service>(
    host: *const HostTable,
    ctx: *const c_void,
    args: Text,
    instance: *mut *mut c_void,
    why: *mut Block,
) -> i32 {
    // SAFETY: the arguments are as the table asks: valid for this call, the host's table for ever.
    unsafe {
        guarded(why, || {
            let host =
                Host::new(host).ok_or("the node's table is not of the version that it was asked for")?;
            let args = if args.len == 0 { &[][..] } else { std::slice::from_raw_parts(args.ptr, args.len) };
            let service = S::init(&Context::new(Ctx::new(host, ctx)), args)?;
            instance.write(Box::into_raw(Box::new(Instance { service, host })).cast());
            Ok(())
        })
    }
}

/// # Safety
///
/// As [`ModuleTable::message`] asks.
unsafe extern "C" fn message<S: Service>(
    instance: *mut c_void,
    ctx: *const c_void,
    message: *const RawMessage,
    why: *mut Block,
) -> i32 {
    // SAFETY: the instance came from `create`, and no other call has it; the message is the module's with this call, once.
    unsafe {
        guarded(why, || {
            let RawMessage { block, source, session, kind } = message.read();
            let payload = Payload::from_block(block);
            let message = Message { kind, session, source: Handle::from_raw(source), payload };
            let Instance { service, host } = &mut *instance.cast::<Instance<S>>();
            service.on_message(&Context::new(Ctx::new(*host, ctx)), message);
            Ok(())
        })
    }
}

/// # Safety
///
/// As [`ModuleTable::exit`] asks.
unsafe extern "C" fn exit<S: Service>(instance: *mut c_void, ctx: *const c_void, why: *mut Block) -> i32 {
    // SAFETY: the instance came from `create`, and no other call has it.
    unsafe {
        guarded(why, || {
            let Instance { service, host } = &mut *instance.cast::<Instance<S>>();
            service.on_exit(&Context::new(Ctx::new(*host, ctx)));
            Ok(())
        })
    }
}

/// # Safety
///
/// As [`ModuleTable::drop`] asks.
unsafe extern "C" fn drop_instance<S: Service>(instance: *mut c_void, why: *mut Block) -> i32 {
    // SAFETY: the instance came from `create`; this is the last call that has it.
    unsafe {
        guarded(why, || {
            drop(Box::from_raw(instance.cast::<Instance<S>>()));
            Ok(())
        })
    }
}

/// # Safety
///
/// As [`ModuleTable::signals`] asks.
unsafe extern "C" fn signals<S: Service>(
    instance: *mut c_void,
    handler: *mut *mut c_void,
    why: *mut Block,
) -> i32 {
    // SAFETY: the instance came from `create`, and no other call has it.
    unsafe {
        guarded(why, || {
            if let Some(found) = (*instance.cast::<Instance<S>>()).service.signal_handler() {
                handler.write(Box::into_raw(Box::new(found)).cast());
            }
            Ok(())
        })
    }
}

/// # Safety
///
/// As [`ModuleTable::signal`] asks.
unsafe extern "C" fn signal(handler: *const c_void, signal: i32, why: *mut Block) -> i32 {
    // SAFETY: the handler came from `signals`, and is not dropped yet; it may be called on any thread.
    unsafe {
        guarded(why, || {
            (*handler.cast::<SignalHandler>())(signal);
            Ok(())
        })
    }
}

/// # Safety
///
/// As [`ModuleTable::drop_signals`] asks.
unsafe extern "C" fn drop_signals(handler: *mut c_void, why: *mut Block) -> i32 {
    // SAFETY: the handler came from `signals`; this is the last call that has it.
    unsafe {
        guarded(why, || {
            drop(Box::from_raw(handler.cast::<SignalHandler>()));
            Ok(())
        })
    }
}
