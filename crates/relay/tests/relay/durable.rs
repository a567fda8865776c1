//! What is said stays said: over restarts, cuts and full disks, for as long as the room's rules say.

use std::path::Path;

use chatspot_protocol::event::{Body, Days, Retention, RoomSettings, Submission, Target};
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::{ClientId, Epoch, RoomId, Seq};
use chatspot_protocol::text::{MessageText, RoomName};
use chatspot_protocol::wire::{ClientFrame, Closing, Reject, ServerFrame};
use chatspot_relay::{Relay, RelayConfig, RoomSpec, Store};

use crate::peer::{
    Peer, identity, open, open_hosted, random_id, relay, relay_over, relay_with_room, texts,
    unhurried, within,
};

fn over(folder: &Path) -> (Relay, RoomId) {
    let relay = relay_over(unhurried(), Store::open(folder).unwrap());
    let room = open(&relay, 1);
    (relay, room)
}

/// Without its peers: one that does not take its goodbye would be waited for.
async fn stop(relay: Relay, peers: impl IntoIterator<Item = Peer>) {
    peers.into_iter().for_each(Peer::cut);
    within("the relay to stop", relay.stop(Closing::RelayStopping)).await;
}

async fn rejected(peer: &mut Peer) -> (ClientId, Reject) {
    peer.until(|frame| match frame {
        ServerFrame::Rejected { id, code, .. } => Some((id, code)),
        _ => None,
    })
    .await
}

/// The log's name, and what is in it.
async fn log(peer: &mut Peer) -> (Epoch, Vec<(Seq, String)>) {
    let welcome = peer.welcome.clone().unwrap();
    let (from, to) = (welcome.first, Seq::MAX);
    peer.send(&ClientFrame::Fetch { from, to }).await;
    let events = peer
        .until(|frame| match frame {
            ServerFrame::Events { events, .. } => Some(events),
            _ => None,
        })
        .await;
    let said = events.into_iter().filter_map(|event| match event.body {
        Body::Message { text, .. } => Some((event.seq, text.as_str().to_owned())),
        _ => None,
    });
    (welcome.epoch, said.collect())
}

#[tokio::test]
async fn the_log_is_the_same_one_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (first, room) = over(folder.path());
    let mut ada = Peer::join(&first, room, 2).await;
    for text in ["one", "two"] {
        let id = ada.say(text).await;
        ada.committed(id).await;
    }
    let before = log(&mut ada).await;
    assert_eq!(before.1.len(), 2);
    stop(first, [ada]).await;
    let (second, room) = over(folder.path());
    assert_eq!(second.recovered(), None);
    let mut ada = Peer::join(&second, room, 2).await;
    assert_eq!(log(&mut ada).await, before);
    let id = ada.say("three").await;
    let head = ada.welcome.clone().unwrap().head;
    let next = ada.committed(id).await.seq;
    assert_eq!(next, Seq(head.0 + 1), "by the log she was never gone");
}

/// **S2**, **S3**
#[tokio::test]
async fn f25_f26_an_id_stays_used_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (first, room) = over(folder.path());
    let mut ada = Peer::join(&first, room, 2).await;
    let id = ada.say("hi").await;
    let event = ada.committed(id).await;
    stop(first, [ada]).await;
    let (second, room) = over(folder.path());
    let mut ada = Peer::join(&second, room, 2).await;
    ada.submit(id, "hi").await;
    assert_eq!(ada.committed(id).await, event);
    ada.submit(id, "ho").await;
    assert_eq!(rejected(&mut ada).await, (id, Reject::IdConflict));
}

#[tokio::test]
async fn f67_a_message_whose_acknowledgement_was_cut_off_is_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let (relay, room) = over(folder.path());
    let mut bob = Peer::join(&relay, room, 3).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let mut ada = Peer::join(&relay, room, 2).await;
        let id = ada.say(&format!("message {number}")).await;
        // Cut before the answer; whether the relay read it is open.
        ada.cut();
        let mut ada = Peer::join(&relay, room, 2).await;
        ada.submit(id, &format!("message {number}")).await;
        ids.push(ada.committed(id).await.seq);
        ada.cut();
    }
    let last = bob.say("the end").await;
    bob.committed(last).await;
    let (_, said) = log(&mut bob).await;
    let expected = (0..20).map(|number| format!("message {number}"));
    let expected: Vec<_> = expected.chain(["the end".to_owned()]).collect();
    assert_eq!(
        said.iter()
            .map(|(_, text)| text.clone())
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(
        said[..20].iter().map(|(seq, _)| *seq).collect::<Vec<_>>(),
        ids
    );
}

