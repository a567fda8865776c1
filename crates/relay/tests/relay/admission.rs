//! Who comes in and who does not, over the socket: rows 12, 13, 33 and 34 of the faults.

use chatspot_protocol::door::{DoorOrder, DoorView};
use chatspot_protocol::event::{Admission, Body, Moderation, Role, RoomSettings, Submission};
use chatspot_protocol::ids::{RoomId, Signature, Token};
use chatspot_protocol::limits::{
    ADDRESS_ATTEMPT_EVERY, ADDRESS_ATTEMPTS, ADDRESS_KNOCKS, BAD_SIGNATURES,
};
use chatspot_protocol::passcode::{Blob, Passcode};
use chatspot_protocol::text::{MessageText, RoomName};
use chatspot_protocol::wire::{ClientFrame, Problem, Reject, ServerFrame, close};
use chatspot_relay::{Plain, Relay, RelayConfig, RoomSpec};

use crate::peer::{Peer, identity, random_id, relay, room_key, skip};

const PASSCODE: &str = "blue-lamp";
/// Whose room it is.
const OWNER: u8 = 2;

fn hosted(admission: Admission) -> (Relay, RoomId) {
    hosted_by(RelayConfig::default(), admission)
}

fn hosted_by(config: RelayConfig, admission: Admission) -> (Relay, RoomId) {
    let relay = relay(config);
    let spec = RoomSpec {
        key: room_key(1),
        name: RoomName::parse("Lab").unwrap(),
        host: Some(identity(OWNER).member()),
        settings: Some(RoomSettings {
            admission,
            ..RoomSettings::default()
        }),
        passcode: Some(Passcode::parse(PASSCODE).unwrap()),
    };
    let room = relay.open(spec).unwrap();
    (relay, room)
}

async fn greeted(relay: &Relay, room: RoomId, number: u8) -> Peer {
    let mut peer = Peer::connect(relay.address(), number).await;
    peer.hello(room).await;
    peer
}

/// Reads on to the next view of the door.
async fn door(peer: &mut Peer) -> DoorView {
    peer.until(|frame| match frame {
        ServerFrame::Door(view) => Some(view),
        _ => None,
    })
    .await
}

async fn order(peer: &mut Peer, order: DoorOrder) {
    peer.send(&ClientFrame::Door(order)).await;
}

async fn refused(peer: &mut Peer, problem: Problem, code: u16) {
    assert_eq!(peer.error().await, problem);
    assert_eq!(peer.end().await, Some(code));
}

#[tokio::test]
async fn who_knows_the_passcode_comes_in_once_and_for_all() {
    let (relay, room) = hosted(Admission::Passcode);
    let mut ada = greeted(&relay, room, 3).await;
    assert!(ada.prove(PASSCODE).await);
    ada.expect_welcome().await;
    ada.round_trip().await;
    ada.cut();
    Peer::join(&relay, room, 3).await.round_trip().await;
}

/// What a hasty client sends before its welcome waits for it.
#[tokio::test]
async fn what_is_said_along_with_the_proof_is_taken() {
    let (relay, room) = hosted(Admission::Passcode);
    let mut ada = greeted(&relay, room, 3).await;
    assert!(ada.prove(PASSCODE).await);
    let id = ada.say("here I am").await;
    ada.expect_welcome().await;
    ada.committed(id).await;
}

#[tokio::test]
async fn f12_a_wrong_passcode_is_slowed_down_and_keeps_no_member_out() {
    let (relay, room) = hosted(Admission::Passcode);
    let mut owner = Peer::join(&relay, room, OWNER).await;
    for _ in 0..ADDRESS_ATTEMPTS {
        let mut guesser = greeted(&relay, room, 3).await;
        let (_, reply) = guesser.begin("red-lamp").await;
        assert!(matches!(reply, ServerFrame::PasscodeReply { .. }));
        let message = Blob(vec![0; 64]);
        guesser.send(&ClientFrame::PasscodeFinish { message }).await;
        refused(&mut guesser, Problem::WrongPasscode, close::NOT_ADMITTED).await;
    }
    // Now even the right one is too much, for everybody of this address.
    let mut late = greeted(&relay, room, 4).await;
    let (_, reply) = late.begin(PASSCODE).await;
    let is_slowed = matches!(&reply, ServerFrame::Error { code, .. } if *code == Problem::SlowDown);
    assert!(is_slowed, "{reply:?}");
    assert_eq!(late.end().await, Some(close::SLOW_DOWN));
    // Members and invites need no attempt.
    Peer::join(&relay, room, OWNER).await.round_trip().await;
    owner.end().await;
    // Another address has attempts of its own.
    let from = "127.0.0.2:0".parse().unwrap();
    let mut other = Peer::connect_from(from, relay.address(), 5).await;
    other.hello(room).await;
    assert!(other.prove(PASSCODE).await);
    other.expect_welcome().await;
    skip(ADDRESS_ATTEMPT_EVERY).await;
    let mut late = greeted(&relay, room, 4).await;
    assert!(late.prove(PASSCODE).await);
    late.expect_welcome().await;
}

