//! The packages between slaves and the master: found in a stream, and those with an address changed.
//!
//! A package is a byte with its length and packed values: `H, id, address, ...` from a slave, `C, id, address, ...` from
//! the master.

use anyhow::{Context as _, Result, bail};
use skynet_seri::Value;

/// One direction of a connection with the master.
#[derive(Debug, Default)]
pub(super) struct Packages(Vec<u8>);

impl Packages {
    /// Takes bytes as they come and gives them back as whole packages, some of them replaced by `change`.
    pub(super) fn each(
        &mut self,
        bytes: &[u8],
        mut change: impl FnMut(&[u8]) -> Result<Option<Vec<u8>>>,
    ) -> Result<Vec<u8>> {
        self.0.extend_from_slice(bytes);
        let mut out = Vec::with_capacity(self.0.len());
        while let Some((length, rest)) = self.0.split_first() {
            let Some(package) = rest.get(..usize::from(*length)) else { break };
            match change(package)? {
                Some(changed) => {
                    out.push(u8::try_from(changed.len()).context("a package grew beyond 255 bytes")?);
                    out.extend(changed);
                }
                None => {
                    out.push(*length);
                    out.extend(package);
                }
            }
            let taken = 1 + package.len();
            self.0.drain(..taken);
        }
        Ok(out)
    }
}

/// The id of the slave that reports by this package.
pub(super) fn reporting(package: &[u8]) -> Option<u32> {
    let values = Value::unpack(package).ok()?;
    match &values[..] {
        [Value::Str(kind), Value::Integer(id), ..] if kind == b"H" => u32::try_from(*id).ok(),
        _ => None,
    }
}

/// A package that says where a node listens, with what `address` gives instead; nothing for any other package.
pub(super) fn with_address(
    package: &[u8],
    address: impl FnOnce(u32, &str) -> Result<String>,
) -> Result<Option<Vec<u8>>> {
    let Ok(mut values) = Value::unpack(package) else { return Ok(None) };
    let (kind, id) = match &values[..] {
        [Value::Str(kind), Value::Integer(id), Value::Str(_), ..] => (kind, *id),
        _ => return Ok(None),
    };
    if kind != b"C" {
        return Ok(None);
    }
    let Some(Value::Str(text)) = values.get_mut(2) else { bail!("a package lost its address") };
    let target = String::from_utf8_lossy(text).into_owned();
    *text = address(u32::try_from(id)?, &target)?.into_bytes();
    Ok(Some(Value::pack(&values)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(kind: &str, id: i64, address: &str) -> Vec<u8> {
        let text = |text: &str| Value::Str(text.as_bytes().to_vec());
        let mut package =
            Value::pack(&[text(kind), Value::Integer(id), text(address), text("rs1 7 5")]).unwrap();
        package.insert(0, package.len() as u8);
        package
    }

    #[test]
    fn addresses_change_in_any_split_and_the_rest_stays() {
        let mut stream = package("C", 3, "127.0.0.1:1000");
        stream.extend(package("N", 9, "somebody"));
        let mut expected = package("C", 3, "127.0.0.1:22");
        expected.extend(package("N", 9, "somebody"));
        for size in 1..stream.len() {
            let mut packages = Packages::default();
            let mut out = Vec::new();
            for part in stream.chunks(size) {
                let changed = packages.each(part, |package| {
                    with_address(package, |id, target| {
                        assert_eq!((id, target), (3, "127.0.0.1:1000"));
                        Ok("127.0.0.1:22".to_owned())
                    })
                });
                out.extend(changed.unwrap());
            }
            assert_eq!(out, expected, "in parts of {size} bytes");
        }
    }

    #[test]
    fn a_slave_reports_its_id() {
        assert_eq!(reporting(&package("H", 7, "127.0.0.1:1")[1..]), Some(7));
        assert_eq!(reporting(&package("R", 7, "127.0.0.1:1")[1..]), None);
        assert_eq!(reporting(b"rubbish"), None);
    }
}
