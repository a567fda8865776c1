//! The log's rules, on the disk and in memory: order, uniqueness, pages, what is kept and for how long, full disks,
//! and backups.

use std::fs;

use chatspot_protocol::event::{
    Admission, Body, Days, Event, Retention, Role, Submission, Target, Via,
};
use chatspot_protocol::ids::{ClientId, MemberId, TlsKey};
use chatspot_protocol::limits::{PAGE_BYTES, PAGE_EVENTS, RECENT_EVENTS, SWEPT_AT_ONCE};
use chatspot_protocol::log::MemoryLog;
use chatspot_protocol::passcode::Passcode;
use chatspot_protocol::text::{DisplayName, MessageText, Reaction};

use super::*;

const ROOM: RoomId = RoomId([1; 16]);
const OTHER: RoomId = RoomId([2; 16]);
const JOINED: Body = Body::Joined {
    via: Via::Open,
    role: Role::Member,
};
const DAY: WallMillis = 24 * 3_600_000;
/// Some time in 2099: for the store's own look at the clock nothing here is old.
const RULES: RoomSettings = RoomSettings {
    retention: Retention::Forever,
    admission: Admission::Open,
    locked: false,
    slow: 0,
    hidden: false,
};
const NOW: WallMillis = 4_090_000_000_000;

fn opening(room: RoomId, settings: RoomSettings, now: WallMillis) -> Opening {
    let tls_key = TlsKey([1; 32]);
    Opening {
        room,
        settings,
        tls_key,
        now,
    }
}

impl Store {
    fn log_of(
        &self,
        room: RoomId,
        settings: RoomSettings,
        now: WallMillis,
    ) -> Result<RoomStore, StoreError> {
        let opened = self.room(&opening(room, settings, now))?;
        Ok(opened.log)
    }
}

fn wait<T>(pending: Pending<T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(pending)
}

/// Does it in memory and on the disk.
fn each(test: impl Fn(&Store)) {
    test(&Store::in_memory().unwrap());
    let folder = tempfile::tempdir().unwrap();
    test(&Store::open(folder.path()).unwrap());
}

