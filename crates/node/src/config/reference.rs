//! The reference page of the config keys, `docs/config.md`, written from the table.

use std::fmt::Write;

use super::keys::{Fallback, SECTIONS};

const HEAD: &str = "\
# The config file

`skynet CONFIG` starts a node from a config file. `skynet check CONFIG` shows what such a file sets, warns of likely
mistakes, and starts nothing.

The file is a Lua 5.5 chunk that runs in an empty environment: there is no `os`, no `string`. What it assigns to globals
are the entries.

- Values are strings, numbers or booleans. An entry that is `nil` is absent.
- `$NAME` is replaced by that environment variable before Lua sees the text, in strings and comments too; one that is
  not set is an error.
- `include \"file\"` runs another file into the same entries. Its path is relative to the folder of the including file.
- Every entry is visible to services: `skynet.getenv \"name\"` gives its text. Programs keep keys of their own here; a
  name close to one of the keys below gets a warning.

```lua
include \"common\"
thread = 8
harbor = 0
start = \"main\"
luaservice = \"./service/?.lua;$GAME_HOME/service/?.lua\"
logger = \"./game.log\"
```

A default marked *silent* is used without being shown: `skynet.getenv` gives nil for that key.
";

const TAIL: &str = "
The node itself sets `rs_version`, its version. C skynet has no such variable, so a service can tell where it runs.

This page is written by `skynet --keys`.
";

/// The page.
pub(crate) fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for section in SECTIONS {
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
            section.title
        );
        for key in section.keys {
            let fallback = match key.fallback {
                Fallback::Unset => "–".to_owned(),
                Fallback::Visible(value) => format!("`{value}`"),
                Fallback::Silent(value) => format!("`{value}`, silent"),
            };
            let _ = writeln!(page, "| `{}` | {} | {fallback} | {} |", key.name, key.kind.describe(), key.doc);
        }
    }
    page.push_str(TAIL);
    page
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_in_docs_is_the_one_that_is_written_here() {
        let kept = include_str!("../../../../docs/config.md");
        assert!(kept == super::markdown(), "docs/config.md is old: write it anew with `skynet --keys`");
    }
}
