//! What a room tells strangers, what its members tell each other of other rooms, and dialling back.

use super::*;
use crate::address::Address;
use crate::limits::{
    DIAL_BACK_FOR, INTRODUCED_ROOMS, MEMBER_DIAL_BACK_EVERY, MEMBER_DIAL_BACKS,
    MEMBER_INTRODUCE_EVERY, MEMBER_INTRODUCTIONS, NEARBY_ADDRESSES, ROOM_DIAL_BACKS,
    ROOM_INTRODUCED,
};
use crate::wire::{Back, Introduced};

fn hall() -> Hall {
    Hall::full(RoomSettings::default())
}

fn other(number: u8) -> RoomId {
    RoomId([number; 16])
}

/// A room that is known somewhere.
fn known(number: u8) -> Introduced {
    Introduced {
        room: other(number),
        name: RoomName::parse("Elsewhere").unwrap(),
        addresses: vec!["10.0.0.7:4471".to_owned()],
    }
}

fn introduce(rooms: Vec<Introduced>) -> ClientFrame {
    ClientFrame::Introduce { rooms }
}

/// What is told to all at once.
fn offered(outputs: &[Output]) -> Vec<&ServerFrame> {
    let mut offered = Vec::new();
    for output in outputs {
        if let Output::Offer { frame } = output {
            offered.push(frame);
        }
    }
    offered
}

/// What a newcomer is told, and behind what: who told of how many rooms.
fn told(outputs: &[Output], number: u8) -> Vec<(MemberId, usize)> {
    let mut frames = sent(outputs, number).into_iter();
    assert!(matches!(frames.next(), Some(ServerFrame::Welcome(_))));
    let introduced = |frame: &ServerFrame| match frame {
        ServerFrame::Introduced { member, rooms } => Some((*member, rooms.len())),
        _ => None,
    };
    frames.filter_map(introduced).collect()
}

/// **G1**
#[test]
fn a_summary_says_by_which_name_the_host_is_known() {
    let host = |hall: &Hall| hall.room.summary().host.map(|name| name.to_string());
    let mut hall = Hall::new(RoomSettings::default(), vec![]);
    assert_eq!(host(&hall), None, "nobody has heard its name");
    hall.join(OWNER, arrival(OWNER));
    assert_eq!(host(&hall).as_deref(), Some("Ada"));
    let name = name("Grace");
    hall.frame(OWNER, ClientFrame::Rename { name });
    assert_eq!(host(&hall).as_deref(), Some("Grace"));
    hall.frame(OWNER, ClientFrame::Leave);
    assert_eq!(host(&hall).as_deref(), Some("Grace"), "by the log");
    let mut nobodys = Hall::over(
        config(None, RoomSettings::default(), 20),
        Roster::default(),
        Door::default(),
    );
    nobodys.join(ADA, arrival(ADA));
    assert_eq!(host(&nobodys), None);
}

/// **G1**, **K1**
#[test]
fn a_hidden_room_says_that_it_is() {
    let mut hall = hall();
    assert!(!hall.room.summary().hidden);
    let settings = RoomSettings {
        hidden: true,
        ..RoomSettings::default()
    };
    let id = id(1);
    let outputs = hall.submit(MODERATOR, Body::Settings { id, settings });
    assert_eq!(
        rejected(&outputs, MODERATOR),
        Some((Reject::NotAllowed, None)),
        "it is the owner's"
    );
    hall.submit(OWNER, Body::Settings { id, settings });
    assert!(hall.room.summary().hidden);
    let hidden = Hall::new(settings, vec![]);
    assert!(hidden.room.summary().hidden, "from the start");
}

/// **G5**
#[test]
fn rooms_that_a_member_tells_of_are_told_to_the_others() {
    let mut hall = hall();
    let mut spelled = known(1);
    spelled.addresses = vec![
        "http://10.0.0.7:4471/".to_owned(),
        "172.16.3.4".to_owned(),
        "fd00::5".to_owned(),
        "fe80::7".to_owned(),
    ];
    let outputs = hall.frame(ADA, introduce(vec![spelled]));
    let addresses = [
        "10.0.0.7:4471",
        "172.16.3.4:4470",
        "[fd00::5]:4470",
        "[fe80::7]:4470",
    ];
    let mut rooms = vec![known(1)];
    rooms[0].addresses = addresses.map(ToOwned::to_owned).to_vec();
    let member = member(ADA);
    assert_eq!(
        offered(&outputs),
        [&ServerFrame::Introduced { member, rooms }]
    );
    assert_eq!(hall.log.head(), hall.room.head, "nothing is logged");
}

