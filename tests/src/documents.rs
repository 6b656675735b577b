//! Pages of the documentation whose Rust code is compiled and run.

#[doc = include_str!("../../docs/rust.md")]
mod guide {}
#[doc = include_str!("../../docs/modules.md")]
mod modules {}
#[doc = include_str!("../../crates/core/README.md")]
mod core {}
#[doc = include_str!("../../crates/harbor/README.md")]
mod harbor {}
#[doc = include_str!("../../crates/luabind/README.md")]
mod luabind {}
#[doc = include_str!("../../crates/module/README.md")]
mod module {}
#[doc = include_str!("../../crates/seri/README.md")]
mod seri {}
#[doc = include_str!("../../crates/socket/README.md")]
mod socket {}
