//! The order in which a client shows a room: never past a hole, each event once, and an explicit break where the log
//! began anew. Older history is asked for behind it, newest first.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::{Body, Event, Proof};
use crate::ids::{Epoch, Seq};
use crate::limits::{
    DEAD_AFTER, FILL_EVERY, FIRST_PAGE_EVENTS, HELD_EVENTS, PAGE_EVENTS, REFETCH_AFTER,
};
use crate::view::{Item, Place, rich_of};

/// How far a client is in a room's log, as it is written down together with the events before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Which of the room's logs this is, counted from 1 as this computer came to know them.
    pub log: u32,
    /// The log's name.
    pub epoch: Epoch,
    /// The next position to show.
    pub next: Seq,
    /// Everything from here to `next` is here or gone for good; what is older may still come.
    pub low: Seq,
}

/// What was learnt, to be written down in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Learnt {
    pub(crate) cursor: Cursor,
    pub(crate) events: Vec<Event>,
    /// Whether they stand at the end of the timeline; else they are older than all that is here.
    pub(crate) tail: bool,
}

/// Older history that is being fetched, as one page that may come in several answers.
#[derive(Debug)]
struct Fill {
    from: Seq,
    /// The next position of it that is not here yet.
    next: Seq,
    /// What of it is here. Written down as a whole, so that nothing has to go between what is kept.
    events: Vec<Event>,
    /// The last question began there.
    asked: Option<Seq>,
    again_at: Duration,
}

/// How far a client is in a room's log.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    /// None before the first welcome.
    cursor: Option<Cursor>,
    /// The event before `cursor.next`, if it is known: a relay that has another one there has another log.
    last: Option<Event>,
    /// Cursor and last event as they are on the disk.
    kept: (Option<Cursor>, Option<Event>),
    /// Whether `last` was compared on this connection, or needs not be.
    compared: bool,
    /// The oldest position that the relay has.
    first: Seq,
    /// The newest position known to exist.
    head: Seq,
    /// Events behind a hole.
    held: BTreeMap<Seq, Event>,
    /// When the running fetch is asked again.
    again_at: Option<Duration>,
    /// How long the next question waits for its answer: longer each time that none came, because on a slow link it is
    /// on its way, and a second one would stand behind it.
    patience: Duration,
    fill: Option<Fill>,
    /// Not before this is older history asked for again.
    fill_from: Duration,
}

impl Timeline {
    /// Goes on where the disk says.
    pub(crate) fn resume(cursor: Option<Cursor>, last: Option<Event>) -> Self {
        Self {
            cursor,
            last: last.clone(),
            kept: (cursor, last),
            patience: REFETCH_AFTER,
            ..Self::default()
        }
    }

    /// Places the cursor by a welcome: goes on in the same log, or begins with the end of another one.
    pub(crate) fn welcome(&mut self, epoch: Epoch, first: Seq, head: Seq) {
        self.disconnected();
        self.first = first.max(Seq(1));
        match &mut self.cursor {
            Some(cursor) if cursor.epoch == epoch && cursor.next <= head.next() => {
                self.head = head;
                if cursor.next < first {
                    // The log forgot what was missed: one break, not a page of nothing after the other.
                    cursor.next = first;
                    self.last = None;
                }
                self.compared = self.last.as_ref().is_none_or(|last| last.seq < first);
            }
            Some(_) | None => self.begin(epoch, head),
        }
    }

    /// The connection is gone, and with it every answer that was waited for.
    pub(crate) fn disconnected(&mut self) {
        self.again_at = None;
        self.patience = REFETCH_AFTER;
        self.fill = None;
        self.compared = false;
        self.held.clear();
    }

    /// What was learnt is on the disk.
    pub(crate) fn kept(&mut self) {
        self.kept = (self.cursor, self.last.clone());
    }

    /// What was learnt could not be written down: as if it had never come.
    pub(crate) fn not_kept(&mut self) {
        (self.cursor, self.last) = self.kept.clone();
        self.disconnected();
    }

    /// Whether that position was shown already.
    pub(crate) fn has(&self, seq: Seq) -> bool {
        self.cursor.is_some_and(|cursor| seq < cursor.next)
    }

