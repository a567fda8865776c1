//! What the program `neighbour` is told and what it tells, one JSON object a line: a client that looks for rooms nearby.

use std::collections::BTreeMap;

use chatspot_protocol::event::Body;
use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{
    Change, Checkup, Failure, Item, Life, LinkState, Nearby, NearbyRoom, RoomProof, Update, View,
    Way,
};
use serde::{Deserialize, Serialize};

/// What it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Word {
    /// The list of rooms nearby comes into view, or leaves it.
    Look {
        /// Whether it is in view.
        active: bool,
    },
    /// Joins a room of the list.
    Join {
        /// Which.
        room: RoomId,
    },
    /// Joins the only room that is hosted at an address.
    JoinAt {
        /// As somebody types it.
        address: String,
    },
    /// Is the host of a room that a relay on this computer has.
    Host {
        /// Which.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// The relay's port.
        port: u16,
    },
    /// Leaves a room, and keeps what was said there.
    Leave {
        /// Which.
        room: RoomId,
    },
    /// Writes a message.
    Say {
        /// In which room.
        room: RoomId,
        /// What.
        text: String,
    },
    /// Tries the addresses of the own network.
    Scan,
    /// Looks why rooms are not found.
    Check {
        /// The port of the rooms that are hosted here.
        hosting: Option<u16>,
    },
}

/// What it tells whenever something is new: all that it saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Milliseconds since it began to look.
    pub ms: u64,
    /// The list as it is.
    pub nearby: Nearby,
    /// What was found for the first time, in the order of finding.
    pub found: Vec<Found>,
    /// The rooms that it is in.
    pub rooms: Vec<OpenRoom>,
    /// What came of each word so far, in the order of the words; none where all went well.
    pub answers: Vec<Option<Failure>>,
    /// The doctor's reports.
    pub checkups: Vec<Checkup>,
}

/// A room was found in a way in which it had not been found before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The room's name.
    pub name: RoomName,
    /// How; none when it was proven to be itself.
    pub way: Option<Way>,
    /// Milliseconds after it began to look.
    pub ms: u64,
}

/// A room that it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRoom {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// Where it was joined.
    pub address: String,
    /// How the connection is.
    pub link: LinkState,
    /// How it was, each change once, the first first.
    pub links: Vec<LinkState>,
    /// The key of something else that answered in the room's place, if that was ever shown.
    pub alarmed: Option<String>,
    /// All messages, in the room's order.
    pub texts: Vec<String>,
    /// Own messages that wait.
    pub outbox: usize,
    /// Who is present, by name.
    pub present: Vec<String>,
}

impl Seen {
    /// The first room of that name in the list.
    pub fn listed(&self, name: &str) -> Option<&NearbyRoom> {
        let mut rooms = self.nearby.rooms.iter();
        rooms.find(|room| room.summary.name.as_str() == name)
    }

    /// Whether a room of that name is there, and was proven to be itself.
    pub fn is_here(&self, name: &str) -> bool {
        self.listed(name)
            .is_some_and(|room| room.life == Life::Here && room.proof == RoomProof::Proven)
    }

    /// The ways in which a room was found so far.
    pub fn ways(&self, name: &str) -> Vec<Way> {
        let found = self.found.iter();
        let found = found.filter(|found| found.name.as_str() == name);
        found.filter_map(|found| found.way.clone()).collect()
    }

    /// After how many milliseconds it was found in that way; with none, it was proven.
    pub fn after(&self, name: &str, way: Option<&Way>) -> Option<u64> {
        let mut found = self.found.iter();
        let found = found.find(|found| found.name.as_str() == name && found.way.as_ref() == way);
        found.map(|found| found.ms)
    }

    /// A room of that name that it is in.
    pub fn open(&self, name: &str) -> Option<&OpenRoom> {
        let mut rooms = self.rooms.iter();
        rooms.find(|room| room.name.as_str() == name)
    }

