//! What members do for each other in finding rooms: telling of others, and dialling back.

use std::collections::VecDeque;
use std::time::Duration;

use crate::address::Address;
use crate::ids::{MemberId, RoomId};
use crate::limits::{
    DIAL_BACK_FOR, INTRODUCED_ROOMS, NEARBY_ADDRESSES, ROOM_DIAL_BACKS, ROOM_INTRODUCED,
};
use crate::room::pace::TooFast;
use crate::room::{Conn, Output, Room};
use crate::time::Now;
use crate::wire::{Back, Introduced, Problem, ServerFrame};

/// What is remembered of it.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// The latest introduction of each member who has a seat, oldest first; none is empty, and together they hold at most
    /// [`ROOM_INTRODUCED`] rooms.
    told: VecDeque<(MemberId, Vec<Introduced>)>,
    /// Who waits to hear of being dialled back, oldest first; at most [`ROOM_DIAL_BACKS`].
    asks: VecDeque<Ask>,
}

#[derive(Debug)]
struct Ask {
    by: MemberId,
    of: MemberId,
    about: RoomId,
    address: Address,
    until: Duration,
}

impl Neighbours {
    /// A member has no seat any more, or may only read.
    pub(super) fn forget(&mut self, member: &MemberId) {
        self.told.retain(|(by, _)| by != member);
    }

    fn keep(&mut self, member: MemberId, rooms: Vec<Introduced>) {
        self.forget(&member);
        if rooms.is_empty() {
            return;
        }
        self.told.push_back((member, rooms));
        let mut count: usize = self.told.iter().map(|(_, rooms)| rooms.len()).sum();
        // The newest are nearest to how things are.
        while count > ROOM_INTRODUCED {
            count -= self.told.pop_front().map_or(count, |(_, old)| old.len());
        }
    }

    /// Remembers who asked, unless there are too many.
    fn ask(&mut self, ask: Ask, now: Duration) -> Result<(), TooMany> {
        self.asks.retain(|ask| ask.until > now);
        if self.asks.len() >= ROOM_DIAL_BACKS {
            return Err(TooMany);
        }
        self.asks.push_back(ask);
        Ok(())
    }

    /// Whom this answers, and for which address: once each.
    fn answered(
        &mut self,
        by: MemberId,
        of: MemberId,
        about: RoomId,
        now: Duration,
    ) -> Option<Address> {
        self.asks.retain(|ask| ask.until > now);
        let mut asks = self.asks.iter();
        let place = asks.position(|ask| (ask.by, ask.of, ask.about) == (by, of, about))?;
        self.asks.remove(place).map(|ask| ask.address)
    }
}

struct TooMany;

/// Why an introduction is none.
type No = (Problem, &'static str);

impl Room {
    /// A member tells of rooms.
    pub(super) fn introduce(&mut self, conn: Conn, member: MemberId, rooms: Vec<Introduced>) {
        // Whoever may not speak here tells of nothing.
        if self.is_muted(&member) {
            return;
        }
        if let Err(TooFast { .. }) = self.paces.introduce(member, self.now.mono) {
            self.complain(conn, Problem::SlowDown, "tell of rooms less often");
            return;
        }
        match self.checked(rooms) {
            Ok(rooms) => {
                self.neighbours.keep(member, rooms.clone());
                let frame = ServerFrame::Introduced { member, rooms };
                self.outputs.push_back(Output::Offer { frame });
            }
            Err((problem, message)) => self.complain(conn, problem, message),
        }
    }

    /// Rooms that may be told of, with their addresses in one spelling.
    fn checked(&self, mut rooms: Vec<Introduced>) -> Result<Vec<Introduced>, No> {
        if rooms.len() > INTRODUCED_ROOMS {
            return Err((Problem::NotAllowed, "these are too many rooms"));
        }
        let itself = self.config.key.id();
        for Introduced {
            room, addresses, ..
        } in &mut rooms
        {
            if *room == itself {
                return Err((Problem::NotAllowed, "everybody here knows this room"));
            }
            if addresses.is_empty() || addresses.len() > NEARBY_ADDRESSES {
                return Err((Problem::NotAllowed, "a room has some addresses, not many"));
            }
            for address in addresses {
                let read = address.parse::<Address>();
                let read = read.map_err(|_| (Problem::NotAllowed, "this is no address"))?;
                if !read.may_be_introduced() {
                    return Err((Problem::NotAllowed, "this is no address of a local network"));
                }
                *address = read.to_string();
            }
        }
        Ok(rooms)
    }

    /// Tells a newcomer what the others told of.
    pub(super) fn introduce_to(&mut self, conn: Conn, newcomer: MemberId) {
        for (member, rooms) in &self.neighbours.told {
            if *member != newcomer {
                let (member, rooms) = (*member, rooms.clone());
                let frame = ServerFrame::Introduced { member, rooms };
                self.outputs.push_back(Output::Send { conn, frame });
            }
        }
    }

    /// A member asks for `whom` to try to reach the room `about` at `address`: the one that the relay sees of the member,
    /// with the port that it named; none where nobody should be sent there.
    pub fn dial_back(
        &mut self,
        conn: Conn,
        whom: MemberId,
        about: RoomId,
        address: Option<Address>,
        now: Now,
    ) {
        self.now = now;
        self.ask_back(conn, whom, about, address);
        self.settle();
    }

    pub(super) fn ask_back(
        &mut self,
        conn: Conn,
        whom: MemberId,
        about: RoomId,
        address: Option<Address>,
    ) {
        let Some(member) = self.conns.get(&conn).copied() else {
            return;
        };
        if let Some((to, address)) = self.may_ask_back(member, whom, about, address) {
            let frame = ServerFrame::DialBack {
                member,
                room: about,
                address: address.to_string(),
            };
            self.outputs.push_back(Output::Send { conn: to, frame });
        } else {
            let frame = ServerFrame::DialledBack {
                member: whom,
                room: about,
                address: None,
                outcome: Back::Declined,
            };
            self.outputs.push_back(Output::Send { conn, frame });
        }
    }

    /// The connection of whom to ask, and where it is to dial.
    fn may_ask_back(
        &mut self,
        by: MemberId,
        of: MemberId,
        about: RoomId,
        address: Option<Address>,
    ) -> Option<(Conn, Address)> {
        let now = self.now.mono;
        self.paces.dial_back(by, now).ok()?;
        let address = address?;
        let to = self.seats.get(&of).filter(|_| of != by)?.conn?;
        let ask = Ask {
            by,
            of,
            about,
            address: address.clone(),
            until: now + DIAL_BACK_FOR,
        };
        self.neighbours.ask(ask, now).ok()?;
        Some((to, address))
    }

    /// A member tells what came of dialling back. Nobody hears it who did not ask.
    pub(super) fn dialled_back(
        &mut self,
        of: MemberId,
        by: MemberId,
        about: RoomId,
        outcome: Back,
    ) {
        let address = self.neighbours.answered(by, of, about, self.now.mono);
        let to = self.seats.get(&by).and_then(|seat| seat.conn);
        if let (Some(address), Some(conn)) = (address, to) {
            let frame = ServerFrame::DialledBack {
                member: of,
                room: about,
                address: Some(address.to_string()),
                outcome,
            };
            self.outputs.push_back(Output::Send { conn, frame });
        }
    }
}
