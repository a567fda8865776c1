//! Kills at random moments, and one at the worst moment.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use chatspot_proof::crash::Crash;
use chatspot_proof::stage::{Place, Stage, Status, free_port};

use crate::programs::{Folder, good, programs};

/// Enough kills for each kind to come several times, in about a minute. The long run is the program `crash`.
const KILLS: usize = 25;

fn from_environment<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn f77_what_was_acknowledged_outlives_kills_at_random_moments() {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let seed = from_environment("CHATSPOT_CRASH_SEED").unwrap_or(u64::from_le_bytes(seed));
    println!("CHATSPOT_CRASH_SEED={seed}");
    let folder = Folder::new();
    let kills = from_environment("CHATSPOT_CRASH_KILLS").unwrap_or(KILLS);
    let crash = Crash {
        seed,
        kills,
        members: 4,
        pace: Duration::from_millis(60),
        folder: folder.path().to_owned(),
        programs: programs(),
    };
    let outcome = crash.run(|line| println!("{line}")).await.unwrap();
    println!("{outcome}");
    let counts = good(&outcome.report);
    assert!(
        counts.acked > kills,
        "hardly anything was written: {counts}"
    );
}

/// Once without a relay, so that the message cannot have left yet, then several times with one.
#[tokio::test(flavor = "multi_thread")]
async fn f78_a_client_killed_right_after_enter_sends_once() {
    const ROUNDS: u64 = 8;
    let folder = Folder::new();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap()));
    let mut stage = Stage::new(folder.path(), programs(), address, Place::default());
    let ada = stage.add_member("ada", Place::default());
    stage.start_relay().unwrap();
    stage.start_member(ada, 1, &["--quiet"]).unwrap();
    stage
        .until("the first welcome", |board| board[ada].is_quiet())
        .await
        .unwrap();
    stage.kill_all().await.unwrap();

    stage.start_member(ada, 2, &["--die-after", "3"]).unwrap();
    stage.member_ended(ada).await.unwrap();
    stage.start_relay().unwrap();
    for seed in 3..3 + ROUNDS {
        stage
            .start_member(ada, seed, &["--die-after", "1"])
            .unwrap();
        stage.member_ended(ada).await.unwrap();
    }
    stage.start_member(ada, 0, &["--quiet"]).unwrap();
    stage
        .until("the outbox to be empty", |board| {
            board.iter().all(Status::is_quiet)
        })
        .await
        .unwrap();
    let counts = good(&stage.finish().await.unwrap());
    let taken = usize::try_from(3 + ROUNDS).unwrap();
    assert_eq!((counts.taken, counts.acked), (taken, taken));
}
