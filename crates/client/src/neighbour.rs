//! What members do for each other in finding rooms: telling of others, and dialling back.

use std::future::Future;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::pin::Pin;

use chatspot_nearby::networks::Networks;
use chatspot_protocol::address::Address;
use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::limits::{
    DIAL_BACK_EVERY, DIAL_BACK_TIMEOUT, DIAL_BACKS_ASKED, DIAL_TIMEOUT, GREETING_TIMEOUT,
    INTRODUCTIONS_AT_ONCE, RELAY_PORTS,
};
use chatspot_protocol::view::{Discovery, Failure, FailureCode};
use chatspot_protocol::wire::{Back, Introduced};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::dial::{self, Unreached, is_proven};
use crate::driver::Command;
use crate::failure::failure;
use crate::store::{Learnt, Store};
use crate::{Client, limit, net};

impl Client {
    /// A room was proven to be at these addresses, best first. Where it is open here and has no connection, it is dialled
    /// there at once; where it was joined before, they are remembered.
    pub async fn sighted(&self, room: RoomId, mut addresses: Vec<Address>) {
        limit(&mut addresses);
        let sighted = Command::Sighted {
            addresses: addresses.clone(),
        };
        if self.command(room, sighted).await.is_ok() {
            return;
        }
        // A room that ends just now is remembered all the same.
        let store = &self.0.store;
        let learnt = store.learn_addresses(room, addresses, Learnt::Sighted);
        if let Err(error) = learnt.await {
            tracing::warn!(%error, "where the room may be is not kept");
        }
    }

    /// Tells those in `room` of others, unless they were told just this.
    pub async fn introduce(&self, room: RoomId, rooms: Vec<Introduced>) {
        // A room that ends just now is told nothing.
        let _ = self.command(room, Command::Introduce { rooms }).await;
    }

    /// Has a member of `room` try to reach the room `about`, which is hosted here at this port. Gives where it was tried.
    pub async fn dial_back(
        &self,
        room: RoomId,
        member: MemberId,
        about: RoomId,
        port: u16,
    ) -> Result<(Option<String>, Back), Failure> {
        let (answer, answered) = oneshot::channel();
        let asked = Command::DialBack {
            member,
            about,
            port,
            answer,
        };
        self.command(room, asked).await?;
        match timeout(DIAL_BACK_TIMEOUT, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(failure(FailureCode::NotConnected, "not in the room now")),
            Err(_) => Ok((None, Back::NoAnswer)),
        }
    }
}

/// Where was dialled back to, and what came of it.
pub(crate) type DialledBack = (Option<String>, Back);

/// What came of dialling back for a member.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TriedBack {
    pub(crate) member: MemberId,
    pub(crate) room: RoomId,
    pub(crate) outcome: Back,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    No,
}

/// One room's share in it.
#[derive(Default)]
pub(crate) struct Neighbours {
    /// Whom we asked, at most [`DIAL_BACKS_ASKED`].
    asked: Vec<Asked>,
    /// The one attempt that is being made for a member.
    trying: Option<Pin<Box<dyn Future<Output = TriedBack> + Send>>>,
    /// When the last one began.
    tried: Option<Instant>,
    /// Hints on their way, in order: what is taken back must not overtake what was told. At most
    /// [`INTRODUCTIONS_AT_ONCE`]; what comes while nobody takes them is lost.
    introductions: Option<mpsc::Sender<Hint>>,
    /// Hands them on, for as long as the room is here.
    handing: JoinSet<()>,
}

type Hint = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Asked {
    member: MemberId,
    about: RoomId,
    answer: oneshot::Sender<DialledBack>,
}

impl Neighbours {
    /// Somebody waits for this answer.
    pub(crate) fn asked(
        &mut self,
        member: MemberId,
        about: RoomId,
        answer: oneshot::Sender<DialledBack>,
    ) {
        self.asked.retain(|asked| !asked.answer.is_closed());
        if self.asked.len() < DIAL_BACKS_ASKED {
            self.asked.push(Asked {
                member,
                about,
                answer,
            });
        }
    }

    /// An answer came. What nobody asked for is nothing.
    pub(crate) fn answered(&mut self, member: MemberId, about: RoomId, outcome: DialledBack) {
        let waits = |asked: &Asked| (asked.member, asked.about) == (member, about);
        if let Some(place) = self.asked.iter().position(waits) {
            // Who asked may have given up.
            let _ = self.asked.remove(place).answer.send(outcome);
        }
    }

    /// The connection is gone, and with it every answer.
    pub(crate) fn disconnected(&mut self) {
        self.asked.clear();
        self.trying = None;
    }

