//! The timeline against a log that the test makes up: what is asked for, what is learnt from the answers, and what is
//! on the disk at that moment.

use super::*;
use crate::event::{Role, Via};
use crate::ids::{ClientId, MemberId};
use crate::text::{DisplayName, MessageText};

const LOG: Epoch = Epoch([1; 16]);
const OTHER: Epoch = Epoch([2; 16]);
const START: Duration = Duration::from_secs(1);

/// A message of the log `name`: other logs have other ones at the same positions.
fn said(name: u8, seq: u64) -> Event {
    let mut id = [name; 16];
    id[..8].copy_from_slice(&seq.to_le_bytes());
    Event {
        body: Body::Message {
            id: ClientId(id),
            text: MessageText::parse("x").unwrap(),
        },
        ..joined(seq, 0)
    }
}

fn event(seq: u64) -> Event {
    said(1, seq)
}

fn joined(seq: u64, at: i64) -> Event {
    Event {
        seq: Seq(seq),
        at,
        author: MemberId([1; 32]),
        name: DisplayName::parse("Ada").unwrap(),
        body: Body::Joined {
            via: Via::Open,
            role: Role::Member,
        },
        signature: None,
    }
}

fn events(from: u64, to: u64) -> Vec<Event> {
    (from..=to).map(event).collect()
}

fn cursor(log: u32, epoch: Epoch, low: u64, next: u64) -> Cursor {
    Cursor {
        log,
        epoch,
        next: Seq(next),
        low: Seq(low),
    }
}

/// A timeline and its clock.
struct Desk {
    timeline: Timeline,
    now: Duration,
}

impl Desk {
    /// In a log that is empty.
    fn empty() -> Self {
        Self::new(1, 0)
    }

    /// New in a log.
    fn new(first: u64, head: u64) -> Self {
        let mut desk = Self::resumed(None, None);
        assert!(desk.welcome(LOG, first, head).is_some());
        desk
    }

    /// After a restart.
    fn resumed(cursor: Option<Cursor>, last: Option<Event>) -> Self {
        Self {
            timeline: Timeline::resume(cursor, last),
            now: START,
        }
    }

    /// After a restart, in a log of which everything up to `seq` was seen.
    fn seen(seq: u64) -> Self {
        Self::resumed(Some(cursor(1, LOG, 1, seq + 1)), Some(event(seq)))
    }

    /// Where another log begins, if one does.
    fn welcome(&mut self, epoch: Epoch, first: u64, head: u64) -> Option<Learnt> {
        let log = |timeline: &Timeline| timeline.cursor.map(|cursor| cursor.log);
        let before = log(&self.timeline);
        self.timeline.welcome(epoch, Seq(first), Seq(head));
        (log(&self.timeline) != before).then(|| Learnt {
            cursor: self.cursor(),
            events: Vec::new(),
            tail: true,
        })
    }

    /// The positions that a new event has shown.
    fn event(&mut self, event: Event) -> Vec<u64> {
        positions(self.timeline.event(event))
    }

    fn page(&mut self, from: u64, to: u64, events: Vec<Event>) -> Option<Learnt> {
        self.timeline.page(Seq(from), Seq(to), events, self.now)
    }

    /// The next question.
    fn asks(&mut self) -> Option<(u64, u64)> {
        let (from, to) = self.timeline.poll_fetch(self.now)?;
        Some((from.0, to.0))
    }

    /// Lets the clock go to when the timeline wants to be called, and calls it.
    fn timeout(&mut self) {
        let at = self.timeline.again_at().expect("nothing is due");
        assert!(at >= self.now, "the clock would go back");
        self.now = at;
        self.timeline.timeout(at);
    }

    fn cursor(&self) -> Cursor {
        self.timeline.cursor.expect("there was a welcome")
    }

    /// Until nothing is asked any more: everything that a log of 1 to `head` has.
    fn catch_up(&mut self) -> Vec<u64> {
        let mut seen = Vec::new();
        while self.cursor().next <= self.timeline.head || !self.timeline.compared {
            let (from, to) = self.asks().expect("something is missing");
            seen.extend(positions(self.page(from, to, events(from, to))));
        }
        seen
    }
}

