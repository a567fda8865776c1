//! Which address is asked next, and when.

use std::time::Duration;

use chatspot_protocol::address::Address;
use chatspot_protocol::ids::RoomId;

use super::list::{List, Looking, Now};
use super::pace::Remembered;
use super::room::Room;

/// Questions for one room at the same time: the first of its addresses may lead nowhere.
const ROOM_PROBES: usize = 2;

/// An address that could be asked.
struct Question<'a> {
    address: &'a Address,
    at: Duration,
    remembered: Remembered,
    class: u8,
    since: Duration,
    rank: usize,
    /// So that it is the same each time.
    room: RoomId,
}

impl List {
    /// The address to ask now, if there is one.
    pub(crate) fn poll(&mut self, now: Now) -> Option<Address> {
        self.refresh(now);
        if self.pace.is_full() {
            return None;
        }
        let questions = self.questions();
        let ready = questions.filter(|question| question.at <= now.mono);
        let next = ready.min_by_key(|question| {
            let times = self.pace.times(question.address);
            (
                question.class,
                times,
                question.since,
                question.rank,
                question.room,
            )
        })?;
        let (address, remembered) = (next.address.clone(), next.remembered);
        self.pace.asks(&address, remembered, now.mono);
        Some(address)
    }

    /// Lets time pass without asking anything.
    pub(crate) fn tick(&mut self, now: Now) {
        self.refresh(now);
    }

    /// When [`Self::poll`] has something to do, if nothing goes in before.
    pub(crate) fn wake_at(&self, now: Now) -> Option<Duration> {
        let asks = self.questions().map(|question| question.at).min();
        let asks = asks.filter(|_| !self.pace.is_full());
        asks.into_iter().chain(self.fades_at(now)).min()
    }

    /// When something is too long ago next.
    pub(crate) fn fades_at(&self, now: Now) -> Option<Duration> {
        let fades = self.rooms.values().flat_map(Room::fades_at);
        fades.filter(|at| *at > now.mono).min()
    }

    fn questions(&self) -> impl Iterator<Item = Question<'_>> {
        self.rooms.values().flat_map(|room| self.questions_of(room))
    }

    fn questions_of<'a>(&'a self, room: &'a Room) -> impl Iterator<Item = Question<'a>> {
        let needed = !room.is_sure();
        let running = |address| self.pace.is_running(address);
        let asked = room.places.iter().filter(|place| running(&place.address));
        let busy = asked.count() >= ROOM_PROBES;
        // Who hosts it has nothing to ask of it. Who is in it asks once where it is called out and was not before: its host
        // may be moving, and the connection does not know yet.
        let (settled, hosted) = (room.is_settled(), room.is_hosted());
        let places = room.places.iter().enumerate();
        places
            .filter(move |(_, place)| {
                // Where it was before, whoever waits for it dials by himself.
                let awaited = room.is_lost() && !place.is_only_remembered();
                let looking = self.looking == Looking::At || awaited;
                (!settled || (!hosted && place.is_new()))
                    && !busy
                    && place.wants(looking, needed)
                    && !self.pace.is_running(&place.address)
            })
            .map(move |(rank, place)| {
                let remembered = if place.is_only_remembered() {
                    Remembered::Only
                } else {
                    Remembered::AndMore
                };
                let ready = self.pace.ready_at(&place.address, remembered);
                Question {
                    address: &place.address,
                    at: place.due.max(ready),
                    remembered,
                    class: if room.is_known() || !needed {
                        0
                    } else if place.has_beacon() {
                        1
                    } else if place.is_heard() {
                        2
                    } else {
                        3
                    },
                    since: place.since,
                    rank,
                    room: room.id,
                }
            })
    }
}
