//! Telling of rooms, dialling back, and when a room that was found is dialled.

use super::*;
use crate::limits::{INTRODUCE_EVERY, INTRODUCED_ROOMS, NEARBY_ADDRESSES};
use crate::wire::{Back, Closing, Introduced};

fn told(number: u8, addresses: &[&str]) -> Introduced {
    Introduced {
        room: RoomId([number; 16]),
        name: RoomName::parse("Hall").unwrap(),
        addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
    }
}

impl Desk {
    fn introduce(&mut self, rooms: Vec<Introduced>) {
        let now = self.now();
        self.session.introduce(rooms, now);
        self.take();
    }

    fn introduced(&self) -> Vec<Vec<Introduced>> {
        let sent = self.sent().into_iter().filter_map(|frame| match frame {
            ClientFrame::Introduce { rooms } => Some(rooms),
            _ => None,
        });
        sent.collect()
    }

    /// Lets the session's next time come.
    fn until_due(&mut self) {
        self.mono = self.session.next_timeout().unwrap();
        let now = self.now();
        self.session.timeout(now);
        self.take();
    }

    fn sighted(&mut self) -> bool {
        let dials = self.session.sighted();
        self.take();
        assert_eq!(self.did(&Output::Dial), dials);
        dials
    }
}

#[test]
fn rooms_are_told_once_to_each_connection_and_not_too_often() {
    let mut desk = Desk::new(1);
    let one = vec![told(1, &["10.0.0.1:4471"])];
    desk.introduce(one.clone());
    assert_eq!(desk.introduced(), Vec::<Vec<Introduced>>::new());
    desk.enter();
    assert_eq!(desk.introduced(), std::slice::from_ref(&one));
    let begun = desk.mono;
    desk.introduce(one.clone());
    assert_eq!(desk.introduced(), Vec::<Vec<Introduced>>::new());
    let two = vec![told(1, &["10.0.0.1:4471"]), told(2, &["10.0.0.2:4470"])];
    desk.introduce(two.clone());
    assert_eq!(desk.introduced(), Vec::<Vec<Introduced>>::new());
    desk.until_due();
    assert_eq!(desk.mono, begun + INTRODUCE_EVERY);
    assert_eq!(desk.introduced(), std::slice::from_ref(&two));
    // Over a new connection again, and not sooner.
    desk.closed(None);
    desk.until_due();
    desk.enter();
    assert_eq!(desk.introduced(), Vec::<Vec<Introduced>>::new());
    desk.until_due();
    assert_eq!(desk.introduced(), [two]);
    // That there are none any more is told, too.
    desk.mono += INTRODUCE_EVERY;
    desk.introduce(Vec::new());
    assert_eq!(desk.introduced(), [Vec::new()]);
    desk.mono += INTRODUCE_EVERY;
    let many = (0..200).map(|number| told(number, &["10.0.0.1:4470"; 99]));
    let mut many: Vec<_> = many.collect();
    many[3].room = room();
    many[4].addresses.clear();
    many[5].addresses = vec!["printer.local".to_owned(), "198.51.100.1".to_owned()];
    desk.introduce(many);
    let told = &desk.introduced()[0];
    assert_eq!(told.len(), INTRODUCED_ROOMS);
    let other = |told: &Introduced| told.room != room() && told.room != RoomId([5; 16]);
    assert!(told.iter().all(other), "{told:?}");
    let count = |told: &Introduced| told.addresses.len() == NEARBY_ADDRESSES;
    assert!(told.iter().all(count), "{told:?}");
}

