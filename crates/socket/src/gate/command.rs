//! The text commands.

use skynet_core::Handle;

use super::args::leading_number;

/// What anybody may tell a gate.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(super) enum Command<'a> {
    /// `kick <fd>`
    Kick(i32),
    /// `forward <fd> :<agent> :<client>`
    Forward { id: i32, agent: Handle, client: Handle },
    /// `broker <address>`
    Broker(&'a str),
    /// `start <fd>`
    Start(i32),
    /// `close`
    Close,
    /// A command that lacks what it is about.
    Incomplete,
    /// None of them.
    Unknown,
}

/// In the order in which an abbreviation is looked up.
const WORDS: [&str; 5] = ["kick", "forward", "broker", "start", "close"];

impl<'a> Command<'a> {
    /// Reads a command. Its word may be cut short: the first that begins like that is meant.
    pub(super) fn parse(text: &'a str) -> Command<'a> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let id = |text: &str| leading_number(text.trim_start()).and_then(|id| i32::try_from(id).ok());
        match WORDS.iter().find(|known| known.starts_with(word)) {
            Some(&"kick") => id(rest).map_or(Command::Incomplete, Command::Kick),
            Some(&"forward") => forward(rest).unwrap_or(Command::Incomplete),
            Some(&"broker") => Command::Broker(rest),
            Some(&"start") => id(rest).map_or(Command::Incomplete, Command::Start),
            Some(_) => Command::Close,
            None => Command::Unknown,
        }
    }
}

fn forward(rest: &str) -> Option<Command<'_>> {
    let mut words = rest.split(' ');
    let id = i32::try_from(leading_number(words.next()?)?).ok()?;
    Some(Command::Forward { id, agent: handle(words.next()?), client: handle(words.next()?) })
}

/// An address as a colon and hexadecimal digits; 0 where there are none. The first character is not looked at.
pub(super) fn handle(word: &str) -> Handle {
    let mut chars = word.chars();
    chars.next();
    let digits = chars.as_str();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    let raw = digits.get(..end).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    Handle::from_raw(raw.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        assert_eq!(Command::parse("kick 12"), Command::Kick(12));
        assert_eq!(Command::parse("start  7"), Command::Start(7));
        assert_eq!(Command::parse("broker .name"), Command::Broker(".name"));
        assert_eq!(Command::parse("close"), Command::Close);
        let (agent, client) = (Handle::from_raw(0x0100_000a), Handle::from_raw(0x1234));
        assert_eq!(Command::parse("forward 3 :100000a :1234"), Command::Forward { id: 3, agent, client });
        let client = Handle::NONE;
        assert_eq!(Command::parse("forward 3 :0100000A :0"), Command::Forward { id: 3, agent, client });
    }

    #[test]
    fn words_may_be_cut_short() {
        assert_eq!(Command::parse("k 1"), Command::Kick(1));
        assert_eq!(Command::parse("s 1"), Command::Start(1));
        assert_eq!(Command::parse("b x"), Command::Broker("x"));
        assert_eq!(Command::parse("c"), Command::Close);
        assert!(matches!(Command::parse("fo 1 :2 :3"), Command::Forward { id: 1, .. }));
    }

    #[test]
    fn what_lacks_something_is_ignored_and_what_is_no_command_is_not() {
        for text in [
            "",
            " start 1",
            "kick",
            "start",
            "start x",
            "forward",
            "forward 1",
            "forward 1 :2",
            "kick 99999999999",
        ] {
            assert_eq!(Command::parse(text), Command::Incomplete, "{text:?}");
        }
        for text in ["bogus 1", "kicks 1", "KICK 1"] {
            assert_eq!(Command::parse(text), Command::Unknown, "{text:?}");
        }
    }
}
