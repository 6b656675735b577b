//! Calls: requests whose answers come as futures.

mod answer;
mod outside;
mod tasks;

pub use answer::Call;
pub use outside::PendingCall;
pub(crate) use outside::{Client, ClientState};
pub(crate) use tasks::{Tasks, poll_ready};
