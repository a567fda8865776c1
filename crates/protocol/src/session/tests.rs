//! The session machine on a desk: a clock that the test owns, and no relay but the frames it is handed.

use super::*;
use crate::event::Leaving;
use crate::ids::{Epoch, Nonce, Seq, WallMillis};
use crate::limits::RESUBMIT_AFTER;
use crate::text::RoomName;
use crate::view::PendingState;
use crate::wire::{RoomSummary, Versions};

const ROOM: RoomId = RoomId([1; 16]);
const EPOCH: Epoch = Epoch([2; 16]);

/// A session, its clock, and what it said last.
struct Desk {
    session: Session,
    mono: Duration,
    outputs: Vec<Output>,
}

impl Desk {
    fn new(seed: u64) -> Self {
        let identity = Identity::from_secret(&[1; 32]);
        let name = DisplayName::parse("Ada").unwrap();
        let session = Session::new(ROOM, identity, name, "test".to_owned(), seed);
        let mut desk = Self {
            session,
            mono: Duration::from_secs(1),
            outputs: Vec::new(),
        };
        desk.take();
        assert!(desk.did(&Output::Dial), "a session dials at once");
        desk
    }

    fn online() -> Self {
        let mut desk = Self::new(1);
        desk.enter();
        desk
    }

    fn now(&self) -> Now {
        Now {
            mono: self.mono,
            wall: WallMillis::try_from(self.mono.as_millis()).unwrap(),
        }
    }

    /// Takes the outputs of one input.
    fn take(&mut self) {
        self.outputs = std::iter::from_fn(|| self.session.poll_output()).collect();
    }

    fn did(&self, output: &Output) -> bool {
        self.outputs.contains(output)
    }

    fn link(&self) -> Option<LinkState> {
        let mut links = self.outputs.iter().filter_map(|output| match output {
            Output::Change(RoomChange::Link { link }) => Some(link.clone()),
            _ => None,
        });
        links.next_back()
    }

    fn frame(&mut self, frame: ServerFrame) {
        let now = self.now();
        self.session.frame(frame, now);
        self.take();
    }

    fn closed(&mut self, code: Option<u16>) {
        let now = self.now();
        self.session.closed(code, now);
        self.take();
    }

    fn open(&mut self) {
        let now = self.now();
        self.session.opened(now);
        self.take();
    }

    fn greeting(&mut self, min: u32, max: u32, rooms: &[RoomId]) {
        let summary = |room: &RoomId| RoomSummary {
            room: *room,
            name: RoomName::parse("Lab").unwrap(),
            online: 0,
            full: false,
        };
        self.frame(ServerFrame::Greeting(Greeting {
            protocol: Versions { min, max },
            software: String::new(),
            nonce: Nonce([3; 32]),
            rooms: rooms.iter().map(summary).collect(),
        }));
    }

    /// From the socket to the room.
    fn enter(&mut self) {
        self.open();
        self.greeting(1, 1, &[ROOM]);
        self.frame(ServerFrame::Welcome(Box::new(Welcome {
            name: RoomName::parse("Lab").unwrap(),
            epoch: EPOCH,
            first: Seq(1),
            head: Seq::ZERO,
            members: Vec::new(),
        })));
        assert_eq!(self.link(), Some(LinkState::Online));
    }

    /// Lets the clock go to when the session wants to be called, and calls it.
    fn timeout(&mut self) {
        self.mono = self.session.next_timeout().expect("nothing is due");
        let now = self.now();
        self.session.timeout(now);
        self.take();
    }

    /// How long the session wants to wait.
    fn wait(&self) -> Duration {
        self.session
            .next_timeout()
            .expect("nothing is due")
            .checked_sub(self.mono)
            .unwrap()
    }

    fn trouble(&self) -> Trouble {
        match self.link() {
            Some(LinkState::Waiting { trouble, .. } | LinkState::Closed { trouble }) => trouble,
            other => panic!("no trouble but {other:?}"),
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.link(), Some(LinkState::Closed { .. }))
    }
}

