//! Patterns for the output of a node.
//!
//! A pattern matches a whole line, in which spaces and tabulators in a row count as one space, and none at the end:
//!
//! | in the pattern | matches |
//! |---|---|
//! | `*` | any text, also none |
//! | `{n}` | a number |
//! | `{t}` | a time in 1/100 s, which becomes the base of the times that follow |
//! | `{t+N}` | a time that is N after the base, within the tolerance of the [`Matcher`] |
//! | anything else | itself |

/// What is expected of an output.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Expect {
    /// After the lines that were expected before, a line that matches.
    Line(&'static str),
    /// After the lines that were expected before, a line for each of these patterns, in any order.
    AnyOrder(&'static [&'static str]),
    /// No line of the whole output matches.
    Never(&'static str),
}

impl Expect {
    /// Whether it looks at times.
    #[must_use]
    pub fn has_times(&self) -> bool {
        match self {
            Self::Line(pattern) | Self::Never(pattern) => pattern.contains("{t"),
            Self::AnyOrder(patterns) => patterns.iter().any(|pattern| pattern.contains("{t")),
        }
    }
}

/// Compares an output with what is expected of it.
#[derive(Debug)]
pub struct Matcher {
    tolerance: i64,
    base: i64,
}

impl Matcher {
    /// A matcher that takes times as equal that differ by at most `tolerance` (1/100 s).
    #[must_use]
    pub fn new(tolerance: u32) -> Self {
        Self { tolerance: i64::from(tolerance), base: 0 }
    }

    /// Checks that `lines` (see [`lines`]) are as expected. Between expected lines there may be others.
    ///
    /// # Errors
    /// Which pattern had no line, or which line should not be there.
    pub fn check<S: AsRef<str>>(mut self, lines: &[S], expected: &[Expect]) -> Result<(), String> {
        let mut at = 0;
        for expect in expected {
            match expect {
                Expect::Line(pattern) => at = self.find(lines, at, &[], pattern)? + 1,
                Expect::AnyOrder(patterns) => {
                    let mut used = Vec::new();
                    for pattern in *patterns {
                        used.push(self.find(lines, at, &used, pattern)?);
                    }
                    at = used.iter().max().map_or(at, |last| last + 1);
                }
                Expect::Never(pattern) => {
                    if let Some(line) = lines.iter().find(|line| matches(pattern, line.as_ref())) {
                        return Err(format!("unexpected line `{}` (matches `{pattern}`)", line.as_ref()));
                    }
                }
            }
        }
        Ok(())
    }

    fn find<S: AsRef<str>>(
        &mut self,
        lines: &[S],
        from: usize,
        used: &[usize],
        pattern: &str,
    ) -> Result<usize, String> {
        let parts = parse(pattern);
        let mut candidates = lines.iter().enumerate().skip(from).filter(|(index, _)| !used.contains(index));
        let found =
            candidates.find_map(|(index, line)| self.fit(&parts, line.as_ref()).map(|base| (index, base)));
        match found {
            Some((index, base)) => {
                self.base = base;
                Ok(index)
            }
            None => Err(format!(
                "no line `{pattern}` after line {from} (time base {}, tolerance {})",
                self.base, self.tolerance
            )),
        }
    }

    /// The time base after `line`, if the line fits.
    fn fit(&self, parts: &[Part<'_>], line: &str) -> Option<i64> {
        let mut times = Vec::new();
        if !match_parts(parts, line, &mut times) {
            return None;
        }
        let mut base = self.base;
        for (offset, time) in times {
            match offset {
                None => base = time,
                Some(offset) => {
                    if (time - base - offset).abs() > self.tolerance {
                        return None;
                    }
                }
            }
        }
        Some(base)
    }
}

/// The lines of an output, as patterns see them.
#[must_use]
pub fn lines(output: &str) -> Vec<String> {
    let collapse = |line: &str| {
        let mut text = String::with_capacity(line.len());
        for c in line.trim_end().chars() {
            let c = if c == '\t' { ' ' } else { c };
            if c != ' ' || !text.ends_with(' ') {
                text.push(c);
            }
        }
        text
    };
    output.lines().map(collapse).collect()
}

/// Whether a line matches a pattern, whatever its times are.
#[must_use]
pub fn matches(pattern: &str, line: &str) -> bool {
    match_parts(&parse(pattern), line, &mut Vec::new())
}

#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Text(&'a str),
    Any,
    Number,
    /// A time, and how long it is after the base (`None`: it is the base).
    Time(Option<i64>),
}

