//! The session machine on a desk: a clock that the test owns, and no relay but the frames it is handed.

use super::*;
use crate::event::{Admission, Body, Event, Leaving, Role};
use crate::identity::{RelayName, RoomKey, Warrant};
use crate::ids::{Epoch, Exporter, Nonce, Seq, TlsKey, Token, WallMillis};
use crate::limits::{
    DEAD_AFTER, DOUBTED_FOR, GREETING_TIMEOUT, PROTOCOL_MAX, REDIAL_FIRST, REDIAL_MOST,
    REPLACED_AGAIN, RESUBMIT_AFTER,
};
use crate::passcode::Passcode;
use crate::text::MessageText;
use crate::view::{LinkState, PendingState};
use crate::wire::{Greeting, Hello, Hosted, Reject, RoomSummary, Versions, Welcome};

/// By which way this member comes in, and what the door says.
mod entry;
/// What is written down, and what comes of it when it was or was not.
mod kept;
/// Telling of rooms, dialling back, and when a room that was found is dialled.
mod neighbours;
/// What was written, on its way to the relay.
mod outbox;
/// Who is present, who looks like them, and comparing codes with them.
mod people;
/// What vouches for an event.
mod proof;
/// Whether what answers is the room.
mod trust;

const EPOCH: Epoch = Epoch([2; 16]);
const NONCE: Nonce = Nonce([3; 32]);
const TLS: TlsKey = TlsKey([5; 32]);
const EXPORTER: Exporter = Exporter([6; 32]);

fn room_key() -> RoomKey {
    RoomKey::from_secret(&[7; 32])
}

fn room() -> RoomId {
    room_key().id()
}

fn line() -> Line {
    Line {
        exporter: EXPORTER,
        key: TLS,
        domain: None,
    }
}

fn by_tls(key: TlsKey) -> RelayName {
    RelayName::Tls { key }
}

fn hosted(key: &RoomKey, name: &str, warrants: Vec<Warrant>) -> Hosted {
    Hosted {
        summary: RoomSummary {
            host: None,
            hidden: false,
            room: key.id(),
            name: RoomName::parse(name).unwrap(),
            online: 0,
            full: false,
            admission: Admission::Open,
            locked: false,
        },
        key: key.public(),
        warrants,
    }
}

/// The room on the relay that was dialled.
fn genuine() -> Hosted {
    hosted(&room_key(), "Lab", vec![room_key().warrant(1, by_tls(TLS))])
}

fn ada() -> Identity {
    Identity::from_secret(&[1; 32])
}

fn bob() -> Identity {
    Identity::from_secret(&[5; 32])
}

fn name(text: &str) -> DisplayName {
    DisplayName::parse(text).unwrap()
}

fn entry() -> Entry {
    Entry {
        room: room(),
        identity: ada(),
        name: name("Ada"),
        software: "test".to_owned(),
        token: None,
        passcode: None,
    }
}

/// A session, its clock, and what it said last.
struct Desk {
    session: Session,
    mono: Duration,
    outputs: Vec<Output>,
}

impl Desk {
    fn new(seed: u64) -> Self {
        Self::resumed(seed, Resume::default())
    }

    /// After a restart.
    fn resumed(seed: u64, resume: Resume) -> Self {
        Self::with(entry(), resume, seed)
    }

    fn with(entry: Entry, resume: Resume, seed: u64) -> Self {
        let session = Session::new(entry, resume, seed);
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
        self.open_line(line());
    }

    fn open_line(&mut self, line: Line) {
        let now = self.now();
        self.session.opened(line, [8; 32], now);
        self.take();
    }

    fn greeting(&mut self, min: u32, max: u32, rooms: Vec<Hosted>) {
        self.frame(ServerFrame::Greeting(Greeting {
            protocol: Versions { min, max },
            software: String::new(),
            nonce: NONCE,
            rooms,
        }));
    }

    /// From the socket to the hello.
    fn greet(&mut self) {
        self.open();
        self.greeting(1, 1, vec![genuine()]);
    }

    /// The hello among what was just sent.
    fn hello(&self) -> Option<Hello> {
        let mut hellos = self.outputs.iter().filter_map(|output| match output {
            Output::Transmit(ClientFrame::Hello(hello)) => Some((**hello).clone()),
            _ => None,
        });
        hellos.next_back()
    }

    /// From the socket to the room, whose log is empty.
    fn enter(&mut self) {
        self.enter_at(1, 0);
    }

    /// From the socket to the room, whose log goes from `first` to `head`.
    fn enter_at(&mut self, first: u64, head: u64) {
        self.enter_as(Welcome {
            first: Seq(first),
            head: Seq(head),
            ..welcome()
        });
    }

