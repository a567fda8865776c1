//! The ways into a room, end to end: open, by passcode, by invite, by knocking; and out of it.

use chatspot_client::Opening;
use chatspot_protocol::event::{Admission, Moderation, Role, RoomSettings};
use chatspot_protocol::ids::{InviteId, RoomId};
use chatspot_protocol::passcode::Passcode;
use chatspot_protocol::view::{
    AddressKind, FailureCode, HostAddress, Hosting, LinkState, RoomView, Trouble, Verified,
};
use chatspot_relay::Relay;

use crate::window::{Window, relay, spec};

const PASSCODE: &str = "copper lantern quiet meadow";

fn rules(admission: Admission) -> RoomSettings {
    RoomSettings {
        admission,
        ..RoomSettings::default()
    }
}

/// A relay with a room that is Ada's, who is in it.
async fn hosted(admission: Admission) -> (Relay, RoomId, Window) {
    let relay = relay();
    let mut ada = Window::new("Ada").await;
    let mut spec = spec(1);
    spec.host = Some(ada.member());
    spec.settings = Some(rules(admission));
    spec.passcode = Some(Passcode::parse(PASSCODE).unwrap());
    let name = spec.name.clone();
    let room = relay.open(spec).unwrap();
    let address = relay.address().to_string();
    let hosting = Hosting {
        running: true,
        port: relay.address().port(),
        other_port: true,
        addresses: vec![HostAddress {
            address: address.clone(),
            interface: "lo".to_owned(),
            kind: AddressKind::Loopback,
        }],
        trouble: None,
        recovered: None,
    };
    let opening = Opening::hosted(address.parse().unwrap(), room, name, hosting);
    ada.client.open(opening).await.unwrap();
    ada.until_room(room, "the door", |open| open.door.is_some())
        .await;
    assert_eq!(ada.room(room).security.verified, Verified::Hosted);
    (relay, room, ada)
}

/// Dials a room, whatever it says.
async fn knock(window: &Window, relay: &Relay, room: RoomId) {
    let address = relay.address().to_string();
    window.client.join(&address, room, "Room 1").await.unwrap();
}

async fn until_in(window: &mut Window, room: RoomId) {
    window
        .until_link(room, |link| *link == LinkState::Online)
        .await;
}

/// The invite that makes guests.
fn for_guests(room: &RoomView) -> Option<InviteId> {
    let mut invites = room.door.as_ref()?.invites.iter();
    let found = invites.find(|invite| invite.role == Role::Guest);
    found.map(|invite| invite.id)
}

#[tokio::test]
async fn a_passcode_opens_a_room_and_proves_it() {
    let (relay, room, mut ada) = hosted(Admission::Passcode).await;
    let mut bob = Window::new("Bob").await;
    knock(&bob, &relay, room).await;
    bob.until_link(room, |link| *link == LinkState::Passcode { wrong: false })
        .await;
    let short = bob.client.passcode(room, "abc").await.unwrap_err();
    assert_eq!(short.code, FailureCode::TooShort);
    bob.client
        .passcode(room, "copper lantern loud")
        .await
        .unwrap();
    bob.until_link(room, |link| *link == LinkState::Passcode { wrong: true })
        .await;
    bob.client
        .passcode(room, "Copper-Lantern Quiet  meadow")
        .await
        .unwrap();
    until_in(&mut bob, room).await;
    bob.until_room(room, "proof", |open| {
        open.security.verified == Verified::Passcode
    })
    .await;
    bob.send(room, "I am in").await;
    ada.until_texts(room, &["I am in"]).await;
    // Whoever is a member is not asked again, and knows the room after a restart.
    let mut bob = bob.restarted().await;
    bob.client.resume().await.unwrap();
    until_in(&mut bob, room).await;
    assert_eq!(bob.room(room).security.verified, Verified::Passcode);
    // Another passcode from now on.
    ada.client
        .set_passcode(room, "another one altogether")
        .await
        .unwrap();
    ada.until_room(room, "the new passcode", |open| {
        let door = open.door.as_ref().and_then(|door| door.passcode.as_ref());
        door.is_some_and(|code| code.as_str() == "another-one-altogether")
    })
    .await;
}

