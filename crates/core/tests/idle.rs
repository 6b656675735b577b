//! An idle node sleeps. In a file of its own, since it looks at all threads of the process.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use common::{DEADLINE, echo, quiet, stop};
use skynet_core::{Context, Handle, Message, PTYPE_LUA, PTYPE_TEXT};

/// How often the threads of the node have gone to sleep.
fn sleeps() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").expect("the list of threads");
    let counts = tasks.filter_map(|task| {
        let dir = task.ok()?.path();
        if !fs::read_to_string(dir.join("comm")).ok()?.starts_with("skynet-") {
            return None;
        }
        let status = fs::read_to_string(dir.join("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        line.split_whitespace().last()?.parse::<u64>().ok()
    });
    counts.sum()
}

#[test]
fn an_idle_node_wakes_nobody() {
    let node = quiet().start().expect("the node starts");
    let server = node.spawn(echo).expect("it starts");
    node.call(server, PTYPE_LUA, "x").wait().expect("it answers");
    let armed = node
        .spawn(|ctx: &Context, _: Message| {
            ctx.timeout(Duration::from_secs(3600));
        })
        .expect("it starts");
    node.send(Handle::NONE, armed, PTYPE_TEXT, 0, "arm").expect("it is alive");
    // It comes to rest after some milliseconds, and then stays there: one quiet stretch is the proof, as a periodic wake-up
    // would spoil each.
    let start = Instant::now();
    loop {
        let before = sleeps();
        thread::sleep(Duration::from_millis(300));
        if sleeps() == before {
            break;
        }
        assert!(start.elapsed() < DEADLINE, "its threads keep waking up");
    }
    stop(&node);
}
