//! The text commands: what C services and scripts ask of the runtime.
//!
//! A command has a name and a parameter, and gives a text or nothing. Names are case-sensitive.

mod parse;
mod shutdown;

use std::time::Duration;

use crate::cell::LOGGED;
use crate::context::Context;
use crate::handle::hex_prefix;
use crate::msglog::{self, MessageLog};
use crate::node::Node;
use crate::os::path_from;
use crate::{Handle, LaunchError};
use parse::{integer, text, word};
use shutdown::shutdown;

/// Who gives a command: a service, or the program around the node.
struct Asker<'a> {
    node: &'a Node,
    ctx: Option<&'a Context>,
}

type Answer = Option<Vec<u8>>;

type Command = fn(&Asker<'_>, &[u8]) -> Answer;

/// Every command: its name, and what it does.
const COMMANDS: &[(&str, Command)] = &[
    ("TIMEOUT", timeout),
    ("REG", reg),
    ("QUERY", query),
    ("NAME", name),
    ("EXIT", exit),
    ("KILL", kill),
    ("LAUNCH", launch),
    ("GETENV", getenv),
    ("SETENV", setenv),
    ("STARTTIME", starttime),
    ("ABORT", abort),
    ("MONITOR", monitor),
    ("STAT", stat),
    ("LOGON", logon),
    ("LOGOFF", logoff),
    ("SIGNAL", signal),
    ("SHUTDOWN", shutdown),
];

pub(crate) fn run(node: &Node, ctx: Option<&Context>, cmd: &str, param: &[u8]) -> Answer {
    let (_, command) = COMMANDS.iter().find(|(name, _)| *name == cmd)?;
    command(&Asker { node, ctx }, param)
}

impl Asker<'_> {
    fn handle(&self) -> Handle {
        self.ctx.map_or(Handle::NONE, Context::handle)
    }

    fn log(&self, line: impl AsRef<[u8]>) {
        self.node.log(self.handle(), line);
    }

    /// The handle in `:hex` or behind `.name`; `None` for an unknown name and for zero. Other forms are reported.
    fn service(&self, param: &[u8]) -> Option<Handle> {
        let handle = match param.split_first() {
            Some((b':', hex)) => Handle::from_raw(hex_prefix(hex)),
            Some((b'.', name)) => self.node.find_name(name)?,
            _ => {
                self.log(format!("error: Can't convert {} to handle", text(param)));
                return None;
            }
        };
        (!handle.is_none()).then_some(handle)
    }
}

/// `:hex` without padding.
fn short(handle: Handle) -> Vec<u8> {
    format!(":{:x}", handle.raw()).into_bytes()
}

/// Arms a timer of so many hundredths of a second; its session.
fn timeout(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let hundredths = u64::try_from(integer(param, 10)).unwrap_or(0);
    let session = asker.ctx?.timeout(Duration::from_millis(hundredths * 10));
    Some(session.to_string().into_bytes())
}

/// The own handle, or a local name for it.
fn reg(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let handle = asker.ctx?.handle();
    match param.split_first() {
        None => Some(short(handle)),
        Some((b'.', name)) => asker.node.name(name, handle).then(|| name.to_vec()),
        _ => {
            asker.log(format!("error: Can't register global name {} in C", text(param)));
            None
        }
    }
}

/// The handle behind a local name.
fn query(asker: &Asker<'_>, param: &[u8]) -> Answer {
    asker.node.find_name(param.strip_prefix(b".")?).map(short)
}

/// Names another service.
fn name(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let (name, rest) = word(param);
    let (address, _) = word(rest);
    let handle = Handle::from_raw(hex_prefix(address.strip_prefix(b":")?));
    if handle.is_none() {
        return None;
    }
    let Some(local) = name.strip_prefix(b".") else {
        asker.log(format!("error: Can't set global name {} in C", text(name)));
        return None;
    };
    asker.node.name(local, handle).then(|| local.to_vec())
}

fn exit(asker: &Asker<'_>, _: &[u8]) -> Answer {
    let ctx = asker.ctx?;
    ctx.log("KILL self");
    ctx.exit();
    None
}

