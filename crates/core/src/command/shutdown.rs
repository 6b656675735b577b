//! The text command `SHUTDOWN`: what services ask about the end of the node. Its first word says what.

use std::time::Duration;

use super::parse::{integer, text, word};
use super::{Answer, Asker, short};
use crate::handle::hex_prefix;
use crate::{Handle, ShutdownScope};

/// A step may take this long where the command does not say.
const DEFAULT_LIMIT: i64 = 500;

/// * `BEGIN node|network|:hex [reason]`: orders it; the reason if it is the first order.
/// * `JOIN phase [hundredths] [session]`: a step of the asking service; its session.
/// * `LEAVE session`: takes that back.
/// * `STEPS`: a line for each step, `:hex session phase hundredths name`.
/// * `LEAD`: the asking service goes through the phases; `LEADER`: the address of the one that does.
/// * `STATE`: the reason, once it was ordered.
/// * `END code`: ends every service, and the process with this status.
pub(super) fn shutdown(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let (what, rest) = word(param);
    match what {
        b"BEGIN" => begin(asker, rest),
        b"JOIN" => join(asker, rest),
        b"LEAVE" => asker.ctx?.leave_shutdown(integer(rest, 10) as i32).then(Vec::new),
        b"STEPS" => Some(steps(asker).into_bytes()),
        b"LEAD" => {
            asker.node.set_shutdown_coordinator(asker.ctx?.handle());
            None
        }
        b"LEADER" => asker.node.shutdown_coordinator().map(short),
        b"STATE" => asker.node.shutdown_order().map(|order| order.reason.into_bytes()),
        b"END" => {
            match number(rest) {
                Some(code) => asker.node.end_shutdown(u8::try_from(code).unwrap_or(u8::MAX)),
                None => wrong(asker, "END needs the status of the process, a number", rest),
            }
            None
        }
        _ => {
            asker.log(format!(
                "error: SHUTDOWN knows BEGIN, JOIN, LEAVE, STEPS, LEAD, LEADER, STATE and END, not {:?}",
                text(what)
            ));
            None
        }
    }
}

/// The whole number that a parameter begins with.
fn number(param: &[u8]) -> Option<i32> {
    std::str::from_utf8(word(param).0).ok()?.parse().ok()
}

fn wrong(asker: &Asker<'_>, what: &str, given: &[u8]) {
    asker.log(format!("error: SHUTDOWN {what}, not {:?}", text(word(given).0)));
}

fn begin(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let (scope, rest) = word(param);
    let leader = scope.strip_prefix(b":").map(|hex| Handle::from_raw(hex_prefix(hex)));
    let scope = match (scope, leader) {
        (_, Some(leader)) if !leader.is_none() => ShutdownScope::Led(leader),
        (b"network", _) => ShutdownScope::Network,
        (b"node", _) => ShutdownScope::Node,
        _ => {
            wrong(asker, "BEGIN needs node, network or the :address of the service that leads", param);
            return None;
        }
    };
    let reason = text(rest.trim_ascii());
    let reason = if reason.is_empty() { "no reason was given".into() } else { reason };
    asker.node.shutdown(scope, reason.clone()).then(|| reason.into_owned().into_bytes())
}

fn join(asker: &Asker<'_>, param: &[u8]) -> Answer {
    let ctx = asker.ctx?;
    let Some(phase) = number(param) else {
        wrong(asker, "JOIN needs the number of a phase", param);
        return None;
    };
    let (limit, session) = word(word(param).1);
    let limit = if limit.is_empty() { DEFAULT_LIMIT } else { integer(limit, 10) };
    let session = match integer(session, 10) as i32 {
        given @ 1.. => given,
        _ => ctx.new_session(),
    };
    let limit = Duration::from_millis(u64::try_from(limit).unwrap_or(0).saturating_mul(10));
    ctx.join_shutdown(session, phase, limit);
    Some(session.to_string().into_bytes())
}

fn steps(asker: &Asker<'_>) -> String {
    let mut lines = String::new();
    for step in asker.node.shutdown_steps() {
        let Some(name) = asker.node.service_name(step.service) else { continue };
        let handle = String::from_utf8_lossy(&short(step.service)).into_owned();
        let (session, phase, limit) = (step.session, step.phase, step.limit.as_millis() / 10);
        let name = name.replace(['\r', '\n'], " ");
        lines.push_str(&format!("{handle} {session} {phase} {limit} {name}\n"));
    }
    lines
}
