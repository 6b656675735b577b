//! Whole nodes with Lua services.

mod common;

use common::Scratch;

/// A config with what those of C skynet set, for a tree that lies in `./`.
const STOCK: &str = r#"
include "config.path"

cpath = root.."cservice/?.so"
thread = 2	-- workers
harbor = 0	-- alone
logger = nil
start = "main"
logpath = "."
bootstrap = "snlua bootstrap"
"#;

const STOCK_PATH: &str = r#"
root = "./"
lua_cpath = root .. "luaclib/?.so"
lua_path = root.."lualib/?.lua;"..root.."lualib/?/init.lua"
lualoader = root .. "lualib/loader.lua"
snax = root.."test/?.lua;"..root.."examples/?.lua"
luaservice = root.."service/?.lua;"..root.."examples/?.lua;"..root.."test/?.lua;"..root.."test/?/init.lua"
"#;

/// Prints a line and ends the node, from outside its start function.
const MAIN: &str = r#"
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	skynet.fork(function()
		skynet.error("main says", require "words", skynet.getenv "root", skynet.getenv "start", skynet.getenv "thread")
		skynet.abort()
	end)
end)
"#;

fn tree() -> Scratch {
    let scratch = Scratch::new();
    scratch
        .write("examples/config", STOCK)
        .write("examples/config.path", STOCK_PATH)
        .write("examples/main.lua", MAIN)
        .write("lualib/words.lua", "return 'hello'");
    scratch
}

#[test]
fn a_stock_config_boots_in_its_tree_with_the_handles_of_the_specification() {
    let outcome = tree().run(&["examples/config"]);
    for line in [
        "[:00000002] LAUNCH snlua bootstrap\n",
        "[:00000003] LAUNCH snlua launcher\n",
        "[:00000004] LAUNCH snlua cdummy\n",
        "[:00000005] LAUNCH harbor 0 4\n",
        "[:00000006] LAUNCH snlua datacenterd\n",
        "[:00000007] LAUNCH snlua service_mgr\n",
        "[:00000008] LAUNCH snlua main\n",
        "[:00000008] main says hello ./ main 2\n",
    ] {
        assert!(outcome.out.contains(line), "no {line:?}: {outcome:#?}");
    }
    assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)));
}

#[test]
fn a_network_of_one_node_boots_with_the_handles_of_the_specification() {
    let scratch = tree();
    let port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (master, own) = (port(), port());
    scratch.write(
        "examples/network",
        &format!(
            "include 'config' harbor = 1 rs_incarnation = 0 address = '{own}' master = '{master}' standalone = master"
        ),
    );
    let outcome = scratch.run(&["examples/network"]);
    for line in [
        "[:01000003] LAUNCH snlua launcher\n",
        "[:01000004] LAUNCH snlua cmaster\n",
        "[:01000005] LAUNCH snlua cslave\n",
        "[:01000006] LAUNCH harbor 1 16777221\n",
        "[:01000005] Waiting for 0 harbors\n",
        "[:01000005] Shakehand ready\n",
        "[:01000007] LAUNCH snlua datacenterd\n",
        "[:01000008] LAUNCH snlua service_mgr\n",
        "[:01000009] main says hello",
    ] {
        assert!(outcome.out.contains(line), "no {line:?}: {outcome:#?}");
    }
    assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)));
}

#[test]
fn a_config_that_contradicts_itself_is_refused_with_the_reason() {
    for (config, reason) in [
        (
            "standalone = '127.0.0.1:1'",
            "[:00000002] bootstrap: harbor = 0 is a node that is alone, but standalone is set",
        ),
        ("harbor = 1 master = '127.0.0.1:1'", "bootstrap: harbor = 1 needs the key address"),
        ("harbor = 1 address = '127.0.0.1:1'", "bootstrap: harbor = 1 needs the key master"),
    ] {
        let scratch = tree();
        scratch.write("examples/wrong", &format!("include 'config' rs_incarnation = 0 {config}"));
        let outcome = scratch.run(&["examples/wrong"]);
        assert!(outcome.out.contains(reason), "{config}: {outcome:#?}");
        assert!(!outcome.out.contains("main says"), "{config}: {outcome:#?}");
        assert_eq!(outcome.code, Some(0), "{config}: {outcome:#?}");
    }
}

#[test]
fn what_ships_wins_over_files_of_the_tree_and_each_is_named() {
    let scratch = tree();
    scratch
        .write("service/launcher.lua", "error 'the launcher of the tree'")
        .write("lualib/skynet/manager.lua", "error 'the manager of the tree'");
    let outcome = scratch.run(&["examples/config"]);
    assert!(outcome.out.contains("main says hello"), "{outcome:#?}");
    for file in ["service/launcher.lua", "lualib/skynet/manager.lua"] {
        assert_eq!(outcome.out.matches(file).count(), 1, "{file}: {outcome:#?}");
    }
}

#[test]
fn preferred_files_win() {
    let scratch = tree();
    scratch
        .write(
            "service/datacenterd.lua",
            "require('skynet').error 'mine' require('skynet').start(function() end)",
        )
        .write("examples/mine", "include 'config' rs_prefer_files = 'datacenterd'");
    let outcome = scratch.run(&["examples/mine"]);
    assert!(outcome.out.contains("[:00000006] mine\n"), "{outcome:#?}");
    assert!(outcome.out.contains("main says hello"), "{outcome:#?}");
}

