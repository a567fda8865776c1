//! What a member's disk holds, as the client's store keeps it: a model of the transactions that `Keep` asks for.

use std::collections::BTreeMap;

use chatspot_protocol::event::{Event, Proof, RoomSettings};
use chatspot_protocol::ids::{ClientId, MemberId, Seq, Token};
use chatspot_protocol::session::{Cursor, Keep, Resume, Told, Trust};
use chatspot_protocol::text::RoomName;
use chatspot_protocol::timeline::{Row, items_of};
use chatspot_protocol::view::{Item, Pending, Place};

#[derive(Clone, Default)]
pub(crate) struct Disk {
    pub(crate) cursor: Option<Cursor>,
    /// None: the event stands in an older log as well.
    pub(crate) rows: BTreeMap<Place, Option<Told>>,
    pub(crate) outbox: Vec<Pending>,
    settings: Option<RoomSettings>,
    name: Option<RoomName>,
    pub(crate) trust: Trust,
    pub(crate) token: Option<Token>,
}

impl Disk {
    /// One transaction. Returns what is new at the end of the timeline.
    pub(crate) fn commit(&mut self, me: MemberId, keeps: Vec<Keep>) -> Vec<Item> {
        let mut items = Vec::new();
        for keep in keeps {
            match keep {
                Keep::Events {
                    cursor,
                    events,
                    tail,
                } => {
                    let before = self.cursor.map(|before| Place {
                        log: before.log,
                        seq: Seq(before.next.0 - 1),
                    });
                    let mut rows = Vec::new();
                    for told in events {
                        let event = &told.event;
                        let place = Place {
                            log: cursor.log,
                            seq: event.seq,
                        };
                        if event.author == me && told.proof == Proof::Author {
                            let id = event.ident();
                            self.outbox.retain(|pending| pending.id != id);
                        }
                        if self.rows.contains_key(&place) {
                            continue;
                        }
                        let told = Some(told).filter(|told| !self.older_has(place, &told.event));
                        self.rows.insert(place, told.clone());
                        rows.push(Row { place, told });
                    }
                    if tail {
                        items.extend(items_of(before, rows));
                    }
                    self.cursor = Some(cursor);
                }
                Keep::Pending { pending } => self.put(pending),
                Keep::Gone { id } => self.remove(id),
                Keep::Settings { settings } => self.settings = Some(settings),
                Keep::Name { name } => self.name = Some(name),
                Keep::Trust { trust } => self.trust = trust,
                Keep::TokenUsed => self.token = None,
                Keep::Verified { .. } => unreachable!("nobody compares codes here"),
            }
        }
        items
    }

    pub(crate) fn put(&mut self, pending: Pending) {
        self.outbox.retain(|known| known.id != pending.id);
        self.outbox.push(pending);
    }

    pub(crate) fn remove(&mut self, id: ClientId) {
        self.outbox.retain(|pending| pending.id != id);
    }

    pub(crate) fn resume(&self) -> Resume {
        let cursor = self.cursor;
        let last = cursor.and_then(|cursor| {
            let place = Place {
                log: cursor.log,
                seq: Seq(cursor.next.0 - 1),
            };
            let told = self.rows.get(&place).cloned().flatten();
            told.map(|told| told.event)
        });
        Resume {
            name: self.name.clone(),
            cursor,
            last,
            outbox: self.outbox.clone(),
            settings: self.settings,
            trust: self.trust,
            verified: Vec::new(),
        }
    }

    /// The whole timeline, as it is shown when it is read from the start.
    pub(crate) fn items(&self) -> Vec<Item> {
        let rows = self.rows.iter().map(|(place, told)| Row {
            place: *place,
            told: told.clone(),
        });
        items_of(None, rows)
    }

    fn older_has(&self, place: Place, event: &Event) -> bool {
        let key: (MemberId, ClientId) = (event.author, event.ident());
        let older = self.rows.iter().filter(|(at, _)| at.log < place.log);
        older
            .filter_map(|(_, told)| told.as_ref())
            .any(|told| (told.event.author, told.event.ident()) == key)
    }
}