fn positions(learnt: Option<Learnt>) -> Vec<u64> {
    let events = learnt.map(|learnt| learnt.events).unwrap_or_default();
    events.iter().map(|event| event.seq.0).collect()
}

const NOTHING: [u64; 0] = [];

/// **R3**
#[test]
fn f29_what_is_behind_a_hole_waits_for_it() {
    let mut desk = Desk::empty();
    assert_eq!(desk.event(event(1)), [1]);
    assert_eq!(desk.event(event(4)), NOTHING);
    assert_eq!(desk.asks(), Some((2, 3)));
    assert_eq!(desk.asks(), None, "asked once");
    let learnt = desk.page(2, 3, events(2, 3)).unwrap();
    assert_eq!(
        (learnt.cursor, learnt.tail),
        (cursor(1, LOG, 1, 5), true),
        "the cursor is behind what is shown"
    );
    assert_eq!(positions(Some(learnt)), [2, 3, 4]);
    assert_eq!(desk.event(event(3)), NOTHING, "nothing twice");
    assert_eq!(desk.event(event(4)), NOTHING, "nothing twice");
    assert_eq!(desk.asks(), None);
}

#[test]
fn f68_events_in_any_order_are_shown_in_theirs() {
    for order in [[3, 1, 2], [2, 3, 1], [3, 2, 1], [1, 3, 2], [2, 1, 3]] {
        let mut desk = Desk::empty();
        let shown: Vec<u64> = order
            .into_iter()
            .flat_map(|seq| desk.event(event(seq)))
            .collect();
        assert_eq!(shown, [1, 2, 3], "{order:?}");
    }
}

/// **R3**: a page that ends early is asked on; what it leaves out is gone.
#[test]
fn what_a_page_leaves_out_is_passed_over() {
    let mut desk = Desk::empty();
    desk.timeline.head(LOG, Seq(9));
    assert_eq!(desk.asks(), Some((1, 9)));
    let learnt = desk.page(1, 4, vec![event(2)]).unwrap();
    assert_eq!(learnt.cursor, cursor(1, LOG, 1, 5));
    assert_eq!(positions(Some(learnt)), [2]);
    assert_eq!(desk.asks(), Some((5, 9)));
    assert_eq!(desk.page(5, 9, Vec::new()), None, "nothing to write down");
    assert_eq!(
        desk.cursor(),
        cursor(1, LOG, 1, 10),
        "it goes on over nothing"
    );
    assert_eq!(desk.asks(), None);
}

#[test]
fn a_late_answer_to_an_older_question_changes_nothing() {
    let mut desk = Desk::empty();
    desk.event(event(1));
    desk.event(event(4));
    desk.asks();
    desk.page(2, 3, events(2, 3));
    assert_eq!(desk.page(2, 3, events(2, 3)), None);
    assert_eq!(desk.page(9, 9, vec![event(9)]), None, "beyond the cursor");
    assert_eq!(desk.page(5, 9, events(5, 9)), None, "beyond the head");
    assert_eq!(desk.cursor(), cursor(1, LOG, 1, 5));
}

/// **R1**
#[test]
fn a_lost_tail_is_asked_for_and_asked_for_again() {
    let mut desk = Desk::empty();
    desk.timeline.head(OTHER, Seq(8));
    assert_eq!(desk.asks(), None, "another log's head is none of ours");
    desk.timeline.head(LOG, Seq(2));
    assert_eq!(desk.asks(), Some((1, 2)));
    assert_eq!(desk.timeline.again_at(), Some(desk.now + REFETCH_AFTER));
    desk.timeline.timeout(desk.now + REFETCH_AFTER / 2);
    assert_eq!(desk.asks(), None, "it has time to answer");
    desk.timeout();
    assert_eq!(desk.asks(), Some((1, 2)));
}

