//! What no node should log.

/// Texts that a healthy node never logs: errors in Lua, answers nobody waits for, panics, messages out of order.
const SIGNS: &[&str] = &[
    "stack traceback",
    "Unknown session",
    "unknown response",
    "panicked",
    "disorder:",
    "assertion failed",
    "lua loader error",
];

/// The first line that should not be there, but for those with a text that is allowed.
pub(super) fn complaint<'a>(log: &'a str, allowed: &[&str]) -> Option<&'a str> {
    log.lines().find(|line| {
        SIGNS.iter().any(|sign| line.contains(sign)) && !allowed.iter().any(|allowed| line.contains(allowed))
    })
}

/// The last lines.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_a_log_are_found_unless_allowed() {
        let log = "[:01000002] LAUNCH snlua bootstrap\nstack traceback:\n\t[C]: in ?\n";
        assert_eq!(complaint(log, &[]), Some("stack traceback:"));
        assert_eq!(complaint(log, &["traceback"]), None);
        assert_eq!(tail(log, 1), "\t[C]: in ?");
    }
}