/// **G5**
#[test]
fn a_newcomer_is_told_after_the_welcome() {
    let mut hall = hall();
    hall.frame(ADA, introduce(vec![known(1)]));
    hall.frame(BOB, introduce(vec![known(2), known(3)]));
    hall.frame(ADA, introduce(vec![known(4), known(5), known(6)]));
    let (ada, bob) = (member(ADA), member(BOB));
    assert_eq!(
        told(&hall.join(EVE, arrival(EVE)), EVE),
        [(bob, 2), (ada, 3)],
        "the latest of each"
    );
    assert_eq!(
        told(&hall.join(ADA, arrival(ADA)), ADA),
        [(bob, 2)],
        "who comes back is told, too, but not their own"
    );
    hall.frame(BOB, introduce(vec![]));
    assert_eq!(
        told(&hall.join(EVE, arrival(EVE)), EVE),
        [(ada, 3)],
        "Bob took it back"
    );
}

/// **G5**
#[test]
fn what_a_member_told_goes_with_the_member() {
    let mut hall = hall();
    for number in [MODERATOR, ADA, BOB, GUEST] {
        hall.frame(number, introduce(vec![known(number)]));
    }
    hall.frame(ADA, ClientFrame::Leave);
    hall.room.broken(conn(BOB), Broken::Cut, hall.now);
    hall.submit(OWNER, moderated(1, GUEST, Moderation::Mute));
    let (moderator, bob) = (member(MODERATOR), member(BOB));
    assert_eq!(
        told(&hall.join(EVE, arrival(EVE)), EVE),
        [(moderator, 1), (bob, 1)],
        "who is away may be back in a moment"
    );
    hall.later(crate::limits::AWAY_GRACE);
    hall.settle();
    hall.submit(OWNER, moderated(2, MODERATOR, Moderation::Ban));
    assert_eq!(told(&hall.join(EVE, arrival(EVE)), EVE), []);
}

/// **G5**
#[test]
fn who_is_muted_tells_of_nothing() {
    let mut hall = hall();
    hall.submit(OWNER, moderated(1, ADA, Moderation::Mute));
    let outputs = hall.frame(ADA, introduce(vec![known(1)]));
    assert_eq!(outputs, [], "and is not even told so");
    assert_eq!(told(&hall.join(EVE, arrival(EVE)), EVE), []);
}

/// **G5**
#[test]
fn an_introduction_that_is_none_is_refused() {
    let addresses = |count: usize| Introduced {
        addresses: vec!["10.0.0.7:4471".to_owned(); count],
        ..known(1)
    };
    let at = |text: &str| Introduced {
        addresses: vec!["10.0.0.7:4471".to_owned(), text.to_owned()],
        ..known(1)
    };
    let itself = Introduced {
        room: key().id(),
        ..known(1)
    };
    for rooms in [
        vec![known(1); INTRODUCED_ROOMS + 1],
        vec![known(1), addresses(NEARBY_ADDRESSES + 1)],
        vec![addresses(0)],
        vec![known(1), itself],
        vec![at("")],
        vec![at("ftp://10.0.0.7")],
        vec![at("10.0.0.7:0")],
        vec![at("10.0.0.256")],
        vec![at("printer.local")],
        vec![at("198.51.100.1")],
        vec![at("2001:db8::1")],
        vec![at("127.0.0.1")],
        vec![at("10.0.0.7:22")],
        vec![at("10.0.0.7:4469")],
        vec![at("10.0.0.7:4490")],
    ] {
        let mut hall = hall();
        let outputs = hall.frame(ADA, introduce(rooms.clone()));
        assert_eq!(
            problem(&outputs, ADA),
            Some(Problem::NotAllowed),
            "{rooms:?}"
        );
        assert_eq!(offered(&outputs).len(), 0);
        assert_eq!(told(&hall.join(EVE, arrival(EVE)), EVE), []);
    }
    let mut hall = hall();
    let most = vec![addresses(NEARBY_ADDRESSES); INTRODUCED_ROOMS];
    assert_eq!(problem(&hall.frame(ADA, introduce(most)), ADA), None);
    assert_eq!(told(&hall.join(EVE, arrival(EVE)), EVE).len(), 1);
}

