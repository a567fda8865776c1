//! Somebody stands between a client and a relay and ends the TLS of both, in each way of joining.

use std::net::SocketAddr;

use chatspot_proof::between::{Between, Manner};
use chatspot_protocol::event::Proof;
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::view::{LinkState, RoomView, Trouble, Verified};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::person::{Host, PASSCODE, Person, messages};

/// The ways to come in.
const WAYS: [&str; 4] = ["open", "passcode", "invite", "knock"];

/// An address that leads to a relay now and elsewhere later, as that of a host whose name or number somebody takes over.
struct Signpost {
    address: SocketAddr,
    leads: watch::Sender<SocketAddr>,
}

impl Signpost {
    async fn to(relay: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (leads, led) = watch::channel(relay);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut led = led.clone();
                let to = *led.borrow_and_update();
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(to).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        // What is open breaks where the road is taken away.
                        _ = led.changed() => {}
                    }
                });
            }
        });
        Self { address, leads }
    }

    fn turn(&self, to: SocketAddr) {
        self.leads.send_replace(to);
    }
}

/// The key of the relay's room, from its disk: what somebody has who hosted it before.
fn room_key(host: &Host) -> RoomKey {
    let text = std::fs::read_to_string(host.folder().join("rooms.json")).unwrap();
    let rooms: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut found = Vec::new();
    secrets(&rooms, &mut found);
    let key = data_encoding::BASE64URL_NOPAD
        .decode(found.first().expect("a room's key").as_bytes())
        .unwrap();
    RoomKey::from_secret(&key.try_into().unwrap())
}

/// All strings that are 32 bytes.
fn secrets(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if text.len() == 43 => found.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| secrets(value, found)),
        serde_json::Value::Object(fields) => {
            fields.values().for_each(|value| secrets(value, found));
        }
        _ => {}
    }
}

/// Nobody but people that the test knows is in the room.
async fn is_alone(person: &Person) {
    let room = person.online().await;
    assert_eq!(room.members.len(), 1, "{:?}", room.members);
}

