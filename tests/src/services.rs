//! The Lua service tests: every file of `lua/` is the `start` service of a node of its own.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::modules;
use crate::node::{self, Config, Finished, Scratch, Until};

/// Time that one file may take, on a machine that is very busy with other things. The cases have limits of their own.
const DEADLINE: Duration = Duration::from_secs(300);

/// The test that needs modules in Rust. They are built for it alone.
const RUST_MODULES: &str = "rust_modules";

/// The node that a test runs on.
#[derive(Debug, Clone)]
pub enum Runtime {
    /// Ours, which carries its libraries and services in its binary.
    Ours(PathBuf),
    /// A built C skynet, by its folder.
    C(PathBuf),
    /// Ours, with the native services and Lua's C modules of a built C skynet in place of ours.
    Files {
        /// Our binary.
        binary: PathBuf,
        /// The folder of C skynet.
        c: PathBuf,
    },
}

impl Runtime {
    pub(crate) fn binary(&self) -> PathBuf {
        match self {
            Self::Ours(binary) | Self::Files { binary, .. } => binary.clone(),
            Self::C(folder) => folder.join("skynet"),
        }
    }

    pub(crate) fn config(&self, test: &str, scratch: &Path) -> Result<Config, String> {
        let lua = crate::folder().join("lua");
        let lua = lua.display();
        let mut services = format!("{lua}/?.lua;{lua}/service/?.lua");
        let mut libraries = format!("{lua}/lib/?.lua");
        let built = format!("{}/?.so", modules::folder()?.display());
        let (mut cpath, mut lua_cpath) = (built.clone(), built);
        if test == RUST_MODULES {
            cpath += &format!(";{}/lib?.so", modules::rust_folder()?.display());
        }
        let mut config = Config::new();
        if let Self::C(c) | Self::Files { c, .. } = self {
            cpath += &format!(";{}/cservice/?.so", c.display());
            lua_cpath += &format!(";{}/luaclib/?.so", c.display());
        }
        if let Self::Files { c, .. } = self {
            // For the Lua halves of those modules; what ships with us wins.
            libraries += &format!(";{}/lualib/?.lua", c.display());
            config = config.text("rs_prefer_files", "gate, logger, harbor");
        }
        if let Self::C(folder) = self {
            let c = folder.display();
            services += &format!(";{c}/service/?.lua");
            libraries += &format!(";{c}/lualib/?.lua;{c}/lualib/?/init.lua");
            config = config.text("lualoader", format_args!("{c}/lualib/loader.lua"));
        }
        Ok(config
            .text("cpath", cpath)
            .text("lua_cpath", lua_cpath)
            .number("thread", 2)
            .number("harbor", 0)
            .text("bootstrap", "snlua bootstrap")
            .text("start", test)
            .text("logger", scratch.join("log").display())
            .text("logpath", scratch.display())
            .text("luaservice", services)
            .text("lua_path", libraries))
    }
}

/// Why a test did not pass.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The node could not be run.
    Io(io::Error),
    /// The C services in `c/`, or the modules in Rust, could not be compiled; the reason.
    Modules(String),
    /// It ran, and failed or did not end; with all that it wrote.
    Node {
        /// What was wrong with the way it ended.
        reason: String,
        /// Standard output and standard error.
        output: String,
        /// The log file.
        log: String,
    },
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Modules(reason) => f.write_str(reason),
            Self::Io(e) => write!(f, "cannot run the node: {e}"),
            Self::Node { reason, output, log } => {
                write!(f, "{reason}\n--- output ---\n{output}\n--- log ---\n{log}")
            }
        }
    }
}

/// The names of the tests, sorted.
///
/// # Errors
/// When the folder cannot be read.
pub fn list() -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(crate::folder().join("lua"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "lua") {
            names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Runs one test. It passes when the process ends in time with status 0.
///
/// # Errors
/// What was wrong, with the whole output and log of the node.
pub fn run(runtime: &Runtime, test: &str) -> Result<(), Failure> {
    let scratch = Scratch::new(test).map_err(Failure::Io)?;
    let log = scratch.path().join("log");
    let config = runtime.config(test, scratch.path()).map_err(Failure::Modules)?;
    let finished =
        node::run(&runtime.binary(), &config, &scratch, Until::Exit, DEADLINE).map_err(Failure::Io)?;
    let Some(reason) = complaint(&finished, test) else { return Ok(()) };
    let log = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Err(Failure::Node {
        reason,
        output: finished.output,
        log: log.unwrap_or_else(|e| format!("(no log: {e})")),
    })
}

fn complaint(finished: &Finished, test: &str) -> Option<String> {
    let summary = format!("{test}: ");
    match finished.status {
        _ if !finished.in_time => Some(format!("did not end within {} s", DEADLINE.as_secs())),
        None => Some("was ended by a signal".to_owned()),
        // A node that ends early, for any reason, must not look like a test that passed.
        Some(0) if !finished.output.lines().any(|line| line.starts_with(&summary)) => {
            Some("ended before its last case".to_owned())
        }
        Some(0) => None,
        Some(status) => Some(format!("ended with status {status}")),
    }
}
