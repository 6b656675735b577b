//! What can be wrong with a config, each as one line.
//!
//! The first words, with the numbers after `[skynet config]`, are those of C skynet, since scripts that start nodes
//! match on them.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Why a config cannot be used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub(crate) enum ConfigError {
    /// The file, or one that it includes, cannot be opened.
    Open {
        /// The path that was tried.
        path: String,
        /// The reason of the system.
        source: Arc<io::Error>,
    },
    /// The file was opened but cannot be read; a folder, for one.
    Read {
        /// The path that was opened.
        path: String,
        /// The reason of the system.
        source: Arc<io::Error>,
    },
    /// `$NAME` names a variable that the environment does not have.
    MissingVariable(String),
    /// The text is no Lua.
    Syntax(String),
    /// The chunk raised an error.
    Run(String),
    /// Files include one another without end.
    IncludeDepth {
        /// The file that was one too many.
        path: String,
        /// How deep includes may nest.
        limit: usize,
    },
    /// A key is no string.
    KeyType,
    /// A value is neither string, number nor boolean.
    ValueType(String),
    /// `thread` is out of range.
    Threads(i64),
    /// `harbor` is no id.
    Harbor(String),
    /// A key of ours is no number in its range.
    Number {
        /// The key.
        name: &'static str,
        /// What it was set to.
        value: String,
        /// The least that it can be.
        min: i64,
        /// The most that it can be.
        max: i64,
    },
    /// An element of `cpath` has no `?`.
    ModulePath,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { path, source } => write!(f, "[skynet config]:17: {path}: {}", Reason(source)),
            Self::Read { path, source } => write!(f, "[skynet config]:18: {path}: {}", Reason(source)),
            Self::MissingVariable(name) => write!(f, "[skynet config]:2: os.getenv() failed: {name}"),
            Self::Syntax(message) => write!(f, "[skynet config]:21: {message}"),
            Self::Run(message) => f.write_str(message),
            Self::IncludeDepth { path, limit } => {
                write!(
                    f,
                    "[skynet config]:17: {path}: include nests deeper than {limit} files; does a file include itself?"
                )
            }
            Self::KeyType => f.write_str("Invalid config table"),
            Self::ValueType(key) => write!(f, "Invalid config table key = {key}"),
            Self::Threads(count) => write!(f, "Invalid thread {count} , should be in [1,1024]"),
            Self::Harbor(value) => write!(f, "Invalid harbor {value} , should be in [0,255]"),
            Self::Number { name, value, min, max } => {
                write!(f, "Invalid {name} {value} , should be in [{min},{max}]")
            }
            Self::ModulePath => f.write_str("Invalid C service path"),
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. } | Self::Read { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

/// An error of the system in the words of `strerror`, without Rust's `(os error 2)` behind them.
pub(crate) struct Reason<'a>(pub(crate) &'a io::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.split(" (os error").next().unwrap_or(&text))
    }
}
