//! Clusters of real nodes on loopback, for tests: started, killed, frozen, cut off, and told what to do.
//!
//! A [`Scenario`] is a function that is given a [`Cluster`] whose nodes do not run yet:
//!
//! ```no_run
//! # use anyhow::Result;
//! # use skynet_tests::cluster::Cluster;
//! fn a_killed_node_is_noticed(cluster: &mut Cluster) -> Result<()> {
//!     cluster.start_all()?;
//!     let gone = cluster.at(1).later("harbor.link(2)")?;
//!     cluster.kill(2)?;
//!     gone.wait()?;
//!     Ok(())
//! }
//! ```
//!
//! - [`nodes`](Cluster): what a scenario does with its nodes; [`node`](Node): one of them; `process`: its process
//! - [`control`](Pending): Lua code there, what it returns back; the Lua side is in `tests/cluster/lua`
//! - [`storm`](Books): calls between all pairs, and the books of them
//! - [`proxy`]: between nodes, to delay, drop, cut and truncate
//! - [`layout`](Layout): which node is ours and which is C skynet's
//! - [`scenario`](Scenario): what scenarios are, `runner`: runs them, `options`: the command line
//! - [`patience`], [`random`], `ports`, `logs`: waiting, seeds, ports, what no log should have

mod control;
mod layout;
mod logs;
mod node;
mod nodes;
mod options;
pub mod patience;
mod ports;
mod process;
pub mod proxy;
pub mod random;
mod runner;
mod scenario;
mod storm;

pub use control::Pending;
pub use layout::{Kind, Layout, Programs};
pub use node::Node;
pub use nodes::Cluster;
pub use runner::main;
pub use scenario::{Run, Scenario};
pub use storm::{Book, Books};
