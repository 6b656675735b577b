//! The order to shut down, who takes part, and the status of the process.

mod common;

use std::sync::mpsc::channel;
use std::time::Duration;

use common::{inside, logged, probe, quiet, receive, start, stop, until};
use skynet_core::{
    Context, EXIT_UNCLEAN, Handle, Message, PTYPE_RESPONSE, PTYPE_TEXT, ShutdownEvent, ShutdownScope,
    ShutdownStep,
};

const LIMIT: Duration = Duration::from_secs(2);

#[test]
fn without_anybody_to_hear_the_order_the_node_ends() {
    let node = start();
    assert_eq!((node.shutdown_order(), node.exit_code()), (None, 0));
    assert!(node.shutdown(ShutdownScope::Node, "enough"));
    node.wait();
    assert_eq!(node.exit_code(), 0);
    assert_eq!(node.shutdown_order().map(|order| order.reason).as_deref(), Some("enough"));
}

#[test]
fn the_first_order_counts_and_is_unclean_until_the_phases_are_over() {
    let (sender, events) = channel();
    let node = quiet().on_shutdown(move |event| sender.send(event).unwrap()).start().unwrap();
    assert!(node.shutdown(ShutdownScope::Network, "first"));
    assert!(!node.shutdown(ShutdownScope::Node, "second"));
    assert_eq!(receive(&events), ShutdownEvent::Ordered);
    let order = node.shutdown_order().unwrap();
    assert_eq!((order.scope, order.reason.as_str()), (ShutdownScope::Network, "first"));
    assert_eq!(node.exit_code(), EXIT_UNCLEAN);
    node.end_shutdown(0);
    assert_eq!(receive(&events), ShutdownEvent::Ending);
    node.wait();
    assert_eq!((node.exit_code(), events.try_recv().ok()), (0, None));
}

#[test]
fn a_step_is_begun_by_a_response_and_its_end_is_a_text() {
    let node = start();
    let (coordinator, reports) = probe(&node);
    let service = node
        .spawn(|ctx: &Context, msg: Message| match msg.kind {
            PTYPE_TEXT => ctx.join_shutdown(7, ShutdownStep::STORE, LIMIT),
            PTYPE_RESPONSE => ctx.finish_shutdown(msg.source, msg.session, Err("no disk")),
            _ => {}
        })
        .unwrap();
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "join").unwrap();
    until("the step is there", || !node.shutdown_steps().is_empty());
    let steps = node.shutdown_steps();
    let [step] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!((step.service, step.session, step.phase, step.limit), (service, 7, 40, LIMIT));
    node.send(coordinator, service, PTYPE_RESPONSE, step.session, "").unwrap();
    let (kind, _, source, payload) = receive(&reports);
    assert_eq!((kind, source, payload.as_slice()), (PTYPE_TEXT, service, &b"failed 7 no disk"[..]));
    stop(&node);
}

#[test]
fn steps_of_services_that_ended_are_forgotten() {
    let node = start();
    for _ in 0..200 {
        inside(&node, |ctx: &Context| ctx.join_shutdown(1, 10, LIMIT));
    }
    let gone = inside(&node, |ctx: &Context| {
        ctx.join_shutdown(1, 10, LIMIT);
        ctx.handle()
    });
    until("the service has ended", || !node.is_alive(gone) || node.kill(gone));
    assert_eq!(node.shutdown_steps(), []);
    stop(&node);
}

#[test]
fn the_command_joins_lists_and_leaves() {
    let node = start();
    let (handle, session, steps, left, again) = inside(&node, |ctx: &Context| {
        let text = |param: &str| {
            ctx.command("SHUTDOWN", param.as_bytes()).map(|text| String::from_utf8(text).unwrap())
        };
        let session = text("JOIN 15 200").unwrap();
        let given = text("JOIN -3 100 4711");
        assert_eq!(given.as_deref(), Some("4711"));
        let endless = text(&format!("JOIN 99 {} 4712", i64::MAX));
        assert_eq!(endless.as_deref(), Some("4712"), "a limit beyond all limits is the greatest one");
        assert_eq!(text("STATE"), None);
        let steps = text("STEPS").unwrap();
        let left = text(&format!("LEAVE {session}"));
        let again = text(&format!("LEAVE {session}"));
        assert_eq!(text("NONSENSE"), None);
        assert_eq!(text("LEADER"), None, "nobody leads");
        assert_eq!(text("LEAD"), None);
        assert_eq!(text("LEADER"), Some(format!(":{:x}", ctx.handle().raw())));
        (ctx.handle(), session, steps, left, again)
    });
    let lines: Vec<&str> = steps.lines().collect();
    let begins = |line: &str, rest: &str| line.starts_with(&format!(":{:x} {rest} ", handle.raw()));
    assert!(begins(lines[0], &format!("{session} 15 200")) && begins(lines[1], "4711 -3 100"), "{steps}");
    assert_eq!((left.as_deref(), again), (Some(""), None));
    assert_eq!(node.command("SHUTDOWN", b"JOIN 10"), None, "only services take part");
    assert_eq!(
        node.command("SHUTDOWN", b"BEGIN :0100000a  over there ").as_deref(),
        Some(&b"over there"[..])
    );
    assert_eq!(
        node.shutdown_order().map(|order| order.scope),
        Some(ShutdownScope::Led(Handle::from_raw(0x0100_000a)))
    );
    node.wait();
}

#[test]
fn an_order_to_a_node_that_is_ending_leaves_its_status() {
    let node = quiet().on_shutdown(|_| {}).start().unwrap();
    node.abort();
    node.shutdown(ShutdownScope::Node, "too late");
    node.end_shutdown(0);
    node.wait();
    assert_eq!(node.exit_code(), 0);
}

#[test]
fn a_command_that_is_wrong_is_named_and_orders_nothing() {
    let (node, log) = logged(quiet());
    let service = inside(&node, |ctx: &Context| {
        for param in ["BEGIN", "BEGIN maintenance", "BEGIN :0 x", "JOIN soon", "END", "END well"] {
            assert_eq!(ctx.command("SHUTDOWN", param.as_bytes()), None, "{param}");
        }
        ctx.handle()
    });
    let begin = "BEGIN needs node, network or the :address of the service that leads";
    let end = "END needs the status of the process, a number";
    for (what, given) in [
        (begin, ""),
        (begin, "maintenance"),
        (begin, ":0"),
        ("JOIN needs the number of a phase", "soon"),
        (end, ""),
        (end, "well"),
    ] {
        assert_eq!(log.next(), format!("{service} error: SHUTDOWN {what}, not {given:?}"));
    }
    assert!(node.is_running() && node.shutdown_order().is_none() && node.shutdown_steps().is_empty());
    stop(&node);
}

#[test]
fn a_shutdown_that_was_cut_off_stays_unclean() {
    let node = quiet().on_shutdown(|_| {}).start().unwrap();
    assert!(node.shutdown(ShutdownScope::Node, "slowly"));
    node.abort();
    node.end_shutdown(0);
    node.wait();
    assert_eq!(node.exit_code(), EXIT_UNCLEAN);
}