/// **R2**: questions are no longer than an answer.
#[test]
fn a_long_way_is_asked_for_in_pages() {
    let mut desk = Desk::seen(1);
    desk.welcome(LOG, 1, 1000);
    assert_eq!(desk.asks(), Some((1, PAGE_EVENTS)));
    let shown = desk.page(1, PAGE_EVENTS, events(1, PAGE_EVENTS));
    assert_eq!(positions(shown).len() as u64, PAGE_EVENTS - 1);
    assert_eq!(desk.asks(), Some((PAGE_EVENTS + 1, 2 * PAGE_EVENTS)));
}

#[test]
fn what_is_held_behind_a_hole_is_bounded() {
    let mut desk = Desk::empty();
    let most = HELD_EVENTS as u64;
    for seq in 2..=2 * most {
        desk.event(event(seq));
    }
    assert_eq!(desk.timeline.held.len(), HELD_EVENTS);
    assert_eq!(desk.asks(), Some((1, 1)));
    let shown = positions(desk.page(1, 1, vec![event(1)]));
    assert_eq!(shown.last(), Some(&(most + 1)));
    assert_eq!(
        desk.asks(),
        Some((most + 2, most + 1 + PAGE_EVENTS)),
        "what was not held is fetched"
    );
}

/// **R5**
#[test]
fn f28_another_epoch_is_another_log_from_its_start() {
    let mut desk = Desk::seen(7);
    desk.welcome(LOG, 1, 7);
    desk.catch_up();
    desk.event(event(9));
    let learnt = desk.welcome(OTHER, 3, 500).unwrap();
    assert_eq!(learnt.cursor, cursor(2, OTHER, 3, 3));
    assert!(learnt.tail && learnt.events.is_empty());
    assert_eq!(desk.timeline.held.len(), 0, "nothing is mixed");
    assert_eq!(desk.asks(), Some((3, 202)), "from its start on");
}

/// **R5**
#[test]
fn f27_a_log_that_is_shorter_than_what_was_seen_is_another_one() {
    let mut desk = Desk::seen(7);
    let learnt = desk.welcome(LOG, 1, 6).unwrap();
    assert_eq!(learnt.cursor, cursor(2, LOG, 1, 1));
    assert_eq!(desk.asks(), Some((1, 6)));

    let mut desk = Desk::seen(7);
    assert_eq!(desk.welcome(LOG, 1, 7), None, "as long is the same");
}

/// **R5**: the same event is there.
#[test]
fn a_log_that_has_our_last_event_goes_on() {
    let mut desk = Desk::seen(7);
    assert_eq!(desk.welcome(LOG, 1, 9), None);
    assert_eq!(desk.asks(), Some((7, 9)), "one that is here already");
    let learnt = desk.page(7, 9, events(7, 9)).unwrap();
    assert_eq!(learnt.cursor, cursor(1, LOG, 1, 10));
    assert_eq!(positions(Some(learnt)), [8, 9]);
}

/// **R5**: compared also when nothing is new.
#[test]
fn a_log_where_nothing_is_new_is_compared_too() {
    let mut desk = Desk::seen(7);
    desk.welcome(LOG, 1, 7);
    assert_eq!(desk.asks(), Some((7, 7)));
    assert_eq!(desk.page(7, 7, vec![event(7)]), None, "nothing is learnt");
    assert_eq!(desk.asks(), None);
    assert_eq!(desk.event(event(8)), [8]);
}

/// **R5**: the relay's files went back to an older state and grew again, under the same name.
#[test]
fn f63_a_log_that_has_another_event_there_is_another_one() {
    let another_author = Event {
        author: MemberId([9; 32]),
        ..event(7)
    };
    for theirs in [said(9, 7), another_author, joined(7, 0)] {
        let mut desk = Desk::seen(7);
        desk.welcome(LOG, 1, 9);
        desk.asks();
        let learnt = desk.page(7, 9, vec![theirs, event(8), event(9)]);
        assert_eq!(learnt, None, "nothing is mixed");
        assert_eq!(desk.cursor(), cursor(2, LOG, 1, 1), "a log of its own");
        assert_eq!(desk.asks(), Some((1, 9)), "begun anew");
        assert_eq!(desk.page(1, 9, events(1, 9)).unwrap().events.len(), 9);
        assert!(!desk.timeline.is_filling());
    }
}