/// **C1**
#[test]
fn f75_redials_back_off_within_their_jitter_and_start_anew_after_a_welcome() {
    let mut firsts = Vec::new();
    for seed in 0..50 {
        let mut desk = Desk::new(seed);
        let mut most = REDIAL_FIRST;
        for attempt in 0..12 {
            let now = desk.now();
            desk.session.dial_failed(Trouble::NobodyAnswers, now);
            desk.take();
            let wait = desk.wait();
            assert!(
                most.mul_f64(0.1) <= wait && wait <= most,
                "seed {seed}, attempt {attempt}: {wait:?} is not within {most:?}"
            );
            let Some(LinkState::Waiting { retry_at, .. }) = desk.link() else {
                panic!("not waiting");
            };
            assert_eq!(retry_at, now.wall_at(desk.mono + wait));
            if attempt == 0 {
                firsts.push(wait);
            }
            desk.timeout();
            assert!(desk.did(&Output::Dial));
            most = (most * 2).min(REDIAL_MOST);
        }
        assert_eq!(most, REDIAL_MOST);
        desk.enter();
        desk.closed(None);
        assert!(desk.wait() <= REDIAL_FIRST, "the waits did not start anew");
    }
    firsts.sort_unstable();
    firsts.dedup();
    assert!(firsts.len() > 40, "the waits are not spread");
}

#[test]
fn a_redial_that_somebody_asks_for_waits_for_nothing() {
    let mut desk = Desk::new(1);
    for _ in 0..5 {
        let now = desk.now();
        desk.session.dial_failed(Trouble::NobodyAnswers, now);
        desk.take();
        desk.session.redial();
        desk.take();
        assert!(desk.did(&Output::Dial));
    }
    desk.enter();
    desk.session.redial();
    desk.take();
    assert_eq!(desk.outputs, [], "online, there is nothing to dial");
}

/// **B1**
#[test]
fn f66_silence_is_answered_by_a_ping_and_then_given_up() {
    let mut desk = Desk::online();
    let start = desk.mono;
    desk.timeout();
    assert_eq!(desk.mono.checked_sub(start).unwrap(), PING_AFTER);
    assert_eq!(desk.outputs, [Output::Ping]);
    // A sign of life, and everything starts anew.
    desk.mono += Duration::from_secs(1);
    let now = desk.now();
    desk.session.heard(now);
    let heard = desk.mono;
    desk.timeout();
    assert_eq!(
        (desk.mono.checked_sub(heard).unwrap(), &desk.outputs[..]),
        (PING_AFTER, &[Output::Ping][..])
    );
    desk.timeout();
    assert_eq!(desk.mono.checked_sub(heard).unwrap(), DEAD_AFTER);
    assert!(desk.did(&Output::Hangup(close::SILENT)));
    assert_eq!(desk.trouble(), Trouble::Silent);
    assert!(!desk.is_closed());
}

/// **H7**
#[test]
fn a_place_that_was_taken_twice_soon_is_given_up() {
    let mut desk = Desk::online();
    desk.closed(Some(close::REPLACED));
    assert_eq!(desk.trouble(), Trouble::Replaced);
    assert!(!desk.is_closed(), "once may be a late hello of our own");
    desk.timeout();
    desk.enter();
    desk.closed(Some(close::REPLACED));
    assert!(desk.is_closed());
    assert_eq!(desk.session.next_timeout(), None);
    // Asked for, it is tried again; and twice in a long while is not twice.
    desk.session.redial();
    desk.take();
    desk.enter();
    desk.mono += REPLACED_AGAIN;
    desk.closed(Some(close::REPLACED));
    assert!(!desk.is_closed());
}

/// **V1**, **V2**
#[test]
fn f14_no_common_version_ends_it_and_says_who_is_older() {
    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(0, 0, &[ROOM]);
    assert!(desk.did(&Output::Hangup(close::VERSION)));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::RelayTooOld, true)
    );

    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(2, 9, &[ROOM]);
    assert!(desk.did(&Output::Hangup(close::VERSION)));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::ClientTooOld, true)
    );

    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(0, 9, &[ROOM]);
    let hello = desk.outputs.iter().find_map(|output| match output {
        Output::Transmit(ClientFrame::Hello(hello)) => Some(hello.protocol),
        _ => None,
    });
    assert_eq!(hello, Some(PROTOCOL_MAX), "the highest common version");
}