fn id(number: u64) -> ClientId {
    let mut id = [7; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    ClientId(id)
}

fn member(number: u8) -> MemberId {
    MemberId([number; 32])
}

fn draft(author: u8, at: WallMillis, body: Body) -> Draft {
    Draft {
        at,
        author: member(author),
        name: DisplayName::parse("Ada").unwrap(),
        body,
        signature: None,
    }
}

fn text(text: &str) -> MessageText {
    MessageText::parse(text).unwrap()
}

fn message(author: u8, number: u64, words: &str) -> Draft {
    let body = Submission::message(id(number), text(words));
    draft(author, NOW, body.into())
}

fn settings(number: u64, at: WallMillis, retention: Retention) -> Draft {
    let body = Submission::settings(id(number), RoomSettings { retention, ..RULES });
    draft(9, at, body.into())
}

fn days(days: u16) -> Retention {
    Retention::Days {
        days: Days::new(days).unwrap(),
    }
}

fn append(room: &RoomStore, drafts: impl IntoIterator<Item = Draft>) -> Vec<Appended> {
    let drafts = drafts.into_iter().map(|draft| (None, draft)).collect();
    let Committed { answers, .. } = wait(room.append(drafts, None));
    answers.into_iter().map(|(_, appended)| appended).collect()
}

fn append_one(room: &RoomStore, draft: Draft) -> Appended {
    let mut answers = append(room, [draft]);
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// The event that was appended.
fn new(appended: Appended) -> Event {
    match appended {
        Appended::New(event) => event,
        other => panic!("{other:?}"),
    }
}

fn page(room: &RoomStore, from: u64, to: u64) -> Page {
    wait(room.read(Seq(from), Seq(to))).unwrap()
}

fn all(room: &RoomStore) -> Vec<Event> {
    let (mut events, mut next) = (Vec::new(), Seq(1));
    while next <= room.head() {
        let page = page(room, next.0, Seq::MAX.0);
        assert_eq!(page.from, next);
        events.extend(page.events);
        next = page.to.next();
    }
    events
}

/// Everything that a folder's files say.
fn bytes(folder: &Path) -> Vec<u8> {
    // Backups come and go meanwhile.
    let files = fs::read_dir(folder).unwrap();
    files
        .filter_map(|file| fs::read(file.unwrap().path()).ok())
        .flatten()
        .collect()
}

fn says(folder: &Path, word: &str) -> bool {
    let bytes = bytes(folder);
    assert!(bytes.len() > 4096);
    bytes
        .windows(word.len())
        .any(|part| part == word.as_bytes())
}

/// The same random drafts make the same log as in the reference.
#[test]
fn the_log_is_that_of_the_reference() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut drafts = Vec::new();
    for number in 0..600 {
        let (author, other) = (
            u8::try_from(random(4)).unwrap(),
            u8::try_from(random(4)).unwrap(),
        );
        let own = id(random(number / 9 + 1));
        // Messages have even ids, so that every target that is there is a message.
        let even = |id: ClientId| {
            let mut id = id;
            id.0[7] &= 0xfe;
            id
        };
        let odd = |id: ClientId| {
            let mut id = id;
            id.0[7] |= 1;
            id
        };
        let target = Target {
            author: member(other),
            id: even(id(random(number / 9 + 1))),
        };
        let body = match random(6) {
            0 => JOINED,
            1 => Body::Edited {
                id: odd(own),
                target,
                text: text("edited"),
            },
            2 => Body::Deleted {
                id: odd(own),
                target,
            },
            3 => Body::Reacted {
                id: odd(own),
                target,
                reaction: Reaction::parse("👍").unwrap(),
                active: random(2) == 0,
            },
            _ => Body::Message {
                id: even(own),
                text: text(["a", "b"][usize::try_from(random(2)).unwrap()]),
            },
        };
        drafts.push(draft(author, NOW + i64::try_from(number).unwrap(), body));
    }
    each(|store| {
        let room = store.log_of(ROOM, RULES, NOW).unwrap();
        let mut reference = MemoryLog::new(room.epoch(), 1000);
        let expected: Vec<Appended> = drafts
            .iter()
            .map(|draft| reference.append(draft.clone()))
            .collect();
        let kinds = |wanted: fn(&Appended) -> bool| expected.iter().filter(|a| wanted(a)).count();
        assert!(kinds(|a| matches!(a, Appended::New(_))) > 100);
        assert!(kinds(|a| matches!(a, Appended::Again(_))) > 20);
        assert!(kinds(|a| matches!(a, Appended::Conflict(_))) > 20);
        assert!(kinds(|a| matches!(a, Appended::NoTarget(_))) > 20);
        for (drafts, expected) in drafts.chunks(37).zip(expected.chunks(37)) {
            assert_eq!(append(&room, drafts.to_vec()), expected);
        }
        assert_eq!((room.first(), room.head()), (Seq(1), reference.head()));
        for (from, to) in [
            (1, 1),
            (1, 1000),
            (50, 60),
            (reference.head().0, Seq::MAX.0),
        ] {
            assert_eq!(
                page(&room, from, to),
                reference.read(Seq(from), Seq(to)),
                "{from} to {to}"
            );
        }
    });
}

#[test]
fn f25_f26_ids_stay_used_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (room, other) = (
        store.log_of(ROOM, RULES, NOW).unwrap(),
        store.log_of(OTHER, RULES, NOW).unwrap(),
    );
    assert_ne!(room.epoch(), other.epoch());
    let event = new(append_one(&room, message(1, 5, "hi")));
    append(&room, [draft(1, NOW, JOINED)]);
    assert_eq!(new(append_one(&other, message(1, 5, "ho"))).seq, Seq(1));
    let before = (room.epoch(), all(&room));
    drop((room, other, store));
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.recovered(), None);
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    assert_eq!((room.epoch(), all(&room)), before);
    assert_eq!((room.first(), room.head()), (Seq(1), Seq(2)));
    let again = Draft {
        at: NOW + 1,
        ..message(1, 5, "hi")
    };
    assert_eq!(append_one(&room, again), Appended::Again(event));
    let conflict = append_one(&room, message(1, 5, "ho"));
    assert_eq!(conflict, Appended::Conflict(id(5)));
    assert_eq!(new(append_one(&room, message(2, 5, "ho"))).seq, Seq(3));
}

