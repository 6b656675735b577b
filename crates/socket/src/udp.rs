//! Datagrams.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use skynet_core::Handle;

use crate::outbox::{Phase, Priority};
use crate::poll::Command;
use crate::socket::{Io, Kind, Socket};
use crate::sockets::{addresses, no_address};
use crate::sync::lock;
use crate::write::Data;
use crate::{OpenError, SendError, SocketId, Sockets, UdpAddress, sys};

impl Sockets {
    /// Opens a UDP socket on any free port, for IPv4, and reads.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the system gives none, or there are too many sockets.
    pub fn udp(&self, owner: Handle) -> Result<SocketId, OpenError> {
        self.udp_listen(owner, "", 0)
    }

    /// Opens a UDP socket that receives at an address, and reads. `host` and `port` as in [`Sockets::listen`].
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the host is unknown, the address cannot be used, or there are too many sockets.
    pub fn udp_listen(&self, owner: Handle, host: &str, port: u16) -> Result<SocketId, OpenError> {
        let udp = self.first_of(host, port, sys::udp)?;
        self.add_udp(owner, udp, None)
    }

    /// Opens a UDP socket whose [`Sockets::send`] goes to an address, and reads.
    ///
    /// # Errors
    ///
    /// As [`Sockets::udp_listen`].
    pub fn udp_dial(&self, owner: Handle, host: &str, port: u16) -> Result<SocketId, OpenError> {
        let peer = *addresses(host, port)?.first().ok_or_else(|| no_address(host))?;
        let any: SocketAddr = match peer {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let udp = sys::udp(any).map_err(|cause| OpenError::Address { address: peer.to_string(), cause })?;
        self.add_udp(owner, udp, Some(peer))
    }

    /// From now on [`Sockets::send`] on this UDP socket goes to this address. It still receives from everybody.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the host is unknown, or there is no such UDP socket.
    pub fn udp_connect(&self, id: SocketId, host: &str, port: u16) -> Result<(), OpenError> {
        let peer = *addresses(host, port)?.first().ok_or_else(|| no_address(host))?;
        let socket = self.inner().table.get(id).filter(|socket| socket.kind == Kind::Udp);
        let socket = socket.ok_or(OpenError::Unknown { id })?;
        lock(&socket.out).peer = Some(Box::new(peer));
        Ok(())
    }

    /// Sends a datagram to an address, such as the one that [`Datagram::from`](crate::Datagram::from) gave.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands a payload back.
    pub fn udp_send<'a>(
        &self,
        id: SocketId,
        to: UdpAddress,
        data: impl Into<Data<'a>>,
    ) -> Result<(), SendError> {
        self.inner().write(id, data.into(), Priority::High, Some(to.into()))
    }

    /// The address at which a UDP socket or a listener receives. `None` if there is no such socket.
    #[must_use]
    pub fn local_address(&self, id: SocketId) -> Option<SocketAddr> {
        match self.inner().table.get(id)?.io.get()? {
            Io::Listener(listener) => listener.local_addr().ok(),
            Io::Udp(udp) => udp.local_addr().ok(),
            Io::Stream(stream) => stream.local_addr().ok(),
            Io::File(_) => None,
        }
    }

    fn add_udp(
        &self,
        owner: Handle,
        udp: std::net::UdpSocket,
        peer: Option<SocketAddr>,
    ) -> Result<SocketId, OpenError> {
        let socket = self.inner().insert(|id| {
            let socket = Socket::with_io(id, owner, Kind::Udp, Io::Udp(udp));
            {
                let mut out = lock(&socket.out);
                out.peer = peer.map(Box::new);
                out.phase = Phase::Open;
            }
            socket
        })?;
        self.inner().post(socket.id, Command::Open(socket.id));
        Ok(socket.id)
    }
}
