//! What a member's disk holds, as the client's store keeps it: a model of the transactions that `Keep` asks for.

use std::collections::BTreeMap;

use chatspot_protocol::event::{Event, RoomSettings};
use chatspot_protocol::ids::{ClientId, MemberId, Seq};
use chatspot_protocol::session::{Cursor, Keep, Resume};
use chatspot_protocol::timeline::{Row, items_of};
use chatspot_protocol::view::{Item, Pending, Place};

#[derive(Clone, Default)]
pub(crate) struct Disk {
    pub(crate) cursor: Option<Cursor>,
    /// None: the event stands in an older log as well.
    pub(crate) rows: BTreeMap<Place, Option<Event>>,
    pub(crate) outbox: Vec<Pending>,
    settings: Option<RoomSettings>,
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
                    for event in events {
                        let place = Place {
                            log: cursor.log,
                            seq: event.seq,
                        };
                        if event.author == me {
                            let id = event.ident();
                            self.outbox.retain(|pending| pending.id != id);
                        }
                        if self.rows.contains_key(&place) {
                            continue;
                        }
                        let event = Some(event).filter(|event| !self.older_has(place, event));
                        self.rows.insert(place, event.clone());
                        rows.push(Row { place, event });
                    }
                    if tail {
                        items.extend(items_of(before, rows));
                    }
                    self.cursor = Some(cursor);
                }
                Keep::Pending { pending } => self.put(pending),
                Keep::Gone { id } => self.outbox.retain(|pending| pending.id != id),
                Keep::Settings { settings } => self.settings = Some(settings),
                Keep::Name { .. } => {}
            }
        }
        items
    }

    pub(crate) fn put(&mut self, pending: Pending) {
        self.outbox.retain(|known| known.id != pending.id);
        self.outbox.push(pending);
    }

    pub(crate) fn resume(&self) -> Resume {
        let cursor = self.cursor;
        let last = cursor.and_then(|cursor| {
            let place = Place {
                log: cursor.log,
                seq: Seq(cursor.next.0 - 1),
            };
            self.rows.get(&place).cloned().flatten()
        });
        Resume {
            cursor,
            last,
            outbox: self.outbox.clone(),
            settings: self.settings,
        }
    }

    /// The whole timeline, as it is shown when it is read from the start.
    pub(crate) fn items(&self) -> Vec<Item> {
        let rows = self.rows.iter().map(|(place, event)| Row {
            place: *place,
            event: event.clone(),
        });
        items_of(None, rows)
    }

    fn older_has(&self, place: Place, event: &Event) -> bool {
        let key: (MemberId, ClientId) = (event.author, event.ident());
        let older = self.rows.iter().filter(|(at, _)| at.log < place.log);
        older
            .filter_map(|(_, event)| event.as_ref())
            .any(|event| (event.author, event.ident()) == key)
    }
}