/// **G5**
#[test]
fn f36_introductions_are_limited() {
    let mut hall = hall();
    let mut taken = 0;
    for number in 0..100 {
        // Over another connection each time.
        hall.join(ADA, arrival(ADA));
        let outputs = hall.frame(ADA, introduce(vec![known(number)]));
        taken += offered(&outputs).len();
        let refused = problem(&outputs, ADA);
        assert_eq!(refused.is_none(), !offered(&outputs).is_empty());
        assert!(refused.is_none_or(|why| why == Problem::SlowDown));
    }
    assert_eq!(taken, usize::try_from(MEMBER_INTRODUCTIONS).unwrap());
    let outputs = hall.frame(BOB, introduce(vec![known(1)]));
    assert_eq!(offered(&outputs).len(), 1, "nobody else");
    hall.later(MEMBER_INTRODUCE_EVERY);
    let outputs = hall.frame(ADA, introduce(vec![known(1)]));
    assert_eq!(offered(&outputs).len(), 1, "later again");
}

/// **G5**
#[test]
fn f36_a_room_remembers_so_many_introduced_rooms_and_no_more() {
    let mut hall = Hall::over(
        config(None, RoomSettings::default(), 50),
        Roster::default(),
        Door::default(),
    );
    for number in 0..40 {
        hall.join(number, arrival(number));
        hall.frame(number, introduce(vec![known(1); INTRODUCED_ROOMS - 1]));
    }
    let told = told(&hall.join(99, arrival(99)), 99);
    let rooms: usize = told.iter().map(|(_, rooms)| rooms).sum();
    assert!(rooms <= ROOM_INTRODUCED && rooms + INTRODUCED_ROOMS > ROOM_INTRODUCED);
    let newest: Vec<MemberId> = (32..40).map(member).collect();
    let by: Vec<MemberId> = told.iter().map(|(by, _)| *by).collect();
    assert_eq!(by, newest);
}

fn address() -> Address {
    "192.168.1.5:4471".parse().unwrap()
}

impl Hall {
    fn dial_back(&mut self, number: u8, whom: u8, about: u8) -> Vec<Output> {
        let (whom, about) = (member(whom), other(about));
        let address = Some(address());
        self.room
            .dial_back(conn(number), whom, about, address, self.now);
        self.settle()
    }

    fn dialled_back(&mut self, number: u8, whom: u8, about: u8, outcome: Back) -> Vec<Output> {
        let frame = ClientFrame::DialledBack {
            member: member(whom),
            room: other(about),
            outcome,
        };
        self.frame(number, frame)
    }
}

fn declined(whom: u8, about: u8) -> ServerFrame {
    ServerFrame::DialledBack {
        member: member(whom),
        room: other(about),
        address: None,
        outcome: Back::Declined,
    }
}

/// **G6**
#[test]
fn a_member_is_asked_and_the_answer_comes_back() {
    let mut hall = hall();
    let outputs = hall.dial_back(ADA, BOB, 1);
    let asked = ServerFrame::DialBack {
        member: member(ADA),
        room: other(1),
        address: address().to_string(),
    };
    assert_eq!(outputs.len(), 1, "nobody else hears of it");
    assert_eq!(sent(&outputs, BOB), [&asked]);
    let outputs = hall.dialled_back(BOB, ADA, 1, Back::Reached);
    let answer = ServerFrame::DialledBack {
        member: member(BOB),
        room: other(1),
        address: Some(address().to_string()),
        outcome: Back::Reached,
    };
    assert_eq!(outputs.len(), 1);
    assert_eq!(sent(&outputs, ADA), [&answer]);
    let again = hall.dialled_back(BOB, ADA, 1, Back::Refused);
    assert_eq!(again, [], "one answer each");
}

