//! What `skynet check` says about a config.

use std::fmt::Write;
use std::path::Path;

use super::keys::{self, Fallback};
use super::typed::Config;

/// The settings that hold, where each comes from, the entries of the program itself, and the warnings.
pub(crate) fn report(path: &Path, config: &Config) -> String {
    let mut lines = Vec::new();
    for key in keys::all() {
        let given = config.given.iter().any(|name| name == key.name);
        match (config.env.get(key.name), key.fallback) {
            (Some(value), _) if given => lines.push((key.name, shown(value), "")),
            (_, Fallback::Unset) => {}
            (_, fallback) => {
                lines.push((key.name, fallback.value().unwrap_or_default().to_owned(), "default"));
            }
        }
    }
    let own: Vec<_> = config
        .given
        .iter()
        .filter(|name| keys::find(name).is_none() && *name != keys::VERSION_KEY)
        .filter_map(|name| config.env.get(name).map(|value| (name.as_str(), shown(value), "")))
        .collect();

    let mut text = format!("{}\n", path.display());
    table(&mut text, &lines);
    if !own.is_empty() {
        text.push_str("\nkeys of the program\n");
        table(&mut text, &own);
    }
    text.push('\n');
    for warning in &config.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    text.push_str(match config.warnings.len() {
        0 => "ok\n",
        _ => "ok, with warnings\n",
    });
    text
}

fn table(text: &mut String, lines: &[(&str, String, &str)]) {
    let width = lines.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    for (name, value, origin) in lines {
        let origin = if origin.is_empty() { String::new() } else { format!("  ({origin})") };
        let _ = writeln!(text, "  {name:width$}  {value}{origin}");
    }
}

fn shown(value: &str) -> String {
    value.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_tells_defaults_from_settings_and_own_keys() {
        let config = Config::from_text("t", "harbor = 0 root = './' thraed = 2").unwrap();
        let text = report(Path::new("etc/config"), &config);
        assert!(text.starts_with("etc/config\n  thread "), "{text}");
        assert!(text.contains("  8  (default)\n"), "{text}");
        assert!(text.lines().any(|line| line.split_whitespace().eq(["harbor", "0"])), "{text}");
        assert!(text.contains("\nkeys of the program\n  root    ./\n  thraed  2\n"), "{text}");
        assert!(
            text.ends_with(
                "warning: config key thraed is not known; did you mean thread?\nok, with warnings\n"
            )
        );
    }
}