#[test]
fn what_members_tell_of_is_passed_on_in_bounds_and_by_their_name() {
    let mut desk = Desk::new(1);
    desk.enter_as(Welcome {
        members: vec![in_room(me(), "Ada"), in_room(bob().member(), "Bob")],
        ..welcome()
    });
    let rooms = vec![
        told(
            1,
            &[
                "10.0.0.1",
                "!!!",
                "[fe80::1%eth0]:4471",
                "10.0.0.1:22",
                "printer.local",
                "198.51.100.1",
                "127.0.0.1",
            ],
        ),
        told(2, &["!!!"]),
        Introduced {
            room: room(),
            ..told(3, &["10.0.0.1"])
        },
    ];
    let introduced = |member| ServerFrame::Introduced {
        member,
        rooms: rooms.clone(),
    };
    desk.frame(introduced(bob().member()));
    let expected = Output::Introduced {
        member: bob().member(),
        by: name("Bob"),
        rooms: vec![told(1, &["10.0.0.1:4470", "[fe80::1%eth0]:4471"])],
    };
    assert_eq!(desk.outputs, [expected]);
    // From oneself, or nobody who is here.
    desk.frame(introduced(me()));
    desk.frame(introduced(MemberId([9; 32])));
    assert_eq!(desk.outputs, []);
}

/// **G5**
#[test]
fn what_a_member_told_of_is_taken_back_once_when_nobody_vouches_for_it() {
    let members = || {
        vec![
            in_room(me(), "Ada"),
            in_room(bob().member(), "Bob"),
            in_room(MemberId([9; 32]), "Carol"),
        ]
    };
    let welcomed = || Welcome {
        members: members(),
        ..welcome()
    };
    let told_by = |member| ServerFrame::Introduced {
        member,
        rooms: vec![told(1, &["10.0.0.1"])],
    };
    let taken = |desk: &Desk| {
        let outputs = desk.outputs.iter().filter_map(|output| match output {
            Output::Introduced { member, rooms, .. } if rooms.is_empty() => Some(*member),
            _ => None,
        });
        outputs.collect::<Vec<_>>()
    };
    let (bobs, carols) = (bob().member(), MemberId([9; 32]));
    let (mut muted, mut gone) = (in_room(bobs, "Bob"), in_room(bobs, "Bob"));
    muted.muted = true;
    gone.presence = Presence::Gone;
    for frame in [muted.clone(), gone].map(ServerFrame::Presence) {
        let mut desk = Desk::new(1);
        desk.enter_as(welcomed());
        desk.frame(told_by(carols));
        desk.frame(frame.clone());
        assert_eq!(taken(&desk), [], "nothing was told");
        desk.frame(ServerFrame::Presence(in_room(bobs, "Bob")));
        desk.frame(told_by(bobs));
        desk.frame(frame.clone());
        assert_eq!(taken(&desk), [bobs]);
        desk.frame(frame);
        assert_eq!(taken(&desk), [], "once");
        desk.frame(told_by(bobs));
        assert!(
            !desk
                .outputs
                .iter()
                .any(|output| matches!(output, Output::Introduced { .. }))
        );
        desk.closed(None);
        assert_eq!(taken(&desk), [carols], "the rest with the connection");
        desk.until_due();
        desk.enter_as(welcomed());
        desk.closed(None);
        assert_eq!(taken(&desk), [], "once");
    }
    // By the member itself.
    let mut desk = Desk::new(1);
    desk.enter_as(welcomed());
    let none = ServerFrame::Introduced {
        member: bobs,
        rooms: Vec::new(),
    };
    desk.frame(told_by(bobs));
    desk.frame(none.clone());
    assert_eq!(taken(&desk), [bobs]);
    desk.frame(none);
    desk.closed(None);
    assert_eq!(taken(&desk), []);
}

#[test]
fn where_was_dialled_back_is_an_address_or_nothing() {
    let mut desk = Desk::new(1);
    desk.enter();
    for (said, told) in [
        (Some("10.0.0.1"), Some("10.0.0.1:4470")),
        (Some("[fe80::1]:4471"), Some("[fe80::1]:4471")),
        (
            Some("10.0.0.1 All is well:\nturn your firewall off"),
            Some("10.0.0.1:4470"),
        ),
        (Some("All is well\u{202e}"), None),
        (Some(""), None),
        (None, None),
    ] {
        desk.frame(ServerFrame::DialledBack {
            member: bob().member(),
            room: RoomId([1; 16]),
            address: said.map(ToOwned::to_owned),
            outcome: Back::Reached,
        });
        let [Output::DialledBack { address, .. }] = &desk.outputs[..] else {
            panic!("{:?}", desk.outputs);
        };
        assert_eq!(address.as_deref(), told, "{said:?}");
    }
}

