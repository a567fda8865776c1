//! What a room knows of people, and its door, are on the disk; and nobody else reads there.

use std::path::Path;

use chatspot_protocol::door::DoorOrder;
use chatspot_protocol::event::{
    Admission, Body, Moderation, Proof, Retention, Role, RoomSettings, Submission,
};
use chatspot_protocol::ids::{RoomId, Seq, Token};
use chatspot_protocol::passcode::Passcode;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::wire::{ClientFrame, Closing, Problem, ServerFrame};
use chatspot_relay::{Relay, RelayConfig, RoomSpec, Store};

use crate::peer::{Peer, identity, random_id, relay_over, room_key, within};

const OWNER: u8 = 2;

fn over(folder: &Path, settings: RoomSettings) -> (Relay, RoomId) {
    let relay = relay_over(RelayConfig::default(), Store::open(folder).unwrap());
    let spec = RoomSpec {
        key: room_key(1),
        name: RoomName::parse("Lab").unwrap(),
        host: Some(identity(OWNER).member()),
        settings: Some(settings),
        passcode: None,
    };
    let room = relay.open(spec).unwrap();
    (relay, room)
}

async fn stop(relay: Relay) {
    within("the relay to stop", relay.stop(Closing::RelayStopping)).await;
}

#[tokio::test]
async fn members_the_banned_and_the_door_are_known_after_a_restart() {
    for retention in [Retention::Forever, Retention::Nothing] {
        let folder = tempfile::tempdir().unwrap();
        let settings = RoomSettings {
            retention,
            admission: Admission::Passcode,
            ..RoomSettings::default()
        };
        let (relay, room) = over(folder.path(), settings);
        let mut owner = Peer::join(&relay, room, OWNER).await;
        let generated = owner
            .until(|frame| match frame {
                ServerFrame::Door(view) => Some(view.passcode),
                _ => None,
            })
            .await;
        assert!(generated.is_some());
        let passcode = Passcode::parse("green door").unwrap();
        let order = DoorOrder::Passcode { passcode };
        owner.send(&ClientFrame::Door(order)).await;
        let token = Token([9; 16]);
        let order = DoorOrder::Invite {
            token,
            role: Role::Member,
            uses: Some(2),
            seconds: None,
        };
        owner.send(&ClientFrame::Door(order)).await;
        owner
            .until(|frame| match frame {
                ServerFrame::Door(view) => (view.invites.len() == 1).then_some(()),
                _ => None,
            })
            .await;
        let mut members = Vec::new();
        for number in [3, 4] {
            let mut peer = Peer::connect(relay.address(), number).await;
            peer.hello(room).await;
            assert!(peer.prove("green-door").await);
            peer.expect_welcome().await;
            peer.round_trip().await;
            members.push(peer);
        }
        let mut invited = Peer::connect(relay.address(), 5).await;
        invited.hello_with(room, token).await;
        invited.expect_welcome().await;
        invited.round_trip().await;
        let ban = Body::Moderated {
            id: random_id(),
            member: members[1].member(),
            action: Moderation::Ban,
        };
        owner.put(Submission::of(ban).unwrap()).await;
        members[1].end().await;
        drop((members, owner, invited));
        stop(relay).await;

        let (relay, room) = over(folder.path(), RoomSettings::default());
        let mut owner = Peer::join(&relay, room, OWNER).await;
        let view = owner
            .until(|frame| match frame {
                ServerFrame::Door(view) => Some(view),
                _ => None,
            })
            .await;
        assert_eq!(view.passcode.unwrap().as_str(), "green-door");
        assert_eq!(view.invites[0].uses_left, Some(1), "{retention:?}");
        assert_eq!(view.banned.len(), 1);
        // Who was in before comes in without being asked.
        Peer::join(&relay, room, 3).await;
        Peer::join(&relay, room, 5).await;
        let mut banned = Peer::connect(relay.address(), 4).await;
        banned.hello(room).await;
        assert_eq!(banned.error().await, Problem::Banned);
        let mut next = Peer::connect(relay.address(), 6).await;
        next.hello_with(room, token).await;
        next.expect_welcome().await;
        drop((owner, next, banned));
        stop(relay).await;
    }
}

#[tokio::test]
async fn signatures_are_kept_with_what_they_are_on() {
    let folder = tempfile::tempdir().unwrap();
    let (relay, room) = over(folder.path(), RoomSettings::default());
    let mut ada = Peer::join(&relay, room, 3).await;
    ada.round_trip().await;
    ada.cut();
    stop(relay).await;
    let (relay, room) = over(folder.path(), RoomSettings::default());
    let mut ada = Peer::join(&relay, room, 3).await;
    let (from, to) = (Seq(1), Seq::MAX);
    ada.send(&ClientFrame::Fetch { from, to }).await;
    let events = ada
        .until(|frame| match frame {
            ServerFrame::Events { events, .. } => Some(events),
            _ => None,
        })
        .await;
    let proofs: Vec<_> = events.iter().map(|event| event.proof(&room)).collect();
    assert!(proofs.contains(&Proof::Author), "{events:?}");
    assert!(!proofs.contains(&Proof::Missing), "{events:?}");
    drop(ada);
    stop(relay).await;
}

/// The first who opens the relay's own invite owns the room, and nobody after.
#[tokio::test]
async fn a_room_without_an_owner_waits_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut tokens = Vec::new();
    for number in 0..3 {
        let relay = relay_over(RelayConfig::default(), Store::open(folder.path()).unwrap());
        let room = crate::peer::open(&relay, 1);
        let token = relay.owner_invite(room);
        if number == 1 {
            let mut ada = Peer::connect(relay.address(), 3).await;
            ada.hello_with(room, token.unwrap()).await;
            ada.expect_welcome().await;
            let role = ada
                .until(|frame| match frame {
                    ServerFrame::Presence(told) if told.member == identity(3).member() => {
                        Some(told.role)
                    }
                    _ => None,
                })
                .await;
            assert_eq!(role, Role::Owner);
        }
        tokens.push(token);
        stop(relay).await;
    }
    assert!(tokens[0].is_some());
    assert_eq!(tokens[0], tokens[1], "the link that was printed holds");
    assert_eq!(tokens[2], None);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_look_into_the_data_folder() {
    use std::os::unix::fs::PermissionsExt;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    let _records = chatspot_relay::records::RoomRecords::load(&folder).unwrap();
    chatspot_relay::tls::Tls::open(&folder).unwrap();
    let (relay, room) = over(&folder, RoomSettings::default());
    Peer::join(&relay, room, 3).await.round_trip().await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        // A backup's temporary file may be gone by now; a lock holds nothing.
        let Ok(data) = std::fs::metadata(&path) else {
            continue;
        };
        if data.len() > 0 {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
    stop(relay).await;
}
