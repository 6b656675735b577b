//! Session numbers of a Lua service when the counter wraps at 2^31.

use std::time::Duration;

use skynet_core::{
    Context, Message, Module, Node, PTYPE_LUA, Payload, Service, ServiceControl, ServiceError,
};
use skynet_luabind::{LuaOptions, Sources, snlua};
use skynet_seri::Value;

const LIMIT: Duration = Duration::from_secs(20);
/// A message type that only [`Jumping`] understands.
const JUMP: u8 = 200;

const HOLDER: &str = r#"
    local skynet = require "skynet"

    local command = {}

    --- Suspends three threads; the number of the last session before theirs.
    function command.hold()
        local last = skynet.genid()
        for _ = 1, 3 do
            skynet.fork(skynet.wait)
        end
        return last
    end

    function command.ids()
        local ids = {}
        for i = 1, 6 do
            ids[i] = skynet.genid()
        end
        return table.unpack(ids)
    end

    --- Calls work across the wrap: each answer finds its own thread.
    function command.echo(count)
        for i = 1, count do
            assert(skynet.call(skynet.self(), "lua", "same", i) == i)
        end
        return "done"
    end

    function command.same(...)
        return ...
    end

    skynet.dispatch("lua", function(_, _, name, ...)
        skynet.retpack(command[name](...))
    end)
    skynet.start(function() end)
"#;

/// A Lua service whose session counter can be set close to its end.
struct Jumping(Box<dyn Service>);

impl Service for Jumping {
    fn init(&mut self, ctx: &Context) -> Result<(), ServiceError> {
        self.0.init(ctx)
    }

    fn on_message(&mut self, ctx: &Context, msg: Message) {
        if msg.kind == JUMP {
            ctx.set_next_session(i32::MAX);
        } else {
            self.0.on_message(ctx, msg);
        }
    }

    fn on_exit(&mut self, ctx: &Context) {
        self.0.on_exit(ctx);
    }

    fn control(&self) -> Option<std::sync::Arc<dyn ServiceControl>> {
        self.0.control()
    }
}

fn call(node: &Node, service: skynet_core::Handle, args: &[Value]) -> Vec<Value> {
    let request = Value::pack(args).expect("the arguments can be packed");
    let answer =
        node.call(service, PTYPE_LUA, Payload::from(request)).wait_timeout(LIMIT).expect("an answer");
    Value::unpack(&answer).expect("the answer is packed values")
}

#[test]
fn a_session_on_which_a_thread_waits_is_not_given_out_again_after_the_wrap() {
    let sources = Sources::new().service("holder", HOLDER);
    let lua = snlua(LuaOptions { sources, ..LuaOptions::default() });
    let module = move |node: &Node, args: &[u8]| -> Result<Box<dyn Service>, ServiceError> {
        Ok(Box::new(Jumping(lua.create(node, args)?)))
    };
    let node =
        Node::builder().module("snlua", module).log(skynet_core::LogTarget::Null).start().expect("a node");
    let service = node.launch("snlua", b"holder").expect("a service");

    let held = call(&node, service, &[Value::from("hold")]);
    let [Value::Integer(last)] = held[..] else { panic!("{held:?}") };
    node.send(skynet_core::Handle::NONE, service, JUMP, 0, Payload::empty()).expect("the service is alive");

    let ids = call(&node, service, &[Value::from("ids")]);
    let free = (1..).filter(|id| !(last + 1..=last + 3).contains(id));
    let expected: Vec<Value> =
        std::iter::once(i64::from(i32::MAX)).chain(free).take(6).map(Value::Integer).collect();
    assert_eq!(ids, expected, "the held sessions are {} to {}", last + 1, last + 3);

    let done = call(&node, service, &[Value::from("echo"), Value::Integer(100)]);
    assert_eq!(done, [Value::from("done")]);
    node.stop(LIMIT).expect("the node stops");
}