#[test]
fn a_target_is_a_message_of_the_same_room() {
    each(|store| {
        let (room, other) = (
            store.log_of(ROOM, RULES, NOW).unwrap(),
            store.log_of(OTHER, RULES, NOW).unwrap(),
        );
        append(&other, [message(1, 1, "elsewhere")]);
        let delete = |number, author, of| {
            let (id, author) = (id(number), member(author));
            let target = Target { author, id: of };
            draft(1, NOW, Body::Deleted { id, target })
        };
        for missing in [delete(2, 1, id(1)), delete(2, 77, id(1))] {
            assert_eq!(append_one(&room, missing), Appended::NoTarget(id(2)));
        }
        // Whoever was named only as the author of what is not there is not written down.
        let sql = "SELECT count(*) FROM authors";
        let authors: i64 = store
            .0
            .log()
            .with(|connection| connection.query_row(sql, [], |row| row.get(0)))
            .unwrap();
        assert_eq!(authors, 1);
        // In the same batch.
        let both = append(&room, [message(1, 1, "here"), delete(2, 1, id(1))]);
        assert!(matches!(both[..], [Appended::New(_), Appended::New(_)]));
        // A deletion is no message.
        let of_deletion = append_one(&room, delete(3, 1, id(2)));
        assert_eq!(of_deletion, Appended::NoTarget(id(3)));
    });
}

#[test]
fn ten_thousand_events_are_read_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    for number in 0..10 {
        let numbers = number * 1000..(number + 1) * 1000;
        append(
            &room,
            numbers.map(|number| message(1, number, &format!("{number}"))),
        );
    }
    assert_eq!(room.head(), Seq(10_000));
    let events = all(&room);
    assert!(
        events
            .iter()
            .zip(1..)
            .all(|(event, seq)| event.seq == Seq(seq))
    );
    assert_eq!(events.len(), 10_000);
    let part = page(&room, 9_900, 9_950);
    assert_eq!((part.from, part.to), (Seq(9_900), Seq(9_950)));
    assert_eq!(part.events[..], events[9_899..9_950]);
    assert_eq!(page(&room, 1, Seq::MAX.0).to, Seq(PAGE_EVENTS));
}

#[test]
fn a_page_ends_by_bytes() {
    each(|store| {
        for nothing in [false, true] {
            let room = store
                .log_of(RoomId([u8::from(nothing); 16]), RULES, NOW)
                .unwrap();
            if nothing {
                append(&room, [settings(99, NOW, Retention::Nothing)]);
            }
            let long = "x".repeat(16_000);
            append(&room, (0..40).map(|number| message(1, number, &long)));
            let head = room.head();
            let page = page(&room, 1, head.0);
            let bytes: usize = page.events.iter().map(Event::text_bytes).sum();
            assert!(
                (PAGE_BYTES..PAGE_BYTES + long.len()).contains(&bytes),
                "{bytes}"
            );
            assert_eq!(page.events.last().unwrap().seq, page.to);
            assert_eq!(all(&room).len() as u64, head.0);
        }
    });
}

