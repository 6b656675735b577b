//! The config keys that the node knows, each defined once: the reference page, `skynet check`, the defaults and the
//! misspelling warnings all read this table.

/// What a value of a key must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole number in a range, both ends included.
    Integer {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// Any text.
    Text,
    /// The path of one file or folder.
    Path,
    /// Search patterns separated by `;`, with `?` for the name.
    SearchPath,
    /// `host:port`.
    Address,
    /// A module and its arguments: `snlua bootstrap`.
    Launch,
    /// Names separated by commas.
    Names,
}

impl Kind {
    /// The word for it on the reference page.
    pub(crate) fn describe(self) -> String {
        match self {
            Kind::Integer { min, max } => format!("number {min}–{max}"),
            Kind::Boolean => "boolean".to_owned(),
            Kind::Text => "text".to_owned(),
            Kind::Path => "path".to_owned(),
            Kind::SearchPath => "search path".to_owned(),
            Kind::Address => "host:port".to_owned(),
            Kind::Launch => "module and arguments".to_owned(),
            Kind::Names => "names".to_owned(),
        }
    }
}

/// What holds when a config does not set the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// Nothing.
    Unset,
    /// This value, which `skynet.getenv` then returns.
    Visible(&'static str),
    /// This value, while `skynet.getenv` returns nil.
    Silent(&'static str),
}

impl Fallback {
    /// The value, however it is shown to services.
    pub(crate) fn value(self) -> Option<&'static str> {
        match self {
            Fallback::Unset => None,
            Fallback::Visible(value) | Fallback::Silent(value) => Some(value),
        }
    }
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Its name in the file.
    pub(crate) name: &'static str,
    /// The form of its value.
    pub(crate) kind: Kind,
    /// Its default.
    pub(crate) fallback: Fallback,
    /// What it does, in Markdown, one line.
    pub(crate) doc: &'static str,
}

/// A part of the reference page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// Its heading.
    pub(crate) title: &'static str,
    /// The keys in it.
    pub(crate) keys: &'static [Key],
}

const fn key(name: &'static str, kind: Kind, fallback: Fallback, doc: &'static str) -> Key {
    Key { name, kind, fallback, doc }
}

use Fallback::{Silent, Unset, Visible};