/// **R5**: an event without an id is known by when it was.
#[test]
fn f63_the_same_notice_at_another_time_is_another_event() {
    for (at, is_same) in [(5, true), (6, false)] {
        let mut desk = Desk::resumed(Some(cursor(1, LOG, 1, 8)), Some(joined(7, 5)));
        desk.welcome(LOG, 1, 7);
        desk.asks();
        desk.page(7, 7, vec![joined(7, at)]);
        assert_eq!(desk.cursor().log == 1, is_same, "at {at}");
    }
}

/// **R5**: what the room's rules deleted is nothing to compare with.
#[test]
fn a_log_that_forgot_our_last_event_goes_on() {
    // Gone alone, from the middle.
    let mut desk = Desk::seen(7);
    desk.welcome(LOG, 1, 9);
    desk.asks();
    assert_eq!(positions(desk.page(7, 9, events(8, 9))), [8, 9]);
    // Gone with all that is older: there is nothing to ask for.
    let mut desk = Desk::seen(7);
    assert_eq!(desk.welcome(LOG, 8, 9), None);
    assert_eq!(desk.asks(), Some((8, 9)));
    assert_eq!(positions(desk.page(8, 9, events(8, 9))), [8, 9]);
    // Gone here: the rules hold for members, too.
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 1, 8)), None);
    assert_eq!(desk.welcome(LOG, 1, 9), None);
    assert_eq!(desk.asks(), Some((8, 9)));
}

#[test]
fn what_the_log_forgot_is_passed_over_at_once() {
    let mut desk = Desk::seen(1);
    assert_eq!(desk.welcome(LOG, 900, 1000), None);
    assert_eq!(desk.asks(), Some((900, 1000)), "no page of nothing");
    let learnt = desk.page(900, 1000, events(900, 1000)).unwrap();
    assert_eq!(learnt.cursor, cursor(1, LOG, 1, 1001));
    assert!(!desk.timeline.is_filling(), "what is gone is not asked for");
}

/// **R5**: until it is compared nothing of this log is shown.
#[test]
fn f63_new_events_wait_for_the_comparison() {
    let mut desk = Desk::seen(7);
    desk.welcome(LOG, 1, 7);
    assert_eq!(desk.event(event(8)), NOTHING);
    assert_eq!(desk.asks(), Some((7, 7)));
    assert_eq!(desk.event(event(9)), NOTHING);
    assert_eq!(positions(desk.page(7, 7, vec![event(7)])), [8, 9]);
    // And a page from the cursor on does not stand in for it.
    let mut desk = Desk::seen(7);
    desk.welcome(LOG, 1, 9);
    desk.asks();
    assert_eq!(desk.page(8, 9, events(8, 9)), None);
    // Each connection anew.
    let mut desk = Desk::seen(7);
    desk.welcome(LOG, 1, 7);
    desk.catch_up();
    desk.timeline.disconnected();
    desk.welcome(LOG, 1, 7);
    assert_eq!(desk.asks(), Some((7, 7)));
}

/// **R6**
#[test]
fn a_newcomer_begins_with_the_last_page_and_gets_the_rest_backwards() {
    let mut desk = Desk::new(1, 500);
    let start = 501 - FIRST_PAGE_EVENTS;
    assert_eq!(desk.cursor(), cursor(1, LOG, start, start));
    assert_eq!(desk.asks(), Some((start, 500)), "the end first");
    desk.page(start, 500, events(start, 500));
    let mut filled = Vec::new();
    let mut low = start;
    while desk.timeline.is_filling() {
        let from = low.saturating_sub(PAGE_EVENTS).max(1);
        assert_eq!(desk.asks(), Some((from, low - 1)));
        let learnt = desk.page(from, low - 1, events(from, low - 1)).unwrap();
        assert!(!learnt.tail, "it is older than what is here");
        assert_eq!(learnt.cursor, cursor(1, LOG, from, 501));
        filled.push(positions(Some(learnt)));
        if from > 1 {
            assert_eq!(desk.asks(), None, "not at once");
            assert_eq!(desk.timeline.again_at(), Some(desk.now + FILL_EVERY));
            desk.timeout();
        }
        low = from;
    }
    assert_eq!(filled.len(), 2);
    filled.reverse();
    assert_eq!(filled.concat(), (1..start).collect::<Vec<_>>());
    assert_eq!((desk.asks(), desk.timeline.again_at()), (None, None));
}