/// **G6**
#[test]
fn what_cannot_be_dialled_back_is_declined_at_once() {
    let mut hall = hall();
    for whom in [ADA, EVE] {
        hall.later(MEMBER_DIAL_BACK_EVERY);
        hall.settle();
        let outputs = hall.dial_back(ADA, whom, 1);
        assert_eq!(outputs.len(), 1, "{whom}");
        assert_eq!(sent(&outputs, ADA), [&declined(whom, 1)]);
    }
    hall.later(2 * MEMBER_DIAL_BACK_EVERY);
    hall.settle();
    let (about, now) = (other(1), hall.now);
    hall.room
        .dial_back(conn(ADA), member(BOB), about, None, now);
    assert_eq!(sent(&hall.settle(), ADA), [&declined(BOB, 1)], "no address");
    let frame = ClientFrame::DialBack {
        member: member(BOB),
        room: about,
        port: 4471,
    };
    let outputs = hall.frame(ADA, frame);
    assert_eq!(sent(&outputs, ADA), [&declined(BOB, 1)], "nor here");
    hall.room.broken(conn(BOB), Broken::Cut, now);
    hall.settle();
    let outputs = hall.dial_back(MODERATOR, BOB, 1);
    assert_eq!(sent(&outputs, MODERATOR), [&declined(BOB, 1)], "away");
    assert_eq!(hall.dial_back(EVE, BOB, 1), [], "who is not in the room");
}

/// **G6**
#[test]
fn an_answer_reaches_only_who_asked_for_it() {
    let mut hall = hall();
    hall.dial_back(ADA, BOB, 1);
    assert_eq!(hall.dialled_back(BOB, ADA, 2, Back::Reached), [], "room");
    assert_eq!(hall.dialled_back(GUEST, ADA, 1, Back::Reached), [], "by");
    assert_eq!(hall.dialled_back(BOB, OWNER, 1, Back::Reached), [], "to");
    assert_eq!(hall.dialled_back(ADA, BOB, 1, Back::Reached), [], "turned");
    hall.later(DIAL_BACK_FOR.checked_sub(Duration::from_millis(1)).unwrap());
    let outputs = hall.dialled_back(BOB, ADA, 1, Back::Refused);
    assert_eq!(sent(&outputs, ADA).len(), 1, "just in time");
    hall.dial_back(ADA, BOB, 1);
    hall.later(DIAL_BACK_FOR);
    let outputs = hall.dialled_back(BOB, ADA, 1, Back::Reached);
    assert_eq!(sent(&outputs, ADA).len(), 0, "late");
    hall.dial_back(ADA, BOB, 1);
    hall.frame(ADA, ClientFrame::Leave);
    let outputs = hall.dialled_back(BOB, ADA, 1, Back::Reached);
    assert_eq!(sent(&outputs, ADA).len(), 0, "gone");
}

/// **G6**
#[test]
fn f36_asking_to_be_dialled_back_is_limited() {
    let mut hall = hall();
    let mut asked = 0;
    for _ in 0..100 {
        hall.join(ADA, arrival(ADA));
        let outputs = hall.dial_back(ADA, BOB, 1);
        asked += sent(&outputs, BOB).len();
        assert_eq!(sent(&outputs, BOB).len() + sent(&outputs, ADA).len(), 1);
    }
    assert_eq!(asked, usize::try_from(MEMBER_DIAL_BACKS).unwrap());
    assert_eq!(sent(&hall.dial_back(GUEST, BOB, 1), BOB).len(), 1);
    hall.later(MEMBER_DIAL_BACK_EVERY);
    assert_eq!(sent(&hall.dial_back(ADA, BOB, 1), BOB).len(), 1);
}

/// **G6**
#[test]
fn f36_so_many_wait_for_an_answer_and_no_more() {
    let mut hall = Hall::over(
        config(None, RoomSettings::default(), 200),
        Roster::default(),
        Door::default(),
    );
    hall.join(200, arrival(200));
    let mut asked = 0;
    for number in 0..150 {
        hall.join(number, arrival(number));
        asked += sent(&hall.dial_back(number, 200, 1), 200).len();
    }
    assert_eq!(asked, ROOM_DIAL_BACKS);
    hall.later(DIAL_BACK_FOR);
    assert_eq!(sent(&hall.dial_back(149, 200, 1), 200).len(), 1);
}
