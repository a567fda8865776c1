//! turmoil's sockets with those of tokio's methods that the relay uses and turmoil lacks: to look for what came, and
//! to take it, through a shared reference.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A simulated listener.
pub struct TcpListener(turmoil::net::TcpListener);

impl TcpListener {
    /// Listens on all of the simulated host's addresses.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn bind(port: u16) -> io::Result<Self> {
        let any = (std::net::Ipv4Addr::UNSPECIFIED, port);
        turmoil::net::TcpListener::bind(any).await.map(Self)
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((TcpStream::new(stream), peer))
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A simulated connection.
#[derive(Debug)]
pub struct TcpStream(Mutex<Inner>);

/// A lock because turmoil wants to be asked for readiness by its one owner; never held across an await.
#[derive(Debug)]
struct Inner {
    stream: turmoil::net::TcpStream,
    /// Nothing is read any more.
    deaf: bool,
    /// Who waits to read, to be told of that.
    reader: Option<Waker>,
}

impl TcpStream {
    fn new(stream: turmoil::net::TcpStream) -> Self {
        Self(Mutex::new(Inner {
            stream,
            deaf: false,
            reader: None,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.lock().stream.local_addr()
    }

    pub(crate) fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.lock().stream.set_nodelay(nodelay)
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().stream.try_write(bytes)
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        poll_fn(|cx| pin!(self.lock().stream.writable()).poll(cx)).await
    }

    pub(crate) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut into = ReadBuf::new(into);
        // Whoever finds nothing waits with `poll_read_ready`, which leaves a waker that is one.
        let mut cx = Context::from_waker(Waker::noop());
        match self.lock().poll_read(&mut cx, &mut into) {
            Poll::Ready(read) => read.map(|()| into.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_read_ready(cx)).await
    }

    /// An end and an error are something to read, too.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        if inner.deaf {
            return Poll::Ready(Ok(()));
        }
        let mut one = [0];
        let found = inner.stream.poll_peek(cx, &mut ReadBuf::new(&mut one));
        if found.is_pending() {
            inner.reader = Some(cx.waker().clone());
        }
        found.map(|_| Ok(()))
    }
}

impl Inner {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.deaf {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, into)
    }

    /// What turmoil does at once or not at all.
    fn finish_writing(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        // Not connected any more is just as good.
        let _ = Pin::new(&mut self.stream).poll_shutdown(&mut cx);
    }
}

/// A simulated system holds as much as it likes.
pub(crate) fn bound_unsent(_: &TcpStream) {}

/// The first byte that comes, which stays to be read. None at the end.
pub(crate) async fn first_byte(stream: &TcpStream) -> io::Result<Option<u8>> {
    let mut first = [0];
    let length = poll_fn(|cx| {
        let mut inner = stream.lock();
        inner.stream.poll_peek(cx, &mut ReadBuf::new(&mut first))
    })
    .await?;
    Ok((length > 0).then_some(first[0]))
}

/// Ends one half of a connection, or both. Whoever waits to read wakes up; whoever waits to write does not.
pub(crate) fn shutdown(stream: &TcpStream, how: Shutdown) {
    let mut inner = stream.lock();
    if how != Shutdown::Read {
        inner.finish_writing();
    }
    if how != Shutdown::Write {
        inner.deaf = true;
        if let Some(reader) = inner.reader.take() {
            reader.wake();
        }
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.lock().poll_read(cx, into)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.lock().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_shutdown(cx)
    }
}
