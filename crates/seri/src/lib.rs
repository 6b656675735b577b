//! skynet's pack format: Lua values as bytes, with no Lua in it.
//!
//! Services send one another Lua values in this format (`skynet.pack` and `skynet.unpack`). With this crate a Rust
//! program speaks it too, so that a Rust service and a Lua service talk in native values:
//!
//! ```
//! # #[cfg(feature = "serde")] {
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Player {
//!     name: String,
//!     level: u32,
//!     items: Vec<String>,
//! }
//!
//! // What Lua packs as: skynet.pack("join", { name = "Ann", level = 3, items = { "lamp" } })
//! let player = Player { name: "Ann".into(), level: 3, items: vec!["lamp".into()] };
//! let bytes = skynet_seri::to_args(&("join", &player))?;
//!
//! let (command, joined): (&str, Player) = skynet_seri::from_args(&bytes)?;
//! assert_eq!((command, joined), ("join", player));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The model
//!
//! - A packed message is its values one after the other; [`wire`] describes their bytes.
//! - A value is nil, a boolean, an integer, a float, a string of any bytes, a light userdata (an address, good in one
//!   process only), or a table: array elements 1 to n, then pairs of a key and a value.
//! - [`Encoder`] writes values one by one and checks that they make sense; [`Decoder`] reads them one by one as
//!   [`Token`]s with borrowed strings. Neither allocates on its own account. [`Reader`] is the decoder without its
//!   account of nesting.
//! - [`Value`] is any value as a tree.
//! - With the feature `serde`: `to_vec` and `from_slice` for one value, `to_args` and `from_args` for the arguments
//!   of a call, and the serde mapping below.
//! - Bytes from anywhere are safe to decode: corrupt ones are a [`DecodeError`], never a panic, and never take
//!   more memory than their length warrants.
//!
//! # serde and Lua (feature `serde`)
//!
//! | Rust | Lua |
//! |---|---|
//! | `()`, unit struct, `None` | nil |
//! | `Some(x)`, newtype struct | as `x` |
//! | `bool`; integers; floats; `Pointer` | boolean; integer; float; light userdata |
//! | `char`, `str`, bytes (`serde_bytes`) | string |
//! | sequence, tuple, array | table with an array part; `None` within is a hole |
//! | struct, map | table of pairs; those with a nil value are left out |
//! | enum variant without data | its name, a string |
//! | enum variant with data | `{ Variant = data }`; the name alone where the data is nil |
//!
//! Reading is as lenient as Lua where nothing is lost: an integral float is an integer to a type that wants one,
//! an integer is a float; a map also takes a list (keys 1 to n); a missing argument, field or tuple element is
//! nil, so `Option` makes it optional; unknown fields are ignored. An integer beyond 64 signed bits is an error.
#![forbid(unsafe_code)]

#[cfg(feature = "serde")]
mod de;
mod decode;
mod encode;
mod error;
mod nest;
#[cfg(feature = "serde")]
mod pointer;
mod read;
#[cfg(feature = "serde")]
mod ser;
#[cfg(feature = "serde")]
mod serde_error;
mod value;
#[cfg(feature = "serde")]
mod value_serde;
pub mod wire;

pub use decode::Decoder;
pub use encode::Encoder;
pub use error::{DecodeError, DecodeErrorKind, EncodeError};
pub use nest::Place;
pub use read::{Reader, Token};
pub use value::{Table, Value};

#[cfg(feature = "serde")]
pub use {
    de::{Deserializer, from_args, from_slice},
    pointer::Pointer,
    ser::{Elements, Pairs, Serializer, to_args, to_vec, to_writer},
    serde_error::Error,
};
