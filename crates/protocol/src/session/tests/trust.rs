//! Whether what answers is the room: before that is shown, nothing is sent to it.

use super::*;
use crate::identity::{Channel, hello_is_genuine};
use crate::limits::WARRANTS;

fn other_key() -> RoomKey {
    RoomKey::from_secret(&[9; 32])
}

/// What is wrong with a greeting, and what of it is shown.
fn refused(desk: &mut Desk, line: Line, rooms: Vec<Hosted>) -> Option<String> {
    desk.open_line(line);
    desk.greeting(1, 1, rooms);
    assert_eq!(desk.sent(), [], "nothing is said to it");
    assert!(desk.did(&Output::Hangup(close::NORMAL)));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::KeyChanged, true),
        "there is no dialling on by itself"
    );
    assert_eq!(desk.session.next_timeout(), None);
    let mut told = offered(desk);
    told.pop().expect("the window is told what answered")
}

/// What the window was told of what answered.
fn offered(desk: &Desk) -> Vec<Option<String>> {
    let told = desk
        .changes()
        .into_iter()
        .filter_map(|change| match change {
            RoomChange::Security { security } => {
                assert_eq!(security.fingerprint, room().fingerprint());
                Some(security.offered)
            }
            _ => None,
        });
    told.collect()
}

fn security(verified: Verified) -> RoomChange {
    RoomChange::Security {
        security: crate::view::Security {
            fingerprint: room().fingerprint(),
            verified,
            offered: None,
        },
    }
}

fn trusted(desk: &Desk) -> Vec<Trust> {
    let kept = desk.keeps().into_iter().filter_map(|keep| match keep {
        Keep::Trust { trust } => Some(trust),
        _ => None,
    });
    kept.collect()
}

fn term(term: u64) -> Trust {
    Trust {
        term,
        verified: Verified::No,
    }
}

/// The room with these terms, on the relay that was dialled.
fn terms(terms: &[u64]) -> Vec<Hosted> {
    let key = room_key();
    let warrants = terms.iter().map(|term| key.warrant(*term, by_tls(TLS)));
    vec![hosted(&key, "Lab", warrants.collect())]
}

fn resumed(trust: Trust) -> Desk {
    let resume = Resume {
        name: Some(RoomName::parse("Lab").unwrap()),
        cursor: Some(Cursor {
            log: 1,
            epoch: EPOCH,
            next: Seq(1),
            low: Seq(1),
        }),
        trust,
        ..Resume::default()
    };
    Desk::resumed(1, resume)
}

#[test]
fn f74_who_only_announces_the_room_is_refused() {
    let (key, other) = (room_key(), other_key());
    let by_domain = |domain: &str| RelayName::Domain {
        domain: domain.to_owned(),
    };
    let foreign = other.warrant(1, by_tls(TLS));
    let unproven = [
        Vec::new(),
        // It was given to another relay, and copied.
        vec![key.warrant(1, by_tls(TlsKey([66; 32])))],
        // Nobody checked that name.
        vec![key.warrant(1, by_domain("chat.example"))],
        vec![key.warrant(1, RelayName::Unknown)],
        // Somebody else's signature.
        vec![foreign.clone()],
        vec![Warrant {
            term: 2,
            ..key.warrant(1, by_tls(TLS))
        }],
    ];
    for warrants in unproven {
        let rooms = vec![hosted(&key, "Lab", warrants)];
        let offered = refused(&mut Desk::new(1), line(), rooms);
        assert_eq!(
            offered, None,
            "its key is the right one, and proves nothing"
        );
    }
    // The id with another key.
    let mut false_key = hosted(&other, "Lab", vec![foreign]);
    false_key.summary.room = room();
    let offered = refused(&mut Desk::new(1), line(), vec![false_key.clone()]);
    assert_eq!(offered, Some(other.id().fingerprint()));
    // Beside the true one it is nothing.
    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(1, 1, vec![false_key, genuine()]);
    assert!(desk.hello().is_some());
}

#[test]
fn f83_a_room_of_the_same_name_in_its_place_is_told_with_its_key() {
    let other = other_key();
    let another = hosted(&other, "Lab", vec![other.warrant(1, by_tls(TLS))]);
    let mut known = resumed(term(1));
    let mut seen = Desk::online();
    seen.closed(None);
    seen.timeout();
    for desk in [&mut known, &mut seen] {
        let offered = refused(desk, line(), vec![another.clone()]);
        assert_eq!(offered, Some(other.id().fingerprint()));
        // There is no going on but by asking anew, and then it is looked at anew.
        desk.session.woke();
        desk.take();
        assert_eq!(desk.outputs, []);
        desk.session.redial();
        desk.take();
        assert!(desk.did(&Output::Dial));
        assert_eq!(self::offered(desk), [None]);
        refused(desk, line(), vec![another.clone()]);
        desk.session.redial();
        desk.take();
        desk.enter();
    }
    // Of another name it is another room, and ours may be starting again.
    let mut desk = resumed(term(1));
    desk.open();
    desk.greeting(1, 1, vec![hosted(&other, "Office", Vec::new())]);
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::NoSuchRoom, false)
    );
    // Who was never there has nothing to compare with.
    let resume = Resume {
        name: Some(RoomName::parse("Lab").unwrap()),
        ..Resume::default()
    };
    let mut desk = Desk::resumed(1, resume);
    desk.open();
    desk.greeting(1, 1, vec![another]);
    assert_eq!(desk.trouble(), Trouble::NoSuchRoom);
}