#[test]
fn a_room_that_was_never_there_ends_it_and_one_that_was_is_waited_for() {
    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(1, 1, &[RoomId([9; 16])]);
    assert!(desk.did(&Output::Hangup(close::NORMAL)));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::NoSuchRoom, true)
    );

    let mut desk = Desk::online();
    desk.closed(None);
    desk.timeout();
    desk.open();
    desk.greeting(1, 1, &[]);
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::NoSuchRoom, false)
    );
    desk.timeout();
    assert!(desk.did(&Output::Dial));
}

/// **C1**, **C2**: what each end means.
#[test]
fn close_codes_say_whether_to_dial_again() {
    let stop = [
        (close::HOST_CLOSED, Trouble::HostClosed),
        (close::UNAUTHENTICATED, Trouble::Unauthenticated),
        (close::VERSION, Trouble::ClientTooOld),
        (close::BAD_HELLO, Trouble::Protocol),
    ];
    let retry = [
        (close::RELAY_STOPPING, Trouble::RelayStopping),
        (close::TRY_LATER, Trouble::TooSlow),
        (close::SILENT, Trouble::Silent),
        (close::NO_SUCH_ROOM, Trouble::NoSuchRoom),
        (close::ROOM_FULL, Trouble::RoomFull),
        (close::INTERNAL, Trouble::Lost),
        (4999, Trouble::Lost),
    ];
    let cases = stop
        .map(|(code, trouble)| (code, trouble, true))
        .into_iter()
        .chain(retry.map(|(code, trouble)| (code, trouble, false)));
    for (code, trouble, stays_away) in cases {
        let mut desk = Desk::online();
        desk.closed(Some(code));
        assert_eq!(
            (desk.trouble(), desk.is_closed()),
            (trouble, stays_away),
            "{code}"
        );
    }
    // What the last frame said counts, even when the close frame is lost.
    let mut desk = Desk::online();
    desk.frame(ServerFrame::Closing {
        reason: Closing::HostClosed,
    });
    desk.closed(None);
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::HostClosed, true)
    );
    // Before the first welcome a full room is told to whoever asked for it.
    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(1, 1, &[ROOM]);
    desk.closed(Some(close::ROOM_FULL));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::RoomFull, true)
    );
}

#[test]
fn who_does_not_greet_is_not_chatspot() {
    let mut desk = Desk::new(1);
    desk.open();
    desk.frame(ServerFrame::Typing {
        member: MemberId([5; 32]),
        active: true,
    });
    assert!(desk.did(&Output::Hangup(close::PROTOCOL)));
    assert_eq!(desk.trouble(), Trouble::NotChatspot);

    let mut desk = Desk::new(1);
    desk.open();
    let start = desk.mono;
    desk.timeout();
    assert_eq!(desk.mono.checked_sub(start).unwrap(), GREETING_TIMEOUT);
    assert_eq!(desk.trouble(), Trouble::NotChatspot);
    // One that was one before has only a bad moment.
    let mut desk = Desk::online();
    desk.closed(None);
    desk.timeout();
    desk.open();
    desk.timeout();
    assert_eq!(desk.trouble(), Trouble::Lost);
}

#[test]
fn stopping_while_dialling_hangs_up_the_dialling() {
    let mut desk = Desk::new(1);
    desk.session.stop();
    desk.take();
    assert!(
        desk.did(&Output::Hangup(close::NORMAL)),
        "the socket would open behind our back"
    );
    assert_eq!((desk.trouble(), desk.is_closed()), (Trouble::Stopped, true));
}

