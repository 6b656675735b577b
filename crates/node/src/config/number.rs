//! Values that are numbers in a range.

use super::chunk::Entries;
use super::error::ConfigError;
use super::keys::{self, Kind};
use super::typed::leading_integer;

/// The value of a key whose range is known, or its default.
///
/// # Errors
///
/// It is no number in that range.
pub(super) fn number(env: &Entries, name: &'static str) -> Result<usize, ConfigError> {
    let known = keys::find(name);
    let (min, max) = match known.map(|key| key.kind) {
        Some(Kind::Integer { min, max }) => (min, max),
        _ => (0, i64::MAX),
    };
    let default = known.and_then(|key| key.fallback.value()).unwrap_or_default();
    let text = env.get(name).map_or(default, String::as_str);
    let value = leading_integer(text).filter(|value| (min..=max).contains(value));
    value.and_then(|value| usize::try_from(value).ok()).ok_or_else(|| ConfigError::Number {
        name,
        value: text.to_owned(),
        min,
        max,
    })
}
