//! The arguments of the `bench` commands.

use anyhow::{Context, Result, bail};

/// What the command line asks for.
pub(super) struct Options {
    /// Only rows whose name contains this.
    pub(super) filter: Option<String>,
    /// Runs of each measurement; the median counts.
    pub(super) runs: usize,
    /// JSON instead of a table.
    pub(super) json: bool,
    /// Measure C skynet with its accounting turned off, too.
    pub(super) c_profile_off: bool,
    /// Idle connections whose memory is measured.
    pub(super) idle: usize,
}

impl Options {
    /// # Errors
    ///
    /// On a flag that is not known, a second filter, or a number that is none.
    pub(super) fn parse(args: &[String]) -> Result<Options> {
        let mut options = Options { filter: None, runs: 5, json: false, c_profile_off: false, idle: 10_000 };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--json" => options.json = true,
                "--c-profile-off" => options.c_profile_off = true,
                "--runs" => options.runs = number(arg, rest.next())?,
                "--idle" => options.idle = number(arg, rest.next())?,
                flag if flag.starts_with('-') => {
                    bail!("`bench` does not know `{flag}`; see `cargo xtask help`")
                }
                name if options.filter.is_none() => options.filter = Some(name.to_owned()),
                name => bail!("`{name}` is one filter too many"),
            }
        }
        Ok(options)
    }

    /// Whether the filter lets this name through.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    }
}

fn number(flag: &str, text: Option<&String>) -> Result<usize> {
    let text = text.with_context(|| format!("{flag} needs a number"))?;
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => bail!("{flag} needs a number from 1 up, not `{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn flags_and_filter_come_in_any_order() {
        let options = parse("--runs 3 call --json").unwrap();
        assert_eq!((options.runs, options.json, options.c_profile_off), (3, true, false));
        assert!(options.wants("call100") && !options.wants("fork"));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for line in ["--runs", "--runs 0", "--runs x", "--idle 0", "--fast", "call fork"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