#[test]
fn what_is_older_than_the_rule_goes_and_its_ids_stay_used() {
    each(|store| {
        let room = store.log_of(ROOM, RULES, NOW).unwrap();
        let old = Draft {
            at: NOW - 5 * DAY,
            ..message(1, 1, "old")
        };
        append(&room, [draft(1, NOW - 6 * DAY, JOINED), old.clone()]);
        append(&room, [message(2, 2, "young")]);
        // A clock that was wrong for a moment: order counts, not the label.
        append(&room, [draft(1, NOW - 9 * DAY, JOINED)]);
        append(&room, [settings(3, NOW, days(5))]);
        assert_eq!(room.settings().retention, days(5));
        assert_eq!(room.first(), Seq(2), "exactly as old as it may be");
        append(&room, [settings(4, NOW + 1, days(4))]);
        assert_eq!((room.first(), room.head()), (Seq(3), Seq(6)));
        assert_eq!(page(&room, 1, 2).events, []);
        assert_eq!(all(&room).len(), 4);
        // Sent again: the same place and time, whatever it said.
        let at = NOW - 5 * DAY;
        let again = Draft { at: NOW, ..old };
        let expected = Draft {
            at,
            ..again.clone()
        }
        .at_seq(Seq(2));
        assert_eq!(append_one(&room, again), Appended::Again(expected));
        // A rule that keeps more brings nothing back.
        append(&room, [settings(5, NOW, Retention::Forever)]);
        assert_eq!(room.first(), Seq(3));
    });
}

#[test]
fn history_grows_old_while_the_room_is_open_and_while_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (room, other) = (
        store.log_of(ROOM, RULES, NOW).unwrap(),
        store.log_of(OTHER, RULES, NOW).unwrap(),
    );
    let count = 2 * SWEPT_AT_ONCE + 10;
    append(
        &room,
        (0..count).map(|number| message(1, number, "flamingo")),
    );
    append(&room, [draft(1, NOW, JOINED)]);
    // The newest row has no id, and has to stay all the same.
    let rule = settings(99_999, NOW, days(1));
    append(&room, [rule, draft(1, NOW, JOINED)]);
    append(
        &other,
        [message(1, 1, "albatross"), settings(2, NOW, days(10))],
    );
    drop(other);
    let mut log = store.0.log();
    log.tidy(NOW + DAY + 1);
    assert_eq!(room.first(), room.head().next());
    log.tidy(NOW + 10 * DAY + 1);
    log.sweep_all();
    drop(log);
    assert_eq!(all(&room), []);
    let head = room.head();
    assert_eq!(head, Seq(count + 3));
    // The rest of the files: nothing of it is left anywhere, once they are closed.
    drop((room, store));
    assert!(!says(folder.path(), "flamingo"));
    assert!(!says(folder.path(), "albatross"));
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW + 20 * DAY).unwrap();
    assert_eq!((room.first(), room.head()), (head.next(), head));
    assert!(matches!(
        append_one(&room, message(1, 0, "x")),
        Appended::Again(_)
    ));
    append(&room, [draft(1, NOW + 20 * DAY, JOINED)]);
    assert_eq!(room.head(), head.next());
    let left = "SELECT count(*), max(client_id IS NULL) FROM events WHERE seq < ?1 AND room = 1";
    let (rows, without_id): (i64, bool) = store
        .0
        .log()
        .with(|connection| {
            connection.query_row(left, [pages::int(head)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        })
        .unwrap();
    assert_eq!(
        (rows, without_id),
        (i64::try_from(count + 1).unwrap(), false)
    );
}

#[test]
fn a_room_that_keeps_nothing_writes_nothing_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    append(&room, [message(1, 1, "before")]);
    append(&room, [settings(2, NOW, Retention::Nothing)]);
    let said = append(
        &room,
        [
            draft(1, NOW, JOINED),
            message(1, 3, "flamingo"),
            draft(2, NOW, JOINED),
        ],
    );
    // Who is here can still ask for it.
    assert_eq!((room.first(), room.head()), (Seq(2), Seq(5)));
    let events = all(&room);
    assert_eq!(events[1..], said.into_iter().map(new).collect::<Vec<_>>());
    assert_eq!(page(&room, 4, 4).events, events[2..3]);
    let again = append_one(&room, message(1, 3, "flamingo"));
    assert_eq!(again, Appended::Again(events[2].clone()));
    let other = append_one(&room, message(1, 3, "albatross"));
    assert_eq!(other, Appended::Conflict(id(3)));
    assert!(!says(folder.path(), "flamingo"));
    let target = Target {
        author: member(1),
        id: id(3),
    };
    let delete = |number| {
        let id = id(number);
        draft(1, NOW, Body::Deleted { id, target })
    };
    new(append_one(&room, delete(4)));
    drop((room, store));
    assert!(!says(folder.path(), "flamingo"));
    assert!(
        !says(folder.path(), "before"),
        "what was there before the rule is still there"
    );
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    assert_eq!((room.first(), room.head()), (Seq(7), Seq(6)));
    assert_eq!(all(&room), []);
    // It cannot be told any more what it said: the id is enough.
    let again = append_one(&room, message(1, 3, "flamingo"));
    assert_eq!(
        again,
        Appended::Again(message(1, 3, "flamingo").at_seq(Seq(4)))
    );
    new(append_one(&room, delete(5)));
    assert_eq!((room.first(), room.head()), (Seq(7), Seq(7)));
}