/// Needs the right to mount; elsewhere it says that it did nothing.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn f57_a_full_disk_is_told_reading_goes_on_and_so_does_writing_when_there_is_space() {
    struct Mount<'a>(&'a Path);
    impl Drop for Mount<'_> {
        fn drop(&mut self) {
            let umount = || {
                std::process::Command::new("umount")
                    .arg("-l")
                    .arg(self.0)
                    .status()
            };
            let _ = umount();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "none"])
        .arg(folder.path())
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("skipped: this user may not mount");
        return;
    }
    let _mount = Mount(folder.path());
    let (relay, room) = over(folder.path());
    let mut ada = Peer::join(&relay, room, 2).await;
    let id = ada.say("kept").await;
    ada.committed(id).await;
    let filler = folder.path().join("filler");
    let (mut lost, mut written) = (None, 0_usize);
    while lost.is_none() {
        assert!(written < 1_000, "the disk takes everything");
        // Fill what is left; the log may still have some room in its last page.
        let mut size = 1024 * 1024;
        while size > 0 {
            use std::io::Write;
            let file = std::fs::File::options()
                .append(true)
                .create(true)
                .open(&filler);
            if file
                .and_then(|mut file| file.write_all(&vec![0; size]))
                .is_err()
            {
                size /= 2;
            }
        }
        let id = ada.say(&"x".repeat(8_000)).await;
        written += 1;
        lost = ada
            .until(|frame| match frame {
                ServerFrame::Rejected { id: of, code, .. } if of == id => {
                    assert_eq!(code, Reject::NotSaved);
                    Some(Some(id))
                }
                ServerFrame::Event(event) if event.body.id() == Some(id) => Some(None),
                _ => None,
            })
            .await;
    }
    let lost = lost.unwrap();
    assert_eq!(log(&mut ada).await.1[0].1, "kept");
    std::fs::remove_file(&filler).unwrap();
    ada.submit(lost, &"x".repeat(8_000)).await;
    let saved = ada.committed(lost).await.seq;
    let last = ada.say("goes on").await;
    assert_eq!(ada.committed(last).await.seq, saved.next());
    // A member who joined while nothing could be written is here all the same.
    Peer::join(&relay, room, 3).await;
    stop(relay, [ada]).await;
    let (relay, room) = over(folder.path());
    let mut ada = Peer::join(&relay, room, 2).await;
    let (_, said) = log(&mut ada).await;
    assert_eq!(said.last().unwrap().1, "goes on");
    stop(relay, [ada]).await;
}

fn spec() -> RoomSpec {
    RoomSpec {
        key: RoomKey::from_secret(&[1; 32]),
        name: RoomName::parse("Room 1").unwrap(),
        host: None,
        settings: None,
        passcode: None,
    }
}

#[tokio::test]
async fn a_rule_that_the_relay_sets_is_an_event_of_the_room_itself() {
    let folder = tempfile::tempdir().unwrap();
    let days = Retention::Days {
        days: Days::new(30).unwrap(),
    };
    for (number, (given, expected)) in [
        (None, Retention::Forever),
        (Some(days), days),
        (None, days),
        (Some(days), days),
        (Some(Retention::Nothing), Retention::Nothing),
    ]
    .into_iter()
    .enumerate()
    {
        let relay = relay_over(unhurried(), Store::open(folder.path()).unwrap());
        let room = relay.open(spec()).unwrap();
        if let Some(retention) = given {
            let before = relay.settings(room).unwrap();
            if before.retention != retention {
                let asked = RoomSettings {
                    retention,
                    ..before
                };
                assert!(relay.rule(room, asked).await.unwrap());
            }
        }
        let mut ada = Peer::join(&relay, room, 2).await;
        ada.round_trip().await;
        let welcome = Peer::join(&relay, room, 3).await.welcome.unwrap();
        assert_eq!(welcome.settings.retention, expected, "opening {number}");
        assert_eq!(relay.settings(room), Some(welcome.settings));
        let (from, to) = (welcome.first, Seq::MAX);
        ada.send(&ClientFrame::Fetch { from, to }).await;
        let events = ada
            .until(|frame| match frame {
                ServerFrame::Events { events, .. } => Some(events),
                _ => None,
            })
            .await;
        let rules = events
            .iter()
            .filter(|event| matches!(event.body, Body::Settings { .. }));
        let authors: Vec<_> = rules.map(|event| event.author).collect();
        let rules = usize::from(number > 0);
        assert_eq!(
            authors,
            vec![spec().key.author().member(); rules],
            "{number}"
        );
        stop(relay, [ada]).await;
    }
}

#[tokio::test]
async fn a_room_that_keeps_nothing_resumes_a_short_cut_and_forgets_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay_over(unhurried(), Store::open(folder.path()).unwrap());
    let settings = RoomSettings {
        retention: Retention::Nothing,
        ..RoomSettings::default()
    };
    let spec = RoomSpec {
        settings: Some(settings),
        ..spec()
    };
    let room = relay.open(spec).unwrap();
    let mut bob = Peer::join(&relay, room, 3).await;
    let mut ada = Peer::join(&relay, room, 2).await;
    ada.cut();
    let id = bob.say("while she was away").await;
    let event = bob.committed(id).await;
    ada = Peer::join(&relay, room, 2).await;
    assert_eq!(
        log(&mut ada).await.1,
        [(event.seq, "while she was away".to_owned())]
    );
    stop(relay, [ada, bob]).await;
    let (relay, room) = over(folder.path());
    let mut ada = Peer::join(&relay, room, 2).await;
    let welcome = ada.welcome.clone().unwrap();
    assert_eq!(welcome.first, welcome.head.next());
    assert_eq!(welcome.settings.retention, Retention::Nothing);
    ada.round_trip().await;
    stop(relay, [ada]).await;
}

