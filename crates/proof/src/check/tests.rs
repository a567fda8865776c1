//! A history that keeps every rule, and for each rule histories that break it alone.

use chatspot_protocol::event::{Body, Event, Leaving, Role, Via};
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, Seq};
use chatspot_protocol::text::{DisplayName, MessageText};

use super::*;
use crate::history::Line;

const ADA: MemberId = MemberId([1; 32]);
const BOB: MemberId = MemberId([2; 32]);
const HEAD: u64 = 6;
const JOINED: Body = Body::Joined {
    via: Via::Open,
    role: Role::Member,
};

fn id(n: u8) -> ClientId {
    ClientId([n; 16])
}

fn event(seq: u64, author: MemberId, body: Body) -> Event {
    Event {
        seq: Seq(seq),
        at: 1_000 + i64::try_from(seq).unwrap(),
        author,
        name: DisplayName::parse("Somebody").unwrap(),
        body,
        signature: None,
    }
}

fn says(seq: u64, author: MemberId, number: u8, text: &str) -> Event {
    let text = MessageText::parse(text).unwrap();
    event(
        seq,
        author,
        Body::Message {
            id: id(number),
            text,
        },
    )
}

/// Ada comes and writes twice, Bob comes and writes once, Ada is lost.
fn log() -> Vec<Event> {
    vec![
        event(1, ADA, JOINED),
        says(2, ADA, 10, "ada 1"),
        event(3, BOB, JOINED),
        says(4, BOB, 20, "bob 1"),
        says(5, ADA, 11, "ada 2"),
        event(6, ADA, Body::Left { how: Leaving::Lost }),
    ]
}

fn shown(by: MemberId, seqs: impl IntoIterator<Item = u64>) -> Vec<Line> {
    let log = log();
    let seen = |seq: u64| Line::Shown {
        by,
        log: 1,
        event: log[usize::try_from(seq - 1).unwrap()].clone(),
    };
    seqs.into_iter().map(seen).collect()
}

fn wrote(by: MemberId, n: u64, text: &str) -> Vec<Line> {
    let text = text.to_owned();
    vec![Line::Wrote { by, n, text }, Line::Taken { by, n }]
}

fn acked(by: MemberId, seq: u64, number: u8) -> Line {
    Line::Acked {
        by,
        seq: Seq(seq),
        id: id(number),
    }
}

/// A history by its files, so that a case can change one.
#[derive(Clone)]
struct Files {
    ada: Vec<Line>,
    bob: Vec<Line>,
    log: Vec<Line>,
}

impl Files {
    fn good() -> Self {
        let start = |by, name: &str| Line::Start {
            by,
            name: name.to_owned(),
        };
        let head = Line::Log {
            epoch: Epoch([9; 16]),
            first: Seq(1),
            head: Seq(HEAD),
        };
        let holds = log().into_iter().map(|event| Line::Holds { event });
        Self {
            // She is killed after her second message was taken, and starts again.
            ada: [
                vec![start(ADA, "ada"), Line::Opened { by: ADA }],
                shown(ADA, [1]),
                wrote(ADA, 1, "ada 1"),
                vec![acked(ADA, 2, 10)],
                shown(ADA, [2, 3]),
                wrote(ADA, 2, "ada 2"),
                vec![start(ADA, "ada")],
                shown(ADA, [2, 3]),
                vec![Line::Opened { by: ADA }],
                shown(ADA, [4]),
                vec![acked(ADA, 5, 11)],
                shown(ADA, [5, 6]),
            ]
            .concat(),
            bob: [
                vec![start(BOB, "bob"), Line::Opened { by: BOB }],
                shown(BOB, [3]),
                wrote(BOB, 1, "bob 1"),
                vec![acked(BOB, 4, 20)],
                shown(BOB, 4..=HEAD),
            ]
            .concat(),
            log: std::iter::once(head)
                .chain(holds)
                .chain([Line::End { head: Seq(HEAD) }])
                .collect(),
        }
    }