#[test]
fn a_room_may_keep_nothing_for_a_while() {
    each(|store| {
        let room = store.log_of(ROOM, RULES, NOW).unwrap();
        let nothing = |number| settings(number, NOW, Retention::Nothing);
        let forever = |number| settings(number, NOW, Retention::Forever);
        append(&room, [nothing(1), message(1, 2, "one")]);
        append(
            &room,
            [message(1, 3, "two"), forever(4), message(1, 5, "three")],
        );
        let seqs = |room: &RoomStore| -> Vec<u64> {
            let events = all(room);
            assert_eq!(room.first(), events[0].seq);
            events.iter().map(|event| event.seq.0).collect()
        };
        assert_eq!(seqs(&room), [4, 5]);
        append(
            &room,
            [message(1, 6, "four"), nothing(7), message(1, 8, "five")],
        );
        assert_eq!(seqs(&room), [7, 8]);
        // There and back in one commit: what was remembered before does not join what comes after.
        let both = [
            message(1, 9, "six"),
            forever(10),
            message(1, 11, "seven"),
            nothing(12),
        ];
        append(&room, both);
        assert_eq!(seqs(&room), [12]);
        let many = u64::try_from(RECENT_EVENTS).unwrap();
        append(
            &room,
            (0..many).map(|number| message(1, 100 + number, "more")),
        );
        assert_eq!(
            room.first(),
            Seq(13),
            "no more than its bound is remembered"
        );
    });
}

#[test]
fn f57_a_full_disk_saves_nothing_of_the_batch_and_goes_on_when_there_is_space() {
    each(|store| {
        let room = store.log_of(ROOM, RULES, NOW).unwrap();
        let kept = new(append_one(&room, message(1, 1, "kept")));
        let limit = |pages: u32| {
            let set = |connection: &mut rusqlite::Connection| {
                connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            };
            store.0.log().with(set).unwrap();
        };
        limit(1);
        let long = "x".repeat(16_000);
        let batch = || {
            // An author and a room's rule that nobody had before go with the rest.
            let rule = settings(2, NOW, days(7));
            let messages = (3..20).map(|number| message(3, number, &long));
            let draft = draft(4, NOW, JOINED);
            std::iter::once(rule).chain(messages).chain([draft])
        };
        let ids = batch().map(|draft| draft.body.id());
        let expected: Vec<_> = ids.map(Appended::NotSaved).collect();
        for _ in 0..2 {
            assert_eq!(append(&room, batch()), expected);
            assert_eq!((room.first(), room.head()), (Seq(1), Seq(1)));
            assert_eq!(room.settings(), RoomSettings::default());
            assert_eq!(all(&room), std::slice::from_ref(&kept));
        }
        limit(1_000_000);
        let saved = append(&room, batch());
        assert!(
            saved
                .iter()
                .all(|appended| matches!(appended, Appended::New(_)))
        );
        assert_eq!(all(&room).len(), saved.len() + 1);
        assert_eq!(room.settings().retention, days(7));
    });
}

