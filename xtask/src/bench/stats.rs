//! The values that runs report, and their median.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// What one run reported: row name and value.
pub(super) type Values = Vec<(String, f64)>;

/// All values of one contestant, by row.
#[derive(Default)]
pub(super) struct Samples(BTreeMap<String, Vec<f64>>);

impl Samples {
    pub(super) fn add(&mut self, values: Values) {
        for (row, value) in values {
            self.0.entry(row).or_default().push(value);
        }
    }

    /// The values of one row, in the order of the runs.
    pub(super) fn of(&self, row: &str) -> &[f64] {
        self.0.get(row).map_or(&[], Vec::as_slice)
    }
}

/// The value in the middle (of the two in the middle, their mean); nothing of nothing.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

/// Reads the `BENCH <row> <number> <unit>` lines out of what a run printed.
///
/// # Errors
///
/// When the run reported an error of its own, a line has no number, or there is no line at all.
pub(super) fn parse(output: &str) -> Result<Values> {
    let mut values = Values::new();
    for line in output.lines() {
        if let Some(message) = line.strip_prefix("BENCH-ERROR ") {
            bail!("{message}");
        }
        let Some(rest) = line.strip_prefix("BENCH ") else { continue };
        let mut words = rest.split_whitespace();
        let row = words.next().context("a BENCH line without a name")?;
        let number = words.next().and_then(|word| word.parse().ok());
        values.push((row.to_owned(), number.with_context(|| format!("no number in `{line}`"))?));
    }
    if values.is_empty() {
        bail!("it reported nothing");
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_outliers_and_order() {
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 100.0, 2.0, 1.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn results_are_found_among_other_lines() {
        let values = parse("hello\nBENCH call 12.5 /s\nBENCH memory 3 KiB\n").unwrap();
        assert_eq!(values, [("call".to_owned(), 12.5), ("memory".to_owned(), 3.0)]);
    }

    #[test]
    fn a_run_that_failed_or_was_silent_is_an_error() {
        assert!(parse("BENCH call 1 /s\nBENCH-ERROR no such service").is_err());
        assert!(parse("BENCH call fast").is_err());
        assert!(parse("").is_err());
    }
}