#[test]
fn the_preload_file_runs_before_every_service() {
    let scratch = tree();
    scratch
        .write("examples/preload.lua", "print('PRELOAD', ...)")
        .write("examples/mine", "include 'config' preload = root .. 'examples/preload.lua'");
    let outcome = scratch.run(&["examples/mine"]);
    for service in ["bootstrap", "launcher", "main"] {
        assert!(outcome.out.contains(&format!("PRELOAD\t{service}\n")), "{service}: {outcome:#?}");
    }
}

#[test]
fn services_know_the_version_of_the_node() {
    let scratch = tree();
    scratch.write(
        "examples/main.lua",
        r#"local skynet = require "skynet" require "skynet.manager"
        skynet.start(function() skynet.error("version", skynet.getenv "rs_version") skynet.abort() end)"#,
    );
    let outcome = scratch.run(&["examples/config"]);
    let line = concat!("[:00000008] version ", env!("CARGO_PKG_VERSION"), "\n");
    assert!(outcome.out.contains(line), "{outcome:#?}");
}

#[test]
fn a_logger_in_lua_gets_the_log() {
    let scratch = tree();
    scratch
        .write(
            "examples/userlog.lua",
            r#"local skynet = require "skynet"
            require "skynet.manager"
            skynet.register_protocol {
                name = "text", id = skynet.PTYPE_TEXT, unpack = skynet.tostring,
                dispatch = function(_, address, msg) print("USERLOG", skynet.address(address), msg) end
            }
            skynet.register_protocol { name = "SYSTEM", id = skynet.PTYPE_SYSTEM, unpack = function(...) return ... end }
            skynet.start(function() end)"#,
        )
        .write("examples/mine", "include 'config' logservice = 'snlua' logger = 'userlog'");
    let node = scratch.start_config("include 'examples/mine'");
    scratch.await_text("out", "USERLOG\t:00000002\tLAUNCH snlua bootstrap\n");
    drop(node);
}

#[test]
fn a_logger_in_lua_that_does_not_load_says_so_on_the_standard_error() {
    let scratch = tree();
    scratch.write("examples/userlog.lua", "error 'no log today'").write(
        "examples/mine",
        "include 'config' logservice = 'snlua' logger = 'userlog' bootstrap = 'nomod'",
    );
    let outcome = scratch.run(&["examples/mine"]);
    assert!(
        outcome.err.contains("lua loader error : ./examples/userlog.lua:1: no log today"),
        "{outcome:#?}"
    );
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn a_file_that_is_the_embedded_one_is_not_worth_a_line() {
    let scratch = tree();
    let text = include_str!("../../../services/launcher.lua");
    scratch
        .write("service/launcher.lua", text)
        .write("lualib/skynet/manager.lua", include_str!("../../../lualib/skynet/manager.lua"));
    let outcome = scratch.run(&["examples/config"]);
    assert!(outcome.out.contains("main says hello"), "{outcome:#?}");
    assert!(!outcome.out.contains("is used instead"), "{outcome:#?}");
}

#[test]
fn the_counter_of_the_readme_counts() {
    let scratch = tree();
    scratch.write("examples/counter.lua", include_str!("../../../docs/examples/counter.lua")).write(
        "examples/main.lua",
        r#"local skynet = require "skynet" require "skynet.manager"
        skynet.start(function()
            local counter = skynet.newservice("counter")
            skynet.error("it says", skynet.call(counter, "lua", "add", 42), skynet.call(counter, "lua", "add", 1))
            skynet.abort()
        end)"#,
    );
    let outcome = scratch.run(&["examples/config"]);
    assert!(outcome.out.contains("it says 42 43\n"), "{outcome:#?}");
}

/// Some services that print at the same time.
const PRINTERS: &str = r#"
local skynet = require "skynet"
require "skynet.manager"

if ... then
	skynet.start(function()
		skynet.dispatch("lua", function()
			for number = 1, 5000 do
				print("<one", nil, { } ~= nil, number .. ">")
			end
			skynet.retpack()
		end)
	end)
else
	skynet.start(function()
		local left = 4
		for _ = 1, left do
			local printer = skynet.newservice("printers", "one")
			skynet.fork(function()
				skynet.call(printer, "lua")
				left = left - 1
				if left == 0 then
					skynet.abort()
				end
			end)
		end
	end)
end
"#;

#[test]
fn what_services_print_at_a_time_is_not_mixed() {
    let scratch = Scratch::new();
    scratch.write("printers.lua", PRINTERS).write(
        "config",
        "thread = 4\nharbor = 0\nstart = 'printers'\nluaservice = './?.lua'\nlogger = './log'\n",
    );
    let outcome = scratch.run(&["config"]);
    let mut times = vec![0; 5001];
    for line in outcome.out.lines().filter(|line| line.contains("one\t")) {
        let number = line.strip_prefix("<one\tnil\ttrue\t").and_then(|rest| rest.strip_suffix('>'));
        let number: usize =
            number.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("mixed: {line}"));
        times[number] += 1;
    }
    assert!(times[1..].iter().all(|times| *times == 4), "{times:?}");
}
