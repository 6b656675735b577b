//! Addresses of datagrams, as bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// IPv4 in the first byte of a blob.
const V4: u8 = 1;
/// IPv6 in the first byte of a blob.
const V6: u8 = 2;

/// The most bytes of a blob.
const MAX: usize = 19;

/// An address as the bytes that programs keep and pass on: one byte 1 (IPv4) or 2 (IPv6), two of port in network order, 4 or 16
/// of address.
///
/// ```
/// use std::net::SocketAddr;
/// use skynet_socket::UdpAddress;
///
/// let address: SocketAddr = "127.0.0.1:80".parse()?;
/// let blob = UdpAddress::from(address);
/// assert_eq!(blob.as_bytes(), [1, 0, 80, 127, 0, 0, 1]);
/// assert_eq!(UdpAddress::from_bytes(blob.as_bytes()).map(SocketAddr::from), Some(address));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub struct UdpAddress {
    bytes: [u8; MAX],
    len: u8,
}

impl UdpAddress {
    /// Reads a blob; `None` if these bytes are none, or there are more.
    #[must_use]
    pub fn from_bytes(blob: &[u8]) -> Option<UdpAddress> {
        let (family, rest) = blob.split_first()?;
        let (port, ip) = rest.split_first_chunk::<2>()?;
        let ip = match *family {
            V4 => IpAddr::from(<[u8; 4]>::try_from(ip).ok()?),
            V6 => IpAddr::from(<[u8; 16]>::try_from(ip).ok()?),
            _ => return None,
        };
        Some(SocketAddr::new(ip, u16::from_be_bytes(*port)).into())
    }

    /// The blob: 7 or 19 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl From<SocketAddr> for UdpAddress {
    fn from(address: SocketAddr) -> UdpAddress {
        let mut bytes = [0; MAX];
        bytes[1..3].copy_from_slice(&address.port().to_be_bytes());
        let len = match address.ip() {
            IpAddr::V4(ip) => {
                bytes[0] = V4;
                bytes[3..7].copy_from_slice(&ip.octets());
                7
            }
            IpAddr::V6(ip) => {
                bytes[0] = V6;
                bytes[3..MAX].copy_from_slice(&ip.octets());
                MAX as u8
            }
        };
        UdpAddress { bytes, len }
    }
}

impl From<UdpAddress> for SocketAddr {
    fn from(blob: UdpAddress) -> SocketAddr {
        let port = u16::from_be_bytes([blob.bytes[1], blob.bytes[2]]);
        let ip = match blob.bytes[0] {
            V4 => Ipv4Addr::new(blob.bytes[3], blob.bytes[4], blob.bytes[5], blob.bytes[6]).into(),
            _ => {
                let mut octets = [0; 16];
                octets.copy_from_slice(&blob.bytes[3..MAX]);
                Ipv6Addr::from(octets).into()
            }
        };
        SocketAddr::new(ip, port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_and_addresses_are_the_same_thing() {
        for text in ["1.2.3.4:5", "0.0.0.0:0", "[::1]:65535", "[fe80::1:2]:80"] {
            let address: SocketAddr = text.parse().expect("an address");
            let blob = UdpAddress::from(address);
            assert_eq!(SocketAddr::from(blob), address);
            assert_eq!(UdpAddress::from_bytes(blob.as_bytes()), Some(blob));
            assert_eq!(blob.as_bytes().len(), if address.is_ipv4() { 7 } else { 19 });
        }
    }

    #[test]
    fn other_bytes_are_no_address() {
        for blob in
            [&b""[..], b"\x01", b"\x01\0\x50\x7f\0\0", b"\x01\0\x50\x7f\0\0\x01\0", b"\x03\0\x50\x7f\0\0\x01"]
        {
            assert_eq!(UdpAddress::from_bytes(blob), None);
        }
    }
}