#[test]
fn a_newcomer_in_a_short_log_has_nothing_to_fill() {
    let mut desk = Desk::new(1, FIRST_PAGE_EVENTS);
    assert_eq!(desk.asks(), Some((1, FIRST_PAGE_EVENTS)));
    assert!(!desk.timeline.is_filling());
    // And where the log begins later, it begins there.
    let mut desk = Desk::new(450, 500);
    assert_eq!(desk.asks(), Some((450, 500)));
    assert!(!desk.timeline.is_filling());
    // One that has nothing left of what it had.
    let mut desk = Desk::new(501, 500);
    assert_eq!(desk.cursor(), cursor(1, LOG, 501, 501));
    assert_eq!(desk.asks(), None);
    assert_eq!(desk.event(event(501)), [501]);
}

/// **R6**: long texts end an answer early; the lower edge goes down when all of the page is here.
#[test]
fn an_older_page_may_come_in_several_answers() {
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 101, 201)), Some(event(200)));
    desk.welcome(LOG, 1, 200);
    desk.catch_up();
    assert_eq!(desk.asks(), Some((1, 100)));
    assert_eq!(desk.page(1, 30, events(1, 30)), None, "not yet whole");
    assert_eq!(desk.asks(), Some((31, 100)));
    assert_eq!(desk.asks(), None, "asked once");
    // Of this part there is nothing left.
    assert_eq!(desk.page(31, 60, Vec::new()), None);
    assert_eq!(desk.cursor().low, Seq(101));
    assert_eq!(desk.page(31, 60, events(31, 60)), None, "late and double");
    assert_eq!(desk.asks(), Some((61, 100)));
    let learnt = desk.page(61, 100, events(61, 100)).unwrap();
    assert_eq!(learnt.cursor, cursor(1, LOG, 1, 201));
    assert_eq!(learnt.events.len(), 70, "all that came of it");
    assert!(!desk.timeline.is_filling());
}

#[test]
fn what_stands_above_the_lower_edge_is_not_taken_from_an_older_page() {
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 101, 201)), Some(event(200)));
    desk.welcome(LOG, 1, 200);
    desk.catch_up();
    desk.asks();
    let learnt = desk.page(1, 150, events(1, 150)).unwrap();
    assert_eq!(positions(Some(learnt)), (1..=100).collect::<Vec<_>>());
    assert_eq!(desk.cursor(), cursor(1, LOG, 1, 201));
}

/// **R6**: what is new goes first.
#[test]
fn older_history_waits_for_what_is_new() {
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 101, 201)), Some(event(200)));
    desk.welcome(LOG, 1, 202);
    assert_eq!(desk.asks(), Some((200, 202)));
    assert_eq!(desk.asks(), None, "one at a time");
    desk.page(200, 202, events(200, 202));
    assert_eq!(desk.asks(), Some((1, 100)));
    // A hole while it runs: the hole is asked for, and both answers are understood.
    desk.now += FILL_EVERY;
    desk.event(event(205));
    assert_eq!(desk.asks(), Some((203, 204)));
    assert_eq!(
        desk.timeline.again_at(),
        Some(desk.now + REFETCH_AFTER),
        "the hole's"
    );
    assert_eq!(desk.page(1, 50, events(1, 50)), None);
    assert_eq!(desk.asks(), None, "the rest of it waits for the hole");
    assert_eq!(
        positions(desk.page(203, 204, events(203, 204))),
        [203, 204, 205]
    );
    assert_eq!(desk.asks(), Some((51, 100)));
    let learnt = desk.page(51, 100, events(51, 100)).unwrap();
    assert_eq!(
        (learnt.cursor, learnt.tail),
        (cursor(1, LOG, 1, 206), false)
    );
}