#[tokio::test]
async fn an_invite_opens_a_room_once_and_can_be_revoked() {
    let (relay, room, mut ada) = hosted(Admission::Invite).await;
    let mut bob = Window::new("Bob").await;
    knock(&bob, &relay, room).await;
    bob.until_closed(room, Trouble::InviteNeeded).await;
    let invite = ada.client.make_invite(room, Role::Member, Some(1), None);
    let link = invite.await.unwrap();
    assert_eq!(bob.client.join_link(&link).await.unwrap(), room);
    until_in(&mut bob, room).await;
    bob.until_room(room, "proof", |open| {
        open.security.verified == Verified::Invite
    })
    .await;
    let mut eve = Window::new("Eve").await;
    eve.client.join_link(&link).await.unwrap();
    eve.until_closed(room, Trouble::BadInvite).await;
    // One for many is a link that can be had again, until it is revoked.
    let many = ada.client.make_invite(room, Role::Guest, None, Some(3_600));
    let many = many.await.unwrap();
    ada.until_room(room, "the invite", |open| for_guests(open).is_some())
        .await;
    let id = for_guests(ada.room(room)).unwrap();
    assert_eq!(ada.client.invite_link(room, Some(id)).await.unwrap(), many);
    ada.client.revoke_invite(room, id).await.unwrap();
    ada.until_room(room, "no invite", |open| for_guests(open).is_none())
        .await;
    let mut eve = Window::new("Eve").await;
    eve.client.join_link(&many).await.unwrap();
    eve.until_closed(room, Trouble::BadInvite).await;
    // Bob has no door to keep, and a link without an invite.
    let plain = bob.client.invite_link(room, None).await.unwrap();
    let question = bob.client.read_link(&plain).await.unwrap();
    assert_eq!((question.room, question.invite), (room, false));
    let refused = bob.client.invite_link(room, Some(id)).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::NotAllowed);
}

#[tokio::test]
async fn whoever_knocks_waits_for_an_answer() {
    let (relay, room, mut ada) = hosted(Admission::Knock).await;
    for (name, admit) in [("Bob", true), ("Eve", false)] {
        let mut window = Window::new(name).await;
        knock(&window, &relay, room).await;
        window
            .until_link(room, |link| *link == LinkState::Knocking)
            .await;
        let member = window.member();
        ada.until_room(room, "the knock", |open| {
            let knocks = open.door.as_ref().map(|door| door.knocks.as_slice());
            knocks.is_some_and(|knocks| knocks.iter().any(|knock| knock.member == member))
        })
        .await;
        ada.client.answer_knock(room, member, admit).await.unwrap();
        if admit {
            until_in(&mut window, room).await;
        } else {
            window.until_closed(room, Trouble::Denied).await;
        }
    }
}

#[tokio::test]
async fn f34_who_is_sent_out_is_out_and_who_is_banned_stays_out() {
    let (relay, room, mut ada) = hosted(Admission::Open).await;
    let mut bob = Window::new("Bob").await;
    bob.join(relay.address(), room).await;
    let member = bob.member();
    ada.client
        .moderate(room, member, Moderation::Kick)
        .await
        .unwrap();
    bob.until_closed(room, Trouble::Kicked).await;
    bob.client.redial(room).await.unwrap();
    until_in(&mut bob, room).await;
    ada.client
        .moderate(room, member, Moderation::Ban)
        .await
        .unwrap();
    bob.until_closed(room, Trouble::Banned).await;
    let mut bob = bob.restarted().await;
    bob.client.resume().await.unwrap();
    bob.until_closed(room, Trouble::Banned).await;
    ada.until_room(room, "who is banned", |open| {
        let door = open.door.as_ref();
        door.is_some_and(|door| door.banned.iter().any(|banned| banned.member == member))
    })
    .await;
}

#[tokio::test]
async fn orders_without_a_connection_are_told_so() {
    let (relay, room, mut ada) = hosted(Admission::Open).await;
    ada.client.stop(room).await.unwrap();
    ada.until_closed(room, Trouble::Stopped).await;
    let invite = ada.client.make_invite(room, Role::Member, None, None).await;
    assert_eq!(invite.unwrap_err().code, FailureCode::NotConnected);
    let code = ada.client.set_passcode(room, PASSCODE).await;
    assert_eq!(code.unwrap_err().code, FailureCode::NotConnected);
    drop(relay);
}
