//! The sockets of the relay: the system's, or with the feature `simulation` those of a simulated network. Nothing else
//! of the relay knows which.

#[cfg(not(feature = "simulation"))]
pub use self::system::{TcpListener, TcpStream};
#[cfg(not(feature = "simulation"))]
pub(crate) use self::system::{bound_unsent, first_byte, shutdown};

#[cfg(feature = "simulation")]
pub use self::simulated::{TcpListener, TcpStream};
#[cfg(feature = "simulation")]
pub(crate) use self::simulated::{bound_unsent, first_byte, shutdown};

use std::io;

#[cfg(not(feature = "simulation"))]
mod system {
    use std::io;
    use std::net::Shutdown;

    use chatspot_protocol::limits::LINK_UNSENT_BYTES;

    pub use tokio::net::{TcpListener, TcpStream};

    /// Keeps what the system holds for a peer short: nothing that is in there can be left out any more, or overtaken.
    pub(crate) fn bound_unsent(stream: &TcpStream) {
        #[cfg(target_os = "linux")]
        if let Err(error) = socket2::SockRef::from(stream).set_tcp_notsent_lowat(LINK_UNSENT_BYTES)
        {
            tracing::debug!(%error, "the system holds as much as it likes");
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (stream, LINK_UNSENT_BYTES);
    }

    /// Ends one half of a connection, or both. Whoever waits for it wakes up.
    pub(crate) fn shutdown(stream: &TcpStream, how: Shutdown) {
        // Not connected any more is just as good.
        let _ = socket2::SockRef::from(stream).shutdown(how);
    }

    /// The first byte that comes, which stays to be read. None at the end.
    pub(crate) async fn first_byte(stream: &TcpStream) -> io::Result<Option<u8>> {
        let mut first = [0];
        let length = stream.peek(&mut first).await?;
        Ok((length > 0).then_some(first[0]))
    }
}

#[cfg(feature = "simulation")]
mod simulated;

/// A socket's two halves as libraries without tasks want them: they take and give what they can at once.
pub(crate) struct AtOnce<'a>(pub(crate) &'a TcpStream);

impl io::Read for AtOnce<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(into)
    }
}

impl io::Write for AtOnce<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
