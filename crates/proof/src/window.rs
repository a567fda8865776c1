//! Stands where a member's window would: keeps its view, and says in lines what it is shown.

use chatspot_protocol::event::{Event, Proof};
use chatspot_protocol::ids::MemberId;
use chatspot_protocol::view::{Change, Item, RoomChange, RoomView, Update, View};

use crate::history::Line;

/// A window on one room, for as long as a member's program runs.
#[derive(Debug)]
pub struct Window {
    by: MemberId,
    view: Option<View>,
}

impl Window {
    /// Before anything is shown.
    pub fn new(by: MemberId) -> Self {
        Self { by, view: None }
    }

    /// The room, once it is open.
    pub fn room(&self) -> Option<&RoomView> {
        self.view.as_ref()?.rooms.first()
    }

    /// Takes an update over. What it shows.
    pub fn update(&mut self, update: &Update) -> Vec<Line> {
        let mut lines = Vec::new();
        match update {
            Update::Snapshot { view } => {
                for room in &view.rooms {
                    self.opened(room, &mut lines);
                }
                self.view = Some(view.clone());
            }
            Update::Changes { changes } => {
                for change in changes {
                    self.change(change, &mut lines);
                    if let Some(view) = self.view.as_mut() {
                        view.apply(change.clone());
                    }
                }
            }
        }
        lines
    }

    fn change(&self, change: &Change, lines: &mut Vec<Line>) {
        match change {
            Change::RoomOpened { room } => self.opened(room, lines),
            Change::Room {
                what: RoomChange::Items { items },
                ..
            } => self.shown(items, lines),
            _ => {}
        }
    }

    fn opened(&self, room: &RoomView, lines: &mut Vec<Line>) {
        self.shown(&room.items, lines);
        lines.push(Line::Opened { by: self.by });
    }

    fn shown(&self, items: &[Item], lines: &mut Vec<Line>) {
        let by = self.by;
        for item in items {
            match item {
                Item::Event {
                    log, event, proof, ..
                } => {
                    lines.extend(self.acked(event));
                    if *proof == Proof::Missing {
                        let how = format!("{} is not proven to be its author's", event.seq);
                        lines.push(Line::Broke { by, how });
                    }
                    let (log, event) = (*log, event.clone());
                    lines.push(Line::Shown { by, log, event });
                }
                Item::Reset { log } => {
                    let how = format!("the log began anew as number {log}");
                    lines.push(Line::Broke { by, how });
                }
                Item::Gap { before, .. } => {
                    let how = format!("something is missing before {before}");
                    lines.push(Line::Broke { by, how });
                }
            }
        }
    }

    fn acked(&self, event: &Event) -> Option<Line> {
        let (by, seq) = (self.by, event.seq);
        let id = event.body.id().filter(|_| event.author == by)?;
        Some(Line::Acked { by, seq, id })
    }
}
