//! A room's log in memory: the order, the uniqueness of client ids, and pages. The first implementation behind the
//! relay's store, and the log of the tests.

use std::collections::{HashMap, VecDeque};

use crate::event::{Draft, Event};
use crate::ids::{ClientId, Epoch, MemberId, Seq};
use crate::limits::{MEMORY_LOG_BYTES, PAGE_BYTES, PAGE_EVENTS};

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log now.
    New(Event),
    /// It was in the log before: the same author and id with the same text.
    Again(Event),
    /// The same author used the id for something else; the first one stays.
    Conflict(ClientId),
    /// It is about a message that is not in the log.
    NoTarget(ClientId),
    /// The store could not write it.
    NotSaved(Option<ClientId>),
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// First position it speaks for.
    pub from: Seq,
    /// Last position it speaks for.
    pub to: Seq,
    /// All events between that the log still has.
    pub events: Vec<Event>,
}

/// The log itself. Keeps at most `bound` events and [`MEMORY_LOG_BYTES`] of text; older ones are forgotten, with
/// their ids.
#[derive(Debug)]
pub struct MemoryLog {
    epoch: Epoch,
    bound: usize,
    head: Seq,
    events: VecDeque<Event>,
    /// Of the texts in `events`.
    bytes: usize,
    ids: HashMap<(MemberId, ClientId), Seq>,
}

impl MemoryLog {
    /// An empty log of that name.
    pub fn new(epoch: Epoch, bound: usize) -> Self {
        Self {
            epoch,
            bound: bound.max(1),
            head: Seq::ZERO,
            events: VecDeque::new(),
            bytes: 0,
            ids: HashMap::new(),
        }
    }

    /// The log's name.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The oldest position that is still here; one past the head when the log is empty.
    pub fn first(&self) -> Seq {
        self.events
            .front()
            .map_or(self.head.next(), |event| event.seq)
    }

    /// The newest position.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Gives a draft its place, once for each author and client id.
    pub fn append(&mut self, draft: Draft) -> Appended {
        let key = draft.body.id().map(|id| (draft.author, id));
        if let Some(key) = key
            && let Some(event) = self.ids.get(&key).and_then(|seq| self.get(*seq))
        {
            return if event.body == draft.body {
                Appended::Again(event.clone())
            } else {
                Appended::Conflict(key.1)
            };
        }
        if let (Some((_, id)), Some(target)) = (key, draft.body.target())
            && !self.ids.contains_key(&(target.author, target.id))
        {
            return Appended::NoTarget(id);
        }
        self.head = self.head.next();
        let event = draft.at_seq(self.head);
        self.bytes += event.text_bytes();
        self.events.push_back(event.clone());
        if let Some(key) = key {
            self.ids.insert(key, self.head);
        }
        while self.events.len() > self.bound || self.bytes > MEMORY_LOG_BYTES {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.bytes -= oldest.text_bytes();
            if let Some(id) = oldest.body.id() {
                self.ids.remove(&(oldest.author, id));
            }
        }
        Appended::New(event)
    }

    /// The page that starts at `from`: at most to `to`, [`PAGE_EVENTS`] and about [`PAGE_BYTES`].
    pub fn read(&self, from: Seq, to: Seq) -> Page {
        let last = to
            .min(self.head)
            .min(Seq(from.0.saturating_add(PAGE_EVENTS - 1)));
        let mut page = Page {
            from,
            to: last,
            events: Vec::new(),
        };
        let mut bytes = 0;
        for seq in from.max(self.first()).0..=last.0 {
            let Some(event) = self.get(Seq(seq)) else {
                break;
            };
            bytes += event.text_bytes();
            page.events.push(event.clone());
            if bytes >= PAGE_BYTES {
                page.to = Seq(seq);
                break;
            }
        }
        page
    }

    fn get(&self, seq: Seq) -> Option<&Event> {
        let index = usize::try_from(seq.0.checked_sub(self.first().0)?).ok()?;
        self.events.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, Target};
    use crate::text::{DisplayName, MessageText, Reaction};

    fn message(author: u8, id: u8, text: &str) -> Draft {
        Draft {
            at: 0,
            author: MemberId([author; 32]),
            name: DisplayName::parse("Ada").unwrap(),
            body: Body::Message {
                id: ClientId([id; 16]),
                text: MessageText::parse(text).unwrap(),
            },
            signature: None,
        }
    }

    fn log(bound: usize) -> MemoryLog {
        MemoryLog::new(Epoch([1; 16]), bound)
    }

    #[test]
    fn f25_the_same_id_twice_is_one_event() {
        let mut log = log(10);
        let Appended::New(first) = log.append(message(1, 1, "hi")) else {
            panic!("not new")
        };
        assert_eq!(log.append(message(1, 1, "hi")), Appended::Again(first));
        assert_eq!(log.head(), Seq(1));
        assert!(
            matches!(log.append(message(2, 1, "hi")), Appended::New(_)),
            "another author may use the same id"
        );
    }