#[test]
fn f59_f63_a_restored_backup_has_new_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let epochs = |store: &Store| {
        [ROOM, OTHER].map(|room| {
            let room = store.log_of(room, RULES, NOW).unwrap();
            (room.epoch(), room.head())
        })
    };
    append(
        &store.log_of(ROOM, RULES, NOW).unwrap(),
        [message(1, 1, "one")],
    );
    append(
        &store.log_of(OTHER, RULES, NOW).unwrap(),
        [message(1, 1, "one")],
    );
    let before = epochs(&store);
    drop(store);
    let Opened {
        database,
        connection,
        ..
    } = Database::open(folder.path(), &schema::LAYOUT).unwrap();
    database.backup().unwrap();
    drop((connection, database));
    let store = Store::open(folder.path()).unwrap();
    append(
        &store.log_of(ROOM, RULES, NOW).unwrap(),
        [message(1, 2, "two")],
    );
    drop(store);
    let path = folder.path().join("relay.db");
    fs::write(&path, "no database").unwrap();
    let store = Store::open(folder.path()).unwrap();
    let Some(Recovered::Backup { aside, .. }) = store.recovered() else {
        panic!("{:?}", store.recovered());
    };
    assert_eq!(fs::read(aside.as_ref().unwrap()).unwrap(), b"no database");
    let after = epochs(&store);
    for ((before, _), (after, head)) in before.iter().zip(after) {
        assert_ne!(*before, after);
        assert_eq!(head, Seq(1));
    }
    // Once is enough, also when it is cut off now.
    let cut_off = tempfile::tempdir().unwrap();
    for name in ["relay.db", "relay.db-wal", "relay.running"] {
        fs::copy(folder.path().join(name), cut_off.path().join(name)).unwrap();
    }
    drop(store);
    let store = Store::open(cut_off.path()).unwrap();
    assert_eq!(store.recovered(), None);
    assert_eq!(epochs(&store), after);
}

#[test]
fn a_rule_that_keeps_less_leaves_no_backup_with_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    append(&room, [message(1, 1, "flamingo")]);
    drop((room, store));
    let backup = |number: u32| folder.path().join(format!("relay.db.backup-{number}"));
    for number in 1..=3 {
        fs::copy(folder.path().join("relay.db"), backup(number)).unwrap();
    }
    assert!(says(folder.path(), "flamingo"));
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    append(&room, [settings(2, NOW, Retention::Nothing)]);
    // The keeper makes a new one in its own time, and removes the older ones last.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while backup(2).exists() || backup(3).exists() {
        assert!(std::time::Instant::now() < patience, "they are still there");
        std::thread::yield_now();
    }
    drop((room, store));
    assert!(backup(1).exists());
    assert!(!says(folder.path(), "flamingo"));
}

#[test]
fn a_room_begins_with_its_rules_and_then_keeps_its_own() {
    each(|store| {
        let rules = RoomSettings {
            retention: days(30),
            ..RULES
        };
        assert_eq!(store.log_of(ROOM, rules, NOW).unwrap().settings(), rules);
        assert_eq!(store.log_of(ROOM, RULES, NOW).unwrap().settings(), rules);
        assert_eq!(store.log_of(ROOM, RULES, NOW).unwrap().head(), Seq(0));
    });
}

