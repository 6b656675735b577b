//! What runs when there is no argument: a tour of a few small Lua services, which the binary carries.

use crate::config::Config;
use crate::{embed, wiring};

const INTRODUCTION: &str = "\
skynet runs services that do nothing but exchange messages. This is a node with a few of them, written in Lua; each line
below was logged by the service whose handle stands in front of it. LAUNCH lines show services starting.
";

const NEXT_STEPS: &str = "
That was the tour. What to try next:

  1. A node of your own. Put these lines into a file named `config`:

         thread = 4
         harbor = 0
         start = \"hello\"
         luaservice = \"./?.lua\"

     and these into `hello.lua` beside it:

         local skynet = require \"skynet\"

         skynet.start(function()
             skynet.error(\"hello from\", skynet.address(skynet.self()))
             skynet.timeout(100, function() print(\"one second later\") end)
         end)

     then run:  skynet config        (Ctrl-C ends it)

  2. skynet check config             what the config sets, and likely mistakes in it
  3. skynet --keys                   every config key with its default
  4. docs/examples/demo              the services that you just saw; README.md and docs/ tell the rest
";

const CONFIG: &str = r#"
thread = 2
harbor = 0
start = "demo"
"#;

/// Runs the tour, which ends by itself.
pub(crate) fn run() -> anyhow::Result<()> {
    crate::print(&format!("{INTRODUCTION}\n"))?;
    wiring::run_with(&Config::from_text("demo config", CONFIG)?, embed::demo_sources())?;
    crate::print(&format!("{NEXT_STEPS}\n"))
}
