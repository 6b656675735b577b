//! What runs when there is no argument: a chat room in Lua, whose services the binary carries.

use crate::config::Config;
use crate::{embed, wiring};

const INTRODUCTION: &str = "\
skynet runs services that do nothing but exchange messages. This is a node with a chat room, written in Lua. Each line
below was logged by the service whose handle stands in front of it; LAUNCH lines show services starting.
";

const CONFIG: &str = r#"
thread = 4
harbor = 0
start = "chat"
"#;

/// Runs the chat room until it is interrupted. It says by itself how to join.
pub(crate) fn run() -> anyhow::Result<u8> {
    crate::print(&format!("{INTRODUCTION}\n"))?;
    wiring::run_with(&Config::from_text("demo config", CONFIG)?, embed::chat_sources())
}