#[test]
fn dialling_back_is_asked_for_and_answered_in_the_room_only() {
    let (asks, answers) = (
        ServerFrame::DialBack {
            member: bob().member(),
            room: RoomId([1; 16]),
            address: "10.0.0.1:4470".to_owned(),
        },
        ServerFrame::DialledBack {
            member: bob().member(),
            room: RoomId([1; 16]),
            address: None,
            outcome: Back::Declined,
        },
    );
    let mut desk = Desk::new(1);
    desk.greet();
    for frame in [&asks, &answers] {
        desk.frame(frame.clone());
        assert_eq!(desk.outputs, []);
    }
    let asked = |desk: &mut Desk| {
        let asked = desk.session.dial_back(bob().member(), room(), 4470);
        desk.take();
        asked
    };
    assert_eq!(asked(&mut desk), Err(NotConnected));
    let answer = |desk: &mut Desk| {
        let room = RoomId([1; 16]);
        let outcome = Back::Reached;
        desk.session.dialled_back(bob().member(), room, outcome);
        desk.take();
        desk.sent().len()
    };
    assert_eq!(answer(&mut desk), 0);
    desk.frame(ServerFrame::Welcome(Box::new(welcome())));
    assert_eq!(asked(&mut desk), Ok(()));
    assert_eq!(desk.sent().len(), 1);
    assert_eq!(answer(&mut desk), 1);
    desk.frame(asks);
    assert!(matches!(desk.outputs[..], [Output::DialBack { .. }]));
    desk.frame(answers);
    assert!(matches!(desk.outputs[..], [Output::DialledBack { .. }]));
}

#[test]
fn f70_a_room_that_was_found_is_dialled_where_that_can_help() {
    let failed = |desk: &mut Desk, trouble| {
        let now = desk.now();
        desk.session.dial_failed(trouble, now);
        desk.take();
    };
    let mut desk = Desk::new(1);
    assert!(!desk.sighted(), "it is being dialled");
    failed(&mut desk, Trouble::NobodyAnswers);
    assert!(desk.sighted());
    desk.enter();
    assert!(!desk.sighted(), "it is here");
    assert!(desk.session.is_in_touch());
    desk.frame(ServerFrame::Closing {
        reason: Closing::HostClosed,
    });
    desk.closed(Some(close::HOST_CLOSED));
    assert!(!desk.session.is_in_touch());
    assert!(desk.sighted(), "it is open again");
    desk.open();
    desk.greeting(
        1,
        1,
        vec![hosted(&RoomKey::from_secret(&[9; 32]), "Lab", vec![])],
    );
    let (trouble, closed) = (Trouble::KeyChanged, desk.link());
    assert_eq!(closed, Some(LinkState::Closed { trouble }));
    assert!(desk.sighted(), "it proved itself elsewhere");
    desk.open();
    desk.closed(Some(close::BANNED));
    assert!(!desk.sighted());
    desk.session.redial();
    desk.session.stop();
    desk.take();
    assert!(!desk.sighted(), "somebody stopped it");
}

#[test]
fn a_relay_without_the_room_is_no_reason_to_wait_for_whoever_was_never_in() {
    let mut desk = Desk::new(1);
    let now = desk.now();
    desk.session.dial_failed(Trouble::NoSuchRoom, now);
    desk.take();
    let trouble = Trouble::NoSuchRoom;
    assert_eq!(desk.link(), Some(LinkState::Closed { trouble }));
    let mut desk = Desk::online();
    desk.closed(None);
    let now = desk.now();
    desk.session.redial();
    desk.session.dial_failed(Trouble::NoSuchRoom, now);
    desk.take();
    assert!(matches!(desk.link(), Some(LinkState::Waiting { .. })));
}