#[test]
fn leaving_says_goodbye_wherever_a_hello_was_said() {
    let goodbye = Output::Transmit(ClientFrame::Leave);
    let mut desk = Desk::online();
    desk.session.leave();
    desk.take();
    assert!(desk.did(&goodbye) && desk.did(&Output::Left));

    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(1, 1, &[ROOM]);
    desk.session.leave();
    desk.take();
    assert!(desk.did(&goodbye), "the relay would show us as away");

    let mut desk = Desk::new(1);
    desk.session.leave();
    desk.take();
    assert_eq!(desk.outputs, [Output::Left]);
}

/// **S2**, **S3**
#[test]
fn messages_go_one_at_a_time_and_a_refused_one_holds_nobody_up() {
    let submit = |id: u8| {
        Output::Transmit(ClientFrame::Submit {
            id: ClientId([id; 16]),
            text: MessageText::parse("x").unwrap(),
        })
    };
    let mut desk = Desk::online();
    for id in 1..=3 {
        let now = desk.now();
        let text = MessageText::parse("x").unwrap();
        desk.session.submit(ClientId([id; 16]), text, now).unwrap();
    }
    desk.take();
    assert!(desk.did(&submit(1)) && !desk.did(&submit(2)));
    // No answer: the same one again.
    let start = desk.mono;
    desk.timeout();
    assert_eq!(desk.mono.checked_sub(start).unwrap(), RESUBMIT_AFTER);
    assert!(desk.did(&submit(1)) && !desk.did(&submit(2)));
    desk.frame(ServerFrame::Rejected {
        id: ClientId([1; 16]),
        code: Reject::IdConflict,
        message: String::new(),
    });
    assert!(desk.did(&submit(2)) && !desk.did(&submit(1)));
    let failed = |output: &Output| {
        matches!(output, Output::Change(RoomChange::Pending { pending })
            if pending.id == ClientId([1; 16])
                && pending.state == PendingState::Failed { code: Reject::IdConflict, retry: false })
    };
    assert!(desk.outputs.iter().any(failed));
    // A broken connection: the one on its way goes first on the next.
    desk.closed(None);
    desk.timeout();
    desk.enter();
    assert!(desk.did(&submit(2)) && !desk.did(&submit(3)));
    desk.frame(ServerFrame::Event(Event {
        seq: Seq(1),
        at: 0,
        author: Identity::from_secret(&[1; 32]).member(),
        name: DisplayName::parse("Ada").unwrap(),
        body: Body::Message {
            id: ClientId([2; 16]),
            text: MessageText::parse("x").unwrap(),
        },
    }));
    assert!(desk.did(&submit(3)));
}

/// **R1**, **R3**
#[test]
fn f29_a_hole_is_fetched_and_nothing_is_shown_past_it() {
    let left = |seq| Event {
        seq: Seq(seq),
        at: 0,
        author: MemberId([5; 32]),
        name: DisplayName::parse("Bob").unwrap(),
        body: Body::Left { how: Leaving::Left },
    };
    let shown = |desk: &Desk| -> Vec<u64> {
        let items = desk.outputs.iter().filter_map(|output| match output {
            Output::Change(RoomChange::Items { items }) => Some(items),
            _ => None,
        });
        items
            .flatten()
            .map(|item| match item {
                Item::Event { event, .. } => event.seq.0,
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let fetch = |from, to| {
        Output::Transmit(ClientFrame::Fetch {
            from: Seq(from),
            to: Seq(to),
        })
    };
    let mut desk = Desk::online();
    desk.frame(ServerFrame::Event(left(1)));
    assert_eq!(shown(&desk), [1]);
    desk.frame(ServerFrame::Event(left(4)));
    assert_eq!(shown(&desk), [0; 0]);
    assert!(desk.did(&fetch(2, 3)));
    desk.frame(ServerFrame::Events {
        from: Seq(2),
        to: Seq(3),
        events: vec![left(2), left(3)],
    });
    assert_eq!(shown(&desk), [2, 3, 4]);
    // A lost tail is noticed by the head.
    desk.frame(ServerFrame::Head {
        epoch: EPOCH,
        seq: Seq(6),
    });
    assert!(desk.did(&fetch(5, 6)));
    desk.timeout();
    assert!(desk.did(&fetch(5, 6)), "asked again when nobody answers");
}
