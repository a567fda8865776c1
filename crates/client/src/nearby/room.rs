//! One room of the list: where it may be, what it is called, whether it is there.

use std::net::IpAddr;
use std::time::Duration;

use chatspot_nearby::networks::Networks;
use chatspot_nearby::rank;
use chatspot_protocol::address::Address;
use chatspot_protocol::event::Admission;
use chatspot_protocol::ids::{RoomId, WallMillis};
use chatspot_protocol::limits::{NEARBY_ADDRESSES, NEARBY_FADE, RANKED_ADDRESSES};
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{Known, Life, NearbyRoom, RoomProof, Vanished, Way};
use chatspot_protocol::wire::{Introduced, RoomSummary};

use super::list::Now;
use super::near::ip;
use super::place::{Claim, Finding, Place, Verdict, is_beacon};

/// Ways that are told of one room: more say nothing more.
const WAYS: usize = 8;

/// A room that is open in this client, as far as the list is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    /// What it says of itself.
    pub(crate) summary: RoomSummary,
    /// Where it is joined, or may be joined by others where it is hosted here.
    pub(crate) addresses: Vec<Address>,
    /// How this client is in it.
    pub(crate) presence: Presence,
    /// Whether it may be told to others: its rules are known, and say that it is not hidden.
    pub(crate) secrecy: Secrecy,
}

/// How this client is in an open room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is hosted here, and others can come in.
    Hosted,
    /// It is hosted here when its hosting is taken up again.
    HostedIdle,
    /// Connected.
    Online,
    /// Not connected, and trying.
    Lost,
    /// Not connected, and not trying.
    Closed,
}

/// See [`Open::secrecy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// Anybody may know of it.
    Public,
    /// It is hidden, or nothing is known of that.
    Hidden,
}

/// Since when a room is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Away {
    why: Vanished,
    since: Duration,
    since_wall: WallMillis,
}

/// See the head of this file.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) places: Vec<Place>,
    /// What was said of it last, by whomever.
    claimed: Option<RoomSummary>,
    /// What it says of itself.
    proven: Option<RoomSummary>,
    /// Where it was joined and nobody dials unasked: in the internet, or by a name.
    pub(super) elsewhere: Vec<Address>,
    /// The name that it was joined by.
    pub(super) remembered: Option<RoomName>,
    pub(super) open: Option<Open>,
    ways: Vec<Way>,
    heard_at: WallMillis,
    away: Option<Away>,
    /// It was there at some time.
    was_here: bool,
}

impl Room {
    pub(super) fn new(id: RoomId) -> Self {
        Self {
            id,
            places: Vec::new(),
            elsewhere: Vec::new(),
            claimed: None,
            proven: None,
            remembered: None,
            open: None,
            ways: Vec::new(),
            heard_at: 0,
            away: None,
            was_here: false,
        }
    }

    /// Somebody says that the room is at these addresses, and perhaps what it is like.
    pub(super) fn claimed(
        &mut self,
        summary: Option<&RoomSummary>,
        addresses: &[Address],
        claim: &Claim,
        now: Now,
    ) {
        let mut heard = false;
        for address in addresses {
            let Some(at) = self.place_for(address, claim, now) else {
                continue;
            };
            let place = &mut self.places[at];
            place.claimed(claim.clone());
            heard |= place.verdict == Verdict::Proven;
        }
        if self.proven.is_none() {
            if let Some(summary) = summary {
                self.claimed = Some(summary.clone());
            }
            if claim.way != Way::Remembered {
                self.add_way(&claim.way);
                self.heard_at = now.wall;
            }
        } else if heard {
            self.add_way(&claim.way);
            self.heard_at = now.wall;
            if let Some(summary) = summary {
                self.said(summary, addresses, claim, now);
            }
        }
    }

    /// What is said of a room that is proven at one of `addresses`: how many are there is a label and taken, what people
    /// know it by and what could keep them from it is asked for there.
    fn said(&mut self, summary: &RoomSummary, addresses: &[Address], claim: &Claim, now: Now) {
        let proven_at = |place: &&mut Place| {
            place.verdict == Verdict::Proven && addresses.contains(&place.address)
        };
        // A datagram's sender is where it comes from; a record may name any address.
        let beacons = self
            .places
            .iter()
            .any(|place| place.verdict == Verdict::Proven && place.has_beacon());
        if beacons && !is_beacon(&claim.way) {
            return;
        }
        let Some(proven) = &mut self.proven else {
            return;
        };
        proven.online = summary.online;
        let differs = *proven
            != RoomSummary {
                hidden: proven.hidden,
                ..summary.clone()
            };
        if differs && let Some(place) = self.places.iter_mut().find(proven_at) {
            place.differs(now.mono);
        }
    }

