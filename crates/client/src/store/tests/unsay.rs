//! Messages that are deleted, and messages that are said again.

use std::fmt::Write as _;

use chatspot_protocol::event::Target;
use chatspot_protocol::timeline::Told;
use chatspot_protocol::view::ExportFormat;

use super::*;

/// Somebody deletes Ada's message of that number.
fn deletion(seq: u64, author: MemberId, of: u64) -> Event {
    let target = Target {
        author: ADA,
        id: id(of),
    };
    Event {
        body: Body::Deleted {
            id: id(seq),
            target,
        },
        ..message(seq, author, "x")
    }
}

fn edit(seq: u64, of: u64, words: &str) -> Event {
    let target = Target {
        author: ADA,
        id: id(of),
    };
    Event {
        body: Body::Edited {
            id: id(seq),
            target,
            text: text(words),
        },
        ..message(seq, ADA, "x")
    }
}

/// Everything that a reader, a search, an export and the file itself have of the room.
async fn everything(bed: &Bed) -> String {
    let mut all = format!("{:?}", bed.enter().await.items);
    let hits = bed.search(None, "secret".into(), None).await.unwrap();
    write!(all, "{:?}", hits.hits).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for format in [ExportFormat::JsonLines, ExportFormat::Html] {
        let to = folder.path().to_owned();
        let path = bed.export(ROOM, format, to, "x".into()).await.unwrap();
        all.push_str(&std::fs::read_to_string(path).unwrap());
    }
    all
}

async fn hits(bed: &Bed, words: &str) -> usize {
    let hits = bed.search(None, words.into(), None).await.unwrap();
    hits.hits.len()
}

#[tokio::test]
async fn f35_what_was_deleted_is_gone_from_the_disk_and_the_search_and_its_place_stays() {
    for bed in Bed::both() {
        bed.enter().await;
        let said = vec![
            message(1, ADA, "before"),
            message(2, ADA, "the secret plan"),
            edit(3, 2, "the secret plan, again"),
            message(4, ADA, "after"),
        ];
        bed.learn(cursor(1, 5), said).await;
        assert_eq!(hits(&bed, "secret").await, 1);
        // A moderator's word.
        bed.learn(cursor(1, 6), vec![deletion(5, ME, 2)]).await;
        let bed = bed.crashed();
        let all = everything(&bed).await;
        assert!(!all.contains("secret"), "{all}");
        assert!(all.contains("wrote a message that was deleted"), "{all}");
        assert_eq!(hits(&bed, "before").await + hits(&bed, "after").await, 2);
        let kept = bed.enter().await;
        assert_eq!(short(&kept.items), "1/1 1/2 1/3 1/4 1/5");
        let Item::Event { event, proof, .. } = &kept.items[1] else {
            panic!("{:?}", kept.items);
        };
        let target = Target {
            author: ADA,
            id: id(2),
        };
        assert_eq!(event.body, Body::Deleted { id: id(2), target });
        assert_eq!(*proof, Proof::Author);
        // It is still the same event, for a log that was restored.
        assert_eq!(event.ident(), id(2));
        if let Some(folder) = &bed.folder {
            bed.close().await.unwrap();
            let bytes = std::fs::read(folder.path().join("history.db")).unwrap();
            let plan = b"secret plan";
            assert!(!bytes.windows(plan.len()).any(|window| window == plan));
        }
    }
}

#[tokio::test]
async fn f33_a_deletion_that_nobody_signed_deletes_nothing() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.learn(cursor(1, 2), vec![message(1, ADA, "the secret plan")])
            .await;
        let forged = Told {
            event: deletion(2, ADA, 1),
            proof: Proof::Missing,
        };
        let keep = Keep::Events {
            cursor: cursor(1, 3),
            events: vec![forged],
            tail: true,
        };
        bed.keep(ROOM, vec![keep], 0).await.unwrap();
        assert_eq!(hits(&bed, "secret").await, 1);
        assert!(everything(&bed).await.contains("the secret plan"));
    }
}

#[tokio::test]
async fn a_deletion_reaches_its_message_and_no_other() {
    for bed in Bed::both() {
        bed.enter().await;
        // Another's message under the same id is another message.
        let other = Event {
            seq: Seq(2),
            ..message(1, ME, "the secret of another")
        };
        let said = vec![message(1, ADA, "the secret plan"), other];
        bed.learn(cursor(1, 3), said).await;
        bed.learn(cursor(1, 4), vec![deletion(3, ADA, 1)]).await;
        assert_eq!(hits(&bed, "plan").await, 0);
        assert_eq!(hits(&bed, "another").await, 1);
    }
}

#[tokio::test]
async fn what_was_deleted_before_it_came_is_never_kept() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.learn(cursor(1, 11), vec![deletion(10, ADA, 8)]).await;
        let older = [message(8, ADA, "the secret plan"), edit(9, 8, "secret")];
        let keep = Keep::Events {
            cursor: cursor(1, 11),
            events: older.map(proven).into(),
            tail: false,
        };
        bed.keep(ROOM, vec![keep], 0).await.unwrap();
        let all = everything(&bed).await;
        assert!(!all.contains("secret"), "{all}");
        assert_eq!(short(&bed.enter().await.items), "1/8 1/9 1/10");
        // In one transaction, too.
        let said = vec![message(11, ADA, "the secret end"), deletion(12, ADA, 11)];
        bed.learn(cursor(1, 13), said).await;
        assert!(!everything(&bed).await.contains("secret"));
    }
}

#[tokio::test]
async fn f25_what_is_said_again_in_the_same_log_is_shown_once() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.learn(
            cursor(1, 3),
            vec![message(1, ADA, "once"), message(2, ADA, "two")],
        )
        .await;
        let again = Event {
            seq: Seq(3),
            at: 99_000,
            ..message(1, ADA, "once")
        };
        let saved = bed.learn(cursor(1, 4), vec![again.clone()]).await;
        assert_eq!((short(&saved.items), saved.others), (String::new(), 0));
        let saved = bed.fill(1, 4..=4).await;
        assert_eq!(short(&saved.items), "1/4");
        let bed = bed.crashed();
        // The place is taken: nothing is missing there.
        assert_eq!(short(&bed.enter().await.items), "1/1 1/2 1/4");
        assert_eq!(hits(&bed, "once").await, 1);
        // The same event at its own place is known, not a repeat of itself.
        bed.learn(cursor(1, 5), vec![message(2, ADA, "two")]).await;
        assert_eq!(short(&bed.enter().await.items), "1/1 1/2 1/4");
    }
}

#[tokio::test]
async fn f33_a_forged_message_takes_no_genuine_ones_place() {
    for bed in Bed::both() {
        bed.enter().await;
        let forged = Told {
            event: message(1, ADA, "forged"),
            proof: Proof::Missing,
        };
        let keep = Keep::Events {
            cursor: cursor(1, 2),
            events: vec![forged.clone()],
            tail: true,
        };
        bed.keep(ROOM, vec![keep], 0).await.unwrap();
        let genuine = Event {
            seq: Seq(2),
            ..message(1, ADA, "genuine")
        };
        let saved = bed.learn(cursor(1, 3), vec![genuine]).await;
        assert_eq!(short(&saved.items), "1/2");
        // Once it is there, nothing forged under its id is shown beside it.
        let mut late = forged;
        late.event.seq = Seq(3);
        let keep = Keep::Events {
            cursor: cursor(1, 4),
            events: vec![late],
            tail: true,
        };
        let saved = bed.keep(ROOM, vec![keep], 0).await.unwrap();
        assert_eq!(short(&saved.items), "");
    }
}