    /// Begins to dial back for a member, by the word of a relay that is reached at `relay`, unless it is too often or
    /// leads where nobody is to be sent.
    pub(crate) fn dial_back(
        &mut self,
        store: &Store,
        member: MemberId,
        room: RoomId,
        address: &str,
        relay: SocketAddr,
    ) -> Taken {
        let rested = self
            .tried
            .is_none_or(|tried| tried.elapsed() >= DIAL_BACK_EVERY);
        let Some((address, to)) =
            may_be_dialled_back(address, relay, &net::networks()).filter(|_| rested)
        else {
            return Taken::No;
        };
        self.tried = Some(Instant::now());
        let store = store.clone();
        self.trying = Some(Box::pin(async move {
            let outcome = match store.discovery().await {
                Ok(Discovery::On) => try_back(room, &address, to).await,
                Ok(Discovery::Off) | Err(_) => Back::Declined,
            };
            TriedBack {
                member,
                room,
                outcome,
            }
        }));
        Taken::Yes
    }

    /// What came of it. Never comes back while nothing is tried.
    pub(crate) async fn tried(&mut self) -> TriedBack {
        let Some(trying) = &mut self.trying else {
            return std::future::pending().await;
        };
        let tried = trying.await;
        self.trying = None;
        tried
    }

    /// Has hints looked at, aside, one after the other.
    pub(crate) fn pass_on(&mut self, hint: impl Future<Output = ()> + Send + 'static) {
        let handing = &mut self.handing;
        let introductions = self.introductions.get_or_insert_with(|| {
            let (sender, mut receiver) = mpsc::channel::<Hint>(INTRODUCTIONS_AT_ONCE);
            handing.spawn(async move {
                while let Some(hint) = receiver.recv().await {
                    hint.await;
                }
            });
            sender
        });
        if introductions.try_send(Box::pin(hint)).is_err() {
            tracing::warn!("too many rooms are told of");
        }
    }
}

/// Where to dial back: only numbers, only where relays of people are, only into local networks and not to this computer
/// itself; and only for a relay that is in a local network as well. Whoever runs one anywhere else would look into this
/// network by it.
fn may_be_dialled_back(
    text: &str,
    relay: SocketAddr,
    networks: &Networks,
) -> Option<(Address, SocketAddr)> {
    let address: Address = text.parse().ok()?;
    let ip: IpAddr = address.host.parse().ok()?;
    let ip = ip.to_canonical();
    let own = networks.0.iter().any(|network| network.ip == ip);
    let nobody = ip.is_loopback() || ip.is_unspecified() || ip.is_multicast();
    if own || nobody || !RELAY_PORTS.contains(&address.port) || !is_local_relay(relay, networks) {
        return None;
    }
    let to = match ip {
        // The zone in which the relay is: the only one that it can see others in that this computer is in, too.
        IpAddr::V6(v6) if v6.is_unicast_link_local() => match relay {
            SocketAddr::V6(relay) if relay.ip().is_unicast_link_local() => {
                SocketAddrV6::new(v6, address.port, 0, relay.scope_id()).into()
            }
            SocketAddr::V6(_) | SocketAddr::V4(_) => return None,
        },
        ip if is_local(ip, networks) => SocketAddr::new(ip, address.port),
        _ => return None,
    };
    Some((address, to))
}

/// Whether the relay is this computer's own, or in a local network.
fn is_local_relay(relay: SocketAddr, networks: &Networks) -> bool {
    let ip = relay.ip().to_canonical();
    let linked = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    ip.is_loopback() || linked || is_local(ip, networks)
}

/// Whether it is a private address, or in one of the own networks. One of a link says nothing without its zone.
fn is_local(ip: IpAddr, networks: &Networks) -> bool {
    let private = match ip {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    };
    let mut networks = networks.0.iter();
    private || networks.any(|network| !network.ip.is_loopback() && network.holds(ip))
}

/// Looks whether the room is there.
async fn try_back(room: RoomId, address: &Address, to: SocketAddr) -> Back {
    let tried = timeout(DIAL_TIMEOUT, async {
        let mut dialled = match dial::open(address, to).await {
            Ok(dialled) => dialled,
            Err(Unreached::Refused) => return Back::Refused,
            Err(Unreached::Silent) => return Back::NoAnswer,
            Err(Unreached::NotChatspot | Unreached::NameUnknown) => return Back::NotItself,
        };
        let Ok(greeting) = dial::greet(&mut dialled).await else {
            return Back::NotItself;
        };
        let mut rooms = greeting.rooms.iter();
        let there =
            rooms.any(|hosted| hosted.summary.room == room && is_proven(hosted, &dialled.line, 0));
        // The answer is there; whether the goodbye arrives does not matter.
        let _ = timeout(GREETING_TIMEOUT, dialled.socket.close(None)).await;
        if there {
            Back::Reached
        } else {
            Back::NotItself
        }
    });
    tried.await.unwrap_or(Back::NoAnswer)
}

#[cfg(test)]
mod tests;
