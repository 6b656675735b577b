//! The keys about the harbor network that the native parts need; the Lua services read theirs themselves.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::chunk::Entries;
use super::error::ConfigError;
use super::number::number;

/// The key of the number that tells one life of a node from another.
pub(crate) const INCARNATION_KEY: &str = "rs_incarnation";

/// How the node takes part in its harbor network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HarborSettings {
    /// Messages that may wait for one node or one name.
    pub(crate) queue: usize,
    /// Bytes that may wait.
    pub(crate) queue_bytes: usize,
    /// How long another node may be silent; zero is for ever.
    pub(crate) heartbeat: Duration,
    /// Which life of the node this is; `None` leaves it to the clock.
    pub(crate) incarnation: Option<u64>,
}

impl HarborSettings {
    /// # Errors
    ///
    /// A value that is no number in the range of its key.
    pub(super) fn read(env: &Entries) -> Result<HarborSettings, ConfigError> {
        let incarnation = env.contains_key(INCARNATION_KEY).then(|| number(env, INCARNATION_KEY));
        Ok(HarborSettings {
            queue: number(env, "rs_harbor_queue")?,
            queue_bytes: number(env, "rs_harbor_queue_bytes")?,
            heartbeat: Duration::from_secs(number(env, "rs_harbor_heartbeat")? as u64),
            incarnation: incarnation.transpose()?.map(|number| number as u64),
        })
    }

    /// The incarnation of a node that starts now: the number that was set, or the milliseconds since 1970.
    pub(crate) fn incarnation_now(&self) -> u64 {
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        self.incarnation.unwrap_or_else(|| u64::try_from(clock()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::Config;

    #[test]
    fn the_harbor_has_defaults_and_ranges() {
        let settings = |text| Config::from_text("test", text).map(|config| config.harbor_settings);
        let default = settings("").unwrap();
        let limits = skynet_harbor::Limits::default();
        assert_eq!((default.queue, default.queue_bytes), (limits.messages, limits.bytes));
        assert_eq!((default.heartbeat, default.incarnation), (limits.heartbeat, None));
        assert!(default.incarnation_now() > 1_500_000_000_000);
        let given = settings("rs_incarnation = 7 rs_harbor_heartbeat = 0 rs_harbor_queue = 10").unwrap();
        assert_eq!((given.incarnation_now(), given.heartbeat, given.queue), (7, Duration::ZERO, 10));
        assert_eq!(settings("rs_incarnation = 0").unwrap().incarnation, Some(0));
        let error = settings("rs_harbor_queue = 0").unwrap_err().to_string();
        assert_eq!(error, "Invalid rs_harbor_queue 0 , should be in [1,1073741824]");
        assert!(settings("rs_incarnation = 'new'").is_err() && settings("rs_incarnation = -1").is_err());
    }
}