#[test]
fn older_history_without_an_answer_is_asked_for_again() {
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 101, 201)), None);
    desk.welcome(LOG, 1, 200);
    assert_eq!(desk.asks(), Some((1, 100)));
    assert_eq!(desk.asks(), None);
    assert_eq!(desk.timeline.again_at(), Some(desk.now + REFETCH_AFTER));
    desk.timeout();
    assert_eq!(desk.asks(), Some((1, 100)));
    // Over a new connection at once, and only what is not here.
    desk.page(1, 30, events(1, 30));
    desk.timeline.disconnected();
    desk.welcome(LOG, 1, 200);
    assert_eq!(desk.asks(), Some((1, 100)), "the edge did not move");
    desk.page(1, 100, events(1, 100));
    desk.timeline.disconnected();
    desk.welcome(LOG, 1, 200);
    assert_eq!(desk.asks(), None);
}

#[test]
fn f76_a_slow_answer_is_not_asked_for_again_and_again() {
    for mut desk in [Desk::new(1, 100), {
        let mut desk = Desk::resumed(Some(cursor(1, LOG, 101, 201)), None);
        desk.welcome(LOG, 1, 200);
        desk
    }] {
        let mut questions = 0;
        while desk.now < START + Duration::from_secs(60) {
            questions += u32::from(desk.asks().is_some());
            desk.timeout();
        }
        assert!(questions <= 6, "{questions} questions within a minute");
    }
}

#[test]
fn older_history_ends_where_the_log_begins_by_then() {
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 301, 401)), None);
    desk.welcome(LOG, 250, 400);
    assert_eq!(desk.asks(), Some((250, 300)));
    desk.page(250, 300, events(250, 300));
    assert!(!desk.timeline.is_filling());
    // The log forgot all of it while we were away.
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 301, 401)), None);
    desk.welcome(LOG, 350, 400);
    assert_eq!((desk.asks(), desk.timeline.is_filling()), (None, false));
}

/// **R5**, **R6**: a second log goes behind what is here, so it has nothing before it.
#[test]
fn a_second_log_begins_at_its_start_and_is_never_filled() {
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 101, 201)), Some(event(200)));
    assert!(desk.welcome(OTHER, 40, 1000).is_some());
    assert_eq!(desk.cursor(), cursor(2, OTHER, 40, 40));
    assert!(!desk.timeline.is_filling());
    assert_eq!(desk.asks(), Some((40, 239)));
    desk.timeline.disconnected();
    // Back in the first log's name: a third one.
    assert_eq!(desk.welcome(LOG, 1, 200).unwrap().cursor.log, 3);
}

#[test]
fn f57_what_was_not_kept_comes_again() {
    let mut desk = Desk::empty();
    desk.timeline.kept();
    assert_eq!(desk.event(event(1)), [1]);
    desk.timeline.kept();
    assert_eq!(desk.event(event(2)), [2]);
    desk.timeline.not_kept();
    assert_eq!(desk.cursor(), cursor(1, LOG, 1, 2), "as on the disk");
    assert_eq!(desk.welcome(LOG, 1, 2), None);
    assert_eq!(desk.asks(), Some((1, 2)), "compared with what is kept");
    assert_eq!(positions(desk.page(1, 2, events(1, 2))), [2]);
    desk.timeline.kept();
    desk.timeline.not_kept();
    assert_eq!(desk.cursor(), cursor(1, LOG, 1, 3));
}

#[test]
fn f57_a_log_whose_beginning_was_not_kept_begins_again() {
    let mut desk = Desk::new(1, 500);
    desk.timeline.not_kept();
    assert_eq!(desk.timeline.cursor, None);
    assert_eq!(desk.welcome(LOG, 1, 600).unwrap().cursor.next, Seq(501));

    let mut desk = Desk::seen(7);
    desk.welcome(OTHER, 1, 9);
    desk.timeline.not_kept();
    assert_eq!(desk.cursor(), cursor(1, LOG, 1, 8));
    assert_eq!(desk.welcome(OTHER, 1, 9).unwrap().cursor.log, 2);
}

#[test]
fn f57_older_history_that_was_not_kept_comes_again() {
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 101, 201)), None);
    desk.welcome(LOG, 1, 200);
    desk.asks();
    desk.page(1, 100, events(1, 100));
    desk.timeline.not_kept();
    assert_eq!(desk.cursor().low, Seq(101));
    desk.welcome(LOG, 1, 200);
    desk.now += FILL_EVERY;
    assert_eq!(desk.asks(), Some((1, 100)));
}

