//! What signatures cost on this machine: `cargo run --release -p chatspot-protocol --example signatures`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use chatspot_protocol::event::{Event, Submission, proofs};
use chatspot_protocol::identity::{Identity, RoomKey};
use chatspot_protocol::ids::{ClientId, Seq};
use chatspot_protocol::text::{DisplayName, MessageText};

/// Long enough that a clock's step is nothing beside it.
const FOR: Duration = Duration::from_millis(700);

fn main() {
    let room = RoomKey::from_secret(&[7; 32]).id();
    let name = DisplayName::parse("Ada Lovelace").unwrap();
    let said = |number: usize| {
        let author = Identity::from_secret(&[u8::try_from(number % 8).unwrap() + 1; 32]);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let text = "A sentence as people write them, with some twenty words in it: so that hashing costs what it does.";
        let submission = Submission::message(ClientId(id), MessageText::parse(text).unwrap());
        (author, submission)
    };
    let (author, submission) = said(0);
    let sign = micros(1, || {
        black_box(submission.clone().sign(&author, &room, &name));
    });
    println!("sign: {sign:.1} µs");
    let events: Vec<Event> = (0..200)
        .map(|number| {
            let (author, submission) = said(number);
            let signed = submission.sign(&author, &room, &name);
            Event {
                seq: Seq(number as u64 + 1),
                at: 0,
                author: author.member(),
                name: name.clone(),
                body: signed.submission.into(),
                signature: Some(signed.signature),
            }
        })
        .collect();
    let one = micros(1, || {
        black_box(events[0].proof(&room));
    });
    println!("verify, one by one: {one:.1} µs");
    for size in [2, 8, 64, 200] {
        let some: Vec<&Event> = events.iter().take(size).collect();
        let each = micros(size, || {
            black_box(proofs(&room, &some));
        });
        println!("verify, pages of {size}: {each:.1} µs each");
    }
    let mut spoilt = events.clone();
    spoilt[100].signature = spoilt[101].signature;
    let some: Vec<&Event> = spoilt.iter().collect();
    let each = micros(200, || {
        black_box(proofs(&room, &some));
    });
    println!("verify, pages of 200 with a bad one: {each:.1} µs each");
}

/// Microseconds of one thing of `count` that `what` does.
fn micros(count: usize, mut what: impl FnMut()) -> f64 {
    what();
    let start = Instant::now();
    let mut rounds = 0_u32;
    while start.elapsed() < FOR {
        what();
        rounds += 1;
    }
    start.elapsed().as_secs_f64() * 1e6
        / f64::from(rounds)
        / f64::from(u32::try_from(count).unwrap())
}
