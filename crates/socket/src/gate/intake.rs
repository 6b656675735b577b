//! What comes in on one connection: bytes become packages, as long as the client keeps to its limits.

use skynet_core::Payload;

use super::{Breach, Limits};
use crate::framing::{Decoder, FrameError, Header};

/// The receiving side of one client.
///
/// Times are in 1/100 s, from any beginning; they do not matter if no limit [needs a clock](Limits::needs_clock).
#[derive(Debug)]
pub struct Intake {
    decoder: Decoder,
    /// When the last whole package came, or the connection began.
    last: u64,
    /// The second in which packages are counted, and how many there were in it.
    second: u64,
    count: u32,
    /// It broke a limit: nothing of it counts any more.
    closed: bool,
}

impl Intake {
    /// A connection that begins now.
    #[must_use]
    pub fn new(header: Header, limits: &Limits, now: u64) -> Intake {
        let max = limits.package.unwrap_or(usize::MAX);
        Intake { decoder: Decoder::new(header, max), last: now, second: 0, count: 0, closed: false }
    }

    /// Eats what was read, and gives the packages that it ends. A package that is the whole block stays in it.
    ///
    /// # Errors
    ///
    /// [`Breach`], once: the connection is to be closed. The packages before it were given; later bytes are dropped.
    pub fn feed(
        &mut self,
        block: Payload,
        now: u64,
        limits: &Limits,
        mut give: impl FnMut(Payload),
    ) -> Result<(), Breach> {
        if self.closed {
            return Ok(());
        }
        let block = match self.decoder.whole(block) {
            Ok(package) => {
                self.count(now, limits)?;
                give(package);
                return Ok(());
            }
            Err(block) => block,
        };
        let mut input = &*block;
        while let Some(package) = self.decoder.next(&mut input).map_err(|error| self.too_long(&error))? {
            self.count(now, limits)?;
            give(package);
        }
        Ok(())
    }

    /// Looks whether the client has been quiet for too long.
    ///
    /// # Errors
    ///
    /// [`Breach::Idle`], once.
    pub fn check_idle(&mut self, now: u64, limits: &Limits) -> Result<(), Breach> {
        let quiet = now.saturating_sub(self.last);
        match limits.idle {
            Some(max) if quiet >= max && !self.closed => {
                self.closed = true;
                Err(Breach::Idle { quiet, max, begun: self.decoder.buffered() })
            }
            _ => Ok(()),
        }
    }

    /// Whether no package has begun: nothing is lost with it but the time of the last.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.decoder.buffered() == 0
    }

    /// A package is whole.
    #[inline]
    fn count(&mut self, now: u64, limits: &Limits) -> Result<(), Breach> {
        self.last = now;
        let Some(max) = limits.rate else { return Ok(()) };
        if self.second != now / 100 {
            self.second = now / 100;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        if self.count > max {
            self.closed = true;
            return Err(Breach::Rate { max });
        }
        Ok(())
    }

    #[cold]
    fn too_long(&mut self, error: &FrameError) -> Breach {
        self.closed = true;
        match *error {
            FrameError::TooLong { len, max } | FrameError::Unencodable { len, max } => {
                Breach::Package { len, max }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(
        intake: &mut Intake,
        bytes: &[u8],
        now: u64,
        limits: &Limits,
    ) -> (Vec<Vec<u8>>, Result<(), Breach>) {
        let mut packages = Vec::new();
        let result =
            intake.feed(Payload::from(bytes), now, limits, |package| packages.push(package.to_vec()));
        (packages, result)
    }

    #[test]
    fn packages_before_a_breach_are_given_and_nothing_after_it() {
        let limits = Limits { package: Some(3), ..Limits::default() };
        let mut intake = Intake::new(Header::Two, &limits, 0);
        let breach = Breach::Package { len: 4, max: 3 };
        assert_eq!(
            fed(&mut intake, b"\0\x01a\0\x03bcd\0\x04efgh\0\x01i", 0, &limits),
            (vec![b"a".to_vec(), b"bcd".to_vec()], Err(breach))
        );
        assert_eq!(fed(&mut intake, b"\0\x01a", 0, &limits), (vec![], Ok(())));
        assert_eq!(intake.check_idle(u64::MAX, &Limits { idle: Some(1), ..limits }), Ok(()));
    }

    #[test]
    fn bytes_alone_do_not_keep_a_client_from_being_idle() {
        let limits = Limits { idle: Some(500), ..Limits::default() };
        let mut intake = Intake::new(Header::Two, &limits, 1000);
        assert_eq!(fed(&mut intake, b"\0\x03a", 1400, &limits), (vec![], Ok(())));
        assert_eq!(intake.check_idle(1499, &limits), Ok(()));
        assert_eq!(fed(&mut intake, b"bc", 1499, &limits).0.len(), 1);
        assert_eq!(fed(&mut intake, b"\0", 1998, &limits), (vec![], Ok(())));
        assert_eq!(intake.check_idle(1998, &limits), Ok(()));
        assert_eq!(intake.check_idle(2000, &limits), Err(Breach::Idle { quiet: 501, max: 500, begun: 1 }));
        assert_eq!(intake.check_idle(2100, &limits), Ok(()), "it is told once");
    }

    #[test]
    fn a_flood_is_cut_at_the_limit_of_its_second() {
        let limits = Limits { rate: Some(3), ..Limits::default() };
        let mut intake = Intake::new(Header::Four, &limits, 0);
        let one = b"\0\0\0\x01x";
        for now in [100, 150, 199, 200, 250, 299] {
            assert_eq!(fed(&mut intake, one, now, &limits), (vec![b"x".to_vec()], Ok(())));
        }
        let flood = one.repeat(5);
        assert_eq!(
            fed(&mut intake, &flood, 300, &limits),
            (vec![b"x".to_vec(); 3], Err(Breach::Rate { max: 3 }))
        );
    }

    #[test]
    fn a_package_that_is_the_whole_block_stays_in_it() {
        let limits = Limits::default();
        let mut intake = Intake::new(Header::Two, &limits, 0);
        let block = Payload::from(b"\0\x04body");
        let place = block.as_ptr();
        let mut same = false;
        let fed = intake
            .feed(block, 0, &limits, |package| same = package.as_ptr() == place && &*package == b"body");
        assert!(fed.is_ok() && same && intake.is_between());
    }
}