#[tokio::test]
async fn f13_an_exchange_that_is_dropped_half_way_is_an_attempt() {
    let (relay, room) = hosted(Admission::Passcode);
    let mut owner = Peer::join(&relay, room, OWNER).await;
    for _ in 0..ADDRESS_ATTEMPTS {
        let mut guesser = greeted(&relay, room, 3).await;
        guesser.begin("red-lamp").await;
        guesser.cut();
    }
    // The one who looks on is told of each.
    while door(&mut owner).await.wrong < ADDRESS_ATTEMPTS {}
    let mut late = greeted(&relay, room, 4).await;
    late.begin(PASSCODE).await;
    assert_eq!(late.end().await, Some(close::SLOW_DOWN));
}

/// It tells nothing, so it costs nothing.
#[tokio::test]
async fn who_is_asked_and_says_nothing_has_not_tried() {
    let (relay, room) = hosted(Admission::Passcode);
    for _ in 0..2 * ADDRESS_ATTEMPTS {
        let mut shy = greeted(&relay, room, 3).await;
        assert_eq!(shy.next().await, Ok(ServerFrame::Challenge));
    }
    let mut ada = greeted(&relay, room, 4).await;
    assert!(ada.prove(PASSCODE).await);
    ada.expect_welcome().await;
}

#[tokio::test]
async fn an_invite_lets_in_whatever_the_door_asks_for_and_as_often_as_it_says() {
    for admission in [Admission::Passcode, Admission::Invite, Admission::Knock] {
        let (relay, room) = hosted(admission);
        let mut owner = Peer::join(&relay, room, OWNER).await;
        let token = Token([9; 16]);
        let invite = DoorOrder::Invite {
            token,
            role: Role::Member,
            uses: Some(1),
            seconds: None,
        };
        order(&mut owner, invite).await;
        while door(&mut owner).await.invites.is_empty() {}
        let mut ada = Peer::connect(relay.address(), 3).await;
        ada.hello_with(room, token).await;
        ada.expect_welcome().await;
        let mut bob = Peer::connect(relay.address(), 4).await;
        bob.hello_with(room, token).await;
        refused(&mut bob, Problem::BadInvite, close::NOT_ADMITTED).await;
    }
    let (relay, room) = hosted(Admission::Invite);
    let mut ada = greeted(&relay, room, 3).await;
    refused(&mut ada, Problem::InviteNeeded, close::NOT_ADMITTED).await;
}

#[tokio::test]
async fn who_knocks_waits_until_the_owner_answers() {
    let (relay, room) = hosted(Admission::Knock);
    let mut owner = Peer::join(&relay, room, OWNER).await;
    for (number, admit) in [(3, true), (4, false)] {
        let mut ada = greeted(&relay, room, number).await;
        assert_eq!(ada.next().await, Ok(ServerFrame::Knocking));
        ada.say("let me in").await;
        assert_eq!(ada.error().await, Problem::OutOfTurn);
        let member = ada.member();
        while door(&mut owner)
            .await
            .knocks
            .first()
            .map(|knock| knock.member)
            != Some(member)
        {}
        order(&mut owner, DoorOrder::Answer { member, admit }).await;
        if admit {
            ada.expect_welcome().await;
            ada.round_trip().await;
        } else {
            refused(&mut ada, Problem::Denied, close::NOT_ADMITTED).await;
        }
    }
}

