//! Light userdata in serde types.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// The name by which this crate's serializer and deserializer know a [`Pointer`]; no Rust type can have it.
pub(crate) const POINTER_NAME: &str = "$skynet_seri::Pointer";

/// A light userdata as part of a serde type: an address, which only the process that packed it can use.
///
/// Lua services pass such pointers on, with the size behind, to hand a block of memory over. In other serde
/// formats it is a plain integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(pub u64);

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(POINTER_NAME, &self.0)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(POINTER_NAME, PointerVisitor)
    }
}

struct PointerVisitor;

impl<'de> de::Visitor<'de> for PointerVisitor {
    type Value = Pointer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("light userdata")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Pointer, D::Error> {
        u64::deserialize(deserializer).map(Pointer)
    }
}
