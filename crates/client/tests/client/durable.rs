//! What is on the disks: programs that end and start again, relays that lose their files, rules about what is kept.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use chatspot_client::{Client, ClientConfig, History, Opening, Store, store};
use chatspot_protocol::event::{Body, Retention, RoomSettings};
use chatspot_protocol::identity::{Identity, RoomKey};
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{Hosting, Item, LinkState, PageAt, PendingState, RoomView};
use chatspot_protocol::wire::{Closing, Reject};
use chatspot_relay::tls::Tls;
use chatspot_relay::{Relay, RelayConfig, RoomSpec, listen};

use crate::window::{Window, events, open, relay, relay_in, sleep_through, texts, within};

fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn breaks(open: &RoomView) -> usize {
    open.items
        .iter()
        .filter(|item| !matches!(item, Item::Event { .. }))
        .count()
}

/// Nothing is sent before the program starts again, and then it is sent once, in order.
#[tokio::test]
async fn f78_what_was_written_before_a_crash_is_sent_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay_in(folder.path(), anywhere());
    let (address, room) = (relay.address(), open(&relay, 1));
    let (mut ada, mut bob) = (Window::new("Ada").await, Window::new("Bob").await);
    ada.join(address, room).await;
    bob.join(address, room).await;
    relay.stop(Closing::RelayStopping).await;
    ada.until_waiting(room).await;
    for text in ["one", "two", "three"] {
        ada.send(room, text).await;
    }
    let mut ada = ada.restarted().await;
    assert!(ada.view.rooms.is_empty(), "not before it is told to");
    ada.client.resume().await.unwrap();
    ada.until_room(room, "the outbox", |open| open.outbox.len() == 3)
        .await;
    let relay = relay_in(folder.path(), address);
    open(&relay, 1);
    for window in [&mut ada, &mut bob] {
        window.until_texts(room, &["one", "two", "three"]).await;
        assert_eq!(breaks(window.room(room)), 0);
    }
    ada.until_room(room, "nothing to send", |open| open.outbox.is_empty())
        .await;
}