    /// A new event: shown if it is the next one, kept while what is before it is fetched.
    pub(crate) fn event(&mut self, event: Event) -> Option<Learnt> {
        let cursor = self.cursor?;
        self.head = self.head.max(event.seq);
        if self.compared && event.seq == cursor.next {
            let mut events = Vec::new();
            self.take(event, &mut events);
            self.release(&mut events);
            return self.learnt(events);
        }
        if event.seq >= cursor.next && self.held.len() < HELD_EVENTS {
            self.held.insert(event.seq, event);
        }
        None
    }

    /// The answer to a fetch: all that the log has from `from` to `to`.
    pub(crate) fn page(
        &mut self,
        from: Seq,
        to: Seq,
        events: Vec<Event>,
        now: Duration,
    ) -> Option<Learnt> {
        let cursor = self.cursor.filter(|_| from <= to)?;
        if self.fill.as_ref().is_some_and(|fill| fill.next == from) {
            return self.filled(to, events, now);
        }
        // A page that begins behind the cursor, or ends before it, is a late answer to an older question.
        let begins = if self.compared {
            from <= cursor.next
        } else {
            from < cursor.next
        };
        if !begins || to > self.head || to.next() < cursor.next {
            return None;
        }
        self.again_at = None;
        self.patience = REFETCH_AFTER;
        if !self.compared {
            let theirs = events.iter().find(|event| event.seq.next() == cursor.next);
            let ours = self.last.as_ref().zip(theirs);
            if ours.is_some_and(|(ours, theirs)| !is_same(ours, theirs)) {
                // The same name on another log: the relay's file went back to an older state.
                self.begin(cursor.epoch, self.head);
                return None;
            }
            self.compared = true;
        }
        let mut shown = Vec::new();
        for event in events {
            if event.seq >= self.next() && event.seq <= to {
                self.held.remove(&event.seq);
                self.take(event, &mut shown);
            }
        }
        // What is not in the page is gone for good.
        if self.next() <= to {
            self.go_to(to.next());
            self.last = None;
        }
        self.release(&mut shown);
        self.learnt(shown)
    }

    /// The log reaches at least this far.
    pub(crate) fn head(&mut self, epoch: Epoch, seq: Seq) {
        if self.cursor.is_some_and(|cursor| cursor.epoch == epoch) {
            self.head = self.head.max(seq);
        }
    }

    /// What to ask for now, if something is missing and not asked for yet.
    pub(crate) fn poll_fetch(&mut self, now: Duration) -> Option<(Seq, Seq)> {
        let cursor = self.cursor?;
        if self.again_at.is_some() {
            return None;
        }
        let from = if !self.compared {
            // One that is here already, to see that it is the same one there.
            Seq(cursor.next.0.saturating_sub(1).max(1))
        } else if cursor.next <= self.head {
            cursor.next
        } else {
            return self.poll_fill(cursor, now);
        };
        self.again_at = Some(now + self.patience);
        let hole_ends = self
            .held
            .keys()
            .next()
            .map_or(self.head, |seq| Seq(seq.0.saturating_sub(1)));
        let to = hole_ends.min(Seq(from.0 + PAGE_EVENTS - 1)).max(from);
        Some((from, to))
    }

    /// Whether older history is still to come.
    pub(crate) fn is_filling(&self) -> bool {
        self.cursor.is_some_and(|cursor| cursor.low > self.first)
    }

    /// When [`Timeline::timeout`] is due.
    pub(crate) fn again_at(&self) -> Option<Duration> {
        let fill = match &self.fill {
            Some(fill) => Some(fill.again_at),
            None if self.compared && self.is_filling() => Some(self.fill_from),
            None => None,
        };
        // Older history waits for what is new.
        self.again_at.or(fill)
    }

    /// What waited long enough for its answer is asked again by the next poll.
    pub(crate) fn timeout(&mut self, now: Duration) {
        let late = self.again_at.take_if(|at| *at <= now);
        let filling_late = self.fill.as_ref().is_some_and(|fill| fill.again_at <= now);
        if late.is_some() || filling_late {
            self.patience = (self.patience * 2).min(DEAD_AFTER);
        }
        if let Some(fill) = &mut self.fill
            && fill.again_at <= now
        {
            fill.asked = None;
        }
    }

