//! Lua services that are created, called, interrupted and killed at random: every request is answered, by an answer or an
//! error, by the service itself or for it.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use skynet_core::{
    Context, Handle, LogTarget, Message, Node, PTYPE_ERROR, PTYPE_LUA, PTYPE_RESPONSE, Payload, Service,
};
use skynet_luabind::{LuaOptions, Sources, snlua};
use skynet_seri::Value;

const LIMIT: Duration = Duration::from_secs(60);
/// How many services there are; `SKYNET_TEST_SERVICES` sets another number, `SKYNET_TEST_SEED` another course.
const ROUNDS: usize = 400;
const SEED: usize = 0x2545_f491;
const REQUESTS: i32 = 8;

/// What it is told decides how it ends.
const TARGET: &str = r#"
    local skynet = require "skynet"
    local how, peer = ...
    peer = tonumber(peer)

    local command = {}
    function command.echo(...) return ... end
    function command.sleep() skynet.sleep(1) return "slept" end
    function command.forever() skynet.wait() end
    function command.forget() skynet.ret() skynet.wait() end
    function command.fail() error "on purpose" end
    function command.exit() skynet.exit() end
    function command.close() coroutine.close() end
    function command.fork_exit() skynet.fork(skynet.exit) skynet.wait() end
    function command.pass_on() return skynet.call(peer, "lua", "echo", "passed on") end
    function command.call_dead() return skynet.call(skynet.self() - 1, "lua", "echo") end
    function command.spin() while true do end end
    function command.guarded_spin() while true do pcall(function() while true do end end) end end
    function command.coroutine_spin() while true do coroutine.wrap(function() for i = 1, 1000 do end end)() end end
    function command.hoard() hoard = {} while true do hoard[#hoard + 1] = { #hoard } end end
    function command.waste() local waste = {} while true do waste[#waste + 1] = { #waste } end end
    function command.closing()
        local _ <close> = setmetatable({}, { __close = function() pcall(skynet.sleep, 1) end })
        skynet.sleep(1)
        error "closing"
    end
    function command.later()
        local answer = skynet.response()
        skynet.timeout(1, function() answer(true, "later") end)
        skynet.wait()
    end

    if how == "broken" then error "while loading" end
    if how == "leaving" then skynet.exit() end
    if how == "looping" then while true do end end
    skynet.dispatch("lua", function(_, _, name, ...)
        skynet.retpack(command[name](...))
    end)
    skynet.memlimit(2 * 1024 * 1024)
    if how == "silent" then return end
    skynet.start(function()
        if how == "failing" then error "in the start function" end
        if how == "exiting" then skynet.exit() end
        if how == "hanging" then skynet.wait() end
        if how == "starting" then while true do end end
    end)
"#;

const KINDS: [&str; 12] = [
    "plain", "plain", "plain", "plain", "plain", "broken", "leaving", "looping", "failing", "exiting",
    "hanging", "starting",
];
const COMMANDS: [&str; 18] = [
    "echo",
    "echo",
    "sleep",
    "forever",
    "forget",
    "fail",
    "exit",
    "close",
    "fork_exit",
    "pass_on",
    "call_dead",
    "spin",
    "guarded_spin",
    "coroutine_spin",
    "hoard",
    "waste",
    "closing",
    "later",
];

/// Sessions that have not been answered.
#[derive(Default)]
struct Open(Mutex<HashSet<i32>>, Condvar);

/// In whose name the requests are sent. It counts only what is meant for one session.
struct Requester(Arc<Open>);

impl Service for Requester {
    fn on_message(&mut self, _: &Context, msg: Message) {
        if matches!(msg.kind, PTYPE_RESPONSE | PTYPE_ERROR) && msg.session > 0 {
            let mut open = self.0.0.lock().expect("nothing panics with the lock held");
            open.remove(&msg.session);
            if open.is_empty() {
                self.0.1.notify_all();
            }
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn wait_until_answered(open: &Open) {
    let deadline = Instant::now() + LIMIT;
    let mut left = open.0.lock().expect("nothing panics with the lock held");
    while !left.is_empty() {
        let rest = deadline.saturating_duration_since(Instant::now());
        assert!(!rest.is_zero(), "{} requests have no answer: sessions {left:?}", left.len());
        left = open.1.wait_timeout(left, rest).expect("nothing panics with the lock held").0;
    }
}

/// Waits until the service has handled so many messages, or has ended, or patience runs out: it may be in a loop.
fn let_it_work(node: &Node, service: Handle, messages: u64, patience: usize) {
    for _ in 0..patience {
        match node.services().iter().find(|info| info.handle == service) {
            Some(info) if info.messages < messages => std::thread::yield_now(),
            _ => return,
        }
    }
}

#[test]
fn every_request_is_answered_however_a_service_ends() {
    let sources = Sources::new().service("target", TARGET);
    let lua = snlua(LuaOptions { sources, ..LuaOptions::default() });
    let node = Node::builder().workers(2).module("snlua", lua).log(LogTarget::Null).start().expect("a node");
    let open = Arc::new(Open::default());
    let requester = node.spawn(Requester(Arc::clone(&open))).expect("a service");
    let peer = node.launch("snlua", b"target plain 0").expect("a service");
    let rounds = setting("SKYNET_TEST_SERVICES", ROUNDS);
    let mut random = Random(setting("SKYNET_TEST_SEED", SEED) as u64 | 1 << 40);
    let mut session = 0;
    let mut alive: Vec<Handle> = Vec::new();
    for _ in 0..rounds {
        let kind = KINDS[random.below(KINDS.len())];
        let service =
            node.launch("snlua", format!("target {kind} {}", peer.raw()).as_bytes()).expect("a service");
        for _ in 0..REQUESTS {
            let command = COMMANDS[random.below(COMMANDS.len())];
            let packed =
                Value::pack(&[Value::from(command), Value::from("argument")]).expect("it can be packed");
            session += 1;
            open.0.lock().expect("nothing panics with the lock held").insert(session);
            if node.send(requester, service, PTYPE_LUA, session, Payload::from(packed)).is_err() {
                // It has ended already: the sender knows at once.
                open.0.lock().expect("nothing panics with the lock held").remove(&session);
            }
            match random.below(24) {
                0 => {
                    node.kill(service);
                }
                1 => {
                    node.signal(service, 0);
                }
                2 => std::thread::yield_now(),
                _ => {}
            }
        }
        alive.push(service);
        let_it_work(&node, service, random.below(8) as u64, random.below(60));
        // Some live on for a while, with whatever they are at.
        while alive.len() > 1 + random.below(6) {
            let service = alive.swap_remove(random.below(alive.len()));
            node.kill(service);
        }
    }
    for service in alive {
        node.kill(service);
    }
    node.kill(peer);
    wait_until_answered(&open);
    node.stop(LIMIT).expect("the node stops");
}
