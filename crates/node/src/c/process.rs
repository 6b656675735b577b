//! The node that C code is about. Functions such as `skynet_now` have no argument that says which, so a process has one.

use std::sync::OnceLock;

use skynet_core::Node;

static NODE: OnceLock<Node> = OnceLock::new();

/// Makes a node the one of this process.
///
/// # Errors
///
/// There is one already.
pub(crate) fn attach(node: &Node) -> Result<(), &'static str> {
    NODE.set(node.clone()).map_err(|_| "a process has one node with C services, and this one has it already")
}

/// That node; `None` before it starts.
pub(super) fn node() -> Option<&'static Node> {
    NODE.get()
}