#[test]
fn before_the_first_welcome_nothing_is_asked_or_due() {
    let mut desk = Desk::resumed(None, None);
    assert_eq!((desk.asks(), desk.timeline.again_at()), (None, None));
    assert_eq!(desk.event(event(1)), NOTHING);
    assert_eq!(desk.page(1, 1, vec![event(1)]), None);
    desk.timeline.not_kept();
    assert!(!desk.timeline.has(Seq(1)) && !desk.timeline.is_filling());
}

fn place(log: u32, seq: u64) -> Place {
    Place { log, seq: Seq(seq) }
}

fn told(seq: u64) -> Told {
    Told {
        event: event(seq),
        proof: Proof::Relay,
    }
}

fn row(log: u32, seq: u64) -> Row {
    Row {
        place: place(log, seq),
        told: Some(told(seq)),
    }
}

fn hidden(log: u32, seq: u64) -> Row {
    Row {
        told: None,
        ..row(log, seq)
    }
}

fn item(log: u32, seq: u64) -> Item {
    Item::Event {
        log,
        event: event(seq),
        proof: Proof::Relay,
        rich: None,
    }
}

#[test]
fn rows_become_items_with_a_break_where_something_is_missing() {
    let gap = |log, before| Item::Gap {
        log,
        before: Seq(before),
    };
    assert_eq!(
        items_of(None, [row(1, 5), row(1, 6), row(1, 9)]),
        [item(1, 5), item(1, 6), gap(1, 9), item(1, 9)],
        "of what came before nothing is known"
    );
    assert_eq!(items_of(Some(place(1, 4)), [row(1, 5)]), [item(1, 5)]);
    assert_eq!(
        items_of(Some(place(1, 3)), [row(1, 5)]),
        [gap(1, 5), item(1, 5)]
    );
    assert_eq!(items_of(Some(place(1, 3)), []), []);
}

/// **R5**
#[test]
fn f28_rows_of_another_log_stand_behind_a_reset() {
    assert_eq!(
        items_of(None, [row(1, 5), row(2, 6), row(2, 7)]),
        [item(1, 5), Item::Reset { log: 2 }, item(2, 6), item(2, 7)]
    );
    assert_eq!(
        items_of(Some(place(1, 5)), [row(3, 1)]),
        [Item::Reset { log: 3 }, item(3, 1)]
    );
}

#[test]
fn f63_what_a_restored_log_repeats_is_no_gap_and_is_not_shown_twice() {
    assert_eq!(
        items_of(
            Some(place(1, 2)),
            [
                hidden(2, 1),
                hidden(2, 2),
                row(2, 3),
                hidden(2, 4),
                row(2, 5)
            ]
        ),
        [Item::Reset { log: 2 }, item(2, 3), item(2, 5)]
    );
    assert_eq!(
        items_of(Some(place(2, 3)), [hidden(2, 4), row(2, 6)]),
        [
            Item::Gap {
                log: 2,
                before: Seq(6)
            },
            item(2, 6)
        ]
    );
}

/// **V5**: after an update the same event is read as what it is.
#[test]
fn an_event_that_was_not_understood_before_is_still_the_same_one() {
    let unknown = Event {
        body: Body::Unknown,
        ..event(7)
    };
    let mut desk = Desk::resumed(Some(cursor(1, LOG, 1, 8)), Some(unknown));
    desk.welcome(LOG, 1, 8);
    desk.asks();
    assert_eq!(positions(desk.page(7, 8, events(7, 8))), [8]);
    assert_eq!(desk.cursor().log, 1);
}

/// A relay that says nonsense is not believed.
#[test]
fn an_answer_that_ends_before_it_begins_changes_nothing() {
    let mut desk = Desk::new(0, 300);
    assert_eq!(desk.timeline.first, Seq(1));
    let before = desk.cursor();
    assert_eq!(desk.page(before.next.0, 0, Vec::new()), None);
    assert_eq!(desk.cursor(), before);
}
