//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::pattern::Frame;

const USAGE: &str = "\
usage: netload echo ADDRESS [FLAGS]      requests on lasting connections, answered by their own bytes
       netload accept ADDRESS [FLAGS]    a connection for each request
       netload idle ADDRESS [FLAGS]      opens connections, prints READY, and holds them until its input ends
       netload serve-epoll               an echo server that is nothing but a loop around epoll
       netload serve-epoll-once          the same for `accept`: closes after one line
       netload serve-native              a service in Rust that echoes
flags: --name ROW  --frame bytes|line|package  --size BYTES  --connections N  --depth N  --seconds S  --warm-up S";

/// What to do.
pub(crate) enum Command {
    Echo(Load),
    Accept(Load),
    Idle(Load),
    ServeEpoll,
    ServeEpollOnce,
    ServeNative,
}

/// What load to put on which server.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// The name that results are reported under.
    pub(crate) name: String,
    pub(crate) frame: Frame,
    /// Bytes of a request: with the end of line, without the head of a package.
    pub(crate) size: usize,
    pub(crate) connections: usize,
    /// Requests under way on each connection.
    pub(crate) depth: usize,
    /// How long it is measured, and how long the load runs before.
    pub(crate) measured: Duration,
    pub(crate) warm_up: Duration,
}

/// # Errors
///
/// When the command line is not understood, or asks for what cannot be.
pub(crate) fn parse(words: &[String]) -> Result<Command> {
    let Some((command, rest)) = words.split_first() else { bail!("{USAGE}") };
    Ok(match (command.as_str(), rest) {
        ("echo", _) => Command::Echo(load(rest)?),
        ("accept", _) => Command::Accept(load(rest)?),
        ("idle", _) => Command::Idle(load(rest)?),
        ("serve-epoll", []) => Command::ServeEpoll,
        ("serve-epoll-once", []) => Command::ServeEpollOnce,
        ("serve-native", []) => Command::ServeNative,
        _ => bail!("{USAGE}"),
    })
}

fn load(words: &[String]) -> Result<Load> {
    let Some((address, flags)) = words.split_first() else { bail!("{USAGE}") };
    let address =
        address.parse().with_context(|| format!("`{address}` is no address like 127.0.0.1:8888"))?;
    let mut load = Load {
        address,
        name: "load".to_owned(),
        frame: Frame::Bytes,
        size: 64,
        connections: 100,
        depth: 1,
        measured: Duration::from_secs(3),
        warm_up: Duration::from_secs(1),
    };
    let mut rest = flags.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--name" => load.name.clone_from(value),
            "--frame" => load.frame = Frame::named(value)?,
            "--size" => load.size = count(flag, value)?,
            "--connections" => load.connections = count(flag, value)?,
            "--depth" => load.depth = count(flag, value)?,
            "--seconds" => load.measured = seconds(flag, value)?,
            "--warm-up" => load.warm_up = seconds(flag, value)?,
            _ => bail!("no flag `{flag}`\n{USAGE}"),
        }
    }
    if load.measured.is_zero() {
        bail!("--seconds needs more than 0");
    }
    Ok(load)
}

fn count(flag: &str, text: &str) -> Result<usize> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => bail!("{flag} needs a number from 1 up, not `{text}`"),
    }
}

fn seconds(flag: &str, text: &str) -> Result<Duration> {
    let seconds = text.parse().ok().and_then(|number| Duration::try_from_secs_f64(number).ok());
    seconds.with_context(|| format!("{flag} needs a number of seconds, not `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command> {
        super::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_load_is_read_from_flags() {
        let parsed = parse("echo 127.0.0.1:80 --depth 16 --frame line --warm-up 0 --seconds 0.5");
        let Ok(Command::Echo(load)) = parsed else { panic!("not understood") };
        assert_eq!((load.depth, load.connections, load.address.port()), (16, 100, 80));
        assert_eq!((load.warm_up, load.measured), (Duration::ZERO, Duration::from_millis(500)));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let wrong = ["", "echo", "echo here", "echo 127.0.0.1:80 --depth", "serve-epoll now", "dance"];
        let zero = [
            "echo 127.0.0.1:80 --depth 0",
            "echo 127.0.0.1:80 --seconds 0",
            "echo 127.0.0.1:80 --seconds -1",
        ];
        for line in wrong.iter().chain(&zero) {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