    fn broken(self) -> Vec<Rule> {
        let mut history = History::default();
        for (file, lines) in [("ada", self.ada), ("bob", self.bob), ("log", self.log)] {
            // Through text, as it is read from files.
            let texts = lines
                .iter()
                .map(|line| serde_json::to_string(line).unwrap() + "\n");
            let text: String = texts.collect();
            history.read(&file.into(), text.as_bytes()).unwrap();
        }
        let mut rules: Vec<_> = check(&history)
            .violations
            .iter()
            .map(|found| found.rule)
            .collect();
        rules.dedup();
        rules
    }
}

/// Changes the good history, and sees which rules it breaks.
fn broken(change: impl FnOnce(&mut Files)) -> Vec<Rule> {
    let mut files = Files::good();
    change(&mut files);
    files.broken()
}

/// The place in `lines` of the event at `seq`.
fn held(lines: &[Line], seq: u64) -> usize {
    lines
        .iter()
        .position(|line| matches!(line, Line::Holds { event } if event.seq == Seq(seq)))
        .unwrap()
}

fn position(lines: &[Line], wanted: &Line) -> usize {
    lines.iter().position(|line| line == wanted).unwrap()
}

#[test]
fn a_good_history_breaks_no_rule_and_is_counted() {
    assert_eq!(Files::good().broken(), []);
    let mut history = History::default();
    let files = Files::good();
    for line in [files.ada, files.bob, files.log].concat() {
        let file = "all".into();
        history.0.push((Origin { file, line: 1 }, line));
    }
    let expected = Counts {
        members: 2,
        runs: 3,
        written: 3,
        taken: 3,
        acked: 3,
        shown: 12,
        events: 6,
    };
    assert_eq!(check(&history).counts, expected);
}

#[test]
fn a_log_with_a_hole_is_not_gapless() {
    let joined = |files: &mut Files| {
        // Nobody was shown it, or wrote it: only the hole is wrong.
        files.log.remove(held(&files.log, 1));
        files
            .ada
            .retain(|line| !matches!(line, Line::Shown { event, .. } if event.seq == Seq(1)));
    };
    assert_eq!(broken(joined), [Rule::Gapless]);
}

#[test]
fn a_log_that_ends_before_its_head_or_was_not_read_is_not_gapless() {
    let short = |files: &mut Files| {
        if let Line::Log { head, .. } = &mut files.log[0] {
            *head = Seq(HEAD + 1);
        }
    };
    assert_eq!(broken(short), [Rule::Gapless]);
    assert_eq!(broken(|files| drop(files.log.remove(0))), [Rule::Gapless]);
    let twice = |files: &mut Files| files.log.push(files.log[0].clone());
    assert_eq!(broken(twice), [Rule::Gapless]);
}

#[test]
fn a_position_that_the_log_gives_twice_is_not_gapless() {
    let again = |files: &mut Files| {
        let at = held(&files.log, 6);
        files.log.insert(at, files.log[at].clone());
    };
    assert_eq!(broken(again), [Rule::Gapless]);
}

/// Puts another event at the end of the log.
fn append(files: &mut Files, event: Event) {
    if let Line::Log { head, .. } = &mut files.log[0] {
        *head = event.seq;
    }
    let end = files.log.len() - 1;
    files.log.insert(end, Line::Holds { event });
}

#[test]
fn an_id_or_a_message_that_is_in_the_log_twice_is_not_unique() {
    // The same id for something else.
    let target = chatspot_protocol::event::Target {
        author: ADA,
        id: id(10),
    };
    let taken = Body::Deleted { id: id(11), target };
    let same_id = |files: &mut Files| append(files, event(7, ADA, taken));
    assert_eq!(broken(same_id), [Rule::Unique]);
    // The same message under another id.
    let same_text = |files: &mut Files| append(files, says(7, ADA, 12, "ada 2"));
    assert_eq!(broken(same_text), [Rule::Unique]);
}

#[test]
fn an_acknowledgement_of_what_the_log_does_not_have_is_seen() {
    // Not there at all, another one there, and another author's there.
    for (seq, number) in [(7, 12), (2, 12), (4, 20)] {
        let lost = |files: &mut Files| files.ada.push(acked(ADA, seq, number));
        assert_eq!(broken(lost), [Rule::Acked], "{seq} {number}");
    }
}

