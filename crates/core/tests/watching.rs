//! Who is told of whose end.

mod common;

use std::sync::mpsc::channel;

use common::{echo, probe, receive, start, stop};
use skynet_core::{Context, Handle, Message, PTYPE_CLIENT, PTYPE_ERROR, PTYPE_LUA, PTYPE_TEXT};

#[test]
fn who_watches_a_service_is_told_of_its_end_once() {
    let node = start();
    let (told, ends) = channel();
    let (answers, watched) = channel();
    let target = node.spawn(|_: &Context, _: Message| {}).expect("it starts");
    let watcher = node
        .spawn(move |ctx: &Context, msg: Message| {
            if msg.kind == PTYPE_ERROR {
                let _ = told.send((msg.session, msg.source));
            } else {
                let _ = answers.send(ctx.watch(target));
            }
        })
        .expect("it starts");
    let watch = || {
        node.send(Handle::NONE, watcher, PTYPE_TEXT, 0, "watch").expect("it is alive");
        receive(&watched)
    };
    assert!(watch() && watch());
    assert!(node.kill(target));
    assert_eq!(receive(&ends), (0, target));
    assert!(!watch(), "it is dead already");
    stop(&node);
    assert!(ends.try_recv().is_err());
}

#[test]
fn those_who_were_called_learn_of_the_death() {
    let node = start();
    let (callee, messages) = probe(&node);
    let caller = node
        .spawn(move |ctx: &Context, _: Message| {
            drop(ctx.call(callee, PTYPE_LUA, "1"));
            drop(ctx.call(callee, PTYPE_LUA, "2"));
            ctx.exit();
        })
        .expect("it starts");
    node.send(Handle::NONE, caller, PTYPE_TEXT, 0, "go").expect("it is alive");
    assert_eq!((receive(&messages).3, receive(&messages).3), (b"1".to_vec(), b"2".to_vec()));
    let (kind, session, source, text) = receive(&messages);
    assert_eq!((kind, session, source), (PTYPE_ERROR, 0, caller), "once for both");
    assert!(text.ends_with(b") has ended"), "{}", String::from_utf8_lossy(&text));
    stop(&node);
}

#[test]
fn the_monitor_service_is_told() {
    let node = start();
    let (monitor, messages) = probe(&node);
    node.command("MONITOR", monitor.to_string().as_bytes());
    let victim = node.spawn(echo).expect("it starts");
    node.kill(victim);
    assert_eq!(receive(&messages), (PTYPE_CLIENT, 0, victim, Vec::new()));
    stop(&node);
    assert!(messages.try_recv().is_err(), "stopping tells nobody");
}

#[test]
fn the_monitor_and_those_who_watch_hear_of_a_panic_and_of_an_end_with_a_reason() {
    let node = start();
    let (monitor, notices) = probe(&node);
    node.command("MONITOR", monitor.to_string().as_bytes());
    let (told, ends) = channel();
    for (order, how) in [("panic", "panicked"), ("end", "ended: of old age")] {
        let victim = node
            .spawn(|ctx: &Context, msg: Message| {
                if &*msg.payload == b"panic" {
                    panic!("as it was told");
                }
                ctx.set_end("ended: of old age\nsecond line");
                ctx.exit();
            })
            .expect("it starts");
        let told = told.clone();
        let watcher = node
            .spawn(move |ctx: &Context, msg: Message| {
                if msg.kind == PTYPE_ERROR {
                    let _ = told.send(String::from_utf8_lossy(&msg.payload).into_owned());
                } else {
                    assert!(ctx.watch(victim));
                    ctx.send(victim, PTYPE_TEXT, order).expect("it is alive");
                }
            })
            .expect("it starts");
        node.send(Handle::NONE, watcher, PTYPE_TEXT, 0, "go").expect("it is alive");
        let text = receive(&ends);
        assert!(text.starts_with(&format!("service {victim} (")), "{text}");
        assert!(text.ends_with(&format!(") {how}")), "{text}");
        assert_eq!(receive(&notices), (PTYPE_CLIENT, 0, victim, Vec::new()));
    }
    stop(&node);
}