    /// Where an address stands, making room for it if it is new.
    fn place_for(&mut self, address: &Address, claim: &Claim, now: Now) -> Option<usize> {
        let same = |place: &Place| place.address == *address;
        if let Some(at) = self.places.iter().position(same) {
            return Some(at);
        }
        if self.places.len() >= RANKED_ADDRESSES {
            // What failed goes first; who is where it says that it is goes before who only says so.
            let failed = |place: &&Place| matches!(place.verdict, Verdict::Failed(_));
            let said = |place: &&Place| {
                place.verdict == Verdict::Unchecked && !place.has_beacon() && !place.is_remembered()
            };
            let weaker = is_beacon(&claim.way) || claim.way == Way::Scanned;
            let mut oldest = self.places.iter().filter(failed).min_by_key(|p| p.since);
            if oldest.is_none() && weaker {
                oldest = self.places.iter().filter(said).min_by_key(|p| p.since);
            }
            let address = oldest?.address.clone();
            self.places.retain(|place| place.address != address);
        }
        self.places.push(Place::new(address.clone(), now.mono));
        Some(self.places.len() - 1)
    }

    fn add_way(&mut self, way: &Way) {
        if !self.ways.contains(way) && self.ways.len() < WAYS {
            self.ways.push(way.clone());
        }
    }

    /// Something was asked at an address, and this came of it. Gives whether the room is there.
    pub(super) fn answered(
        &mut self,
        address: &Address,
        finding: Finding,
        summary: Option<RoomSummary>,
        now: Now,
        jitter: u32,
    ) -> bool {
        let same = |place: &&mut Place| place.address == *address;
        let Some(place) = self.places.iter_mut().find(same) else {
            return false;
        };
        place.answered(finding, now.mono, jitter);
        if finding == Finding::Proven {
            let ways: Vec<Way> = place.claims.iter().map(|claim| claim.way.clone()).collect();
            if self.proven.is_none() {
                // Those who told of another place did not find it.
                self.ways.retain(|way| ways.contains(way));
            }
            for way in &ways {
                self.add_way(way);
            }
            if summary.is_some() {
                self.proven = summary;
            }
            self.heard_at = now.wall;
        } else if let Some(why) = self.why()
            && let Some(away) = &mut self.away
        {
            away.why = why;
        }
        finding == Finding::Proven
    }

    /// The room as it is open here; none when it is not.
    pub(super) fn opened(&mut self, open: Option<Open>, now: Now) {
        if let Some(open) = &open {
            match open.presence {
                Presence::Hosted => {
                    self.proven = Some(open.summary.clone());
                    self.add_way(&Way::Hosted);
                    self.heard_at = now.wall;
                }
                Presence::Online => {
                    self.proven = Some(open.summary.clone());
                    self.heard_at = now.wall;
                }
                Presence::HostedIdle | Presence::Lost | Presence::Closed => {}
            }
        }
        let presence = |open: &Option<Open>| open.as_ref().map(|open| open.presence);
        let broke = presence(&self.open) == Some(Presence::Online)
            && presence(&open) == Some(Presence::Lost);
        if broke {
            self.places
                .iter_mut()
                .for_each(|place| place.shaken(now.mono));
        }
        self.open = open;
    }

    /// What nothing speaks for any more is dropped, and it is seen whether the room is there.
    pub(super) fn refresh(&mut self, now: Now) {
        for place in &mut self.places {
            place.tick(now.mono);
        }
        if self.is_here() {
            self.away = None;
            self.was_here = true;
        } else if self.away.is_none() {
            // That somebody said that a known room is there is not that it was.
            let was_here = self.was_here && (self.proven.is_some() || !self.is_known());
            let never = if was_here {
                Vanished::Silent
            } else {
                Vanished::NotSeen
            };
            self.away = Some(Away {
                why: self.why().unwrap_or(never),
                since: now.mono,
                since_wall: now.wall,
            });
        }
        self.places.retain(|place| !place.is_over());
    }