#[tokio::test]
async fn one_address_cannot_fill_a_door_with_knocks() {
    let (relay, room) = hosted(Admission::Knock);
    let mut knocking = Vec::new();
    for number in 0..u8::try_from(ADDRESS_KNOCKS).unwrap() {
        let mut peer = greeted(&relay, room, 10 + number).await;
        assert_eq!(peer.next().await, Ok(ServerFrame::Knocking));
        knocking.push(peer);
    }
    let mut one_too_many = greeted(&relay, room, 3).await;
    refused(&mut one_too_many, Problem::SlowDown, close::SLOW_DOWN).await;
    let from = "127.0.0.2:0".parse().unwrap();
    let mut other = Peer::connect_from(from, relay.address(), 4).await;
    other.hello(room).await;
    assert_eq!(other.next().await, Ok(ServerFrame::Knocking));
}

#[tokio::test]
async fn an_open_room_is_open_to_its_own_network_only() {
    let config = RelayConfig {
        plain: Plain::On,
        ..RelayConfig::default()
    };
    let (relay, room) = hosted_by(config, Admission::Open);
    Peer::join(&relay, room, 3).await;
    let mut near = Peer::connect_plain(relay.address(), &[], 4).await;
    near.hello(room).await;
    near.expect_welcome().await;
    let proxied = [("x-forwarded-for", "203.0.113.9")];
    let mut far = Peer::connect_plain(relay.address(), &proxied, 5).await;
    far.hello(room).await;
    refused(&mut far, Problem::NotLocal, close::NOT_ADMITTED).await;
}

#[tokio::test]
async fn f33_what_is_signed_wrongly_is_not_taken_and_soon_ends_the_connection() {
    let (relay, room) = hosted(Admission::Open);
    let mut owner = Peer::join(&relay, room, OWNER).await;
    let mut ada = Peer::join(&relay, room, 3).await;
    let message = || Submission::message(random_id(), MessageText::parse("hi").unwrap());
    for number in 1..=BAD_SIGNATURES {
        let mut signed = message().sign(&ada.identity, &room, &ada.name);
        match number % 3 {
            0 => signed.signature = Signature([0; 64]),
            1 => signed = message().sign(&identity(4), &room, &ada.name),
            _ => signed = message().sign(&ada.identity, &RoomId([9; 16]), &ada.name),
        }
        let id = signed.submission.id();
        ada.send(&ClientFrame::Submit(Box::new(signed))).await;
        let rejected = ada
            .until(|frame| match frame {
                ServerFrame::Rejected { id, code, .. } => Some((id, code)),
                _ => None,
            })
            .await;
        assert_eq!(rejected, (id, Reject::BadSignature));
    }
    assert_eq!(ada.end().await, Some(close::UNAUTHENTICATED));
    let last = owner.say("quiet here").await;
    let said = owner
        .until(|frame| match frame {
            ServerFrame::Event(event) => event.body.id().map(|id| (id, event)),
            _ => None,
        })
        .await;
    assert_eq!(said.0, last, "something else was taken");
    assert_eq!(said.1.proof(&room), chatspot_protocol::event::Proof::Author);
}

/// A name is signed, too; it is the one of the frames before.
#[tokio::test]
async fn what_is_said_behind_a_new_name_bears_it() {
    let (relay, room) = hosted(Admission::Open);
    let mut ada = Peer::join(&relay, room, 3).await;
    let name = chatspot_protocol::text::DisplayName::parse("Ada").unwrap();
    ada.send(&ClientFrame::Rename { name: name.clone() }).await;
    let id = ada.say("me again").await;
    assert_eq!(ada.committed(id).await.name, name);
}

#[tokio::test]
async fn f34_who_is_banned_is_sent_out_and_stays_out() {
    let (relay, room) = hosted(Admission::Open);
    let mut owner = Peer::join(&relay, room, OWNER).await;
    let mut ada = Peer::join(&relay, room, 3).await;
    ada.round_trip().await;
    let ban = Body::Moderated {
        id: random_id(),
        member: ada.member(),
        action: Moderation::Ban,
    };
    owner.put(Submission::of(ban).unwrap()).await;
    assert_eq!(ada.end().await, Some(close::BANNED));
    let mut again = greeted(&relay, room, 3).await;
    refused(&mut again, Problem::Banned, close::BANNED).await;
    owner.round_trip().await;
}