    fn poll_fill(&mut self, cursor: Cursor, now: Duration) -> Option<(Seq, Seq)> {
        if !self.is_filling() {
            return None;
        }
        let (low, first) = (cursor.low, self.first);
        if self.fill.is_none() && now < self.fill_from {
            return None;
        }
        let fill = self.fill.get_or_insert_with(|| {
            let from = Seq(low.0.saturating_sub(PAGE_EVENTS)).max(first);
            Fill {
                from,
                next: from,
                events: Vec::new(),
                asked: None,
                again_at: now,
            }
        });
        if fill.asked == Some(fill.next) {
            return None;
        }
        fill.asked = Some(fill.next);
        fill.again_at = now + self.patience;
        Some((fill.next, Seq(low.0 - 1)))
    }

    /// Older history came: when the page is whole, the lower edge goes down.
    fn filled(&mut self, to: Seq, events: Vec<Event>, now: Duration) -> Option<Learnt> {
        let (fill, cursor) = (self.fill.as_mut()?, self.cursor.as_mut()?);
        self.patience = REFETCH_AFTER;
        let new = |event: &Event| event.seq >= fill.next && event.seq < cursor.low;
        fill.events.extend(events.into_iter().filter(new));
        fill.next = to.next();
        if fill.next < cursor.low {
            return None;
        }
        let events = std::mem::take(&mut fill.events);
        cursor.low = fill.from;
        self.fill = None;
        self.fill_from = now + FILL_EVERY;
        Some(Learnt {
            cursor: *cursor,
            events,
            tail: false,
        })
    }

    /// Begins a log: the first one that is seen at its last page, another one at its start, because it goes behind
    /// what is here. Written down with its first events, so that the break before them is seen.
    fn begin(&mut self, epoch: Epoch, head: Seq) {
        let log = self.cursor.map_or(1, |cursor| cursor.log + 1);
        let page = Seq((head.0 + 1).saturating_sub(FIRST_PAGE_EVENTS).max(1));
        let next = if log == 1 {
            page.max(self.first)
        } else {
            self.first
        };
        let cursor = Cursor {
            log,
            epoch,
            next,
            low: next,
        };
        self.disconnected();
        self.cursor = Some(cursor);
        self.last = None;
        self.compared = true;
        self.head = head;
    }

    fn next(&self) -> Seq {
        self.cursor.map_or(Seq::ZERO, |cursor| cursor.next)
    }

    fn go_to(&mut self, next: Seq) {
        if let Some(cursor) = &mut self.cursor {
            cursor.next = next;
        }
    }

    fn take(&mut self, event: Event, shown: &mut Vec<Event>) {
        self.go_to(event.seq.next());
        self.last = Some(event.clone());
        shown.push(event);
    }

    fn release(&mut self, shown: &mut Vec<Event>) {
        self.held = self.held.split_off(&self.next());
        while let Some(event) = self.held.remove(&self.next()) {
            self.take(event, shown);
        }
    }

    fn learnt(&self, events: Vec<Event>) -> Option<Learnt> {
        let cursor = self.cursor.filter(|_| !events.is_empty())?;
        Some(Learnt {
            cursor,
            events,
            tail: true,
        })
    }
}

/// Whether two events at one place are one. What an older version could not read is known by author and time alone.
fn is_same(ours: &Event, theirs: &Event) -> bool {
    let known = |event: &Event| event.body != Body::Unknown;
    ours.author == theirs.author
        && ours.at == theirs.at
        && (!known(ours) || !known(theirs) || ours.ident() == theirs.ident())
}

/// An event, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What happened.
    pub event: Event,
    /// As it was checked when it came.
    pub proof: Proof,
}

/// A row of a room's timeline as it is kept: a place, and what stands there unless it is shown elsewhere already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where.
    pub place: Place,
    /// What. None for an event of a restored log that an older log holds as well.
    pub told: Option<Told>,
}

/// Rows in their order as items, with a break wherever something is missing between two of them. `after` is the place
/// before the first row: none means that nothing is known of what came before, and no break is made there.
pub fn items_of(after: Option<Place>, rows: impl IntoIterator<Item = Row>) -> Vec<Item> {
    let mut before = after;
    let mut items = Vec::new();
    for Row { place, told } in rows {
        let Place { log, seq } = place;
        match before {
            Some(before) if before.log != log => items.push(Item::Reset { log }),
            Some(before) if before.seq.next() != seq => items.push(Item::Gap { log, before: seq }),
            Some(_) | None => {}
        }
        before = Some(place);
        items.extend(told.map(|Told { event, proof }| Item::Event {
            log,
            rich: rich_of(&event.body),
            event,
            proof,
        }));
    }
    items
}

#[cfg(test)]
mod tests;
