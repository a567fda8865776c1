//! The sockets of beacons: one that hears for each family, and one that speaks for each network.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use chatspot_protocol::beacon::{Beacon, Cast};
use chatspot_protocol::limits::{BEACON_BYTES, BEACON_GROUP_V4, BEACON_GROUP_V6};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::Reach;
use crate::networks::{Network, Networks};

/// How long a socket that failed is left alone.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// What came in.
#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) bytes: Vec<u8>,
    pub(crate) from: SocketAddr,
}

/// From which port something is asked: answers come back to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Port {
    /// That of beacons, which firewalls are open at. Where another app on this computer shares it, the system hands what
    /// comes to one address to either of them.
    #[default]
    Shared,
    /// One that nobody shares.
    Own,
}

/// Of one network.
#[derive(Debug)]
struct Mouth {
    /// Bound to this computer's address in the network: this is where those who hear it dial, and answers to this
    /// address come in here.
    socket: Arc<UdpSocket>,
    network: Network,
    /// None where nothing is called out, and only answers are sent.
    all: Option<All>,
}

/// Where all of a network are reached.
#[derive(Debug)]
struct All {
    group: SocketAddr,
    broadcast: Option<SocketAddr>,
    /// See [`Port::Own`]. None where there is no other than the mouth's.
    own: Option<Arc<UdpSocket>>,
}

/// Of one family.
#[derive(Debug)]
struct Ear {
    version: Domain,
    socket: Arc<UdpSocket>,
    /// This computer's addresses in the networks whose group it is in.
    joined: Vec<IpAddr>,
}

/// All of them. Closed when dropped.
#[derive(Debug)]
pub(crate) struct Sockets {
    port: u16,
    ears: Vec<Ear>,
    mouths: Vec<Mouth>,
    /// Bounded; while it is full the sockets are not read, and the system drops what comes.
    heard: mpsc::Receiver<Datagram>,
    hears: mpsc::Sender<Datagram>,
    /// What did not open: addresses are in the list a little before they can be used.
    failed: usize,
    /// Why the port is not heard at, where one family is not.
    deaf: Option<String>,
    /// What came of the networks in which nothing can be said.
    mute: Sent,
    readers: JoinSet<()>,
}

/// What came of a call to all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent {
    pub(crate) multicast: Outcome,
    pub(crate) broadcast: Outcome,
}

/// Whether it was sent anywhere, and if not, why.
#[derive(Debug, Clone, Default)]
pub(crate) enum Outcome {
    /// There is no network for it.
    #[default]
    Nowhere,
    Refused(String),
    Gone,
}

impl Outcome {
    fn add(&mut self, result: Result<usize, &io::Error>) {
        match (result, &self) {
            (Ok(_), _) => *self = Outcome::Gone,
            (Err(error), Outcome::Nowhere) => *self = Outcome::Refused(error.to_string()),
            (Err(_), Outcome::Refused(_) | Outcome::Gone) => {}
        }
    }

    /// Whether there was anywhere to send to.
    pub(crate) fn reach(&self) -> Reach {
        match self {
            Outcome::Nowhere => Reach::Nowhere,
            Outcome::Refused(_) | Outcome::Gone => Reach::Somewhere,
        }
    }

    /// Why it was not sent at all, though there was somewhere to send to.
    pub(crate) fn refused(self) -> Option<String> {
        match self {
            Outcome::Refused(why) => Some(why),
            Outcome::Nowhere | Outcome::Gone => None,
        }
    }
}

impl Sockets {
    /// Opens what can be opened in these networks. Must be called within a tokio runtime.
    pub(crate) fn open(networks: &Networks, port: u16) -> Self {
        let (hears, heard) = mpsc::channel(64);
        let mut opened = Self {
            port,
            ears: Vec::new(),
            mouths: Vec::new(),
            heard,
            hears,
            failed: 0,
            deaf: None,
            mute: Sent::default(),
            readers: JoinSet::new(),
        };
        opened.open_rest(networks);
        if let Some(error) = opened.deaf() {
            warn!(error, port, "what others call out is not heard");
        }
        opened
    }

    /// Opens what is not open yet in these networks, which are those of before. Gives how much was opened.
    pub(crate) fn open_rest(&mut self, networks: &Networks) -> usize {
        self.failed = 0;
        self.deaf = None;
        self.mute = Sent::default();
        let opened = [Domain::IPV4, Domain::IPV6]
            .map(|version| self.open_ear(version, networks))
            .into_iter()
            .sum::<usize>();
        opened + self.open_mouths(networks)
    }