    fn is_here(&self) -> bool {
        match self.open.as_ref().map(|open| open.presence) {
            Some(Presence::Hosted | Presence::Online) => return true,
            // Whatever others say: it is we who would host it.
            Some(Presence::HostedIdle) => return false,
            Some(Presence::Lost | Presence::Closed) | None => {}
        }
        // Whoever claims to be a room that was there must prove it before it is shown again.
        self.is_proven() || (self.proven.is_none() && self.places.iter().any(Place::is_alive))
    }

    /// Whether it is proven to be at one of its places now.
    pub(super) fn is_proven(&self) -> bool {
        let mut places = self.places.iter();
        places.any(|place| place.verdict == Verdict::Proven)
    }

    /// Whether it is at one of its places for all that is known.
    pub(super) fn is_sure(&self) -> bool {
        self.places.iter().any(Place::is_sure)
    }

    fn why(&self) -> Option<Vanished> {
        if self.open.as_ref().map(|open| open.presence) == Some(Presence::HostedIdle) {
            return Some(Vanished::Closed);
        }
        // Whoever says that he is a room that is not there is no reason why it is not.
        let doubted = self.is_known() || self.proven.is_some();
        let is_reason = |place: &&Place| {
            !doubted
                || place.is_trusted()
                || !matches!(
                    place.vanished(),
                    Some(Vanished::Closed | Vanished::Moved | Vanished::NotItself)
                )
        };
        let rank = |why: &Vanished| match why {
            Vanished::Closed => 0,
            Vanished::Moved => 1,
            Vanished::OtherNetwork => 2,
            Vanished::NotItself => 3,
            Vanished::Unreachable => 4,
            Vanished::Silent => 5,
            Vanished::NotSeen => 6,
        };
        let reasons = self.places.iter().filter(is_reason);
        let whys = reasons.filter_map(Place::vanished);
        whys.min_by_key(rank)
    }

    /// Whether somebody waits for it: it is open here, and not connected.
    pub(super) fn is_lost(&self) -> bool {
        self.open.as_ref().map(|open| open.presence) == Some(Presence::Lost)
    }

    /// Whether this installation hosts it.
    pub(super) fn is_hosted(&self) -> bool {
        let presence = self.open.as_ref().map(|open| open.presence);
        matches!(presence, Some(Presence::Hosted | Presence::HostedIdle))
    }

    /// Whether there is nothing to ask for it: it is hosted here, or this client is in it.
    pub(super) fn is_settled(&self) -> bool {
        let presence = self.open.as_ref().map(|open| open.presence);
        matches!(
            presence,
            Some(Presence::Hosted | Presence::HostedIdle | Presence::Online)
        )
    }

