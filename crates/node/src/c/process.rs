//! What C code finds in its process: the node that it is about, and stacks. Functions such as `skynet_now` have no argument that says which, so a process has one.

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

/// The stack that a thread of a C program has, in bytes: C modules may count on it. C's harbor service puts a whole message there.
pub(crate) fn thread_stack() -> usize {
    const WITHOUT_LIMIT: usize = 8 << 20;
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the place for the answer is the caller's. If it fails there is no limit in there.
    unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) };
    match limit.rlim_cur {
        libc::RLIM_INFINITY => WITHOUT_LIMIT,
        // Lua and what ships need no more than this, and no less.
        limit => usize::try_from(limit).unwrap_or(WITHOUT_LIMIT).max(2 << 20),
    }
}

/// That node; `None` before it starts.
pub(super) fn node() -> Option<&'static Node> {
    NODE.get()
}