    /// Whether it is in a room of that name.
    pub fn is_in(&self, name: &str) -> bool {
        self.open(name)
            .is_some_and(|room| room.link == LinkState::Online)
    }
}

/// Stands where the window would, and keeps what was shown.
#[derive(Debug, Default)]
pub struct Eyes {
    view: Option<View>,
    seen: Seen,
    rooms: BTreeMap<RoomId, OpenRoom>,
}

impl Eyes {
    /// Takes an update over, `ms` milliseconds after it began to look; true when there is something new in what is told.
    pub fn update(&mut self, update: &Update, ms: u64) -> bool {
        match update {
            Update::Snapshot { view } => self.view = Some(view.clone()),
            Update::Changes { changes } => {
                for change in changes {
                    if let Some(view) = self.view.as_mut() {
                        view.apply(change.clone());
                    }
                    // Every list counts, also one that another of the same batch replaces.
                    if let Change::Nearby { nearby } = change {
                        self.found(nearby, ms);
                    }
                    self.look_at_rooms();
                }
            }
        }
        let Some(view) = &self.view else {
            return false;
        };
        let nearby = view.nearby.clone();
        self.found(&nearby, ms);
        self.look_at_rooms();
        let rooms: Vec<_> = self.rooms.values().cloned().collect();
        let new = self.seen.nearby != nearby || self.seen.rooms != rooms;
        self.seen.nearby = nearby;
        self.seen.rooms = rooms;
        self.seen.ms = ms;
        new
    }

    /// What came of the next word, `ms` milliseconds after it began to look.
    pub fn answered(&mut self, answer: Result<(), Failure>, ms: u64) {
        self.seen.ms = ms;
        self.seen.answers.push(answer.err());
    }

    /// A report.
    pub fn checked(&mut self, checkup: Checkup) {
        self.seen.checkups.push(checkup);
    }

    /// All of it.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    fn found(&mut self, nearby: &Nearby, ms: u64) {
        for room in &nearby.rooms {
            let proven = (room.proof == RoomProof::Proven).then_some(None);
            for way in room.ways.iter().cloned().map(Some).chain(proven) {
                let name = room.summary.name.clone();
                let is_this = |found: &Found| found.name == name && found.way == way;
                if !self.seen.found.iter().any(is_this) {
                    self.seen.found.push(Found { name, way, ms });
                }
            }
        }
    }

    fn look_at_rooms(&mut self) {
        let Some(view) = &self.view else {
            return;
        };
        let there = |room: &RoomId| view.rooms.iter().any(|view| view.room == *room);
        self.rooms.retain(|room, _| there(room));
        for view in &view.rooms {
            let before = self.rooms.remove(&view.room);
            let (mut links, mut alarmed) = before
                .map(|before| (before.links, before.alarmed))
                .unwrap_or_default();
            if links.last() != Some(&view.link) {
                links.push(view.link.clone());
            }
            alarmed = alarmed.or_else(|| view.security.offered.clone());
            let texts = view.items.iter().filter_map(|item| match item {
                Item::Event { event, .. } => match &event.body {
                    Body::Message { text, .. } => Some(text.as_str().to_owned()),
                    _ => None,
                },
                Item::Reset { .. } | Item::Gap { .. } => None,
            });
            let present = view.members.iter();
            let present = present
                .filter(|member| member.presence == chatspot_protocol::wire::Presence::Online);
            let room = OpenRoom {
                room: view.room,
                name: view.name.clone(),
                address: view.address.clone(),
                link: view.link.clone(),
                links,
                alarmed,
                texts: texts.collect(),
                outbox: view.outbox.len(),
                present: present.map(|member| member.name.to_string()).collect(),
            };
            self.rooms.insert(view.room, room);
        }
    }

    /// The member at the window.
    pub fn me(&self) -> Option<MemberId> {
        Some(self.view.as_ref()?.me.member)
    }
}