    fn enter_as(&mut self, welcome: Welcome) {
        self.greet();
        self.frame(ServerFrame::Welcome(Box::new(welcome)));
        assert_eq!(self.link(), Some(LinkState::Online));
    }

    /// What is to be written down.
    fn keeps(&self) -> Vec<Keep> {
        let keeps = self.outputs.iter().filter_map(|output| match output {
            Output::Keep(keep) => Some(keep.clone()),
            _ => None,
        });
        keeps.collect()
    }

    /// What the window is told.
    fn changes(&self) -> Vec<RoomChange> {
        let changes = self.outputs.iter().filter_map(|output| match output {
            Output::Change(change) => Some(change.clone()),
            _ => None,
        });
        changes.collect()
    }

    fn sent(&self) -> Vec<ClientFrame> {
        let frames = self.outputs.iter().filter_map(|output| match output {
            Output::Transmit(frame) => Some(frame.clone()),
            _ => None,
        });
        frames.collect()
    }

    /// The positions of events that are to be written down at the end.
    fn shown(&self) -> Vec<u64> {
        let events = self.keeps().into_iter().filter_map(|keep| match keep {
            Keep::Events { events, tail, .. } if tail => Some(events),
            _ => None,
        });
        events.flatten().map(|told| told.event.seq.0).collect()
    }

    /// Writes a message: it is on the disk before it is in the outbox.
    fn write(&mut self, id: u8) {
        let now = self.now();
        let pending = self.session.draft(message(id), now).unwrap();
        self.session.submit(pending, now);
        self.take();
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

fn me() -> MemberId {
    ada().member()
}

fn in_room(member: MemberId, called: &str) -> Member {
    Member {
        member,
        name: name(called),
        host: false,
        role: Role::Member,
        muted: false,
        presence: Presence::Online,
    }
}

fn welcome() -> Welcome {
    Welcome {
        name: RoomName::parse("Lab").unwrap(),
        epoch: EPOCH,
        settings: RoomSettings::default(),
        first: Seq(1),
        head: Seq::ZERO,
        members: Vec::new(),
    }
}

fn message(id: u8) -> Submission {
    Submission::message(ClientId([id; 16]), MessageText::parse("x").unwrap())
}

fn submit(id: u8) -> Output {
    let signed = message(id).sign(&ada(), &room(), &name("Ada"));
    Output::Transmit(ClientFrame::Submit(Box::new(signed)))
}

fn fetch(from: u64, to: u64) -> Output {
    Output::Transmit(ClientFrame::Fetch {
        from: Seq(from),
        to: Seq(to),
    })
}

/// Somebody else's event.
fn theirs(seq: u64) -> Event {
    Event {
        seq: Seq(seq),
        at: 0,
        author: bob().member(),
        name: name("Bob"),
        body: Body::Left { how: Leaving::Left },
        signature: None,
    }
}

/// What somebody said, signed.
fn said(seq: u64, author: &Identity, called: &str, submission: Submission) -> Event {
    let signed = submission.sign(author, &room(), &name(called));
    Event {
        seq: Seq(seq),
        at: 0,
        author: author.member(),
        name: name(called),
        body: signed.submission.into(),
        signature: Some(signed.signature),
    }
}

/// Events as they are written down.
fn told(events: impl IntoIterator<Item = Event>) -> Vec<Told> {
    let told = |event: Event| Told {
        proof: event.proof(&room()),
        event,
    };
    events.into_iter().map(told).collect()
}

/// The event that an own message became.
fn mine(seq: u64, id: u8) -> Event {
    said(seq, &ada(), "Ada", message(id))
}

fn page(from: u64, to: u64, events: Vec<Event>) -> ServerFrame {
    ServerFrame::Events {
        from: Seq(from),
        to: Seq(to),
        events,
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

/// **B3**
#[test]
fn f70_a_connection_whose_room_was_found_elsewhere_has_to_say_at_once_that_it_lives() {
    let mut desk = Desk::online();
    let start = desk.mono;
    let now = desk.now();
    desk.session.doubted(now);
    desk.take();
    assert_eq!(desk.outputs, [Output::Ping]);
    // Asked once; the same sighting again asks nothing.
    desk.outputs.clear();
    let now = desk.now();
    desk.session.doubted(now);
    desk.take();
    assert_eq!(desk.outputs, []);
    // It lives: nothing happened.
    let now = desk.now();
    desk.session.heard(now);
    desk.timeout();
    assert_eq!(desk.mono.checked_sub(start).unwrap(), PING_AFTER);
    // It does not, and was asked already by the heartbeat: the shorter patience counts.
    let asked = desk.mono;
    let now = desk.now();
    desk.session.doubted(now);
    desk.take();
    desk.timeout();
    assert_eq!(desk.mono.checked_sub(asked).unwrap(), DOUBTED_FOR);
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
    desk.greeting(0, 0, vec![genuine()]);
    assert!(desk.did(&Output::Hangup(close::VERSION)));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::RelayTooOld, true)
    );

    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(2, 9, vec![genuine()]);
    assert!(desk.did(&Output::Hangup(close::VERSION)));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::ClientTooOld, true)
    );

    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(0, 9, vec![genuine()]);
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
    desk.greeting(
        1,
        1,
        vec![hosted(&RoomKey::from_secret(&[9; 32]), "Other", Vec::new())],
    );
    assert!(desk.did(&Output::Hangup(close::NORMAL)));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::NoSuchRoom, true)
    );

    let mut desk = Desk::online();
    desk.closed(None);
    desk.timeout();
    desk.open();
    desk.greeting(1, 1, Vec::new());
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
    desk.greet();
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
    desk.greet();
    desk.session.leave();
    desk.take();
    assert!(desk.did(&goodbye), "the relay would show us as away");

    let mut desk = Desk::new(1);
    desk.session.leave();
    desk.take();
    assert_eq!(desk.outputs, [Output::Left]);
}