fn parse(mut pattern: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while !pattern.is_empty() {
        let (part, length) = special(pattern).unwrap_or_else(|| {
            let ends = pattern.char_indices().map(|(at, _)| at).skip(1);
            let end = ends.into_iter().find(|at| special(&pattern[*at..]).is_some()).unwrap_or(pattern.len());
            (Part::Text(&pattern[..end]), end)
        });
        parts.push(part);
        pattern = &pattern[length..];
    }
    parts
}

/// The placeholder at the start of `text`, with its length.
fn special(text: &str) -> Option<(Part<'static>, usize)> {
    if text.starts_with('*') {
        return Some((Part::Any, 1));
    }
    let inner = text.strip_prefix('{')?.split_once('}')?.0;
    let part = match inner {
        "n" => Part::Number,
        "t" => Part::Time(None),
        _ => Part::Time(Some(inner.strip_prefix("t+")?.parse().ok()?)),
    };
    Some((part, inner.len() + 2))
}

/// Matches the whole of `line`, and collects its times in order.
fn match_parts(parts: &[Part<'_>], line: &str, times: &mut Vec<(Option<i64>, i64)>) -> bool {
    let Some((part, rest)) = parts.split_first() else { return line.is_empty() };
    match part {
        Part::Text(text) => line.strip_prefix(text).is_some_and(|line| match_parts(rest, line, times)),
        Part::Any => {
            let mark = times.len();
            let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
            ends.into_iter().any(|at| {
                times.truncate(mark);
                match_parts(rest, &line[at..], times)
            })
        }
        Part::Number => {
            let end = number_end(line, |c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-'));
            line[..end].parse::<f64>().is_ok() && match_parts(rest, &line[end..], times)
        }
        Part::Time(offset) => {
            let end = number_end(line, |c| c.is_ascii_digit());
            let Ok(time) = line[..end].parse() else { return false };
            times.push((*offset, time));
            match_parts(rest, &line[end..], times)
        }
    }
}

fn number_end(line: &str, belongs: impl Fn(char) -> bool) -> usize {
    line.find(|c| !belongs(c)).unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_match_what_they_stand_for() {
        assert!(matches("a * b", "a x y b"));
        assert!(matches("*", ""));
        assert!(matches("qps = {n}", "qps = 2.5e+05"));
        assert!(matches("in 1 {t+1}", "in 1 23"));
        assert!(matches("{not one} {t-1}", "{not one} {t-1}"));
        assert!(!matches("a", "ab"));
        assert!(!matches("n {n}", "n x"));
        assert!(!matches("t {t}", "t 1.5"));
    }

    #[test]
    fn white_space_is_one_space_and_none_at_the_end() {
        assert_eq!(lines("a \tb \t\n\n\tc"), ["a b", "", " c"]);
    }

    #[test]
    fn times_are_relative_to_their_base() {
        let expected =
            [Expect::Line("a {t}"), Expect::Line("b {t+50}"), Expect::Line("c {t}"), Expect::Line("d {t+1}")];
        assert!(Matcher::new(2).check(&["a 100", "b 152", "c 7", "d 8"], &expected).is_ok());
        assert!(Matcher::new(1).check(&["a 100", "b 152", "c 7", "d 8"], &expected).is_err());
    }

    #[test]
    fn groups_come_in_any_order_and_lines_in_theirs() {
        let expected = [Expect::Line("first"), Expect::AnyOrder(&["x *", "x 1"]), Expect::Line("last")];
        assert!(Matcher::new(0).check(&["first", "x 2", "other", "x 1", "last"], &expected).is_ok());
        assert!(Matcher::new(0).check(&["first", "x 2", "last", "x 1"], &expected).is_err());
        assert!(Matcher::new(0).check(&["x 1", "first", "x 2", "last"], &expected).is_err());
    }

    #[test]
    fn never_looks_at_the_whole_output() {
        let expected = [Expect::Line("b"), Expect::Never("a")];
        assert!(Matcher::new(0).check(&["b"], &expected).is_ok());
        assert!(Matcher::new(0).check(&["a", "b"], &expected).is_err());
    }
}
