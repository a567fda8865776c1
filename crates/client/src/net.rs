//! The sockets of the client: the system's, or with the feature `simulation` those of a simulated network. Nothing else
//! of the client knows which.

#[cfg(not(feature = "simulation"))]
pub(crate) use tokio::net::{TcpStream, lookup_host};
#[cfg(feature = "simulation")]
pub(crate) use turmoil::net::{TcpStream, lookup_host};

use chatspot_nearby::networks::Networks;

/// The networks that this computer is in.
#[cfg(not(feature = "simulation"))]
pub(crate) fn networks() -> Networks {
    Networks::now()
}

/// A simulated computer keeps its addresses.
#[cfg(feature = "simulation")]
pub(crate) fn networks() -> Networks {
    Networks::default()
}
