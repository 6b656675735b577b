//! The command line, `skynet check`, and what a config file can do.

mod common;

use common::{Outcome, Scratch};

#[test]
fn help_and_version_are_printed() {
    let scratch = Scratch::new();
    let help = scratch.run(&["--help"]);
    assert!(help.out.contains("skynet check CONFIG"), "{help:?}");
    assert_eq!((help.err.as_str(), help.code), ("", Some(0)));
    let version = scratch.run(&["--version"]);
    assert!(version.out.starts_with(concat!("skynet ", env!("CARGO_PKG_VERSION"), " ")), "{version:?}");
    assert_eq!(version.code, Some(0));
}

#[test]
fn an_unknown_option_is_an_error_that_names_it() {
    let outcome = Scratch::new().run(&["--fast"]);
    assert!(outcome.err.starts_with("unknown option --fast;"), "{outcome:?}");
    assert_eq!((outcome.err.lines().count(), outcome.code), (1, Some(1)));
}

#[test]
fn the_reference_of_keys_is_printed() {
    let outcome = Scratch::new().run(&["--keys"]);
    assert!(outcome.out.contains("| `thread` | number 1–1024 | `8` |"), "{outcome:?}");
    assert_eq!(outcome.code, Some(0));
}

/// The line of `check` for a key: its value, and where it is from.
#[track_caller]
fn line<'a>(outcome: &'a Outcome, key: &str) -> Vec<&'a str> {
    let found = outcome.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    found
        .into_iter()
        .find(|words| words.first() == Some(&key))
        .unwrap_or_else(|| panic!("no {key}: {outcome:?}"))
}

#[test]
fn check_tells_settings_from_defaults_and_starts_nothing() {
    let scratch = Scratch::new();
    scratch.write("config", "harbor = 0 thread = 2 daemon = './pid' logger = './log' game = 'chess'");
    let outcome = scratch.run(&["check", "config"]);
    assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)));
    assert_eq!(line(&outcome, "thread"), ["thread", "2"]);
    assert_eq!(line(&outcome, "start"), ["start", "main", "(default)"]);
    assert_eq!(line(&outcome, "game"), ["game", "chess"]);
    assert!(outcome.out.ends_with("\nok\n"), "{outcome:?}");
    assert!(!scratch.path("pid").exists() && !scratch.path("log").exists());
}

#[test]
fn check_fails_as_a_start_would() {
    let scratch = Scratch::new();
    scratch.write("config", "thread = 0");
    let outcome = scratch.run(&["check", "config"]);
    assert_eq!((outcome.err.as_str(), outcome.code), ("Invalid thread 0 , should be in [1,1024]\n", Some(1)));
}

#[test]
fn a_misspelt_key_is_named_in_a_warning_by_check_and_at_start() {
    let scratch = Scratch::new();
    scratch.write("config", "harbor = 0 thraed = 2 root = './' bootstrap = 'nomod'");
    let warning = "warning: config key thraed is not known; did you mean thread?\n";
    let check = scratch.run(&["check", "config"]);
    assert!(check.out.contains(warning) && check.out.ends_with("ok, with warnings\n"), "{check:?}");
    assert_eq!(check.out.matches("warning: ").count(), 1, "{check:?}");
    assert_eq!(check.code, Some(0));
    let start = scratch.run(&["config"]);
    assert!(start.err.starts_with(warning), "{start:?}");
}

#[test]
fn includes_are_relative_to_the_file_that_includes() {
    let scratch = Scratch::new();
    scratch
        .write("etc/config", "include 'parts/a' thread = base + 1")
        .write("etc/parts/a", "include 'b' harbor = 0")
        .write("etc/parts/b", "base = 4");
    let outcome = scratch.run(&["check", "etc/config"]);
    assert_eq!(line(&outcome, "thread"), ["thread", "5"]);
    assert_eq!(line(&outcome, "base"), ["base", "4"]);
}

#[test]
fn an_include_with_a_whole_path_is_taken_as_it_is() {
    let scratch = Scratch::new();
    scratch.write("far/part", "base = 4");
    let config = format!("include '{}'", scratch.path("far/part").display());
    scratch.write("etc/config", &config);
    assert_eq!(line(&scratch.run(&["check", "etc/config"]), "base"), ["base", "4"]);
}

#[test]
fn variables_of_the_environment_are_put_in() {
    let scratch = Scratch::new();
    scratch.write("config", "thread = $NODE_TEST_THREADS logger = '$NODE_TEST_DIR/log' -- $NODE_TEST_DIR");
    let mut command = scratch.command(&["check", "config"]);
    command.env("NODE_TEST_THREADS", "3").env("NODE_TEST_DIR", "/var/games");
    let outcome = Outcome::of(command);
    assert_eq!(line(&outcome, "thread"), ["thread", "3"]);
    assert_eq!(line(&outcome, "logger"), ["logger", "/var/games/log"]);
}
