//! Finding rooms: at an address that somebody typed, or by a link. What cannot prove that it hosts a room is as if it
//! were not there.

use chatspot_nearby::rank;
use chatspot_protocol::address::Address;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::invite::{BadLink, InviteLink};
use chatspot_protocol::limits::GREETING_TIMEOUT;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{
    Failure, FailureCode, Found, FoundRoom, LinkQuestion, Trouble, Verified,
};
use chatspot_protocol::wire::Hosted;

use tokio::time::timeout;

use crate::dial::{Finish, Goal, Home, Reached, is_proven, speaks_with_us};
use crate::failure::{bad_link, bad_text, failure, parse_address, storage, unreachable};
use crate::nearby::{self, Before};
use crate::store::{Acquaintance, Learnt};
use crate::{Client, Entering, Opening, dial, net, wall_now};

impl Client {
    /// Asks what answers at an address that somebody typed or pasted.
    pub async fn look_up(&self, text: &str) -> Result<Found, Failure> {
        let address = parse_address(text)?;
        let (greeting, line) = dial::greeting(&address).await.map_err(unreachable)?;
        if greeting.rooms.is_empty() {
            let message = format!("{address} hosts no room");
            return Err(failure(FailureCode::NoRooms, message));
        }
        let rooms: Vec<Hosted> = greeting
            .rooms
            .into_iter()
            .filter(|hosted| is_proven(hosted, &line, ANY_TERM))
            .collect();
        if rooms.is_empty() {
            let message = format!("{address} proves no room that it lists");
            return Err(failure(FailureCode::KeyChanged, message));
        }
        let known = self.0.store.acquaintances().await;
        let known = known.map_err(|error| storage(&error))?;
        Ok(Found {
            rooms: found(rooms, &known, &address),
            address: address.to_string(),
        })
    }

    /// Joins a room found at an address, and remembers it.
    pub async fn join(&self, address: &str, room: RoomId, name: &str) -> Result<(), Failure> {
        let address = parse_address(address)?;
        let name = RoomName::parse(name).map_err(|bad| bad_text(&bad))?;
        let joining = Entering::Joining(wall_now());
        self.enter(Opening::found(address, room, name), joining)
            .await?;
        self.tell_recents().await
    }

    /// What a link asks for. Goes nowhere and changes nothing.
    pub async fn read_link(&self, text: &str) -> Result<LinkQuestion, Failure> {
        let link = link_in(text)?;
        let room = link.key.room();
        let known = self.0.store.acquaintances().await;
        let known = known.map_err(|error| storage(&error))?;
        Ok(LinkQuestion {
            // As it would be written: nothing of the text that means nothing goes on.
            link: link.encode(),
            room,
            name: link.name,
            fingerprint: room.fingerprint(),
            addresses: link.addresses.iter().map(Address::short).collect(),
            invite: link.token.is_some(),
            known: known.iter().any(|known| known.room == room),
        })
    }

    /// Goes where a link leads: to the first of its addresses that proves the room's key. What proves nothing is passed
    /// over, and told nothing of the invite.
    pub async fn join_link(&self, text: &str) -> Result<RoomId, Failure> {
        let link = link_in(text)?;
        let room = link.key.room();
        if self.name().is_none() {
            return Err(failure(FailureCode::NoName, "no display name yet"));
        }
        let Ok(Some((reached, name))) = self.reach(room, link.addresses.clone()).await else {
            let message = format!("room {room} is at none of the link's addresses");
            return Err(failure(FailureCode::RoomNotThere, message));
        };
        let opening = Opening {
            others: link.addresses,
            token: link.token,
            verified: Verified::Invite,
            ..Opening::found(reached, room, name)
        };
        self.enter(opening, Entering::Joining(wall_now())).await?;
        self.tell_recents().await?;
        Ok(room)
    }

    /// Joins a room that may be at these addresses, and remembers it. Nothing is joined where none of them proves the
    /// room's key.
    pub(crate) async fn join_at(
        &self,
        room: RoomId,
        name: RoomName,
        addresses: Vec<Address>,
        verified: Verified,
    ) -> Result<(), Failure> {
        if self.name().is_none() {
            return Err(failure(FailureCode::NoName, "no display name yet"));
        }
        let reached = self.reach(room, addresses.clone()).await;
        let Some((reached, said)) = reached.map_err(unreachable)? else {
            let message = format!("{name} ({room}) proves itself nowhere");
            return Err(failure(FailureCode::RoomNotThere, message));
        };
        let opening = Opening {
            others: addresses,
            // The list found them; nobody said that the room is there.
            learnt: Learnt::Sighted,
            verified,
            ..Opening::found(reached, room, said)
        };
        self.enter(opening, Entering::Joining(wall_now())).await?;
        self.tell_recents().await
    }

    /// The address at which the room proves itself first, and what it calls itself there; none where something else
    /// answers.
    async fn reach(
        &self,
        room: RoomId,
        addresses: Vec<Address>,
    ) -> Result<Option<(Address, RoomName)>, Trouble> {
        let term = self.0.store.term(room).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "which warrants are out of date is not known");
            ANY_TERM
        });
        let goal = Goal {
            room,
            term,
            home: Home::Anywhere,
        };
        let addresses = rank(&addresses, &net::networks());
        let Reached {
            address,
            mut dialled,
            greeting,
        } = match Box::pin(dial::race(goal, addresses)).await {
            Finish::Won(reached) => *reached,
            Finish::Instead(reached) => {
                return speaks_with_us(&reached.greeting).map(|()| None);
            }
            Finish::Nothing(Trouble::NoSuchRoom) => return Ok(None),
            Finish::Nothing(trouble) => return Err(trouble),
        };
        // The answer is there; whether the goodbye arrives does not matter.
        let _ = timeout(GREETING_TIMEOUT, dialled.socket.close(None)).await;
        let mut rooms = greeting.rooms.into_iter();
        let hosted = rooms.find(|hosted| hosted.summary.room == room);
        Ok(hosted.map(|hosted| (address, hosted.summary.name)))
    }
}

/// Whoever looks at a room for the first time takes every term of its warrants.
const ANY_TERM: u64 = 0;

/// The link that a text is, or holds.
fn link_in(text: &str) -> Result<InviteLink, Failure> {
    let found = chatspot_protocol::invite::find(text);
    found.unwrap_or(Err(BadLink::NotALink)).map_err(bad_link)
}

/// Rooms with what is known of them.
fn found(rooms: Vec<Hosted>, known: &[Acquaintance], address: &Address) -> Vec<FoundRoom> {
    let here: Vec<RoomId> = rooms.iter().map(|hosted| hosted.summary.room).collect();
    rooms
        .into_iter()
        .map(|Hosted { summary, .. }| {
            let before = known.iter().map(|before| Before {
                room: before.room,
                name: &before.name,
                addresses: &before.addresses,
            });
            let at = std::slice::from_ref(address);
            let known = nearby::known(summary.room, &summary.name, at, &here, before);
            FoundRoom {
                fingerprint: summary.room.fingerprint(),
                known,
                summary,
            }
        })
        .collect()
}