#[tokio::test]
async fn the_rules_are_the_hosts_to_set() {
    let relay = relay(RelayConfig::default());
    let room = open_hosted(&relay, 1, Some(identity(2).member()));
    let (mut host, mut guest) = (
        Peer::join(&relay, room, 2).await,
        Peer::join(&relay, room, 3).await,
    );
    let settings = RoomSettings {
        retention: Retention::Nothing,
        ..RoomSettings::default()
    };
    let id = random_id();
    guest.put(Submission::settings(id, settings)).await;
    assert_eq!(rejected(&mut guest).await, (id, Reject::NotAllowed));
    assert_eq!(relay.settings(room), Some(RoomSettings::default()));
    host.put(Submission::settings(id, settings)).await;
    guest
        .until(|frame| match frame {
            ServerFrame::Event(event) => {
                matches!(event.body, Body::Settings { settings: new, .. } if new == settings)
                    .then_some(())
            }
            _ => None,
        })
        .await;
    assert_eq!(relay.settings(room), Some(settings));
    let late = Peer::join(&relay, room, 4).await.welcome.unwrap();
    assert_eq!(late.settings, settings);
}

#[tokio::test]
async fn f35_a_message_is_its_authors_to_change_and_has_to_be_there() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let (mut ada, mut bob) = (
        Peer::join(&relay, room, 2).await,
        Peer::join(&relay, room, 3).await,
    );
    let message = ada.say("hi").await;
    bob.committed(message).await;
    let target = Target {
        author: ada.member(),
        id: message,
    };
    let edit = |id| {
        let text = MessageText::parse("ho").unwrap();
        Submission::try_from(Body::Edited { id, target, text }).unwrap()
    };
    let id = random_id();
    bob.put(edit(id)).await;
    assert_eq!(rejected(&mut bob).await, (id, Reject::NotAllowed));
    ada.put(edit(id)).await;
    let seen = bob
        .until(|frame| match frame {
            ServerFrame::Event(event) if event.body.target().is_some() => Some(event),
            _ => None,
        })
        .await;
    assert_eq!((seen.author, seen.body.id()), (ada.member(), Some(id)));
    let (id, missing) = (random_id(), random_id());
    let target = Target {
        author: ada.member(),
        id: missing,
    };
    let deletion = Submission::try_from(Body::Deleted { id, target }).unwrap();
    ada.put(deletion).await;
    assert_eq!(rejected(&mut ada).await, (id, Reject::NoSuchMessage));
}

#[tokio::test]
async fn f75_two_hundred_who_join_at_once_are_all_in_sync() {
    const MEMBERS: u8 = 200;
    let folder = tempfile::tempdir().unwrap();
    let config = RelayConfig {
        address_unauthenticated: usize::from(MEMBERS),
        ..unhurried()
    };
    let relay = relay_over(config, Store::open(folder.path()).unwrap());
    let room = open(&relay, 1);
    let address = relay.address();
    let joining = (0..MEMBERS).map(|number| {
        tokio::spawn(async move {
            let mut peer = Peer::join_at(address, room, number + 1).await;
            let id = peer.say(&format!("{number}")).await;
            let mut seen = Vec::new();
            // The own message is the last thing that this one waits for.
            loop {
                let event = peer.event().await;
                let done = event.body.id() == Some(id);
                seen.push(event);
                if done {
                    return (peer, seen);
                }
            }
        })
    });
    let joining: Vec<_> = joining.collect();
    let mut peers = Vec::new();
    for peer in joining {
        peers.push(within("everybody to be in", peer).await.unwrap());
    }
    let last = peers[0].0.say("all here").await;
    let mut logs = Vec::new();
    for (peer, seen) in &mut peers {
        loop {
            let event = peer.event().await;
            let done = event.body.id() == Some(last);
            seen.push(event);
            if done {
                break;
            }
        }
        assert!(seen.is_sorted_by(|a, b| a.seq.next() == b.seq), "a hole");
        logs.push(seen);
    }
    let longest = logs.iter().max_by_key(|log| log.len()).unwrap();
    assert_eq!(texts(longest).len(), usize::from(MEMBERS) + 1);
    for log in &logs {
        assert!(longest.ends_with(log), "they do not agree");
    }
    assert_eq!(relay.rooms()[0].online, u32::from(MEMBERS));
}