    fn open_ear(&mut self, version: Domain, networks: &Networks) -> usize {
        let mut listened = networks.listened();
        listened.retain(|network| network.ip.is_ipv4() == (version == Domain::IPV4));
        if listened.is_empty() {
            return 0;
        }
        let mut opened = 0;
        if self.ears.iter().all(|ear| ear.version != version) {
            match ear(version, self.port) {
                Ok(socket) => {
                    let socket = self.listen(socket);
                    self.ears.push(Ear {
                        version,
                        socket,
                        joined: Vec::new(),
                    });
                }
                Err(error) => {
                    self.failed += 1;
                    debug!(%error, port = self.port, "nothing is heard");
                    self.deaf.get_or_insert(error.to_string());
                }
            }
        }
        let ear = self.ears.iter_mut().find(|ear| ear.version == version);
        if let Some(ear) = ear {
            listened.retain(|network| !ear.joined.contains(&network.ip));
            for network in listened {
                match join(&ear.socket, network) {
                    Ok(()) => {
                        opened += 1;
                        ear.joined.push(network.ip);
                    }
                    Err(error) => {
                        self.failed += 1;
                        debug!(%error, ip = %network.ip, "not in the group");
                    }
                }
            }
        }
        opened
    }

    fn open_mouths(&mut self, networks: &Networks) -> usize {
        let mut opened = 0;
        let useful = networks.useful();
        for network in networks.listened() {
            if self.mouths.iter().any(|mouth| mouth.network == *network) {
                continue;
            }
            let is_useful = useful.contains(&network);
            match mouth(network, self.port) {
                Ok(socket) => {
                    opened += 1;
                    let socket = self.listen(socket);
                    let all = is_useful.then(|| self.all_of(network));
                    self.mouths.push(Mouth {
                        socket,
                        network: network.clone(),
                        all,
                    });
                }
                Err(error) => {
                    self.failed += 1;
                    debug!(%error, ip = %network.ip, "nothing is said");
                    if is_useful {
                        self.mute.multicast.add(Err(&error));
                    }
                    if is_useful && network.broadcast.is_some() {
                        self.mute.broadcast.add(Err(&error));
                    }
                }
            }
        }
        opened
    }

    fn listen(&mut self, socket: UdpSocket) -> Arc<UdpSocket> {
        let socket = Arc::new(socket);
        self.readers.spawn(read(socket.clone(), self.hears.clone()));
        socket
    }

    fn all_of(&mut self, network: &Network) -> All {
        let own = speaker(network, 0)
            .inspect_err(|error| debug!(%error, ip = %network.ip, "no port of its own"))
            .ok()
            .map(|socket| self.listen(socket));
        match network.ip {
            IpAddr::V4(_) => All {
                group: SocketAddr::from((BEACON_GROUP_V4, self.port)),
                broadcast: network
                    .broadcast
                    .map(|broadcast| SocketAddr::from((broadcast, self.port))),
                own,
            },
            IpAddr::V6(_) => All {
                group: SocketAddrV6::new(BEACON_GROUP_V6, self.port, 0, network.index).into(),
                broadcast: None,
                own,
            },
        }
    }

    /// Whether all opened that should have.
    pub(crate) fn is_whole(&self) -> bool {
        self.failed == 0
    }

    /// Why it is not heard what others call out, where it is not.
    pub(crate) fn deaf(&self) -> Option<&str> {
        self.deaf.as_deref()
    }

    /// The next datagram. Cancel safe.
    pub(crate) async fn heard(&mut self) -> Option<Datagram> {
        self.heard.recv().await
    }

    /// To the group and to all of each useful network.
    pub(crate) fn call(&self, beacon: &Beacon, port: Port) -> Sent {
        let mut sent = self.mute.clone();
        for mouth in &self.mouths {
            mouth.call(beacon, port, &mut sent);
        }
        sent
    }

    /// To the group and to all of the one network that this address is in.
    pub(crate) fn call_near(&self, beacon: &Beacon, to: SocketAddr) {
        if let Some(mouth) = self.mouths.iter().find(|mouth| mouth.is_near(to)) {
            mouth.call(beacon, Port::Shared, &mut Sent::default());
        }
    }

    /// To one address, from this computer's own in the same network.
    pub(crate) fn tell(&self, beacon: &Beacon, to: SocketAddr) {
        let near = |mouth: &&Mouth| mouth.is_near(to);
        let same = |mouth: &&Mouth| mouth.network.ip.is_ipv6() == to.is_ipv6();
        let mouths = || self.mouths.iter();
        if let Some(mouth) = mouths().find(near).or_else(|| mouths().find(same)) {
            let _ = mouth.send(&mouth.socket, &beacon.encode(Cast::Unicast), to);
        }
    }
}

