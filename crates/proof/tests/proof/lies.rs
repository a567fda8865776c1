//! A relay that has the room's key and tells what it likes.

use chatspot_proof::forger::{Forger, Tale, Victim, words};
use chatspot_protocol::event::{Body, Proof, Retention, RoomSettings, Target};
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::{ClientId, Epoch, Seq, Signature};
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::Item;

use crate::person::{Person, messages};

const EPOCH: Epoch = Epoch([1; 16]);

fn room() -> (RoomKey, RoomName) {
    let name = RoomName::parse("Lies").unwrap();
    (RoomKey::from_secret(&[55; 32]), name)
}

fn genuine(text: &str) -> (String, Proof) {
    (text.to_owned(), Proof::Author)
}

fn flagged(text: &str) -> (String, Proof) {
    (text.to_owned(), Proof::Missing)
}

/// Whoever looks, and the relay that lies to them.
async fn told(tale: Tale) -> (Person, Forger) {
    let (key, name) = room();
    let forger = Forger::host(key, name, tale).await.unwrap();
    let ben = Person::new("Ben").await;
    ben.join(forger.address).await.unwrap();
    ben.online().await;
    (ben, forger)
}

#[tokio::test(flavor = "multi_thread")]
async fn f33_what_nobody_said_is_flagged_and_not_hidden() {
    let (key, _) = room();
    let ada = Victim::new(1, "Ada");
    let eve = Victim::new(2, "Eve");
    let other = RoomKey::from_secret(&[56; 32]);
    let said = ada.says(&key, 2, 1, "said");
    let mut altered = ada.says(&key, 3, 2, "as she wrote it");
    let text = words("as it was altered");
    altered.body = Body::Message {
        id: ClientId([2; 16]),
        text,
    };
    let moved = ada.says(&other, 4, 3, "said elsewhere");
    let forged = ada.never_said(5, 4, "never said", None);
    let garbage = ada.never_said(6, 5, "nor this", Some(Signature([9; 64])));
    let mut stolen = eve.says(&key, 7, 6, "said by Eve");
    stolen.author = ada.member();
    let mut renamed = eve.says(&key, 8, 7, "said under another name");
    renamed.name = said.name.clone();
    let all = [
        ada.joined(1),
        said,
        altered,
        moved,
        forged,
        garbage,
        stolen,
        renamed,
    ];
    // Half of it as history, and half as it happens.
    let (log, live) = (all[..4].to_vec(), all[4..].to_vec());
    let tale = Tale {
        epoch: EPOCH,
        head: Seq(4),
        log,
        live,
    };
    let (ben, _forger) = told(tale).await;
    let shown = ben
        .until("all of it", |room| messages(room).len() == 7)
        .await;
    let expected = [
        genuine("said"),
        flagged("as it was altered"),
        flagged("said elsewhere"),
        flagged("never said"),
        flagged("nor this"),
        flagged("said by Eve"),
        flagged("said under another name"),
    ];
    assert_eq!(messages(&shown), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_acts_have_no_effect() {
    let (key, _) = room();
    let ada = Victim::new(1, "Ada");
    let target = Target {
        author: ada.member(),
        id: ClientId([1; 16]),
    };
    let settings = RoomSettings {
        retention: Retention::Nothing,
        ..RoomSettings::default()
    };
    let acts = [
        Body::Deleted {
            id: ClientId([2; 16]),
            target,
        },
        Body::Edited {
            id: ClientId([3; 16]),
            target,
            text: words("never edited"),
        },
        Body::Settings {
            id: ClientId([4; 16]),
            settings,
        },
    ];
    let mut live = vec![ada.says(&key, 1, 1, "stays")];
    for (seq, act) in (2..).zip(acts) {
        live.push(ada.event(seq, act, None));
    }
    live.push(ada.says(&key, 5, 9, "the last one"));
    let tale = Tale {
        epoch: EPOCH,
        head: Seq::ZERO,
        log: Vec::new(),
        live,
    };
    let (ben, _forger) = told(tale).await;
    let shown = ben
        .until("all of it", |room| messages(room).len() == 2)
        .await;
    assert_eq!(
        messages(&shown),
        [genuine("stays"), genuine("the last one")]
    );
    assert_eq!(shown.settings, Some(RoomSettings::default()));
    let found = ben.client.search(None, "stays".to_owned(), None).await;
    assert_eq!(found.unwrap().hits.len(), 1, "it is still kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_twice_is_shown_once_and_what_is_told_out_of_order_in_order() {
    let (key, _) = room();
    let ada = Victim::new(1, "Ada");
    let one = ada.says(&key, 1, 1, "one");
    let two = ada.says(&key, 2, 2, "two");
    let three = ada.says(&key, 3, 3, "three");
    // The same words at another place, as if she had said them again.
    let again = ada.says(&key, 4, 1, "one");
    let five = ada.says(&key, 5, 5, "five");
    let log = [&one, &two, &three, &again, &five]
        .map(Clone::clone)
        .to_vec();
    let live = vec![three, two, one.clone(), one, five, again];
    let tale = Tale {
        epoch: EPOCH,
        head: Seq::ZERO,
        log,
        live,
    };
    let (ben, _forger) = told(tale).await;
    let shown = ben
        .until("the last of it", |room| {
            messages(room).iter().any(|(text, _)| text == "five")
        })
        .await;
    let texts: Vec<String> = messages(&shown).into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["one", "two", "three", "five"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_went_back_is_shown_as_another_one() {
    let (key, name) = room();
    let ada = Victim::new(1, "Ada");
    let first: Vec<_> = (1..=3)
        .map(|seq| {
            ada.says(
                &key,
                seq,
                u8::try_from(seq).unwrap(),
                &format!("said {seq}"),
            )
        })
        .collect();
    let tale = Tale {
        epoch: EPOCH,
        head: Seq(3),
        log: first.clone(),
        live: Vec::new(),
    };
    let forger = Forger::host(key.clone(), name, tale).await.unwrap();
    let ben = Person::new("Ben").await;
    let room = ben.join(forger.address).await.unwrap();
    ben.until("three", |room| messages(room).len() == 3).await;
    // The same name, another past: the last two are gone, and something else stands there.
    let mut log = first[..1].to_vec();
    log.push(ada.says(&key, 2, 7, "said instead"));
    log.push(ada.says(&key, 3, 8, "and this"));
    forger.tell(Tale {
        epoch: EPOCH,
        head: Seq(3),
        log,
        live: Vec::new(),
    });
    ben.client.stop(room).await.unwrap();
    ben.client.redial(room).await.unwrap();
    let shown = ben
        .until("the other past", |room| {
            messages(room).iter().any(|(text, _)| text == "and this")
        })
        .await;
    let reset = |item: &Item| matches!(item, Item::Reset { .. });
    assert!(shown.items.iter().any(reset), "{:?}", shown.items);
    let texts: Vec<String> = messages(&shown).into_iter().map(|(text, _)| text).collect();
    assert_eq!(
        texts,
        ["said 1", "said 2", "said 3", "said instead", "and this"],
        "nothing that was seen is gone"
    );
}
