//! The example of the documentation: two nodes, one of which dies and comes back.

use std::path::Path;

use skynet_tests::node::Config;
use skynet_tests::session::Node;

use crate::ours;
use crate::peer::{address, free_port};

fn node(start: &str, id: u32, master: u16, own: u16, more: impl FnOnce(Config) -> Config) -> Node {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/two_nodes");
    Node::start_with(&ours(), start, |config| {
        more(
            config
                .text("luaservice", folder.join("?.lua").display())
                .number("harbor", id)
                .text("master", address(master))
                .text("address", address(own)),
        )
    })
    .unwrap()
}

#[test]
fn the_visitor_writes_on_the_board_again_when_it_comes_back() {
    let (master, one, two) = (free_port(), free_port(), free_port());
    let board = |text: &str| {
        let node = node("board", 1, master, one, |config| config.text("standalone", address(master)));
        let _ = node.await_log(text);
        node
    };
    let first = board("Shakehand ready");
    let visitor = node("visitor", 2, master, two, |config| config);
    let _ = first.await_log("line 1: visit 1 of node 2");
    let _ = visitor.await_log("node 1 is there");
    drop(first);
    let _ = visitor.await_log("node 1 is gone");
    let _ = visitor.await_log("nobody could write on the board: call failed");
    let _second = board("line 1: visit ");
}