    /// Whether it was joined before.
    pub(super) fn is_known(&self) -> bool {
        self.open.is_some() || self.remembered.is_some()
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    fn is_hidden(&self) -> bool {
        let said = self.proven.as_ref().or(self.claimed.as_ref());
        said.is_some_and(|summary| summary.hidden)
    }

    /// Whether it is shown.
    pub(super) fn is_listed(&self, now: Now) -> bool {
        if self.is_known() {
            return true;
        }
        if self.is_hidden() {
            return false;
        }
        match self.away {
            None => true,
            Some(away) => {
                // It calls out and cannot be reached: who looks for it has to know.
                let unreachable =
                    away.why == Vanished::Unreachable && self.places.iter().any(Place::is_heard);
                self.was_here && (unreachable || now.mono < away.since + NEARBY_FADE)
            }
        }
    }

    /// Whether there is nothing left to know of it.
    pub(super) fn is_over(&self, now: Now) -> bool {
        self.places.is_empty() && !self.is_listed(now)
    }

    /// When something of it is too long ago.
    pub(super) fn fades_at(&self) -> impl Iterator<Item = Duration> {
        let away = self.away.map(|away| away.since + NEARBY_FADE);
        let places = self.places.iter().filter_map(Place::fades_at);
        places.chain(away)
    }

    fn summary(&self) -> RoomSummary {
        if let Some(proven) = &self.proven {
            return proven.clone();
        }
        let open = self.open.as_ref().map(|open| &open.summary);
        let said = self.claimed.as_ref().or(open).cloned();
        let name = open.map(|open| open.name.clone());
        let name = name.or_else(|| self.remembered.clone());
        match (said, name) {
            // By which name it is known here is not for others to say.
            (Some(said), Some(name)) => RoomSummary { name, ..said },
            (Some(said), None) => said,
            (None, name) => RoomSummary {
                room: self.id,
                name: name.unwrap_or_else(nameless),
                host: None,
                online: 0,
                full: false,
                admission: Admission::default(),
                locked: false,
                hidden: false,
            },
        }
    }

    pub(super) fn name(&self) -> RoomName {
        self.summary().name
    }

    /// Where it is, as far as that is proven.
    pub(super) fn proven_addresses(&self) -> Vec<Address> {
        let places = self.places.iter();
        places
            .filter(|place| place.verdict == Verdict::Proven)
            .map(|place| place.address.clone())
            .collect()
    }

    /// Where it was proven since the app started, if nothing else was heard of it since than silence.
    pub(super) fn met_addresses(&self) -> impl Iterator<Item = Address> {
        let met = [Verdict::Proven, Verdict::Failed(Vanished::Silent)];
        let places = self.places.iter();
        places
            .filter(move |place| met.contains(&place.verdict))
            .map(|place| place.address.clone())
    }

    /// Where it may be, best first: where it is, then where nothing else was found. At most [`NEARBY_ADDRESSES`].
    pub(super) fn likely_addresses(&self, networks: &Networks) -> Vec<Address> {
        let mut likely = rank(&self.proven_addresses(), networks);
        let rest = self.places.iter().filter(|place| match place.verdict {
            Verdict::Proven => false,
            Verdict::Unchecked => true,
            Verdict::Failed(why) => {
                why != Vanished::NotItself && (place.is_remembered() || place.is_heard())
            }
        });
        let rest = rest.map(|place| &place.address);
        let rest: Vec<Address> = rest.chain(&self.elsewhere).cloned().collect();
        for address in rank(&rest, networks) {
            if !likely.contains(&address) {
                likely.push(address);
            }
        }
        likely.truncate(NEARBY_ADDRESSES);
        likely
    }

    /// Whether anybody may be told of it, by what was heard of it here: who calls it out wants it found.
    pub(super) fn is_public(&self) -> bool {
        match &self.open {
            Some(open) => {
                matches!(open.presence, Presence::Hosted | Presence::Online)
                    && open.secrecy == Secrecy::Public
            }
            None => {
                !self.is_hidden()
                    && self
                        .places
                        .iter()
                        .any(|place| place.verdict == Verdict::Proven && place.is_heard())
            }
        }
    }

    /// What others are told of it: only where it can be reached from elsewhere. None where that is nowhere.
    pub(super) fn introduction(&self, networks: &Networks) -> Option<Introduced> {
        let open = self.open.iter().flat_map(|open| open.addresses.clone());
        let all: Vec<Address> = open.chain(self.proven_addresses()).collect();
        let mut addresses = rank(&all, networks);
        addresses.retain(|address| {
            ip(address).is_some_and(|ip| match ip {
                IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
                IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
            })
        });
        addresses.truncate(NEARBY_ADDRESSES);
        (!addresses.is_empty()).then(|| Introduced {
            room: self.id,
            name: self.name(),
            addresses: addresses.iter().map(Address::to_string).collect(),
        })
    }

    pub(super) fn view(&self, known: Known, networks: &Networks) -> NearbyRoom {
        let mut addresses: Vec<String> = Vec::new();
        let open = self.open.iter().flat_map(|open| open.addresses.clone());
        for address in open.chain(self.likely_addresses(networks)) {
            let text = address.short();
            if !addresses.contains(&text) && addresses.len() < NEARBY_ADDRESSES {
                addresses.push(text);
            }
        }
        NearbyRoom {
            summary: self.summary(),
            fingerprint: self.id.fingerprint(),
            known,
            hosted: self.is_hosted(),
            addresses,
            ways: self.ways.clone(),
            proof: if self.proven.is_some() {
                RoomProof::Proven
            } else {
                RoomProof::Unchecked
            },
            life: match self.away {
                None => Life::Here,
                Some(away) => Life::Away {
                    why: away.why,
                    since: away.since_wall,
                },
            },
            heard_at: self.heard_at,
        }
    }
}

fn nameless() -> RoomName {
    RoomName::parse("?").expect("a question mark is a name")
}