/// Ends a service. The monitor service is told even if it is gone already.
fn kill(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let handle = asker.service(param)?;
    asker.log(format!("KILL :{:x}", handle.raw()));
    if asker.node.is_alive(handle) {
        asker.node.kill(handle);
    } else {
        asker.node.tell_monitor(handle);
    }
    None
}

/// Starts a service of a module; its handle.
fn launch(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let end =
        param.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).unwrap_or(param.len());
    let (module, rest) = (&param[..end], param.get(end + 1..).unwrap_or_default());
    let args = rest.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    match asker.node.launch(&text(module), args) {
        Ok(handle) => Some(format!(":{:08X}", handle.raw()).into_bytes()),
        Err(LaunchError::Init { handle, cause }) => {
            asker.node.log(handle, format!("error: {} did not start: {cause}", text(module)));
            None
        }
        Err(cause) => {
            asker.log(format!("error: {cause}"));
            None
        }
    }
}

fn getenv(asker: &Asker<'_>, param: &[u8]) -> Answer {
    asker.node.env().get(param)
}

/// Sets a variable that has no value yet.
fn setenv(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let space = param.iter().position(|byte| *byte == b' ')?;
    if let Err(cause) = asker.node.env().set(&param[..space], &param[space + 1..]) {
        asker.log(format!("error: {cause}"));
    }
    None
}

fn starttime(asker: &Asker<'_>, _: &[u8]) -> Answer {
    Some(asker.node.starttime().to_string().into_bytes())
}

fn abort(asker: &Asker<'_>, _: &[u8]) -> Answer {
    asker.node.abort();
    None
}

/// The monitor service, or who it is from now on: nobody, if that is an address of nobody.
fn monitor(asker: &Asker<'_>, param: &[u8]) -> Answer {
    if param.is_empty() {
        let monitor = asker.node.monitor_service();
        return (!monitor.is_none()).then(|| short(monitor));
    }
    asker.node.set_monitor_service(asker.service(param).unwrap_or(Handle::NONE));
    None
}

/// A number about the own service; an empty text for what is not counted.
fn stat(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let ctx = asker.ctx?;
    let seconds = |time: Duration| format!("{:.6}", time.as_secs_f64());
    let value = match param {
        b"mqlen" => ctx.mqlen().to_string(),
        b"endless" => u8::from(ctx.take_endless()).to_string(),
        b"cpu" => seconds(ctx.cpu_time()),
        b"time" => seconds(ctx.message_cpu_time()),
        b"message" => ctx.message_count().to_string(),
        b"limit" => ctx.mailbox_stat().bound.map_or(0, |bound| bound.limit).to_string(),
        b"rejected" => ctx.mailbox_stat().rejected.to_string(),
        b"dropped" => ctx.mailbox_stat().dropped.to_string(),
        b"paused" => ctx.mailbox_stat().paused.to_string(),
        _ => String::new(),
    };
    Some(value.into_bytes())
}

/// Opens the message log of a service, in the folder that the variable `logpath` names.
fn logon(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let handle = asker.service(param)?;
    let cell = asker.node.cell_of(handle)?;
    let dir = path_from(&asker.node.env().get(b"logpath")?);
    let path = msglog::path(&dir, handle);
    cell.with_shared(handle, |shared| {
        if shared.log.is_some() {
            return;
        }
        match MessageLog::open(&path, asker.node.clock()) {
            Ok(log) => {
                asker.log(format!("Open log file {}", path.display()));
                shared.log = Some(Box::new(log));
                cell.set(LOGGED);
            }
            Err(_) => asker.log(format!("Open log file {} fail", path.display())),
        }
    });
    None
}

fn logoff(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let handle = asker.service(param)?;
    let cell = asker.node.cell_of(handle)?;
    let log = cell.with_shared(handle, |shared| {
        cell.unset(LOGGED);
        shared.log.take()
    });
    if let Some(log) = log.flatten() {
        log.close(asker.node.clock());
        asker.log(format!("Close log file {handle}"));
    }
    None
}

/// Passes a number to a service's side door.
fn signal(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let (address, number) = word(param);
    let handle = asker.service(address)?;
    asker.node.signal(handle, integer(number, 0) as i32);
    None
}