/// **R1**, **R3**
#[test]
fn f29_a_hole_is_fetched_and_nothing_is_shown_past_it() {
    let mut desk = Desk::online();
    desk.frame(ServerFrame::Event(theirs(1)));
    assert_eq!(desk.shown(), [1]);
    desk.frame(ServerFrame::Event(theirs(4)));
    assert_eq!(desk.shown(), [0; 0]);
    assert!(desk.did(&fetch(2, 3)));
    desk.frame(page(2, 3, vec![theirs(2), theirs(3)]));
    assert_eq!(desk.shown(), [2, 3, 4]);
    // A lost tail is noticed by the head.
    desk.frame(ServerFrame::Head {
        epoch: EPOCH,
        seq: Seq(6),
    });
    assert!(desk.did(&fetch(5, 6)));
    desk.timeout();
    assert!(desk.did(&fetch(5, 6)), "asked again when nobody answers");
}

#[test]
fn f69_after_a_sleep_it_dials_at_once_whatever_it_was_doing() {
    let dialling = Desk::new(1);
    let mut greeting = Desk::new(1);
    greeting.open();
    let mut welcoming = Desk::new(1);
    welcoming.open();
    welcoming.greeting(1, 1, vec![genuine()]);
    let online = Desk::online();
    for (what, mut desk) in [
        ("dialling", dialling),
        ("awaiting a greeting", greeting),
        ("awaiting a welcome", welcoming),
        ("online", online),
    ] {
        desk.session.woke();
        desk.take();
        let acts: Vec<_> = desk
            .outputs
            .iter()
            .filter(|output| !matches!(output, Output::Change(_)))
            .collect();
        assert_eq!(
            acts,
            [&Output::Hangup(close::NORMAL), &Output::Dial],
            "{what}: what looks open may be dead"
        );
        assert_eq!(desk.link(), Some(LinkState::Connecting), "{what}");
        desk.enter();
    }
    // Waiting makes no sense any more, and the next wait is a short one.
    let mut desk = Desk::new(1);
    for _ in 0..8 {
        let now = desk.now();
        desk.session.dial_failed(Trouble::NobodyAnswers, now);
    }
    desk.take();
    desk.session.woke();
    desk.take();
    let connecting = Output::Change(RoomChange::Link {
        link: LinkState::Connecting,
    });
    assert_eq!(desk.outputs, [connecting, Output::Dial]);
    let now = desk.now();
    desk.session.dial_failed(Trouble::NobodyAnswers, now);
    desk.take();
    assert!(desk.wait() <= REDIAL_FIRST, "the waits did not start anew");
    // Who stays away sleeps on.
    desk.session.stop();
    desk.take();
    desk.session.woke();
    desk.take();
    assert_eq!(desk.outputs, []);
}

#[test]
fn f69_what_was_on_its_way_before_a_sleep_goes_first_after_it() {
    let mut desk = Desk::online();
    desk.write(1);
    desk.write(2);
    desk.session.woke();
    desk.take();
    desk.enter();
    assert!(desk.did(&submit(1)) && !desk.did(&submit(2)));
    // And a gap that came meanwhile is filled.
    desk.session.woke();
    desk.take();
    desk.enter_at(1, 3);
    assert!(desk.did(&fetch(1, 3)));
}

/// A room of an earlier run may be starting again with its host.
#[test]
fn a_resumed_room_that_is_not_there_is_waited_for() {
    let resume = Resume {
        cursor: Some(Cursor {
            log: 1,
            epoch: EPOCH,
            next: Seq(1),
            low: Seq(1),
        }),
        ..Resume::default()
    };
    let mut desk = Desk::resumed(1, resume);
    desk.open();
    desk.greeting(1, 1, Vec::new());
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::NoSuchRoom, false)
    );
}
