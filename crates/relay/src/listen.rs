//! The listening socket: all interfaces, IPv4 and IPv6 on one port, the next free one if it is busy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use chatspot_protocol::limits::PORT_TRIES;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// How many connections the system keeps for us while we are busy.
const BACKLOG: i32 = 1024;

/// Listens on all interfaces at `port`, or at the next free one within [`PORT_TRIES`], or at any the system gives.
///
/// # Errors
/// The last error when no port at all can be opened.
pub fn on_all_interfaces(port: u16) -> io::Result<TcpListener> {
    let tries = (0..PORT_TRIES)
        .filter_map(|step| port.checked_add(step))
        .chain([0]);
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in tries {
        match on_port(port) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Listens at exactly this port of all interfaces.
///
/// # Errors
/// Whatever the system says against it.
pub fn on_port(port: u16) -> io::Result<TcpListener> {
    dual_stack(port).or_else(|_| on_address(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)))
}

/// Listens at exactly this address.
///
/// # Errors
/// Whatever the system says against it.
pub fn on_address(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    finish(&socket, address)?;
    TcpListener::from_std(socket.into())
}

fn dual_stack(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP))?;
    // Windows and some Linux set-ups keep IPv4 out unless told otherwise.
    socket.set_only_v6(false)?;
    finish(
        &socket,
        SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port),
    )?;
    TcpListener::from_std(socket.into())
}

fn finish(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    // On Unix this lets a restarted host have its port back at once; on Windows it would let others steal it.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn f71_a_busy_port_gives_the_next_free_one() {
        let first = on_all_interfaces(0).unwrap();
        let busy = first.local_addr().unwrap().port();
        let second = on_all_interfaces(busy).unwrap();
        assert_ne!(second.local_addr().unwrap().port(), busy);
    }

    #[tokio::test]
    async fn f71_a_port_that_is_busy_on_one_interface_only_is_busy_too() {
        let first = on_address("127.0.0.1:0".parse().unwrap()).unwrap();
        let busy = first.local_addr().unwrap().port();
        assert_ne!(
            on_all_interfaces(busy)
                .unwrap()
                .local_addr()
                .unwrap()
                .port(),
            busy
        );
    }

    #[tokio::test]
    async fn both_families_reach_it() {
        let listener = on_all_interfaces(0).unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .unwrap();
        if tokio::net::TcpListener::bind("[::1]:0").await.is_ok() {
            tokio::net::TcpStream::connect(("::1", port)).await.unwrap();
        }
    }
}
