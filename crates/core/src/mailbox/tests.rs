//! What the queue promises, without threads.

use proptest::prelude::*;

use super::*;
use crate::ptype::{PTYPE_RESPONSE, PTYPE_TEXT};

const ME: Handle = Handle::from_raw(1);

fn message(session: i32) -> Message {
    Message { session, ..Message::default() }
}

fn idle() -> Mailbox {
    let mailbox = Mailbox::default();
    mailbox.open(ME);
    assert!(matches!(mailbox.release(), Released::Idle));
    mailbox
}

#[test]
fn the_first_push_wakes_and_the_next_does_not() {
    let mailbox = idle();
    assert!(matches!(mailbox.push(ME, message(1)), Push::Wake));
    assert!(matches!(mailbox.push(ME, message(2)), Push::Done));
    assert_eq!(mailbox.len(), 2);
    assert!(matches!(mailbox.take(), Take::Messages(batch) if batch.len() == 2));
    assert!(matches!(mailbox.take(), Take::Idle));
}

#[test]
fn what_comes_during_init_waits() {
    let mailbox = Mailbox::default();
    mailbox.open(ME);
    assert!(matches!(mailbox.push(ME, message(1)), Push::Done));
    assert!(matches!(mailbox.release(), Released::Wake));
}

#[test]
fn another_handle_is_refused_and_gets_its_message_back() {
    let mailbox = idle();
    assert!(matches!(mailbox.push(Handle::from_raw(2), message(7)), Push::Gone(back) if back.session == 7));
}

#[test]
fn closing_makes_one_owner() {
    let mailbox = idle();
    let closed = mailbox.close(ME).expect("it is open");
    assert!(closed.wake && closed.messages.is_empty());
    assert!(mailbox.close(ME).is_none());
    assert!(matches!(mailbox.push(ME, message(1)), Push::Gone(_)));
    assert!(matches!(mailbox.take(), Take::Closed));

    let running = idle();
    assert!(matches!(running.push(ME, message(1)), Push::Wake));
    let closed = running.close(ME).expect("it is open");
    assert!(!closed.wake && closed.messages.len() == 1);
}

proptest! {
    /// Pushes and takes in any pattern give the messages in the order of the pushes.
    #[test]
    fn order_is_kept(pattern in prop::collection::vec((0_usize..200, 0_usize..200), 1..20)) {
        let mailbox = idle();
        let mut batch = Batch::default();
        let (mut sent, mut received) = (0, 0);
        for (pushes, pops) in pattern {
            for _ in 0..pushes {
                sent += 1;
                let _ = mailbox.push(ME, message(sent));
            }
            for _ in 0..pops {
                if batch.is_empty() && let Take::Messages(more) = mailbox.take() {
                    batch = more;
                }
                if let Some(message) = batch.pop() {
                    mailbox.handled();
                    received += 1;
                    prop_assert_eq!(message.session, received);
                }
            }
            prop_assert_eq!(mailbox.len() as i32, sent - received);
        }
    }

    /// Whatever the bounds are on the way: what gets in comes out, in order; all that wait are counted; nothing of a kind that always
    /// gets in is refused or dropped, and the mailbox is never longer than its bound allows.
    #[test]
    fn bounds_lose_only_what_they_may(steps in prop::collection::vec(step(), 1..200)) {
        let mailbox = idle();
        // What should wait, oldest first.
        let mut expected: std::collections::VecDeque<(Sort, i32)> = std::collections::VecDeque::new();
        let (mut next, mut bound, mut batch, mut counted) = (0, None::<Bound>, Batch::default(), [0_u64; 2]);
        // How many of the oldest the owner has taken: nobody drops those.
        let mut in_hand = 0;
        for step in steps {
            match step {
                Step::Bound(new) => {
                    bound = new;
                    prop_assert!(mailbox.set_bound(ME, new).is_some());
                }
                Step::Push(sort) => {
                    next += 1;
                    let waiting = expected.len();
                    let full = bound.filter(|bound| waiting >= bound.limit && waiting > 0);
                    match mailbox.push(ME, sort.message(next)) {
                        Push::Done | Push::Wake => {
                            if let Some(bound) = full {
                                let room = match bound.policy {
                                    Policy::Reject => sort == Sort::OneWay && waiting < 2 * bound.limit,
                                    Policy::DropOldest => false,
                                    Policy::PauseSockets => true,
                                };
                                prop_assert!(room || sort == Sort::Answer);
                            }
                            expected.push_back((sort, next));
                        }
                        Push::Full(back) => {
                            prop_assert!(full.is_some() && sort != Sort::Answer);
                            prop_assert_eq!(back.session.max(back.payload.len() as i32), next);
                            counted[usize::from(sort == Sort::OneWay)] += 1;
                        }
                        Push::Displaced(oldest) => {
                            prop_assert!(full.is_some() && sort != Sort::Answer);
                            let at = (in_hand..waiting).find(|at| {
                                expected[*at].0 == Sort::OneWay && expected[*at].1 == oldest.payload.len() as i32
                            });
                            prop_assert!(at.is_some());
                            expected.remove(at.unwrap_or_default());
                            expected.push_back((sort, next));
                            counted[1] += 1;
                        }
                        Push::Gone(_) => prop_assert!(false, "it is open"),
                    }
                }
                Step::Pop(count) => {
                    for _ in 0..count {
                        if batch.is_empty() {
                            match mailbox.take() {
                                Take::Messages(more) => batch = more,
                                Take::Signals => drop(mailbox.heed()),
                                _ => {}
                            }
                        }
                        let Some(message) = batch.pop() else { break };
                        let waiting = mailbox.handled();
                        let number = message.session.max(message.payload.len() as i32);
                        prop_assert_eq!(expected.pop_front().map(|(_, number)| number), Some(number));
                        prop_assert_eq!(waiting, expected.len());
                        if mailbox.has_signals() {
                            let _ = mailbox.heed();
                        }
                        if let Some(Bound { limit, policy: Policy::PauseSockets }) = bound {
                            prop_assert!(waiting > limit / 2 || !mailbox.is_full(ME));
                        }
                    }
                    in_hand = batch.len();
                }
            }
            prop_assert_eq!(mailbox.len(), expected.len());
        }
        let stat = mailbox.stat(ME).expect("it is open");
        prop_assert_eq!([stat.rejected, stat.dropped], counted);
        let closed = mailbox.close(ME).expect("it is open");
        prop_assert_eq!(closed.messages.len() + batch.len(), expected.len());
    }
}

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
enum Sort {
    OneWay,
    Request,
    Answer,
}

