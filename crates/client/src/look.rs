//! Finding rooms: at an address that somebody typed, or by a link. What cannot prove that it hosts a room is as if it
//! were not there.

use chatspot_protocol::address::Address;
use chatspot_protocol::identity::{RelayName, Warrant};
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::invite::{BadLink, InviteLink};
use chatspot_protocol::limits::WARRANTS;
use chatspot_protocol::session::Line;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{
    Failure, FailureCode, Found, FoundRoom, Known, LinkQuestion, Verified,
};
use chatspot_protocol::wire::Hosted;

use crate::failure::{bad_link, bad_text, failure, parse_address, storage, unreachable};
use crate::store::Acquaintance;
use crate::{Client, Opening, dial, wall_now};

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
            .filter(|hosted| is_proven(hosted, &line))
            .collect();
        if rooms.is_empty() {
            let message = format!("{address} proves no room that it lists");
            return Err(failure(FailureCode::KeyChanged, message));
        }
        let known = self.0.store.acquaintances().await;
        let known = known.map_err(|error| storage(&error))?;
        let address = address.to_string();
        Ok(Found {
            rooms: found(rooms, &known, &address),
            address,
        })
    }

    /// Joins a room found at an address, and remembers it.
    pub async fn join(&self, address: &str, room: RoomId, name: &str) -> Result<(), Failure> {
        let address = parse_address(address)?;
        let name = RoomName::parse(name).map_err(|bad| bad_text(&bad))?;
        self.enter(Opening::found(address, room, name), Some(wall_now()))
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
        for address in link.addresses {
            let Ok((greeting, line)) = dial::greeting(&address).await else {
                continue;
            };
            let mut hosted = greeting.rooms.into_iter();
            let Some(hosted) = hosted.find(|hosted| hosted.summary.room == room) else {
                continue;
            };
            if !is_proven(&hosted, &line) {
                tracing::warn!(%address, %room, "passed over: it does not prove the room's key");
                continue;
            }
            let opening = Opening {
                token: link.token,
                verified: Verified::Invite,
                ..Opening::found(address, room, hosted.summary.name)
            };
            self.enter(opening, Some(wall_now())).await?;
            self.tell_recents().await?;
            return Ok(room);
        }
        let message = format!("room {room} is at none of the link's addresses");
        Err(failure(FailureCode::RoomNotThere, message))
    }
}

/// The link that a text is, or holds.
fn link_in(text: &str) -> Result<InviteLink, Failure> {
    let found = chatspot_protocol::invite::find(text);
    found.unwrap_or(Err(BadLink::NotALink)).map_err(bad_link)
}

/// Whether what is at the other end of a connection hosts this room, by the word of the room's key.
fn is_proven(hosted: &Hosted, line: &Line) -> bool {
    let names_it = |warrant: &&Warrant| match &warrant.relay {
        RelayName::Tls { key } => *key == line.key,
        RelayName::Domain { domain } => line.domain.as_ref() == Some(domain),
        RelayName::Unknown => false,
    };
    let mut named = hosted.warrants.iter().filter(names_it).take(WARRANTS);
    hosted.key.room() == hosted.summary.room && named.any(|warrant| warrant.is_genuine(&hosted.key))
}

/// Rooms with what is known of them.
fn found(rooms: Vec<Hosted>, known: &[Acquaintance], address: &str) -> Vec<FoundRoom> {
    let here: Vec<RoomId> = rooms.iter().map(|hosted| hosted.summary.room).collect();
    rooms
        .into_iter()
        .map(|Hosted { summary, .. }| {
            let replaces = |before: &&Acquaintance| {
                before.address == address
                    && before.name == summary.name
                    // Two rooms of one name side by side are two rooms.
                    && !here.contains(&before.room)
            };
            let known = if known.iter().any(|known| known.room == summary.room) {
                Known::Joined
            } else if let Some(before) = known.iter().find(replaces) {
                Known::KeyChanged {
                    room: before.room,
                    fingerprint: before.room.fingerprint(),
                }
            } else {
                Known::New
            };
            FoundRoom {
                fingerprint: summary.room.fingerprint(),
                known,
                summary,
            }
        })
        .collect()
}
