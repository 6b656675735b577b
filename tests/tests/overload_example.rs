//! The example of the documentation about overload.

#![forbid(unsafe_code)]

use std::path::Path;

use skynet_tests::services::Runtime;
use skynet_tests::session::Node;

#[test]
fn three_services_bear_more_than_they_can_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/overload");
    let files = folder.join("?.lua");
    let ours = Runtime::Ours(skynet_tests::find_binary().unwrap());
    let node = Node::start_with(&ours, "overload", |config| {
        config.text("luaservice", files.display()).text("lua_path", files.display())
    })
    .unwrap();
    let _ = node.await_log(" resized");
    let _ = node.await_log("refused: call failed: service :");
    let _ = node.await_log(" (snlua resizer) is overloaded: 3 messages wait");
    let _ = node.await_log("resizer: limit 3, ");
    let log = node.await_log("the price is 1000; ");
    assert!(!log.contains("; 1000 prices were shown"), "{log}");
    let log = node.await_log("4194304 bytes are stored; ");
    assert!(!log.contains("had to wait 0 times"), "{log}");
}