impl Sort {
    /// The number is the session, or the size.
    fn message(self, number: i32) -> Message {
        let (kind, session, size) = match self {
            Sort::OneWay => (PTYPE_TEXT, 0, number),
            Sort::Request => (PTYPE_TEXT, number, 0),
            Sort::Answer => (PTYPE_RESPONSE, number, 0),
        };
        Message { kind, session, source: Handle::from_raw(2), payload: vec![0; size as usize].into() }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Bound(Option<Bound>),
    Push(Sort),
    Pop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let policy = prop::sample::select(vec![Policy::Reject, Policy::DropOldest, Policy::PauseSockets]);
    let bound = (1_usize..6, policy).prop_map(|(limit, policy)| Bound { limit, policy });
    let sort = prop::sample::select(vec![Sort::OneWay, Sort::OneWay, Sort::Request, Sort::Answer]);
    prop_oneof![
        1 => prop::option::of(bound).prop_map(Step::Bound),
        8 => sort.prop_map(Step::Push),
        3 => (0_usize..4).prop_map(Step::Pop),
    ]
}

#[test]
fn urgent_messages_come_first_and_in_order() {
    let mailbox = idle();
    for session in 1..=3 {
        let _ = mailbox.push(ME, message(session));
    }
    let Take::Messages(mut batch) = mailbox.take() else { panic!("three wait") };
    for session in 4..=5 {
        assert!(matches!(mailbox.push_urgent(ME, message(session)), Push::Done));
    }
    assert!(mailbox.has_signals() && mailbox.len() == 5);
    let urgent = || mailbox.heed().0.map(|message| message.session);
    assert_eq!([urgent(), urgent(), urgent()], [Some(4), Some(5), None]);
    assert!(!mailbox.has_signals());
    assert_eq!(batch.pop().map(|message| message.session), Some(1));
}

#[test]
fn an_urgent_message_wakes_and_is_bounced_by_a_close() {
    let mailbox = idle();
    assert!(matches!(mailbox.push_urgent(ME, message(1)), Push::Wake));
    assert!(matches!(mailbox.take(), Take::Signals));
    assert_eq!(mailbox.heed().0.map(|message| message.session), Some(1));
    assert!(matches!(mailbox.take(), Take::Idle));
    assert!(matches!(mailbox.push_urgent(ME, message(2)), Push::Wake));
    let closed = mailbox.close(ME).expect("it is open");
    assert!(!closed.wake && closed.messages.len() == 1);
}
