//! The example of the documentation about groups, tunnels and channels.

#![forbid(unsafe_code)]

use std::path::Path;

use skynet_tests::services::Runtime;
use skynet_tests::session::Node;

#[test]
fn the_lobby_and_its_players_say_what_the_page_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/groups");
    let path = folder.join("?.lua");
    let ours = Runtime::Ours(skynet_tests::find_binary().unwrap());
    let node = Node::start_with(&ours, "lobby", |config| config.text("luaservice", path.display())).unwrap();
    for name in ["anna", "ben", "cleo"] {
        let _ = node.await_log(&format!("{name} hears: welcome"));
    }
    // The other messages to ben come by other ways, and he may be gone before.
    for name in ["anna", "cleo"] {
        for heard in ["hears: the server ends at ten", "sees: anna has 3 points"] {
            let _ = node.await_log(&format!("{name} {heard}"));
        }
    }
    for line in ["players in the lobby: 3", "players in the lobby: 2", "through the tunnel: cleo"] {
        let _ = node.await_log(line);
    }
}