impl Mouth {
    fn is_near(&self, to: SocketAddr) -> bool {
        match to {
            SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => {
                self.network.ip.is_ipv6() && self.network.index == v6.scope_id()
            }
            to => self.network.holds(to.ip()),
        }
    }

    fn call(&self, beacon: &Beacon, port: Port, sent: &mut Sent) {
        let Some(all) = &self.all else {
            return;
        };
        let socket = match (port, &all.own) {
            (Port::Own, Some(own)) => own,
            (Port::Own, None) | (Port::Shared, _) => &self.socket,
        };
        let group = self.send(socket, &beacon.encode(Cast::Multicast), all.group);
        sent.multicast.add(group.as_ref().copied());
        if let Some(to) = all.broadcast {
            let broadcast = self.send(socket, &beacon.encode(Cast::Broadcast), to);
            sent.broadcast.add(broadcast.as_ref().copied());
        }
    }

    /// Never waits: a datagram that the system has no room for is lost like any other.
    fn send(&self, socket: &UdpSocket, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
        let sent = SockRef::from(socket).send_to(bytes, &to.into());
        if let Err(error) = &sent {
            debug!(%error, %to, from = %self.network.ip, "not sent");
        }
        sent
    }
}

/// Hears what is sent to all, in all networks, and to the groups that it is in.
fn ear(version: Domain, port: u16) -> io::Result<UdpSocket> {
    let socket = udp(version)?;
    share(&socket)?;
    let any: SocketAddr = if version == Domain::IPV4 {
        (Ipv4Addr::UNSPECIFIED, port).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, port).into()
    };
    // Linux hands a socket whatever any program of this computer listens to, if nobody says otherwise.
    #[cfg(target_os = "linux")]
    if version == Domain::IPV4 {
        socket.set_multicast_all_v4(false)?;
    } else {
        socket.set_multicast_all_v6(false)?;
    }
    socket.bind(&any.into())?;
    UdpSocket::from_std(socket.into())
}

fn join(ear: &UdpSocket, network: &Network) -> io::Result<()> {
    let ear = SockRef::from(ear);
    let joined = match network.ip {
        IpAddr::V4(ip) => ear.join_multicast_v4(&BEACON_GROUP_V4, &ip),
        IpAddr::V6(_) => ear.join_multicast_v6(&BEACON_GROUP_V6, network.index),
    };
    joined.or_else(|error| match error.kind() {
        // By another address of the same interface.
        io::ErrorKind::AddrInUse => Ok(()),
        _ => Err(error),
    })
}

/// Speaks in one network. On the beacons' port, which firewalls are open at, so that answers come in.
fn mouth(network: &Network, port: u16) -> io::Result<UdpSocket> {
    speaker(network, port).or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => speaker(network, 0),
        _ => Err(error),
    })
}

/// Speaks in one network from this port, which is shared, or from one that the system gives, which is not.
fn speaker(network: &Network, port: u16) -> io::Result<UdpSocket> {
    let (socket, own) = match network.ip {
        IpAddr::V4(ip) => {
            let socket = udp(Domain::IPV4)?;
            socket.set_multicast_if_v4(&ip)?;
            // Beacons are for the own network: no router passes them on.
            socket.set_multicast_ttl_v4(1)?;
            socket.set_multicast_loop_v4(true)?;
            socket.set_broadcast(true)?;
            (socket, SocketAddr::from((ip, port)))
        }
        IpAddr::V6(ip) => {
            let socket = udp(Domain::IPV6)?;
            socket.set_multicast_if_v6(network.index)?;
            socket.set_multicast_hops_v6(1)?;
            socket.set_multicast_loop_v6(true)?;
            let scope = if network.is_scoped() {
                network.index
            } else {
                0
            };
            (socket, SocketAddrV6::new(ip, port, 0, scope).into())
        }
    };
    // Linux gives two sockets that share the same free port.
    if port != 0 {
        share(&socket)?;
    }
    socket.bind(&own.into())?;
    UdpSocket::from_std(socket.into())
}

fn udp(version: Domain) -> io::Result<Socket> {
    let socket = Socket::new(version, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if version == Domain::IPV6 {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// With other apps on this computer, each of which gets what is sent to all.
fn share(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    Ok(())
}

async fn read(socket: Arc<UdpSocket>, heard: mpsc::Sender<Datagram>) {
    // One byte more, so that what is too long shows.
    let mut buffer = [0; BEACON_BYTES + 1];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let bytes = buffer[..length].to_vec();
                if heard.send(Datagram { bytes, from }).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                // Windows tells so of an earlier datagram that nobody took. Not twice in a moment, whatever it is.
                debug!(%error, "not read");
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
}
