//! What the tests of the console and of the debugger share.

// Each test binary uses its share of this.
#![allow(dead_code, unreachable_pub, unused_imports, unused_macros)]

use skynet_tests::pattern;
use skynet_tests::services::Runtime;
use skynet_tests::session::{Client, Node};

pub fn ours() -> Runtime {
    Runtime::Ours(skynet_tests::find_binary().unwrap())
}

/// A node with a console and a service to look at, `.subject`.
pub fn host(runtime: &Runtime) -> Node {
    Node::start(runtime, "console_host").unwrap()
}

/// Makes two tests of each function.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_ours {
            $(#[test] fn $name() { super::$name(&super::ours()); })*
        }
        mod on_c {
            $(
                #[test]
                #[ignore = "runs on the C skynet that SKYNET_C names"]
                fn $name() {
                    if let Some(folder) = skynet_tests::find_c_skynet().unwrap() {
                        super::$name(&skynet_tests::services::Runtime::C(folder));
                    }
                }
            )*
        }
    };
}

pub(crate) use on_both;

/// Sends a command and demands, in this order, lines that match the patterns; there may be others. C skynet puts the place
/// in its sources in front of error texts.
#[track_caller]
pub fn check(console: &mut Client, command: &str, patterns: &[&str], mark: &str) {
    println!("{command}");
    let answer = console.command(command);
    let lines = pattern::lines(&answer);
    let mut rest = lines.iter();
    for wanted in patterns {
        let found = rest.any(|line| pattern::matches(wanted, line));
        assert!(found, "{command}: no line {wanted:?} where it should be:\n{answer}");
    }
    assert!(answer.ends_with(mark), "{command}: no {mark:?} at the end:\n{answer}");
}
