//! The example of `docs/watching.md`.

#![forbid(unsafe_code)]

use std::path::Path;

use skynet_tests::services::Runtime;
use skynet_tests::session::Node;

#[test]
fn the_lobby_outlives_its_parts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/watching");
    let binary = Runtime::Ours(skynet_tests::find_binary().unwrap());
    let node = Node::start_with(&binary, "lobby", |config| {
        config.text("luaservice", folder.join("?.lua").display())
    })
    .unwrap();
    let _ = node.await_log("supervisor: restart 1 of 3: match: service :");
    let _ = node.await_log("lobby: there is another match");
    let _ = node.await_log("lobby: call failed: service :");
    let _ = node.await_log("supervisor: restart 2 of 3: scores: service :");
    let _ = node.await_log("lobby: .scores is :");
    assert!(node.log().contains("obituaries: :"), "{}", node.log());
    assert!(node.log().contains("(snlua match referee) was killed"), "{}", node.log());
    assert!(node.log().contains("error: ends with :"), "{}", node.log());
}
