//! Tests that span crates. They run the built `skynet` binary as a user does: a config file, a process, its output.
//!
//! - [`services`]: the Lua service tests in `lua/`. Each file is the `start` service of a node of its own; it asserts
//!   and ends the process. `cargo test -p skynet-tests` runs them all.
//! - [`compat`]: scripts that come with C skynet, run unmodified from a checkout of it, with the outcome that they
//!   should have described by patterns of ours. `cargo run -p skynet-tests --bin compat` runs them.
//! - [`cluster`]: clusters of nodes on loopback, killed, frozen and cut off by the scenarios in `cluster/`.
//!   `cargo xtask cluster-test` runs them, `cargo test -p skynet-tests --test cluster` the quick ones.
//! - [`node`]: one run of a node, with a deadline, all output kept, in a scratch folder that is removed afterwards.
//! - [`session`]: a node that stays up, and clients that talk to it.
//! - `signals`: those that nodes are started with.
//! - [`modules`]: the C services in `c/`, and the module in Rust in `module/`, which the tests compile.
//! - [`pattern`]: the patterns that an output is compared with.
//! - `documents`: the Rust code in `docs/` and in the READMEs of the crates. `cargo test -p skynet-tests --doc` runs it.
//!
//! | variable | meaning |
//! |---|---|
//! | `SKYNET_BIN` | the binary to test; otherwise the one that cargo built next to the test |
//! | `SKYNET_C` | the folder of a built C skynet, for [`compat`] and for running the Lua service tests on it |
//!
//! ```
//! use skynet_tests::pattern::{Expect, Matcher};
//!
//! let output = ["1 t 1203", "Wait for 1s", "2 t 1304"];
//! let expected = [Expect::Line("1 t {t}"), Expect::Line("2 t {t+100}")];
//! assert!(Matcher::new(10).check(&output, &expected).is_ok());
//! ```

#![forbid(unsafe_code)]

pub mod cluster;
pub mod compat;
#[cfg(doctest)]
mod documents;
pub mod modules;
pub mod node;
pub mod parallel;
pub mod pattern;
pub mod services;
pub mod session;
mod signals;

use std::env;
use std::path::{Path, PathBuf};

/// The folder of this crate, which holds the Lua files.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Finds the binary to test: `SKYNET_BIN`, or `skynet` in the folder of the running executable or the one above
/// (where cargo puts binaries and tests).
///
/// # Errors
/// A message that names the places that were searched.
pub fn find_binary() -> Result<PathBuf, String> {
    if let Some(path) = env::var_os("SKYNET_BIN") {
        let path = PathBuf::from(path);
        // Nodes run in folders of their own.
        return if path.is_file() {
            Ok(path.canonicalize().unwrap_or(path))
        } else {
            Err(format!("SKYNET_BIN names {}, which is no file", path.display()))
        };
    }
    let program = env::current_exe().map_err(|e| format!("cannot find the running executable: {e}"))?;
    let name = format!("skynet{}", env::consts::EXE_SUFFIX);
    let places: Vec<PathBuf> = program.ancestors().skip(1).take(2).map(|dir| dir.join(&name)).collect();
    places.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let list: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        format!(
            "no skynet binary at {}; build it with `cargo build -p skynet-node` in the same profile, or set SKYNET_BIN",
            list.join(" or ")
        )
    })
}

/// The folder of a built C skynet, if `SKYNET_C` names one.
///
/// # Errors
/// A message, if the variable is set and its folder holds no `skynet` binary.
pub fn find_c_skynet() -> Result<Option<PathBuf>, String> {
    let Some(path) = env::var_os("SKYNET_C").map(PathBuf::from) else { return Ok(None) };
    if path.join("skynet").is_file() {
        Ok(Some(path))
    } else {
        Err(format!("SKYNET_C names {}, which holds no built skynet", path.display()))
    }
}