/// **R5**: the same log goes on, whoever was restarted.
#[tokio::test]
async fn f67_a_relay_that_comes_back_has_what_it_said_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = relay_in(folder.path(), anywhere());
    let (address, room) = (relay.address(), open(&relay, 1));
    let (mut ada, mut bob) = (Window::new("Ada").await, Window::new("Bob").await);
    ada.join(address, room).await;
    bob.join(address, room).await;
    let mut expected = Vec::new();
    for round in 0..5 {
        for number in 0..10 {
            let text = format!("{round} {number}");
            ada.send(room, &text).await;
            expected.push(text);
        }
        // Not stopped: everything ends in the middle of it.
        drop(relay);
        relay = within("the folder to be free", async {
            loop {
                if let Ok(store) = chatspot_relay::Store::open(folder.path()) {
                    let listener = listen::on_address(address).unwrap();
                    let tls = Tls::open(folder.path()).unwrap();
                    return Relay::start(listener, RelayConfig::default(), store, tls).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        open(&relay, 1);
    }
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    for window in [&mut ada, &mut bob] {
        window.until_texts(room, &expected).await;
        assert_eq!(breaks(window.room(room)), 0);
    }
}

#[tokio::test]
async fn history_and_reading_place_survive_a_restart_without_a_network() {
    let relay = relay();
    let room = open(&relay, 1);
    let (mut ada, mut bob) = (Window::new("Ada").await, Window::new("Bob").await);
    ada.join(relay.address(), room).await;
    bob.join(relay.address(), room).await;
    let said: Vec<String> = (0..10).map(|number| format!("message {number}")).collect();
    for text in &said {
        bob.send(room, text).await;
    }
    let expected: Vec<&str> = said.iter().map(String::as_str).collect();
    ada.until_texts(room, &expected).await;
    assert_eq!(ada.room(room).unread, 10, "nobody looked yet");
    let seventh = ada
        .room(room)
        .items
        .iter()
        .filter(|item| matches!(item, Item::Event { event, .. } if event.body.id().is_some()))
        .nth(6)
        .and_then(Item::place)
        .unwrap();
    ada.client.read(room, seventh).await.unwrap();
    ada.until_room(room, "the reading place", |open| open.unread == 3)
        .await;
    ada.client
        .save_draft(room, "half a thou".into())
        .await
        .unwrap();
    ada.client.set_prefs("{\"zoom\":110}".into()).await.unwrap();
    drop(relay);
    let mut ada = ada.restarted().await;
    assert_eq!(ada.view.prefs, "{\"zoom\":110}");
    ada.client.resume().await.unwrap();
    ada.until_texts(room, &expected).await;
    let open = ada.room(room);
    assert_eq!((open.read, open.unread), (Some(seventh), 3));
    assert_eq!(open.draft, "half a thou");
    let hits = ada
        .client
        .search(None, "message 4".into(), None)
        .await
        .unwrap();
    assert_eq!(hits.hits.len(), 1);
}

/// Who comes late sees the end first, and the rest comes in behind it while life goes on.
#[tokio::test]
async fn older_history_fills_in_behind_what_is_new() {
    const SAID: usize = 700;
    let relay = relay();
    let room = open(&relay, 1);
    let mut ada = Window::new("Ada").await;
    ada.join(relay.address(), room).await;
    for number in 0..SAID {
        ada.send(room, &format!("message {number}")).await;
        if number % 100 == 99 {
            let last = format!("message {number}");
            ada.until_room(room, "all of it to be sent", |open| {
                texts(open).last() == Some(&last.as_str())
            })
            .await;
        }
    }
    let mut bob = Window::new("Bob").await;
    bob.join(relay.address(), room).await;
    bob.until_room(room, "the end", |open| {
        texts(open).last() == Some(&"message 699")
    })
    .await;
    ada.send(room, "welcome").await;
    bob.until_room(room, "what is new", |open| {
        texts(open).last() == Some(&"welcome")
    })
    .await;
    bob.until_room(room, "everything", |open| !open.filling && open.older)
        .await;
    let mut all = Vec::new();
    let mut at = PageAt::Latest;
    loop {
        let page = bob.client.page(room, at).await.unwrap();
        let first = page.items.iter().find_map(Item::place).unwrap();
        all.splice(0..0, page.items);
        if !page.older {
            break;
        }
        at = PageAt::Before { place: first };
    }
    let all = RoomView {
        items: all,
        ..bob.room(room).clone()
    };
    assert_eq!(breaks(&all), 0, "it is one piece");
    assert_eq!(texts(&all).len(), SAID + 1);
    assert_eq!(texts(&all)[0], "message 0");
    assert_eq!(
        bob.room(room).unread,
        1,
        "what was said before counts as read"
    );
}

/// An older copy of the relay's files is put back, by hand and with its name: nothing is shown twice, and what only
/// members have stays with them.
#[tokio::test]
async fn f63_an_older_state_of_the_relay_is_told_as_a_break() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = relay_in(folder.path(), anywhere());
    let (address, room) = (first.address(), open(&first, 1));
    let mut ada = Window::new("Ada").await;
    ada.join(address, room).await;
    ada.send(room, "early").await;
    ada.until_texts(room, &["early"]).await;
    first.stop(Closing::RelayStopping).await;
    copy_files(folder.path(), copy.path());
    let second = relay_in(folder.path(), address);
    open(&second, 1);
    ada.send(room, "late").await;
    ada.until_texts(room, &["early", "late"]).await;
    second.stop(Closing::RelayStopping).await;
    let third = relay_in(copy.path(), address);
    open(&third, 1);
    let mut bob = Window::new("Bob").await;
    bob.join(address, room).await;
    for number in 0..5 {
        bob.send(room, &format!("news {number}")).await;
    }
    let expected = [
        "early", "late", "news 0", "news 1", "news 2", "news 3", "news 4",
    ];
    ada.until_texts(room, &expected).await;
    let resets = ada.room(room).items.iter();
    let resets = resets.filter(|item| matches!(item, Item::Reset { .. }));
    assert_eq!(resets.count(), 1, "{:?}", ada.room(room).items);
    assert_eq!(breaks(ada.room(room)), 1);
    let mut ada = ada.restarted().await;
    ada.client.resume().await.unwrap();
    ada.until_texts(room, &expected).await;
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// **K2**: the rules hold on every member's disk.
#[tokio::test]
async fn a_host_who_keeps_nothing_clears_every_disk() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay_in(folder.path(), anywhere());
    let (mut ada, mut bob) = (Window::new("Ada").await, Window::new("Bob").await);
    let key = RoomKey::from_secret(&[1; 32]);
    let (room, name) = (key.id(), RoomName::parse("Quiet").unwrap());
    let spec = RoomSpec {
        key,
        name: name.clone(),
        host: Some(ada.member()),
        settings: None,
        passcode: None,
    };
    relay.open(spec).unwrap();
    let address = relay.address().to_string().parse().unwrap();
    let hosting = Hosting {
        running: true,
        port: relay.address().port(),
        other_port: true,
        addresses: Vec::new(),
        trouble: None,
        recovered: None,
    };
    let opening = Opening::hosted(address, room, name, hosting);
    ada.client.open(opening).await.unwrap();
    bob.join(relay.address(), room).await;
    bob.send(room, "for now").await;
    ada.until_texts(room, &["for now"]).await;
    bob.until_texts(room, &["for now"]).await;
    let settings = RoomSettings {
        retention: Retention::Nothing,
        ..RoomSettings::default()
    };
    // A member sets no rules: the relay says so.
    bob.client.set_settings(room, settings).await.unwrap();
    bob.until_room(room, "the refusal", |open| {
        let failed = PendingState::Failed {
            code: Reject::NotAllowed,
            retry: false,
        };
        open.outbox.iter().any(|pending| pending.state == failed)
    })
    .await;
    ada.client.set_settings(room, settings).await.unwrap();
    for window in [&mut ada, &mut bob] {
        window
            .until_room(room, "the rules", |open| {
                open.settings == Some(settings) && texts(open).is_empty()
            })
            .await;
        let page = window.client.page(room, PageAt::Latest).await.unwrap();
        assert_eq!(page.items, []);
    }
    // What is said from now on is seen, and gone with the program.
    ada.send(room, "just between us").await;
    bob.until_texts(room, &["just between us"]).await;
    let mut bob = bob.restarted().await;
    bob.client.resume().await.unwrap();
    bob.until_link(room, |link| *link == LinkState::Online)
        .await;
    assert_eq!(bob.room(room).settings, Some(settings));
    let hits = bob.client.search(None, "between".into(), None).await;
    assert!(hits.unwrap().hits.is_empty());
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let found = bytes.windows(15).any(|text| text == b"just between us");
        assert!(!found, "{} holds what was said", path.display());
    }
}

#[tokio::test]
async fn a_room_is_left_with_its_history_or_without() {
    let relay = relay();
    let rooms = [open(&relay, 1), open(&relay, 2)];
    let mut ada = Window::new("Ada").await;
    for room in rooms {
        ada.join(relay.address(), room).await;
        ada.send(room, "a rare word").await;
        ada.until_texts(room, &["a rare word"]).await;
    }
    ada.client.leave(rooms[0], History::Keep).await.unwrap();
    ada.client.leave(rooms[1], History::Delete).await.unwrap();
    let hits = ada.client.search(None, "rare".into(), None).await.unwrap();
    assert_eq!(hits.hits.len(), 1);
    assert_eq!(hits.hits[0].room, rooms[0]);
    let view = ada.client.view().await;
    let recent = |room: RoomId| view.recents.iter().find(|recent| recent.room == room);
    assert!(recent(rooms[0]).is_some_and(|recent| recent.kept));
    assert_eq!(recent(rooms[1]), None);
    ada.client.forget_recent(rooms[0]).await.unwrap();
    let hits = ada.client.search(None, "rare".into(), None).await.unwrap();
    assert!(hits.hits.is_empty());
    let mut ada = ada.restarted().await;
    ada.client.resume().await.unwrap();
    assert!(ada.client.view().await.rooms.is_empty());
    assert!(ada.view.recents.is_empty());
    ada.until("nothing", |view| view.rooms.is_empty()).await;
}

/// An hour of sleep on every computer: back without waiting for the heartbeat, and the gap is filled.
#[tokio::test]
async fn f69_after_an_hour_of_sleep_everybody_is_back() {
    let relay = relay();
    let room = open(&relay, 1);
    let (mut ada, mut bob) = (Window::new("Ada").await, Window::new("Bob").await);
    ada.join(relay.address(), room).await;
    bob.join(relay.address(), room).await;
    ada.send(room, "good night").await;
    bob.until_texts(room, &["good night"]).await;
    sleep_through(Duration::from_secs(3600)).await;
    for window in [&mut ada, &mut bob] {
        window
            .until_link(room, |link| *link != LinkState::Online)
            .await;
        window
            .until_link(room, |link| *link == LinkState::Online)
            .await;
    }
    ada.send(room, "good morning").await;
    bob.until_texts(room, &["good night", "good morning"]).await;
    ada.until_texts(room, &["good night", "good morning"]).await;
}

/// The relay dies under a full house, and comes back: everybody is let in again, and has everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f75_two_hundred_members_come_back_at_once() {
    const MEMBERS: u8 = 200;
    let folder = tempfile::tempdir().unwrap();
    let relay = relay_in(folder.path(), anywhere());
    let (address, room) = (relay.address(), open(&relay, 1));
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        let memory = Store::in_memory().unwrap();
        let start = store::Start::of(Identity::from_secret(&[number; 32]));
        let config = ClientConfig {
            data_dir: folder.path().to_owned(),
            suggested_name: String::new(),
            version: String::new(),
        };
        let client = Client::start_with(memory, start, config);
        client.set_name(&format!("Member {number}")).await.unwrap();
        members.push(client);
    }
    let text = address.to_string();
    for client in &members {
        client.join(&text, room, "Room 1").await.unwrap();
    }
    let online = async |client: &Client| {
        let view = client.view().await;
        view.rooms[0].link == LinkState::Online
    };
    let all_online = async || {
        for client in &members {
            while !online(client).await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    within("everybody to be in", all_online()).await;
    relay.stop(Closing::RelayStopping).await;
    members[0].send(room, "is anybody here?").await.unwrap();
    let relay = relay_in(folder.path(), address);
    open(&relay, 1);
    within("everybody to be back", all_online()).await;
    for client in &members {
        within("the message", async {
            loop {
                let view = client.view().await;
                if texts(&view.rooms[0]) == ["is anybody here?"] {
                    let mut seqs = events(&view.rooms[0]).map(|event| event.seq.0);
                    let first = seqs.next().unwrap();
                    assert!(seqs.zip(first + 1..).all(|(seq, next)| seq == next));
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }
    assert_eq!(relay.rooms()[0].online, u32::from(MEMBERS));
    let joined = events(&members[0].view().await.rooms[0])
        .filter(|event| matches!(event.body, Body::Joined { .. }))
        .count();
    assert!(joined > 0);
}