    #[test]
    fn f26_the_same_id_with_another_text_is_a_conflict_and_the_first_stays() {
        let mut log = log(10);
        log.append(message(1, 1, "hi"));
        assert_eq!(
            log.append(message(1, 1, "ho")),
            Appended::Conflict(ClientId([1; 16]))
        );
        assert_eq!(log.read(Seq(1), Seq(9)).events.len(), 1);
    }

    fn id(id: u8) -> ClientId {
        ClientId([id; 16])
    }

    fn edit(author: u8, own: u8, target: Target) -> Draft {
        Draft {
            body: Body::Edited {
                id: id(own),
                target,
                text: MessageText::parse("ho").unwrap(),
            },
            ..message(author, own, "x")
        }
    }

    /// **S6**
    #[test]
    fn what_is_about_a_message_that_is_not_there_has_no_place() {
        let mut log = log(3);
        let target = Target {
            author: MemberId([1; 32]),
            id: id(1),
        };
        assert_eq!(
            log.append(edit(1, 2, target)),
            Appended::NoTarget(id(2)),
            "not yet"
        );
        log.append(message(2, 1, "hi"));
        assert_eq!(
            log.append(edit(1, 2, target)),
            Appended::NoTarget(id(2)),
            "another author's"
        );
        assert_eq!(log.head(), Seq(1), "it took no place");
        log.append(message(1, 1, "hi"));
        let reaction = Reaction::parse("+1").unwrap();
        let about = [
            edit(1, 2, target).body,
            Body::Reacted {
                id: id(3),
                target,
                reaction,
                active: true,
            },
        ];
        for body in about {
            let draft = Draft {
                body,
                ..message(1, 1, "x")
            };
            assert!(matches!(log.append(draft), Appended::New(_)));
        }
        // The message made room, and what is about it comes too late.
        log.append(message(2, 2, "x"));
        let deleted = Draft {
            body: Body::Deleted { id: id(4), target },
            ..message(1, 4, "x")
        };
        assert_eq!(log.append(deleted), Appended::NoTarget(id(4)));
    }

    #[test]
    fn f25_f26_every_kind_is_there_once() {
        let mut log = log(10);
        log.append(message(1, 1, "hi"));
        let target = Target {
            author: MemberId([1; 32]),
            id: id(1),
        };
        let Appended::New(first) = log.append(edit(1, 2, target)) else {
            panic!("not new")
        };
        assert_eq!(log.append(edit(1, 2, target)), Appended::Again(first));
        let deleted = Draft {
            body: Body::Deleted { id: id(2), target },
            ..message(1, 2, "x")
        };
        assert_eq!(log.append(deleted), Appended::Conflict(id(2)));
        assert_eq!(log.append(message(1, 2, "ho")), Appended::Conflict(id(2)));
        assert_eq!(log.head(), Seq(2));
    }

    #[test]
    fn old_events_make_room_and_pages_say_what_they_cover() {
        let mut log = log(3);
        for id in 1..=5 {
            log.append(message(1, id, "x"));
        }
        assert_eq!((log.first(), log.head()), (Seq(3), Seq(5)));
        let page = log.read(Seq(1), Seq(4));
        assert_eq!((page.from, page.to), (Seq(1), Seq(4)));
        assert_eq!(
            page.events.iter().map(|e| e.seq.0).collect::<Vec<_>>(),
            [3, 4]
        );
    }

    #[test]
    fn long_texts_make_room_by_their_bytes() {
        let mut log = log(usize::MAX);
        let long = "x".repeat(crate::limits::MAX_TEXT_BYTES);
        let most = (MEMORY_LOG_BYTES / long.len()) as u64;
        for number in 0..most + 10 {
            let mut draft = message(1, 0, &long);
            let mut id = [0; 16];
            id[..8].copy_from_slice(&number.to_le_bytes());
            if let Body::Message { id: old, .. } = &mut draft.body {
                *old = ClientId(id);
            }
            log.append(draft);
        }
        assert_eq!(log.first(), Seq(11));
        assert_eq!(log.ids.len() as u64, most);
    }

    #[test]
    fn a_page_ends_by_bytes() {
        let mut log = log(100);
        let long = "x".repeat(crate::limits::MAX_TEXT_BYTES);
        for id in 1..=50 {
            log.append(message(1, id, &long));
        }
        let page = log.read(Seq(1), Seq(50));
        assert_eq!(page.to, Seq((PAGE_BYTES / long.len()) as u64));
        assert_eq!(page.events.len() as u64, page.to.0);
        assert!(ServerFrameBytes(&page).len() < crate::limits::MAX_SERVER_FRAME_BYTES);
    }

    struct ServerFrameBytes<'a>(&'a Page);
    impl ServerFrameBytes<'_> {
        fn len(&self) -> usize {
            let Page { from, to, events } = self.0.clone();
            crate::wire::ServerFrame::Events { from, to, events }
                .encode()
                .len()
        }
    }

    #[test]
    fn an_empty_log_has_nothing_to_read() {
        let log = log(3);
        assert_eq!((log.first(), log.head()), (Seq(1), Seq(0)));
        assert!(log.read(Seq(1), Seq(9)).events.is_empty());
    }
}
