//! What is known of an open room without asking the disk: where its log begins and ends, its rules, and, when it keeps
//! nothing, what was said last.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chatspot_protocol::event::{Event, Retention, RoomSettings};
use chatspot_protocol::ids::{Epoch, Seq};
use chatspot_protocol::limits::{PAGE_BYTES, PAGE_EVENTS, RECENT_BYTES, RECENT_EVENTS};
use chatspot_protocol::log::Page;
use chatspot_protocol::roster::Roster;

/// An open room, as the writer, the readers and the room's task share it.
#[derive(Debug)]
pub(super) struct Shared {
    /// Its number in the tables.
    pub(super) row: i64,
    pub(super) epoch: Epoch,
    /// A lock because the writer changes it after a commit, while others look. Never held during a transaction.
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) first: Seq,
    pub(super) head: Seq,
    pub(super) settings: RoomSettings,
    /// As the log has it: in a commit, the room's task may be ahead of it.
    pub(super) roster: Roster,
    /// Empty unless the room keeps nothing.
    pub(super) recent: Recent,
}

impl Shared {
    pub(super) fn new(
        row: i64,
        epoch: Epoch,
        first: Seq,
        head: Seq,
        settings: RoomSettings,
        roster: Roster,
    ) -> Self {
        let recent = Recent::default();
        Self {
            row,
            epoch,
            state: Mutex::new(State {
                first,
                head,
                settings,
                roster,
                recent,
            }),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what is said is written down.
pub(super) fn keeps(settings: RoomSettings) -> bool {
    settings.retention != Retention::Nothing
}

/// The last events of a room that keeps nothing: gapless, at most [`RECENT_EVENTS`] and [`RECENT_BYTES`].
#[derive(Debug, Default)]
pub(super) struct Recent {
    events: VecDeque<Event>,
    bytes: usize,
}

impl Recent {
    pub(super) fn push(&mut self, event: Event) {
        self.bytes += event.text_bytes();
        self.events.push_back(event);
        while self.events.len() > RECENT_EVENTS || self.bytes > RECENT_BYTES {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.bytes -= oldest.text_bytes();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn first(&self) -> Option<Seq> {
        self.events.front().map(|event| event.seq)
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Event> {
        let index = usize::try_from(seq.0.checked_sub(self.first()?.0)?).ok()?;
        self.events.get(index)
    }

    /// All of them from `from` on that fit a page.
    pub(super) fn fill(&self, page: &mut Page) {
        let mut bytes = 0;
        let within = |event: &&Event| event.seq >= page.from && event.seq <= page.to;
        for event in self.events.iter().filter(within) {
            bytes += event.text_bytes();
            page.events.push(event.clone());
            if bytes >= PAGE_BYTES {
                page.to = event.seq;
                return;
            }
        }
    }
}

/// A page without events yet: at most to `to`, the head, and [`PAGE_EVENTS`].
pub(super) fn empty_page(from: Seq, to: Seq, head: Seq) -> Page {
    let to = to
        .min(head)
        .min(Seq(from.0.saturating_add(PAGE_EVENTS - 1)));
    let events = Vec::new();
    Page { from, to, events }
}
