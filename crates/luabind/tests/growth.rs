//! Services that come and go leave nothing behind. Alone in its program, since it measures the memory of the process.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::time::{Duration, Instant};

use skynet_core::{LogTarget, Node, PTYPE_LUA, Payload};
use skynet_luabind::{LuaOptions, Sources, snlua};
use skynet_seri::Value;

const LIMIT: Duration = Duration::from_secs(60);
/// How many services come and go; `SKYNET_TEST_SERVICES` sets another number.
const SERVICES: usize = 2000;
/// What they may leave behind, all together, in bytes: caches that fill up, and what the C library keeps for itself.
const BOUND: usize = 512 * 1024;

const TRIVIAL: &str = r#"
    local skynet = require "skynet"
    skynet.dispatch("lua", function(_, _, how)
        if how == "wait" then
            skynet.fork(skynet.wait, {})
            skynet.timeout(100000, print)
            skynet.response()
            skynet.wait({})
        elseif how == "fail" then
            error { "with a table" }
        elseif how == "exit" then
            skynet.exit()
        elseif how == "close" then
            skynet.pack(setmetatable({}, { __pairs = function() coroutine.close() end }))
        end
        skynet.retpack(how)
    end)
    skynet.start(function() end)
"#;

fn allocated() -> usize {
    // SAFETY: it only reads counters.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

/// Creates services, uses each a little, and ends them.
fn churn(node: &Node, count: usize) {
    for i in 0..count {
        let service = node.launch("snlua", b"trivial").expect("a service");
        let how = ["echo", "wait", "fail", "exit", "close"][i % 5];
        let request = Value::pack(&[Value::from(how)]).expect("it can be packed");
        let call = node.call(service, PTYPE_LUA, Payload::from(request));
        if how != "wait" {
            let _ = call.wait_timeout(LIMIT);
        }
        node.kill(service);
    }
}

#[test]
fn services_that_come_and_go_leave_no_memory_behind() {
    let count = std::env::var("SKYNET_TEST_SERVICES").ok().and_then(|n| n.parse().ok()).unwrap_or(SERVICES);
    let sources = Sources::new().service("trivial", TRIVIAL);
    let lua = snlua(LuaOptions { sources, ..LuaOptions::default() });
    let node = Node::builder().workers(2).module("snlua", lua).log(LogTarget::Null).start().expect("a node");
    churn(&node, 200);
    let settled = node.services().len();
    let before = allocated();
    churn(&node, count);
    // The last of them end on their workers.
    let deadline = Instant::now() + LIMIT;
    while allocated() > before + BOUND || node.services().len() > settled {
        let (services, grown) = (node.services().len(), allocated().saturating_sub(before));
        assert!(
            Instant::now() < deadline,
            "{count} services left {grown} bytes behind; {services} are alive, at first {settled} were"
        );
        std::thread::yield_now();
    }
    node.stop(LIMIT).expect("the node stops");
}
