//! The name table: each rule by itself, and all of them against a model.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::queue::Bound;

fn name(text: &str) -> GlobalName {
    GlobalName::new(text.as_bytes()).expect("it is a global name")
}

/// Messages are told apart by their sessions.
fn message(session: i32, bytes: usize) -> Message {
    Message { session, payload: vec![0; bytes].into(), ..Message::default() }
}

fn sessions(messages: impl IntoIterator<Item = Message>) -> Vec<i32> {
    messages.into_iter().map(|message| message.session).collect()
}

#[test]
fn a_global_name_has_one_to_fifteen_bytes() {
    assert_eq!(name("FIFTEEN_BYTES_A").to_string(), "FIFTEEN_BYTES_A");
    for text in [&b""[..], b"SIXTEEN_BYTES_AB", b"MUCH_LONGER_THAN_SIXTEEN", b"A\0B"] {
        assert_eq!(GlobalName::new(text), None);
    }
    assert_eq!(GlobalName::from_field(b"DB\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), Some(name("DB")));
    assert_eq!(GlobalName::from_field(b"DB\0X\0\0\0\0\0\0\0\0\0\0\0\0"), Some(name("DB")));
    assert_eq!(GlobalName::from_field(&[0; 16]), None);
    assert_eq!(GlobalName::from_field(b"SIXTEEN_BYTES_AB"), None);
}

#[test]
fn what_waits_comes_out_in_order_when_the_name_is_bound() {
    let mut table = NameTable::new(Limits::default());
    let (db, handle) = (name("DB"), Handle::new(1, 9));
    for session in 1..=3 {
        assert!(matches!(table.send(db, message(session, 0)), Lookup::Waits));
    }
    assert_eq!(sessions(table.bind(db, handle)), [1, 2, 3]);
    assert!(
        matches!(table.send(db, message(4, 0)), Lookup::Bound(to, msg) if to == handle && msg.session == 4)
    );
}

#[test]
fn a_name_can_be_bound_anew() {
    let mut table = NameTable::new(Limits::default());
    let (db, second) = (name("DB"), Handle::new(2, 9));
    assert!(table.bind(db, Handle::new(1, 9)).is_empty());
    assert!(table.bind(db, second).is_empty());
    assert!(matches!(table.send(db, message(1, 0)), Lookup::Bound(to, _) if to == second));
    assert!(table.forget(db).is_empty());
    assert!(matches!(table.send(db, message(1, 0)), Lookup::Bound(..)));
}

#[test]
fn a_full_queue_refuses_and_says_so_once() {
    let mut table = NameTable::new(Limits { messages: 1, ..Limits::default() });
    let (one, other) = (name("ONE"), name("OTHER"));
    let report = |lookup| match lookup {
        Lookup::Refused(refused) => refused.report,
        other => panic!("not refused: {other:?}"),
    };
    assert!(matches!(table.send(one, message(1, 0)), Lookup::Waits));
    assert_eq!(report(table.send(one, message(2, 0))), Some(Bound::Messages(1)));
    assert_eq!(report(table.send(one, message(3, 0))), None);
    assert!(matches!(table.send(other, message(4, 0)), Lookup::Waits));
    assert_eq!(sessions(table.forget(one)), [1]);
    assert!(matches!(table.send(one, message(5, 0)), Lookup::Waits));
}

#[test]
fn names_that_are_refused_leave_nothing_behind() {
    let mut table = NameTable::new(Limits { bytes: 0, ..Limits::default() });
    for index in 0..100 {
        let refused = table.send(name(&format!("N{index}")), message(1, 0));
        assert!(
            matches!(refused, Lookup::Refused(Refused { report, .. }) if report.is_some() == (index == 0))
        );
    }
    assert!(table.names.is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Send { name: usize, bytes: usize },
    Bind { name: usize },
    Forget { name: usize },
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..4_usize, 0..600_usize).prop_map(|(name, bytes)| Step::Send { name, bytes }),
        1 => (0..4_usize).prop_map(|name| Step::Bind { name }),
        1 => (0..4_usize).prop_map(|name| Step::Forget { name }),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// Whatever happens: each message comes back once, in the order of its name, and no limit is passed.
    #[test]
    fn every_message_comes_back_once_and_in_order(
        steps in steps(),
        messages in 0..12_usize,
        bytes in 0..8_000_usize,
    ) {
        let limits = Limits { messages, bytes, ..Limits::default() };
        let mut table = NameTable::new(limits);
        let names = ["A", "B", "C", "FIFTEEN_BYTES_A"].map(name);
        let handles = [1, 2, 3, 4].map(|local| Handle::new(1, local));
        // What a simple model has waiting, by name: the sessions and the bytes.
        let mut waiting: HashMap<usize, Vec<(i32, usize)>> = HashMap::new();
        let mut bound = [false; 4];
        let mut sent = 0;
        let mut back = Vec::new();
        for step in steps {
            match step {
                Step::Send { name, bytes: size } => {
                    sent += 1;
                    let queue = waiting.entry(name).or_default();
                    match table.send(names[name], message(sent, size)) {
                        Lookup::Bound(to, message) => {
                            prop_assert!(bound[name] && to == handles[name] && message.payload.len() == size);
                            back.push(message.session);
                        }
                        Lookup::Waits => {
                            prop_assert!(!bound[name]);
                            queue.push((sent, size));
                        }
                        Lookup::Refused(refused) => {
                            let held: usize = waiting.values().flatten().map(|(_, size)| size + 128).sum();
                            let full = waiting[&name].len() == messages || held + size + 128 > bytes;
                            prop_assert!(!bound[name] && full && refused.item.session == sent);
                            back.push(refused.item.session);
                        }
                    }
                }
                Step::Bind { name } | Step::Forget { name } => {
                    let out = if matches!(step, Step::Bind { .. }) {
                        bound[name] = true;
                        table.bind(names[name], handles[name])
                    } else {
                        table.forget(names[name])
                    };
                    let expected = waiting.remove(&name).unwrap_or_default();
                    let out = sessions(out);
                    prop_assert_eq!(&out, &expected.iter().map(|(session, _)| *session).collect::<Vec<_>>());
                    back.extend(out);
                }
                Step::Clear => {
                    bound = [false; 4];
                    let out = sessions(table.clear());
                    for (_, queue) in waiting.drain() {
                        let ours = |session: &&i32| queue.iter().any(|(waits, _)| waits == *session);
                        let came: Vec<i32> = out.iter().filter(ours).copied().collect();
                        prop_assert!(came.iter().eq(queue.iter().map(|(session, _)| session)));
                    }
                    back.extend(out);
                }
            }
            prop_assert!(waiting.values().all(|queue| queue.len() <= messages));
            prop_assert!(waiting.values().flatten().map(|(_, size)| size + 128).sum::<usize>() <= bytes);
        }
        back.extend(sessions(table.clear()));
        back.sort_unstable();
        prop_assert_eq!(back, (1..=sent).collect::<Vec<_>>());
    }
}