#[test]
fn who_is_in_a_room_is_known_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    let name = |name: &str| DisplayName::parse(name).unwrap();
    let joined = |author: u8| draft(author, NOW, JOINED);
    let left = draft(
        2,
        NOW,
        Body::Left {
            how: chatspot_protocol::event::Leaving::Left,
        },
    );
    let renamed = Draft {
        name: name("Eve"),
        ..draft(3, NOW, Body::Renamed { from: name("Ada") })
    };
    let first = joined(1).name;
    append(&room, [joined(1), joined(2), joined(3), left, renamed]);
    let present = |store: &Store, room| {
        let opened = store.room(&opening(room, RULES, NOW));
        let mut present = opened.unwrap().kept.present;
        present.sort_unstable_by_key(|(member, _)| *member);
        present
    };
    drop((room, store));
    let store = Store::open(folder.path()).unwrap();
    let expected = vec![(member(1), first), (member(3), name("Eve"))];
    assert_eq!(present(&store, ROOM), expected);
    assert_eq!(present(&store, OTHER), []);
    // A room that keeps nothing keeps no list either.
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    append(
        &room,
        [settings(9, NOW, Retention::Nothing), joined(4), joined(5)],
    );
    assert_eq!(present(&store, ROOM), []);
}

#[test]
fn a_forgotten_room_is_gone_from_the_disk_and_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    let other = store.log_of(OTHER, RULES, NOW).unwrap();
    let many = 2 * SWEPT_AT_ONCE + 7;
    append(&room, (0..many).map(|id| message(1, id, "flamingo")));
    append(&other, [message(1, 1, "heron")]);
    let epoch = room.epoch();
    drop(room);
    store.forget(ROOM).unwrap();
    store.forget(RoomId([77; 16])).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    assert_ne!(room.epoch(), epoch);
    assert_eq!((room.first(), room.head()), (Seq(1), Seq(0)));
    assert!(matches!(
        append_one(&room, message(1, 3, "stork")),
        Appended::New(_)
    ));
    assert_eq!(all(&other).len(), 1);
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while says(folder.path(), "flamingo") {
        assert!(std::time::Instant::now() < patience, "it is still there");
        std::thread::yield_now();
    }
    assert!(says(folder.path(), "heron") && says(folder.path(), "stork"));
}

/// A room's task may have more to write when the room is forgotten, in one commit with what others write.
#[test]
fn what_comes_too_late_for_a_forgotten_room_spoils_no_other_room_s_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let gone = store.log_of(ROOM, RULES, NOW).unwrap();
    let other = store.log_of(OTHER, RULES, NOW).unwrap();
    append(&gone, [message(1, 1, "one")]);
    store.forget(ROOM).unwrap();
    let mut log = store.0.log();
    log.sweep_all();
    let asked = |room: &RoomStore, id| Request {
        room: room.shared.clone(),
        drafts: vec![(None, message(1, id, "late"))],
        door: None,
    };
    let answers = log.commit(&[asked(&gone, 2), asked(&other, 3)]);
    assert_eq!(
        answers[0].answers,
        [(None, Appended::NotSaved(Some(id(2))))]
    );
    assert!(
        matches!(answers[1].answers[0].1, Appended::New(_)),
        "{answers:?}"
    );
}

/// Whoever hosts no other room closes the store before it came to delete anything.
#[test]
fn what_was_forgotten_last_is_gone_once_the_folder_is_in_order() {
    let folder = tempfile::tempdir().unwrap();
    Store::put_in_order(folder.path()).unwrap();
    assert!(!folder.path().join("relay.db").exists());
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    let other = store.log_of(OTHER, RULES, NOW).unwrap();
    let many = 2 * SWEPT_AT_ONCE + 7;
    append(&room, (0..many).map(|id| message(1, id, "flamingo")));
    append(&other, [message(1, 1, "albatross")]);
    drop((room, other, store));
    for number in 1..=3 {
        let backup = folder.path().join(format!("relay.db.backup-{number}"));
        fs::copy(folder.path().join("relay.db"), backup).unwrap();
    }
    let store = Store::open(folder.path()).unwrap();
    store.forget(ROOM).unwrap();
    store.close();
    Store::put_in_order(folder.path()).unwrap();
    assert!(!says(folder.path(), "flamingo"));
    assert!(says(folder.path(), "albatross"));
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(all(&store.log_of(OTHER, RULES, NOW).unwrap()).len(), 1);
}

