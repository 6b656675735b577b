//! The control plane of a harbor network, package by package: a real node, and tests that speak to it as its master, as
//! other slaves, or as nobody in particular. What is true of C skynet, too, runs on it as ignored tests.

#![forbid(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;
mod example;
mod hostile;
mod master;
mod peer;
mod proof;
mod secret;
mod slave;

use common::ours;
