//! The order in which a client shows a room: never past a hole, each event once, and an explicit break where the log
//! began anew.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::Event;
use crate::ids::{Epoch, Seq};
use crate::limits::{FIRST_PAGE_EVENTS, HELD_EVENTS, PAGE_EVENTS, REFETCH_AFTER};
use crate::view::Item;

/// How far a client is in a room's log.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    /// None before the first welcome.
    epoch: Option<Epoch>,
    /// The next position to show.
    next: Seq,
    /// The newest position known to exist.
    head: Seq,
    /// Events behind a hole.
    held: BTreeMap<Seq, Event>,
    /// When the running fetch is asked again.
    again_at: Option<Duration>,
}

impl Timeline {
    /// Places the cursor by a welcome: goes on in the same log, or starts anew with a break that says so.
    pub(crate) fn welcome(&mut self, epoch: Epoch, first: Seq, head: Seq) -> Vec<Item> {
        self.again_at = None;
        let mut items = Vec::new();
        let same = self.epoch == Some(epoch) && self.next <= head.next();
        if same {
            self.head = self.head.max(head);
            if self.next < first {
                // The log forgot what was missed: one break, not a page of nothing after the other.
                items.push(Item::Gap { epoch });
                self.next = first;
                self.release(&mut items);
            }
            return items;
        }
        if self.epoch.is_some() {
            items.push(Item::Reset { epoch });
        }
        let start = Seq((head.0 + 1).saturating_sub(FIRST_PAGE_EVENTS).max(1)).max(first);
        if start > Seq(1) {
            items.push(Item::Gap { epoch });
        }
        *self = Self {
            epoch: Some(epoch),
            next: start,
            head,
            ..Self::default()
        };
        items
    }

    /// Whether that position was shown already.
    pub(crate) fn has(&self, seq: Seq) -> bool {
        seq < self.next
    }

    /// A new event: shown if it is the next one, kept while a hole before it is fetched.
    pub(crate) fn event(&mut self, event: Event) -> Vec<Item> {
        self.head = self.head.max(event.seq);
        if event.seq == self.next {
            let mut items = vec![self.item(event)];
            self.release(&mut items);
            return items;
        }
        if event.seq > self.next && self.held.len() < HELD_EVENTS {
            self.held.insert(event.seq, event);
        }
        Vec::new()
    }

    /// The answer to a fetch: all that the log has from `from` to `to`.
    pub(crate) fn page(&mut self, from: Seq, to: Seq, events: Vec<Event>) -> Vec<Item> {
        let mut items = Vec::new();
        // A page that begins behind the cursor, or ends before it, is a late answer to an older question.
        if from > self.next || to < self.next || to > self.head {
            return items;
        }
        self.again_at = None;
        for event in events {
            if event.seq < self.next || event.seq > to {
                continue;
            }
            if event.seq > self.next {
                self.gap(&mut items);
            }
            self.held.remove(&event.seq);
            self.next = event.seq;
            items.push(self.item(event));
        }
        if self.next <= to {
            self.gap(&mut items);
            self.next = to.next();
        }
        self.release(&mut items);
        items
    }

    /// The log reaches at least this far.
    pub(crate) fn head(&mut self, epoch: Epoch, seq: Seq) {
        if self.epoch == Some(epoch) {
            self.head = self.head.max(seq);
        }
    }

    /// What to ask for now, if something is missing and not asked for yet.
    pub(crate) fn poll_fetch(&mut self, now: Duration) -> Option<(Seq, Seq)> {
        if self.epoch.is_none() || self.next > self.head || self.again_at.is_some() {
            return None;
        }
        self.again_at = Some(now + REFETCH_AFTER);
        let hole_ends = self
            .held
            .keys()
            .next()
            .map_or(self.head, |seq| Seq(seq.0 - 1));
        Some((self.next, hole_ends.min(Seq(self.next.0 + PAGE_EVENTS - 1))))
    }

    /// When the running fetch has waited long enough.
    pub(crate) fn again_at(&self) -> Option<Duration> {
        self.again_at
    }

    /// The running fetch will not be answered.
    pub(crate) fn forget_fetch(&mut self) {
        self.again_at = None;
    }

