//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the user asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run the chat room: no argument.
    Demo,
    /// Start a node from this config.
    Run(PathBuf),
    /// Check this config.
    Check(PathBuf),
    /// Print the reference of config keys.
    Keys,
    /// Print the version.
    Version,
    /// Print the help.
    Help,
}

/// What `--help` prints.
pub(crate) const HELP: &str = "\
skynet - a runtime for services in Lua and Rust that exchange messages

usage:
  skynet                 run a chat room and say how to join: services to look at
  skynet CONFIG          start a node from a config file
  skynet check CONFIG    show what a config file sets, warn of likely mistakes, start nothing
  skynet --keys          print the reference of the config keys, in Markdown
  skynet --version       print the version
  skynet --help          print this

SIGTERM and SIGINT shut the node down in order, a second one ends it at once; SIGHUP reopens the log.

exit status:
  0        all services have ended, or somebody called skynet.abort
  1        the node could not start
  3        a shutdown passed somebody by, or a part of it failed, or it was cut off by skynet.abort
  130 143  a second SIGINT or SIGTERM cut a shutdown off

A config file is a few lines of Lua, for example:
  thread = 8
  harbor = 0
  start = \"main\"
  luaservice = \"./?.lua\"
";

/// What `--version` prints.
pub(crate) fn version() -> String {
    format!("skynet {} (skynet-rs, {})\n", env!("CARGO_PKG_VERSION"), "Lua 5.5")
}

/// Reads the arguments, the program's own name left out. Arguments behind a config are ignored, as they always were.
///
/// # Errors
///
/// An unknown option, or `check` without a file, as one line for the user.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut args = args.into_iter();
    let Some(first) = args.next() else {
        return Ok(Command::Demo);
    };
    Ok(match first.to_str() {
        Some("--help" | "-h") => Command::Help,
        Some("--version" | "-V") => Command::Version,
        Some("--keys") => Command::Keys,
        Some("check") => match args.next() {
            Some(path) => Command::Check(path.into()),
            None => return Err("check needs a config file: skynet check CONFIG".to_owned()),
        },
        Some(option) if option.starts_with('-') => {
            return Err(format!(
                "unknown option {option}; skynet --help lists them (a config of that name: ./{option})"
            ));
        }
        _ => Command::Run(first.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse(args.iter().map(OsString::from))
    }

    #[test]
    fn each_form_of_the_command_line_is_understood() {
        assert_eq!(parsed(&[]), Ok(Command::Demo));
        assert_eq!(parsed(&["etc/config", "--ignored"]), Ok(Command::Run("etc/config".into())));
        assert_eq!(parsed(&["check", "config"]), Ok(Command::Check("config".into())));
        assert_eq!(parsed(&["./check"]), Ok(Command::Run("./check".into())));
        assert_eq!(parsed(&["--keys"]), Ok(Command::Keys));
        assert_eq!(parsed(&["-h"]), Ok(Command::Help));
        assert_eq!(parsed(&["--version"]), Ok(Command::Version));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(parsed(&["--verbose"]).unwrap_err().contains("--verbose"));
        assert!(parsed(&["check"]).unwrap_err().contains("skynet check CONFIG"));
    }
}
