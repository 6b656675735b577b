//! Signs of life on one link: when to give one, and when there have been none for too long.
//!
//! Silence is counted in thirds of the time that a peer may be silent, not by the clock: a node that itself was stopped for a
//! while must not take all others for dead. A silence is noticed after that time, and at most a third later.

/// Thirds without a sign of life after which a peer is gone.
const THIRDS: u32 = 3;

/// The signs of life of one link. Times are in 1/100 s, from any beginning.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// The peer wants a sign at least this often.
    give: Option<Beat>,
    /// How often to look for one.
    take: Option<Beat>,
    said: bool,
    heard: bool,
    missed: u32,
}

#[derive(Debug)]
struct Beat {
    every: u64,
    next: u64,
}

impl Beat {
    /// A third of a time, unless that is none.
    fn third(whole: u64, now: u64) -> Option<Beat> {
        let every = (whole / u64::from(THIRDS)).max(1);
        (whole > 0).then(|| Beat { every, next: now.saturating_add(every) })
    }

    /// Whether it is time; if so, the next is a beat from now.
    fn is_due(&mut self, now: u64) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now.saturating_add(self.every);
        }
        due
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) enum Due {
    Nothing,
    /// Give a sign of life.
    Ping,
    /// The peer is gone.
    Gone,
}

impl Pulse {
    /// `theirs`: how long the peer lets others be silent; `ours`: how long the peer may be. 0 is for ever.
    pub(crate) fn new(theirs: u64, ours: u64, now: u64) -> Pulse {
        let (give, take) = (Beat::third(theirs, now), Beat::third(ours, now));
        Pulse { give, take, said: false, heard: false, missed: 0 }
    }

    /// Something was sent.
    #[inline]
    pub(crate) fn said(&mut self) {
        self.said = true;
    }

    /// Something was received.
    #[inline]
    pub(crate) fn heard(&mut self) {
        self.heard = true;
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Option<u64> {
        self.give.iter().chain(&self.take).map(|beat| beat.next).min()
    }

    /// Looks what is due.
    pub(crate) fn look(&mut self, now: u64) -> Due {
        if self.take.as_mut().is_some_and(|beat| beat.is_due(now)) {
            self.missed = if std::mem::take(&mut self.heard) { 0 } else { self.missed + 1 };
            if self.missed >= THIRDS {
                return Due::Gone;
            }
        }
        let due = self.give.as_mut().is_some_and(|beat| beat.is_due(now));
        if due && !std::mem::take(&mut self.said) { Due::Ping } else { Due::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_side_pings_each_third_and_a_talking_one_does_not() {
        let mut pulse = Pulse::new(300, 0, 0);
        assert_eq!(pulse.next(), Some(100));
        assert_eq!(
            (pulse.look(99), pulse.look(100), pulse.look(101)),
            (Due::Nothing, Due::Ping, Due::Nothing)
        );
        pulse.said();
        assert_eq!((pulse.look(200), pulse.look(300)), (Due::Nothing, Due::Ping));
    }

    #[test]
    fn a_silent_peer_is_gone_after_its_time_and_no_later_than_a_third_more() {
        for last in [0, 1, 50, 99, 100, 101, 250] {
            let mut pulse = Pulse::new(0, 300, 0);
            let gone = (1..2000).find(|now| {
                if *now == last {
                    pulse.heard();
                }
                pulse.look(*now) == Due::Gone
            });
            let silence = gone.expect("it is noticed") - last;
            assert!((300..=400).contains(&silence), "last heard at {last}, gone after {silence}");
        }
    }

    #[test]
    fn whoever_was_stopped_gives_others_time() {
        let mut pulse = Pulse::new(0, 300, 0);
        pulse.heard();
        assert_eq!(pulse.look(100_000), Due::Nothing);
        assert_eq!(pulse.look(100_050), Due::Nothing);
        assert_eq!((pulse.look(100_100), pulse.look(100_200)), (Due::Nothing, Due::Nothing));
        assert_eq!(pulse.look(100_300), Due::Gone);
    }

    #[test]
    fn without_agreement_nothing_is_due() {
        let mut pulse = Pulse::new(0, 0, 0);
        assert_eq!((pulse.next(), pulse.look(u64::MAX)), (None, Due::Nothing));
    }
}
