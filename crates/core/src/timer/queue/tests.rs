//! The timer queue against a model that is obviously right.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn alarm(session: i32) -> Alarm {
    Alarm { handle: Handle::from_raw(1), session }
}

fn fire(queue: &mut TimerQueue, now: u64) -> Vec<i32> {
    std::iter::from_fn(|| queue.expire(now)).map(|alarm| alarm.session).collect()
}

#[test]
fn a_timer_takes_less_than_fifty_bytes() {
    assert!(size_of::<Entry>() < 50, "{}", size_of::<Entry>());
}

#[test]
fn it_fires_at_its_time_and_not_before() {
    let mut queue = TimerQueue::new();
    queue.arm(5_000_000_000, alarm(1));
    assert_eq!(queue.next_wakeup(), Some(5_000_000_000));
    assert_eq!(fire(&mut queue, 4_999_999_999), []);
    assert_eq!(queue.next_wakeup(), Some(5_000_000_000));
    assert_eq!(fire(&mut queue, 5_000_000_000), [1]);
    assert_eq!(queue.next_wakeup(), None);
}

#[test]
fn equal_deadlines_fire_in_the_order_of_arming() {
    let mut queue = TimerQueue::new();
    queue.arm(1 << 33, alarm(1));
    assert_eq!(fire(&mut queue, (1 << 33) - 5_000_000), []);
    queue.arm(1 << 33, alarm(2));
    assert_eq!(fire(&mut queue, (1 << 33) - 1), []);
    queue.arm(1 << 33, alarm(3));
    assert_eq!(fire(&mut queue, 1 << 33), [1, 2, 3]);
}

#[test]
fn a_key_cancels_its_own_timer_once() {
    let mut queue = TimerQueue::new();
    let key = queue.arm(100, alarm(1));
    assert!(queue.cancel(key) && !queue.cancel(key));
    queue.arm(100, alarm(2));
    assert!(!queue.cancel(key), "the place was used again, the key was not");
    assert_eq!(fire(&mut queue, 100), [2]);
    assert!(!queue.cancel(TimerKey::NONE));
}

#[test]
fn an_emptied_set_gives_its_memory_back() {
    let mut queue = TimerQueue::new();
    let keys: Vec<TimerKey> = (0..5000).map(|number| queue.arm(number, alarm(number as i32))).collect();
    assert_eq!(fire(&mut queue, 5000).len(), 5000);
    assert_eq!(queue.entries.len(), 0);
    queue.arm(6000, alarm(1));
    assert!(keys.into_iter().all(|key| !queue.cancel(key)), "old keys cancel nothing new");
    assert_eq!(fire(&mut queue, 6000), [1]);
}

#[test]
fn far_deadlines_are_kept() {
    let mut queue = TimerQueue::new();
    queue.arm(u64::MAX, alarm(1));
    assert_eq!(fire(&mut queue, MAX_NS - 1), []);
    assert_eq!(fire(&mut queue, u64::MAX), [1]);
}

#[derive(Clone, Debug)]
enum Step {
    Arm(u64),
    Cancel(usize),
    Go(u64),
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![0..3_u64, 0..2_000_000_u64, 0..200_000_000_u64, 0..1_u64 << 42]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![span().prop_map(Step::Arm), any::<usize>().prop_map(Step::Cancel), span().prop_map(Step::Go)]
}

proptest! {
    /// It does what an ordered map of (deadline, order of arming) does.
    #[test]
    fn it_behaves_like_an_ordered_map(steps in prop::collection::vec(step(), 1..300)) {
        let mut queue = TimerQueue::new();
        let mut model = BTreeMap::new();
        let mut keys = Vec::new();
        let mut now = 0;
        for (number, step) in steps.into_iter().enumerate() {
            let number = number as i32;
            match step {
                Step::Arm(after) => {
                    keys.push((queue.arm(now + after, alarm(number)), (now + after, number)));
                    model.insert((now + after, number), number);
                }
                Step::Cancel(which) if !keys.is_empty() => {
                    let (key, entry) = keys[which % keys.len()];
                    prop_assert_eq!(queue.cancel(key), model.remove(&entry).is_some());
                }
                Step::Cancel(_) => {}
                Step::Go(by) => {
                    now += by;
                    let later = model.split_off(&(now, i32::MAX));
                    let expected: Vec<i32> = std::mem::replace(&mut model, later).into_values().collect();
                    prop_assert_eq!(fire(&mut queue, now), expected);
                }
            }
            prop_assert_eq!(queue.len(), model.len());
            let first = model.keys().next().map(|(deadline, _)| *deadline);
            let wakeup = queue.next_wakeup();
            prop_assert!(wakeup.is_some() >= first.is_some());
            if let (Some(wakeup), Some(first)) = (wakeup, first) {
                prop_assert!(wakeup <= first, "it would wake at {wakeup} for {first}");
            }
        }
    }
}