/// Every key, in the order of the reference page.
pub(crate) const SECTIONS: &[Section] = &[
    Section {
        title: "The node",
        keys: &[
            key(
                "thread",
                Kind::Integer { min: 1, max: 1024 },
                Visible("8"),
                "Worker threads. Digits count up to the first other character: `1.5` is 1.",
            ),
            key(
                "harbor",
                Kind::Integer { min: 0, max: 255 },
                Visible("1"),
                "The id of this node in its harbor network; 0 for a node that is alone.",
            ),
            key(
                "bootstrap",
                Kind::Launch,
                Visible("snlua bootstrap"),
                "The first service: its module, a space, its arguments.",
            ),
            key(
                "start",
                Kind::Text,
                Silent("main"),
                "The Lua service that bootstrap starts last: your program.",
            ),
            key("daemon", Kind::Path, Unset, "A pid file. When set, the node runs in the background."),
            key(
                "profile",
                Kind::Boolean,
                Visible("true"),
                "Count CPU time per service. Any value but `true` turns it off.",
            ),
            key(
                "rs_explain_errors",
                Kind::Boolean,
                Silent("true"),
                "Tell callers why their calls fail: what a handler raised with its traceback, who has ended and how. `false`: the errors of C skynet, and nothing of it goes to other services and nodes, except whether an end was normal.",
            ),
            key(
                "rs_runaway",
                Kind::Integer { min: 0, max: 86_400 },
                Silent("0"),
                "How many seconds a Lua service may spend in one message before a Lua error interrupts it; 0 for ever. `skynet.runaway` sets it for one service.",
            ),
            key(
                "rs_shutdown_timeout",
                Kind::Integer { min: 1, max: 86_400 },
                Silent("30"),
                "How many seconds a [shutdown](shutdown.md) may take; whoever is not done by then is passed by.",
            ),
            key(
                "rs_shutdown_network",
                Kind::Boolean,
                Silent("false"),
                "With `true`, SIGTERM and SIGINT shut down all nodes of the harbor network that are of this kind, and not this one alone.",
            ),
            key(
                "preload",
                Kind::Path,
                Unset,
                "A Lua file that runs in every Lua service before the service's own.",
            ),
        ],
    },
    Section {
        title: "Logging",
        keys: &[
            key(
                "logger",
                Kind::Text,
                Unset,
                "The argument of the log service: a file to append to. Unset: standard output.",
            ),
            key(
                "logservice",
                Kind::Text,
                Visible("logger"),
                "The module of the log service; `snlua` for one in Lua, which `logger` then names.",
            ),
            key(
                "logpath",
                Kind::Path,
                Unset,
                "The folder for the message logs of single services (the commands LOGON and LOGOFF).",
            ),
        ],
    },
    Section {
        title: "Where code is found",
        keys: &[
            key("luaservice", Kind::SearchPath, Silent("./service/?.lua"), "Where Lua services are."),
            key(
                "lua_path",
                Kind::SearchPath,
                Silent("./lualib/?.lua;./lualib/?/init.lua"),
                "`package.path` of Lua services.",
            ),
            key("lua_cpath", Kind::SearchPath, Silent("./luaclib/?.so"), "`package.cpath` of Lua services."),
            key(
                "cpath",
                Kind::SearchPath,
                Visible("./cservice/?.so"),
                "Where native services are. Each pattern must have a `?`.",
            ),
            key(
                "lualoader",
                Kind::Path,
                Silent("./lualib/loader.lua"),
                "A loader script of your own, honoured when it is set and exists.",
            ),
            key(
                "rs_prefer_files",
                Kind::Names,
                Unset,
                "Services and modules, separated by commas, whose files win over those built into the binary; `*` for all. Without it the built-in ones win.",
            ),
        ],
    },
    Section {
        title: "Sockets",
        keys: &[
            key(
                "rs_socket_threads",
                Kind::Integer { min: 0, max: 64 },
                Silent("0"),
                "Threads that do nothing but read from the network; sockets are spread over them by their ids. With 0 workers do it when they have nothing else to do, which is best on few cores.",
            ),
            key(
                "rs_socket_max",
                Kind::Integer { min: 1, max: 1 << 24 },
                Silent("262144"),
                "How many sockets there may be at a time.",
            ),
            key(
                "rs_socket_write_limit",
                Kind::Integer { min: 0, max: 1 << 40 },
                Silent("0"),
                "A socket is closed when more bytes than this wait to be sent; 0 for no limit.",
            ),
        ],
    },
    Section {
        title: "More than one node",
        keys: &[
            key(
                "address",
                Kind::Address,
                Unset,
                "Where this node listens for the others of its harbor network. Needed if `harbor` is not 0.",
            ),
            key(
                "master",
                Kind::Address,
                Unset,
                "Where the master of the harbor network listens. Needed if `harbor` is not 0.",
            ),
            key(
                "standalone",
                Kind::Address,
                Unset,
                "Makes this node the master, listening here. Must be unset if `harbor` is 0.",
            ),
            key(
                "rs_harbor_announce",
                Kind::Address,
                Unset,
                "Where the others of the harbor network reach this node, if that is not its `address` (behind a NAT, in a container).",
            ),
            key(
                "rs_harbor_secret",
                Kind::Text,
                Unset,
                "A secret that all nodes of the harbor network share: connections of those who do not know it are closed. C nodes know none.",
            ),
            key(
                "rs_harbor_heartbeat",
                Kind::Integer { min: 0, max: 86_400 },
                Silent("15"),
                "How many seconds another node may be silent before it is taken for gone; 0 for ever.",
            ),
            key(
                "rs_harbor_queue",
                Kind::Integer { min: 1, max: 1 << 30 },
                Silent("65536"),
                "How many messages may wait for one node that is not linked yet, or for one global name that is not known yet.",
            ),
            key(
                "rs_harbor_queue_bytes",
                Kind::Integer { min: 1, max: 1 << 40 },
                Silent("268435456"),
                "How many bytes may wait for all such nodes, for all such names, and in the connection to one node that does not take them.",
            ),
            key(
                "rs_incarnation",
                Kind::Integer { min: 0, max: i64::MAX },
                Unset,
                "Which life of this node this is: a number that no other life has. The first handle depends on it, so that a handle of a former life finds nobody. Unset: milliseconds since 1970, at start; services see them. With 0 handles begin at 1, as in C skynet.",
            ),
            key("cluster", Kind::Path, Unset, "The file with the names and addresses of the cluster."),
        ],
    },
    Section {
        title: "Libraries",
        keys: &[
            key("snax", Kind::SearchPath, Unset, "Where snax services are."),
            key("snax_interface_g", Kind::Text, Unset, "A module with the environment of snax interfaces."),
            key("snax_loader", Kind::Path, Unset, "A loader script for snax services."),
            key("enablessl", Kind::Boolean, Unset, "`true` gets TLS ready at start."),
            key("certfile", Kind::Path, Silent("./server-cert.pem"), "The certificate of TLS servers."),
            key("keyfile", Kind::Path, Silent("./server-key.pem"), "The private key of TLS servers."),
        ],
    },
];

/// The variable that tells services that they run on this node, and on which version of it. Not for configs to set.
pub(crate) const VERSION_KEY: &str = "rs_version";

/// The prefix of the keys that C skynet does not have.
pub(crate) const OWN_PREFIX: &str = "rs_";

/// All keys, section after section.
pub(crate) fn all() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys)
}

/// The key of this name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_key_is_defined_once_and_documented_in_one_line() {
        let mut seen = HashSet::new();
        for key in all() {
            assert!(seen.insert(key.name), "{} is defined twice", key.name);
            assert!(key.doc.ends_with('.') && !key.doc.contains(['\n', '|']), "the doc of {}", key.name);
        }
    }

    #[test]
    fn the_defaults_that_services_see_are_those_of_the_specification() {
        let visible: Vec<_> = all()
            .filter_map(|key| match key.fallback {
                Visible(value) => Some((key.name, value)),
                _ => None,
            })
            .collect();
        let expected = [
            ("thread", "8"),
            ("harbor", "1"),
            ("bootstrap", "snlua bootstrap"),
            ("profile", "true"),
            ("logservice", "logger"),
            ("cpath", "./cservice/?.so"),
        ];
        assert_eq!(visible, expected);
    }
}
