//! Connections of the load generator.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

/// How many connections to one server go out from one address: fewer than the system has ports to choose from.
const FROM_ONE_ADDRESS: usize = 20_000;

/// Begins to connect; the stream is writable when it has. Connections of high numbers leave from further addresses
/// (127.0.0.2, …) where the server is on a loopback address.
///
/// # Errors
///
/// When the system refuses at once.
pub(crate) fn connect(server: SocketAddr, number: usize) -> Result<TcpStream> {
    let stream = begin(server, number).with_context(|| match number {
        0 => format!("cannot connect to {server}"),
        _ => format!(
            "cannot connect to {server} a further time, after {number} (see `ulimit -H -n` for files)"
        ),
    })?;
    Ok(TcpStream::from_std(stream))
}

fn begin(server: SocketAddr, number: usize) -> io::Result<std::net::TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(from) = source(server.ip(), number) {
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    match socket.connect(&server.into()) {
        Err(error)
            if error.kind() != ErrorKind::WouldBlock && error.raw_os_error() != Some(libc::EINPROGRESS) =>
        {
            Err(error)
        }
        _ => Ok(socket.into()),
    }
}

/// The address that a connection leaves from, if it matters.
fn source(server: IpAddr, number: usize) -> Option<IpAddr> {
    let IpAddr::V4(server) = server else { return None };
    let further = u8::try_from(number / FROM_ONE_ADDRESS).ok().filter(|further| *further > 0)?;
    let last = further.checked_add(1)?;
    server.is_loopback().then_some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
}

/// Reads what has come, as far as `buffer` goes; `None` if nothing has. 0 is the peer's end.
///
/// # Errors
///
/// When the connection is broken.
pub(crate) fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    unless_blocked(|| stream.read(buffer))
}

/// Writes what there is room for, 0 if there is none.
///
/// # Errors
///
/// When the connection is broken.
pub(crate) fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    unless_blocked(|| stream.write(bytes)).map(|written| written.unwrap_or(0))
}

fn unless_blocked(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_beyond_the_ports_of_one_address_leave_from_another() {
        let server = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(source(server, 19_999), None);
        assert_eq!(source(server, 20_000), Some(IpAddr::from([127, 0, 0, 2])));
        assert_eq!(source(server, 100_000), Some(IpAddr::from([127, 0, 0, 6])));
        assert_eq!(source(IpAddr::from([10, 0, 0, 1]), 20_000), None);
    }
}