    fn item(&mut self, event: Event) -> Item {
        self.next = event.seq.next();
        Item::Event {
            epoch: self.epoch.unwrap_or(Epoch([0; 16])),
            event,
        }
    }

    fn gap(&self, items: &mut Vec<Item>) {
        if let Some(epoch) = self.epoch {
            items.push(Item::Gap { epoch });
        }
    }

    fn release(&mut self, items: &mut Vec<Item>) {
        self.held = self.held.split_off(&self.next);
        while let Some(event) = self.held.remove(&self.next) {
            items.push(self.item(event));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Body;
    use crate::ids::MemberId;
    use crate::text::DisplayName;

    const LOG: Epoch = Epoch([1; 16]);

    fn event(seq: u64) -> Event {
        let name = DisplayName::parse("Ada").unwrap();
        Event {
            seq: Seq(seq),
            at: 0,
            author: MemberId([1; 32]),
            name,
            body: Body::Joined,
        }
    }

    /// The positions shown, a break as 0.
    fn shown(items: &[Item]) -> Vec<u64> {
        let place = |item: &Item| {
            if let Item::Event { event, .. } = item {
                event.seq.0
            } else {
                0
            }
        };
        items.iter().map(place).collect()
    }

    #[test]
    fn f29_what_is_behind_a_hole_waits_for_it() {
        let mut timeline = Timeline::default();
        timeline.welcome(LOG, Seq(1), Seq(0));
        assert_eq!(shown(&timeline.event(event(1))), [1]);
        assert!(timeline.event(event(4)).is_empty());
        assert_eq!(timeline.poll_fetch(Duration::ZERO), Some((Seq(2), Seq(3))));
        assert_eq!(timeline.poll_fetch(Duration::ZERO), None, "asked once");
        let items = timeline.page(Seq(2), Seq(3), vec![event(2), event(3)]);
        assert_eq!(shown(&items), [2, 3, 4]);
        assert!(timeline.event(event(3)).is_empty(), "nothing twice");
    }

    #[test]
    fn f28_another_log_is_a_break() {
        let mut timeline = Timeline::default();
        timeline.welcome(LOG, Seq(1), Seq(0));
        timeline.event(event(1));
        timeline.event(event(9));
        let items = timeline.welcome(Epoch([2; 16]), Seq(1), Seq(3));
        assert_eq!(
            items,
            [Item::Reset {
                epoch: Epoch([2; 16])
            }]
        );
        assert_eq!(timeline.poll_fetch(Duration::ZERO), Some((Seq(1), Seq(3))));
    }

    #[test]
    fn f27_a_log_that_is_shorter_than_what_was_shown_is_another_one() {
        let mut timeline = Timeline::default();
        timeline.welcome(LOG, Seq(1), Seq(0));
        timeline.event(event(1));
        timeline.event(event(2));
        assert_eq!(
            timeline.welcome(LOG, Seq(1), Seq(1)),
            [Item::Reset { epoch: LOG }]
        );
    }

    #[test]
    fn what_the_log_forgot_is_one_gap() {
        let mut timeline = Timeline::default();
        timeline.welcome(LOG, Seq(1), Seq(0));
        timeline.event(event(1));
        assert_eq!(shown(&timeline.welcome(LOG, Seq(900), Seq(1000))), [0]);
        assert_eq!(
            timeline.poll_fetch(Duration::ZERO),
            Some((Seq(900), Seq(1000)))
        );
    }

    #[test]
    fn a_newcomer_begins_with_the_last_page() {
        let mut timeline = Timeline::default();
        assert_eq!(shown(&timeline.welcome(LOG, Seq(1), Seq(1000))), [0]);
        assert_eq!(
            timeline.poll_fetch(Duration::ZERO),
            Some((Seq(901), Seq(1000)))
        );
    }

    #[test]
    fn what_is_held_behind_a_hole_is_bounded() {
        let mut timeline = Timeline::default();
        timeline.welcome(LOG, Seq(1), Seq(0));
        for seq in 2..(HELD_EVENTS as u64) * 2 {
            timeline.event(event(seq));
        }
        assert_eq!(timeline.held.len(), HELD_EVENTS);
    }
}
