//! The sockets of the client: the system's, or with the feature `simulation` those of a simulated network. Nothing else
//! of the client knows which.

#[cfg(not(feature = "simulation"))]
pub(crate) use tokio::net::{TcpStream, lookup_host};
#[cfg(feature = "simulation")]
pub(crate) use turmoil::net::{TcpStream, lookup_host};

#[cfg(not(feature = "simulation"))]
pub(crate) use if_addrs::get_if_addrs;

/// A simulated computer keeps its addresses.
#[cfg(feature = "simulation")]
#[allow(clippy::unnecessary_wraps)] // as the system's
pub(crate) fn get_if_addrs() -> std::io::Result<Vec<if_addrs::Interface>> {
    Ok(Vec::new())
}