/// A backup may read for long, and so may a page.
#[test]
fn nobody_waits_for_a_reader_when_history_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    append(&room, [message(1, 1, "flamingo")]);
    let reader = rusqlite::Connection::open(folder.path().join("relay.db")).unwrap();
    let read = "BEGIN; SELECT count(*) FROM events";
    reader.execute_batch(read).unwrap();
    let mut log = store.0.log();
    let start = std::time::Instant::now();
    let rule = settings(2, NOW, Retention::Nothing);
    let rule = Request {
        room: room.shared.clone(),
        drafts: vec![(None, rule)],
        door: None,
    };
    log.commit(&[rule]);
    log.sweep_all();
    assert_eq!(log.take_renewal(), None, "the old pages are still there");
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
    reader.execute_batch("COMMIT").unwrap();
    // The first backup may read just now.
    while log.take_renewal() != Some(1) {
        assert!(start.elapsed() < std::time::Duration::from_secs(60));
        std::thread::yield_now();
    }
    assert_eq!(log.take_renewal(), None, "once");
}

#[test]
fn after_the_end_nothing_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    append(&room, [message(1, 1, "one")]);
    let (late, later) = (
        room.append(vec![(None, message(1, 2, "two"))], None),
        room.read(Seq(1), Seq(1)),
    );
    store.close();
    store.close();
    let expected = Appended::NotSaved(Some(id(2)));
    assert_eq!(wait(late).answers, [(None, expected.clone())]);
    assert_eq!(wait(later), None);
    assert_eq!(append_one(&room, message(1, 2, "two")), expected);
    assert!(store.log_of(OTHER, RULES, NOW).is_err());
    // The folder is free, although somebody still holds on to the store.
    let again = Store::open(folder.path()).unwrap();
    assert_eq!(again.log_of(ROOM, RULES, NOW).unwrap().head(), Seq(1));
}

#[test]
fn in_memory_a_clone_outlives_the_rest() {
    let store = Store::in_memory().unwrap();
    let keeper = store.clone();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    append(&room, [message(1, 1, "one")]);
    let epoch = room.epoch();
    store.close();
    drop((room, store));
    let room = keeper.log_of(ROOM, RULES, NOW).unwrap();
    assert_eq!((room.epoch(), room.head()), (epoch, Seq(1)));
    assert_eq!(all(&room).len(), 1);
}

#[test]
fn who_is_what_outlives_the_history_and_goes_with_the_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let room = store.log_of(ROOM, RULES, NOW).unwrap();
    let old = NOW - 40 * DAY;
    append(&room, [draft(1, old, JOINED), settings(2, NOW, days(30))]);
    let door = Door {
        passcode: Passcode::parse("flamingo").ok(),
        ..Door::default()
    };
    let request = Request {
        room: room.shared.clone(),
        drafts: vec![],
        door: Some(door.clone()),
    };
    assert!(store.0.log().commit(&[request])[0].unkept.is_none());
    drop(room);
    let open = |store: &Store| store.room(&opening(ROOM, RULES, NOW)).unwrap();
    let OpenedRoom { log, kept, .. } = open(&store);
    assert_eq!(log.first(), Seq(2), "the joining is too old");
    assert_eq!(kept.door, door);
    assert!(kept.roster.get(&member(1)).unwrap().admitted);
    drop(log);
    store.forget(ROOM).unwrap();
    let OpenedRoom { kept, term, .. } = open(&store);
    assert_eq!((kept.door, term), (Door::default(), 1));
    assert_eq!(kept.roster.iter().count(), 0);
    let late = Request {
        room: store.log_of(ROOM, RULES, NOW).unwrap().shared,
        drafts: vec![],
        door: Some(door.clone()),
    };
    store.close();
    let mut log = store.0.log();
    assert_eq!(
        log.commit(&[late])[0].unkept,
        Some(door),
        "it is tried again"
    );
}
