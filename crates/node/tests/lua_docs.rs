//! Every name that Lua code finds in the modules that ship has an annotation for editors, if it is native, and a word in
//! the guide. The annotations promise nothing that is not there.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::Scratch;

const GUIDE: &str = include_str!("../../../docs/lua.md");

/// Modules whose fields are looked at in a running service; the native ones have annotations of their own.
const MODULES: &[&str] = &[
    "client.socket",
    "skynet",
    "skynet.core",
    "skynet.codecache",
    "skynet.connection",
    "skynet.coroutine",
    "skynet.crypt",
    "skynet.debugchannel",
    "skynet.multicast",
    "skynet.multicast.core",
    "skynet.netpack",
    "skynet.profile",
    "skynet.datacenter",
    "skynet.debug",
    "skynet.group",
    "skynet.harbor",
    "skynet.memory",
    "skynet.mqueue",
    "skynet.remotedebug",
    "skynet.service",
    "skynet.shutdown",
    "skynet.socket",
    "skynet.socketchannel",
    "skynet.socketdriver",
    "skynet.supervisor",
    "snax.gateserver",
];

/// Prints `field <module> <name>` for every field.
const LISTER: &str = r#"
local skynet = require "skynet"

skynet.start(function()
	skynet.fork(function()
		assert(skynet._proto) -- made when it is looked at
		for _, name in ipairs { MODULES } do
			for field in pairs(require(name)) do
				print("field", name, field)
			end
		end
		require "skynet.manager"
		require "skynet.queue"
		for field in pairs(skynet) do
			print("field", "manager", field)
		end
		skynet.abort()
	end)
end)
"#;

/// (module, field) of what a service finds. What `skynet.manager` and `skynet.queue` add to `skynet` is under `manager`.
fn fields() -> BTreeSet<(String, String)> {
    let scratch = Scratch::new();
    let names: Vec<String> = MODULES.iter().map(|name| format!("{name:?}")).collect();
    scratch.write("lister.lua", &LISTER.replace("MODULES", &names.join(", ")));
    let outcome =
        scratch.run_config("thread = 1 harbor = 0 start = 'lister' luaservice = './?.lua' logger = './log'");
    let fields: BTreeSet<(String, String)> = outcome
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("field\t")?.split_once('\t'))
        .map(|(module, field)| (module.to_owned(), field.to_owned()))
        .collect();
    assert!(fields.iter().any(|(module, _)| module == "manager"), "{outcome:?}\n{}", scratch.read("log"));
    fields
}

/// (module, field) of what the annotations of native modules define. Files of the module `_` are parts of `skynet`.
fn annotated() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lualib/skynet/meta");
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let module = text.lines().next().and_then(|line| line.strip_prefix("---@meta ")).unwrap();
        let module = if module == "_" { "skynet" } else { module };
        found.extend(text.lines().filter_map(defined).map(|field| (module.to_owned(), field.to_owned())));
    }
    found
}

/// The field that a line defines: `function module.field(` or `module.field = `. Methods are not fields of a module.
fn defined(line: &str) -> Option<&str> {
    let target = match line.strip_prefix("function ") {
        Some(rest) => rest.split_once('(')?.0,
        None => line.split_once(" = ")?.0,
    };
    let (module, field) = target.split_once('.')?;
    (is_name(module) && is_name(field)).then_some(field)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Whether the guide has `module.field`, the module by its last word.
fn in_guide(module: &str, field: &str) -> bool {
    let module = module.rsplit('.').next().unwrap_or(module);
    let name = format!("{module}.{field}");
    GUIDE.match_indices(&name).any(|(at, _)| {
        let next = GUIDE[at + name.len()..].chars().next();
        next.is_none_or(|next| !next.is_ascii_alphanumeric() && next != '_')
    })
}

#[test]
fn native_names_have_annotations() {
    let annotated = annotated();
    let missing: Vec<_> = skynet_luabind::native_names()
        .into_iter()
        .filter(|(module, field)| !annotated.contains(&((*module).to_owned(), (*field).to_owned())))
        .collect();
    assert!(missing.is_empty(), "no annotation under lualib/skynet/meta: {missing:?}");
}

#[test]
fn native_names_are_in_the_guide() {
    let names = skynet_luabind::native_names();
    let missing: Vec<_> = names.iter().filter(|(module, field)| !in_guide(module, field)).collect();
    assert!(missing.is_empty(), "docs/lua.md has no word about {missing:?}");
}

#[test]
fn annotations_and_guide_follow_what_a_service_finds() {
    let (annotated, fields) = (annotated(), fields());
    let has_annotations = |module: &str| annotated.iter().any(|(known, _)| known == module);
    let mut complaints = Vec::new();
    for (module, field) in &fields {
        if has_annotations(module) && !annotated.contains(&(module.clone(), field.clone())) {
            complaints.push(format!("{module}.{field} has no annotation under lualib/skynet/meta"));
        }
        let shown_as = if module == "manager" { "skynet" } else { module };
        if !in_guide(shown_as, field) {
            complaints.push(format!("docs/lua.md has no word about {shown_as}.{field}"));
        }
    }
    for (module, field) in annotated.difference(&fields) {
        complaints.push(format!("an annotation promises {module}.{field}, which is not there"));
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}
