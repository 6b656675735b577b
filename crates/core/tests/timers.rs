//! Timers, on a clock that the tests move.

mod common;

use std::sync::mpsc::channel;
use std::time::Duration;

use common::{DEADLINE, inside, quiet, receive, stop};
use skynet_core::{Context, Handle, ManualClock, Message, PTYPE_RESPONSE, PTYPE_TEXT};

#[test]
fn timers_fire_in_order_and_not_before_their_time() {
    let clock = ManualClock::new();
    let node = quiet().clock(clock.clone()).start().expect("the node starts");
    let (seen, messages) = channel();
    let service = node
        .spawn(move |ctx: &Context, msg: Message| {
            if msg.kind == PTYPE_TEXT {
                for after in [30, 10, 20, 10, 0] {
                    ctx.timeout(Duration::from_secs(after));
                }
            }
            let _ = seen.send((msg.kind, msg.session, msg.source, msg.payload.len()));
        })
        .expect("it starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "arm").expect("it is alive");
    assert_eq!(receive(&messages).0, PTYPE_TEXT);
    let fired = |session| (PTYPE_RESPONSE, session, Handle::NONE, 0);
    assert_eq!(receive(&messages), fired(5), "a zero time is at once");
    clock.advance(Duration::from_nanos(9_999_999_999));
    clock.advance(Duration::from_nanos(1));
    assert_eq!((receive(&messages), receive(&messages)), (fired(2), fired(4)));
    clock.advance(Duration::from_secs(100));
    assert_eq!((receive(&messages), receive(&messages)), (fired(3), fired(1)));
    stop(&node);
    assert!(messages.try_recv().is_err());
}

#[test]
fn a_cancelled_timer_does_not_fire() {
    let clock = ManualClock::new();
    let node = quiet().clock(clock.clone()).start().expect("the node starts");
    let (seen, messages) = channel();
    let service = node
        .spawn(move |ctx: &Context, msg: Message| {
            if msg.kind == PTYPE_TEXT {
                let key = ctx.timeout_with(7, Duration::from_secs(1));
                ctx.timeout_with(8, Duration::from_secs(1));
                assert!(ctx.cancel_timer(key) && !ctx.cancel_timer(key));
            }
            let _ = seen.send(msg.session);
        })
        .expect("it starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "arm").expect("it is alive");
    assert_eq!(receive(&messages), 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(receive(&messages), 8);
    stop(&node);
}

#[test]
fn a_timer_of_the_system_clock_fires_after_its_time() {
    let node = quiet().start().expect("the node starts");
    let (seen, messages) = channel();
    let service = node
        .spawn(move |ctx: &Context, msg: Message| {
            if msg.kind == PTYPE_TEXT {
                ctx.timeout(Duration::from_millis(20));
            }
            let _ = seen.send(ctx.node().hpc());
        })
        .expect("it starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "arm").expect("it is alive");
    let (armed, fired) = (receive(&messages), receive(&messages));
    assert!(fired - armed >= 19_000_000, "it came after {} ns", fired - armed);
    stop(&node);
}

#[test]
fn an_earlier_timer_wakes_the_timer_thread() {
    let node = quiet().start().expect("the node starts");
    let (seen, messages) = channel();
    let service = node
        .spawn(move |ctx: &Context, msg: Message| {
            if msg.kind == PTYPE_TEXT {
                ctx.timeout(Duration::from_secs(3600));
                ctx.timeout(Duration::from_millis(1));
            } else {
                let _ = seen.send(msg.session);
            }
        })
        .expect("it starts");
    node.send(Handle::NONE, service, PTYPE_TEXT, 0, "arm").expect("it is alive");
    assert_eq!(messages.recv_timeout(DEADLINE), Ok(2));
    stop(&node);
}

#[test]
fn the_time_is_counted_in_hundredths() {
    let clock = ManualClock::new();
    let node = quiet().clock(clock.clone()).start().expect("the node starts");
    let before = node.now();
    clock.advance(Duration::from_millis(1999));
    assert_eq!(node.now() - before, 199);
    assert_eq!(node.hpc(), 1_999_000_000);
    assert_eq!(inside(&node, |ctx| ctx.command("TIMEOUT", b"5")), Some(b"1".to_vec()));
    stop(&node);
}