#[test]
fn a_hello_is_bound_to_the_tls_that_the_warrant_names() {
    let mut desk = Desk::new(1);
    desk.greet();
    let hello = desk.hello().expect("a hello");
    let tls = Channel::Tls(EXPORTER);
    assert!(hello_is_genuine(
        &me(),
        &tls,
        &NONCE,
        &room(),
        &hello.signature
    ));
    assert_eq!(hello.token, None);
}

#[test]
fn a_hello_behind_a_proxy_is_bound_to_the_nonce() {
    let key = room_key();
    let named = RelayName::Domain {
        domain: "chat.example".to_owned(),
    };
    let vouched = Line {
        domain: Some("chat.example".to_owned()),
        ..line()
    };
    let rooms = || vec![hosted(&key, "Lab", vec![key.warrant(1, named.clone())])];
    let mut desk = Desk::new(1);
    desk.open_line(vouched.clone());
    desk.greeting(1, 1, rooms());
    let hello = desk.hello().expect("a hello");
    assert!(hello_is_genuine(
        &me(),
        &Channel::Nonce,
        &NONCE,
        &room(),
        &hello.signature
    ));
    // Another name is another relay.
    let other = Line {
        domain: Some("evil.example".to_owned()),
        ..line()
    };
    refused(&mut Desk::new(1), other, rooms());
    // Where the relay ends the TLS by itself, the TLS counts.
    let both = vec![key.warrant(5, named), key.warrant(5, by_tls(TLS))];
    let mut desk = Desk::new(1);
    desk.open_line(vouched);
    desk.greeting(1, 1, vec![hosted(&key, "Lab", both)]);
    let hello = desk.hello().expect("a hello");
    let tls = Channel::Tls(EXPORTER);
    assert!(hello_is_genuine(
        &me(),
        &tls,
        &NONCE,
        &room(),
        &hello.signature
    ));
}

#[test]
fn the_highest_term_is_kept_and_lower_ones_are_refused() {
    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(1, 1, terms(&[1, 3, 2]));
    assert_eq!(desk.keeps(), [], "there is no room yet to write it to");
    desk.frame(ServerFrame::Welcome(Box::new(welcome())));
    assert_eq!(trusted(&desk), [term(3)]);
    desk.closed(None);
    desk.timeout();
    desk.open();
    desk.greeting(1, 1, terms(&[3]));
    assert_eq!(trusted(&desk), [], "it is known");
    desk.closed(None);
    desk.timeout();
    desk.open();
    desk.greeting(1, 1, terms(&[4]));
    assert_eq!(trusted(&desk), [term(4)], "before anything is sent");
    assert!(desk.hello().is_some());
    desk.closed(None);
    desk.timeout();
    refused(&mut desk, line(), terms(&[3, 1]));
    // From before a restart.
    refused(&mut resumed(term(4)), line(), terms(&[3]));
    let mut desk = resumed(term(4));
    desk.open();
    desk.greeting(1, 1, terms(&[4]));
    assert!(desk.hello().is_some());
}

/// A relay that lists thousands of warrants costs no more than one that lists a few.
#[test]
fn only_a_few_warrants_are_looked_at() {
    let key = room_key();
    let mut warrants = vec![other_key().warrant(1, by_tls(TLS)); WARRANTS];
    // Those for other relays are passed over.
    warrants.extend(vec![key.warrant(1, by_tls(TlsKey([66; 32]))); WARRANTS]);
    warrants.push(key.warrant(1, by_tls(TLS)));
    let rooms = |warrants| vec![hosted(&key, "Lab", warrants)];
    refused(&mut Desk::new(1), line(), rooms(warrants.clone()));
    warrants.remove(0);
    let mut desk = Desk::new(1);
    desk.open();
    desk.greeting(1, 1, rooms(warrants));
    assert!(desk.hello().is_some());
}

#[test]
fn f57_trust_that_could_not_be_kept_is_kept_by_the_next_welcome() {
    let mut desk = Desk::online();
    assert_eq!(trusted(&desk), [term(1)]);
    let now = desk.now();
    desk.session.not_kept(now);
    desk.take();
    desk.timeout();
    desk.greet();
    assert_eq!(trusted(&desk), [term(1)]);
}

#[test]
fn what_is_known_from_before_is_shown_at_once() {
    let hosting = Trust {
        term: 2,
        verified: Verified::Hosted,
    };
    let resume = Resume {
        trust: hosting,
        ..Resume::default()
    };
    let desk = Desk::resumed(1, resume);
    assert!(desk.changes().contains(&security(Verified::Hosted)));
}

#[test]
fn a_link_says_what_it_knows_of_the_room() {
    let mut desk = Desk::online();
    desk.session.invited(None, Verified::Invite);
    desk.take();
    let trust = Trust {
        term: 1,
        verified: Verified::Invite,
    };
    assert_eq!(
        desk.outputs,
        [
            Output::Keep(Keep::Trust { trust }),
            Output::Change(security(Verified::Invite)),
        ]
    );
    // Less than what is known is no news.
    desk.session.invited(None, Verified::Passcode);
    desk.take();
    assert_eq!(desk.outputs, []);
}