/// Comes in by an invite to the relay itself: the room's owner, who sees who else comes.
async fn owner(host: &Host) -> Person {
    let ada = Person::new("Ada").await;
    let link = host.invite(host.address).await;
    ada.client.join_link(&link).await.unwrap();
    ada.online().await;
    ada
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hands_everything_on_is_sent_nothing() {
    for way in WAYS {
        let host = Host::start(way).await;
        let between = Between::before(host.address, Manner::Pass).await.unwrap();
        let ben = Person::new("Ben").await;
        let code = ben.join(between.address).await.unwrap_err();
        assert_eq!(code, "KeyChanged", "{way}");
        let link = host.invite(between.address).await;
        let failure = ben.client.join_link(&link).await.unwrap_err();
        println!("{way}: {code}, {failure:?}");
        assert_eq!(between.loot.words(), ["relay greeting"; 2], "{way}");
        is_alone(&owner(&host).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_known_is_not_taken_for_another_at_its_address() {
    let host = Host::start("open").await;
    let ben = Person::new("Ben").await;
    let known = Signpost::to(host.address).await;
    let room = ben.join(known.address).await.unwrap();
    ben.online().await;
    let own = RoomKey::from_secret(&[66; 32]);
    let offered = own.id().fingerprint();
    // Who hands the room's own key on has no other one to show.
    let manners = [(Manner::Pass, None), (Manner::OwnRoom(own), Some(offered))];
    for (manner, offered) in manners {
        let between = Between::before(host.address, manner).await.unwrap();
        known.turn(between.address);
        ben.client.stop(room).await.unwrap();
        ben.client.redial(room).await.unwrap();
        let blocked = |link: &LinkState| {
            matches!(
                link,
                LinkState::Closed {
                    trouble: Trouble::KeyChanged
                }
            )
        };
        // What is shown before that is of the one before.
        between.loot.until("relay greeting").await;
        let is_so = |room: &RoomView| {
            let other = |key: &&String| **key != room.security.fingerprint;
            blocked(&room.link) && room.security.offered.iter().find(other) == offered.as_ref()
        };
        ben.until("the page with both keys", is_so).await;
        assert!(!between.loot.holds("client hello"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_of_its_own_learns_no_passcode_and_gets_nowhere_with_one() {
    let host = Host::start("passcode").await;
    let own = Manner::OwnRoom(RoomKey::from_secret(&[66; 32]));
    let between = Between::before(host.address, own).await.unwrap();
    let ben = Person::new("Ben").await;
    let room = ben.join(between.address).await.unwrap();
    ben.linked(|link| *link == LinkState::Passcode { wrong: false })
        .await;
    ben.client.passcode(room, PASSCODE).await.unwrap();
    let shown = ben
        .linked(|link| *link == LinkState::Passcode { wrong: true })
        .await;
    assert_eq!(shown.security.verified, Verified::No);
    assert!(between.loot.holds("relay challenge"), "it was tried");
    assert!(between.loot.holds("client passcode_start"), "it was tried");
    assert!(!between.loot.holds("relay welcome"));
    is_alone(&owner(&host).await).await;
    // The same passcode is right where nobody stands between.
    let cem = Person::new("Cem").await;
    let room = cem.join(host.address).await.unwrap();
    cem.client.passcode(room, PASSCODE).await.unwrap();
    let shown = cem.online().await;
    assert_eq!(shown.security.verified, Verified::Passcode);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_of_its_own_gets_no_invite() {
    for way in WAYS {
        let host = Host::start(way).await;
        let own = Manner::OwnRoom(RoomKey::from_secret(&[66; 32]));
        let between = Between::before(host.address, own).await.unwrap();
        let ben = Person::new("Ben").await;
        let link = host.invite(between.address).await;
        ben.client.join_link(&link).await.unwrap_err();
        assert_eq!(between.loot.words(), ["relay greeting"], "{way}");
    }
}

/// Where everybody may come in, whoever stands between may, too, as itself. It cannot speak for anybody, it is not
/// taken for verified, and what it hands on from one room into the other is not taken for anybody's words.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_of_its_own_puts_no_words_in_anybodys_mouth() {
    let host = Host::start("open").await;
    let ada = owner(&host).await;
    let own = Manner::OwnRoom(RoomKey::from_secret(&[66; 32]));
    let between = Between::before(host.address, own).await.unwrap();
    let ben = Person::new("Ben").await;
    let fake = ben.join(between.address).await.unwrap();
    ben.online().await;
    let real = ada.online().await.room;
    ada.client.send(real, "from Ada").await.unwrap();
    let shown = ben
        .until("Ada's words", |room| !messages(room).is_empty())
        .await;
    assert_eq!(messages(&shown), [("from Ada".to_owned(), Proof::Missing)]);
    assert_eq!(shown.security.verified, Verified::No);
    ben.client.send(fake, "from Ben").await.unwrap();
    let refused = ben
        .until("the refusal", |room| {
            let failed = |pending: &chatspot_protocol::view::Pending| {
                matches!(
                    pending.state,
                    chatspot_protocol::view::PendingState::Failed { .. }
                )
            };
            room.outbox.iter().any(failed)
        })
        .await;
    assert_eq!(refused.outbox.len(), 1);
    assert_eq!(messages(&ada.online().await).len(), 1);
}

/// The room's key alone is not enough: a hello and a passcode exchange count on their own connection only. Red with
/// `--features unbound`.
#[tokio::test(flavor = "multi_thread")]
async fn who_hosted_it_before_comes_in_as_nobody() {
    for way in WAYS {
        let host = Host::start(way).await;
        // Known to the room, so that the hello is all that is asked for.
        let ben = Person::new("Ben").await;
        let known = Signpost::to(host.address).await;
        let link = host.invite(known.address).await;
        let room = ben.client.join_link(&link).await.unwrap();
        ben.online().await;
        let key = room_key(&host);
        assert_eq!(key.id(), room);
        let former = Manner::FormerHost(key);
        let between = Between::before(host.address, former).await.unwrap();
        known.turn(between.address);
        ben.client.stop(room).await.unwrap();
        ben.client.redial(room).await.unwrap();
        let refused = |link: &LinkState| {
            matches!(
                link,
                LinkState::Closed {
                    trouble: Trouble::Unauthenticated
                }
            )
        };
        tokio::select! {
            shown = ben.linked(refused) => drop(shown),
            () = between.loot.until("relay welcome") => panic!("{way}: it came in as Ben"),
        }
        assert!(between.loot.holds("client hello"), "{way}: it was tried");
        assert!(!between.loot.holds("relay welcome"), "{way}");
    }
}

/// As above, for somebody new who types the passcode: the exchange is bound, too.
#[tokio::test(flavor = "multi_thread")]
async fn who_hosted_it_before_gets_nowhere_with_a_passcode() {
    let host = Host::start("passcode").await;
    let former = Manner::FormerHost(room_key(&host));
    let between = Between::before(host.address, former).await.unwrap();
    let ben = Person::new("Ben").await;
    let room = ben.join(between.address).await.unwrap();
    let _ = ben.client.passcode(room, PASSCODE).await;
    ben.linked(|link| matches!(link, LinkState::Closed { .. } | LinkState::Passcode { .. }))
        .await;
    assert!(!between.loot.holds("relay welcome"));
    is_alone(&owner(&host).await).await;
}
