//! A stretch of network that can break: passes bytes on until it is told to cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// How often the network was cut.
    cuts: watch::Sender<usize>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn to(relay: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cuts, seen) = watch::channel(0);
        let connections = Arc::new(AtomicUsize::new(0));
        let mut accepting = JoinSet::new();
        let count = connections.clone();
        accepting.spawn(async move {
            let mut passing = JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                let mut seen = seen.clone();
                seen.mark_unchanged();
                passing.spawn(async move {
                    let Ok(mut far) = TcpStream::connect(relay).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = seen.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            connections,
            cuts,
            _accepting: accepting,
        }
    }

    /// Breaks every connection, in the middle of whatever is on its way.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections were ever made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}