#[test]
fn something_shown_that_the_log_does_not_have_or_has_otherwise_is_seen() {
    let show = |event: Event| Line::Shown {
        by: BOB,
        log: 1,
        event,
    };
    let invented = |files: &mut Files| files.bob.push(show(says(7, ADA, 12, "ada 3")));
    assert_eq!(broken(invented), [Rule::Shown]);
    for other in [
        says(5, ADA, 11, "another text"),
        says(5, ADA, 12, "ada 2"),
        says(5, BOB, 11, "ada 2"),
    ] {
        let otherwise = |files: &mut Files| {
            let at = position(&files.bob, &shown(BOB, [5])[0]);
            files.bob[at] = show(other);
        };
        assert_eq!(broken(otherwise), [Rule::Shown]);
    }
}

#[test]
fn another_order_a_hole_a_repetition_and_a_break_are_seen() {
    let shown_4 = &shown(BOB, [4])[0];
    let swapped = |files: &mut Files| {
        let at = position(&files.bob, shown_4);
        files.bob.swap(at, at + 1);
    };
    assert_eq!(broken(swapped), [Rule::Order]);
    let left_out = |files: &mut Files| drop(files.bob.remove(position(&files.bob, shown_4)));
    assert_eq!(broken(left_out), [Rule::Order]);
    let twice = |files: &mut Files| {
        files
            .bob
            .insert(position(&files.bob, shown_4), shown_4.clone());
    };
    assert_eq!(broken(twice), [Rule::Order]);
    let how = "the log began anew".to_owned();
    let anew = |files: &mut Files| files.bob.push(Line::Broke { by: BOB, how });
    assert_eq!(broken(anew), [Rule::Order]);
    let other_log = |files: &mut Files| {
        let at = position(&files.bob, shown_4);
        if let Line::Shown { log, .. } = &mut files.bob[at] {
            *log = 2;
        }
    };
    assert_eq!(broken(other_log), [Rule::Order]);
}

#[test]
fn something_shown_that_is_not_on_the_disk_after_a_restart_is_seen() {
    let forgot = |files: &mut Files| {
        // The room opens one event too early; that one comes from the relay again.
        let opened = files
            .ada
            .iter()
            .rposition(|line| *line == Line::Opened { by: ADA });
        let at = opened.unwrap();
        files.ada.swap(at - 1, at);
    };
    assert_eq!(broken(forgot), [Rule::Kept]);
}

#[test]
fn messages_of_one_author_in_another_order_are_seen() {
    let swapped = |files: &mut Files| {
        for line in &mut files.ada {
            match line {
                Line::Wrote { n, .. } | Line::Taken { n, .. } => *n = 3 - *n,
                _ => {}
            }
        }
    };
    assert_eq!(broken(swapped), [Rule::AuthorOrder]);
}

#[test]
fn words_put_in_a_mouth_are_seen() {
    let invented = |files: &mut Files| append(files, says(7, ADA, 12, "ada never said this"));
    assert_eq!(broken(invented), [Rule::Written]);
}

#[test]
fn a_taken_message_that_never_arrives_is_seen_once_all_is_quiet() {
    let lost = |files: &mut Files| files.ada.extend(wrote(ADA, 3, "ada 3"));
    assert_eq!(broken(lost), [Rule::Delivered]);
    let on_its_way = |files: &mut Files| {
        lost(files);
        files.log.pop();
    };
    assert_eq!(broken(on_its_way), []);
    // One that was written as its writer was killed may be lost.
    let untaken = |files: &mut Files| {
        lost(files);
        files.ada.pop();
    };
    assert_eq!(broken(untaken), []);
}

#[test]
fn a_member_that_was_not_shown_the_end_is_seen() {
    let short = |files: &mut Files| drop(files.bob.pop());
    assert_eq!(broken(short), [Rule::Complete]);
}

#[test]
fn what_the_log_has_deleted_is_not_compared() {
    let cut = |files: &mut Files| {
        if let Line::Log { first, .. } = &mut files.log[0] {
            *first = Seq(3);
        }
        files.log.drain(1..3);
        files.log.pop();
    };
    assert_eq!(broken(cut), []);
}
