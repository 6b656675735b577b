//! Sockets that are made, and settings that `std` does not know.

use std::ffi::{c_int, c_void};
use std::io::{self, IoSlice};
use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use mio::net::TcpListener;

/// A listener that does not block. Connections that it takes inherit its keep-alive.
pub(crate) fn listener(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let fd = bound(address, libc::SOCK_STREAM)?;
    option(&fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, true)?;
    // SAFETY: the descriptor is open.
    check(unsafe { libc::listen(fd.as_raw_fd(), backlog) })?;
    Ok(TcpListener::from_std(fd.into()))
}

/// A bound UDP socket that does not block.
pub(crate) fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    bound(address, libc::SOCK_DGRAM).map(UdpSocket::from)
}

/// Switches the probing of quiet connections.
pub(crate) fn keep_alive(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    option(&fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, on)
}

/// Switches the probing on: after a third of `silence`, then twice more; and gives up on sent bytes after `silence`.
pub(crate) fn keep_alive_after(fd: BorrowedFd<'_>, silence: Duration) -> io::Result<()> {
    keep_alive(fd, true)?;
    // Linux takes no more than 32767 s.
    let third = c_int::try_from(silence.as_secs() / 3).unwrap_or(c_int::MAX).clamp(1, 10_000);
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "netbsd"))]
    number(&fd, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, third)?;
    #[cfg(target_vendor = "apple")]
    number(&fd, libc::IPPROTO_TCP, libc::TCP_KEEPALIVE, third)?;
    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_os = "netbsd",
        target_vendor = "apple"
    ))]
    {
        number(&fd, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, third)?;
        number(&fd, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 2)?;
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    number(&fd, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, third * 3000)?;
    Ok(())
}

/// Makes a descriptor non-blocking, for all who share it.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is open, and these operations take numbers only.
    unsafe {
        let flags = check(libc::fcntl(fd.as_raw_fd(), libc::F_GETFL))?;
        check(libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK))?;
    }
    Ok(())
}

/// Whether the process or the system has no descriptor left.
pub(crate) fn out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Whether the system has no memory for a descriptor.
pub(crate) fn out_of_memory(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOMEM | libc::ENOBUFS))
}

/// Writes the slices to a stream; a peer that is gone gives an error, never SIGPIPE.
pub(crate) fn send_vectored(fd: BorrowedFd<'_>, slices: &mut [IoSlice<'_>]) -> io::Result<usize> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    const FLAGS: c_int = libc::MSG_NOSIGNAL;
    // Elsewhere std has switched the signal off for its sockets, or for the process.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    const FLAGS: c_int = 0;
    // SAFETY: zeroes are a value of the structure. `IoSlice` has the layout of `iovec`, and the slices outlive the call.
    let sent = unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = slices.as_mut_ptr().cast();
        message.msg_iovlen = slices.len() as _;
        libc::sendmsg(fd.as_raw_fd(), &message, FLAGS)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// A socket that does not block and is not inherited by child processes, bound to an address.
fn bound(address: SocketAddr, kind: c_int) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    // SAFETY: the call takes numbers only; a descriptor that it gives is new and ours.
    let fd = unsafe {
        OwnedFd::from_raw_fd(check(libc::socket(family, kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0))?)
    };
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    // SAFETY: as above.
    let fd = unsafe {
        use std::os::fd::AsFd;
        let fd = OwnedFd::from_raw_fd(check(libc::socket(family, kind, 0))?);
        check(libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC))?;
        set_nonblocking(fd.as_fd())?;
        fd
    };
    option(&fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, true)?;
    let (storage, len) = raw_address(address);
    // SAFETY: the storage holds an address of this length.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const storage).cast(), len) })?;
    Ok(fd)
}

fn option(fd: &impl AsRawFd, level: c_int, name: c_int, on: bool) -> io::Result<()> {
    number(fd, level, name, c_int::from(on))
}

fn number(fd: &impl AsRawFd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the option is an `int`, and the pointer and the length are those of one.
    check(unsafe {
        let len = mem::size_of::<c_int>() as libc::socklen_t;
        libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const value).cast::<c_void>(), len)
    })?;
    Ok(())
}

/// An address as C has it.
fn raw_address(address: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: zeroes are a value of these structures, and the storage is large enough and aligned for each.
    unsafe {
        let mut storage: libc::sockaddr_storage = mem::zeroed();
        let len = match address {
            SocketAddr::V4(address) => {
                let mut raw: libc::sockaddr_in = mem::zeroed();
                raw.sin_family = libc::AF_INET as libc::sa_family_t;
                raw.sin_port = address.port().to_be();
                raw.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
                (&raw mut storage).cast::<libc::sockaddr_in>().write(raw);
                mem::size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(address) => {
                let mut raw: libc::sockaddr_in6 = mem::zeroed();
                raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                raw.sin6_port = address.port().to_be();
                raw.sin6_addr.s6_addr = address.ip().octets();
                raw.sin6_flowinfo = address.flowinfo();
                raw.sin6_scope_id = address.scope_id();
                (&raw mut storage).cast::<libc::sockaddr_in6>().write(raw);
                mem::size_of::<libc::sockaddr_in6>()
            }
        };
        (storage, len as libc::socklen_t)
    }
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
