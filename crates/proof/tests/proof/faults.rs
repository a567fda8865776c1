//! Bad networks between real programs.

use std::time::{Duration, Instant};

use chatspot_proof::stage::{Stage, Status};
use chatspot_protocol::limits::DEAD_AFTER;
use chatspot_protocol::view::LinkState;
use chatspot_protocol::wire::Presence;

use crate::network::{Fault, Network};
use crate::programs::{Folder, good, programs};

/// A network, or none where the system does not let us make one: the test says so and passes.
fn network() -> Option<Network> {
    match Network::new() {
        Ok(network) => Some(network),
        Err(why) => {
            println!("skipped: {why}");
            None
        }
    }
}

/// One member beside the relay, and two at the other end of the cable, all in the room.
async fn three_members(folder: &Folder, network: &Network, pace: Duration) -> Stage {
    let mut stage = Stage::new(
        folder.path(),
        programs(),
        Network::address(),
        network.near(),
    );
    stage.set_pace(pace);
    stage.start_relay().unwrap();
    for (seed, (name, place)) in [
        ("near", network.near()),
        ("far", network.far()),
        ("farther", network.far()),
    ]
    .into_iter()
    .enumerate()
    {
        let number = stage.add_member(name, place);
        stage
            .start_member(number, seed as u64, &["--quiet"])
            .unwrap();
    }
    stage
        .until("everybody to see everybody", |board| {
            board.iter().all(|status| online(status, 3))
        })
        .await
        .unwrap();
    stage
}

fn online(status: &Status, members: usize) -> bool {
    let here = |(_, presence): &&(String, Presence)| *presence == Presence::Online;
    status.link == Some(LinkState::Online) && status.present.iter().filter(here).count() == members
}

/// Takes a quarter of a minute, now and then more: every third packet of each direction is lost, so that a message
/// and its answer take some tenths of a second on average, and sometimes ten seconds.
#[tokio::test(flavor = "multi_thread")]
async fn f65_with_thirty_percent_loss_everything_arrives_once_and_in_order() {
    const MESSAGES: u64 = 15;
    let Some(network) = network() else { return };
    let folder = Folder::new();
    let mut stage = three_members(&folder, &network, Duration::from_millis(500)).await;
    network.fault(Fault::Loss(30));
    stage.tell_all("write").await.unwrap();
    stage
        .until("messages", |board| {
            board.iter().all(|status| status.written >= MESSAGES)
        })
        .await
        .unwrap();
    let counts = good(&stage.finish().await.unwrap());
    assert!(counts.acked >= 3 * usize::try_from(MESSAGES).unwrap());
    let lost = network.swallowed();
    println!("at least {lost} packets were lost in each direction");
    assert!(lost > MESSAGES);
}

/// Takes most of a minute: nobody but the clock can tell a black hole from a quiet room, and both sides give it
/// 45 s. Only with `CHATSPOT_SLOW_TESTS`.
#[tokio::test(flavor = "multi_thread")]
async fn f66_a_black_hole_is_noticed_on_both_sides_and_mended() {
    /// What is allowed beyond the 45 s: ticks of both sides, and a busy computer.
    const SLACK: Duration = Duration::from_secs(15);
    if std::env::var_os("CHATSPOT_SLOW_TESTS").is_none() {
        println!("skipped: it takes most of a minute; set CHATSPOT_SLOW_TESTS");
        return;
    }
    let Some(network) = network() else { return };
    let folder = Folder::new();
    let mut stage = three_members(&folder, &network, Duration::from_secs(2)).await;
    stage.tell_all("write").await.unwrap();
    stage
        .until("messages", |board| {
            board.iter().all(|status| status.written > 1)
        })
        .await
        .unwrap();
    network.fault(Fault::BlackHole);
    let cut = Instant::now();
    let noticed = |board: &Vec<Status>| {
        let away = board[1..].iter().all(|status| {
            matches!(
                status.link,
                Some(LinkState::Waiting { .. } | LinkState::Connecting)
            )
        });
        // The relay tells it to the one beside it.
        away && !online(&board[0], 3) && !online(&board[0], 2)
    };
    assert!(
        stage.within(DEAD_AFTER + SLACK, noticed).await,
        "not noticed: {:?}",
        stage.board()
    );
    println!(
        "noticed on both sides after {:.1} s",
        cut.elapsed().as_secs_f64()
    );
    assert!(network.swallowed() > 0);
    network.fault(Fault::None);
    let mended = Instant::now();
    stage
        .until("everybody to be back", |board| {
            board.iter().all(|status| online(status, 3))
        })
        .await
        .unwrap();
    println!("back after {:.1} s", mended.elapsed().as_secs_f64());
    good(&stage.finish().await.unwrap());
}

/// Takes a quarter of a minute: so long it takes to write some messages at a pace that 64 kbit/s can carry.
#[tokio::test(flavor = "multi_thread")]
async fn f76_typing_notices_never_starve_messages_on_a_narrow_link() {
    const MESSAGES: u64 = 10;
    const TYPISTS: usize = 20;
    let Some(network) = network() else { return };
    let folder = Folder::new();
    let mut stage = three_members(&folder, &network, Duration::from_millis(800)).await;
    for number in 0..TYPISTS {
        let typist = stage.add_member(&format!("typist-{number}"), network.near());
        stage
            .start_member(typist, number as u64, &["--quiet"])
            .unwrap();
    }
    stage
        .until("the typists", |board| {
            board.iter().all(|status| online(status, 3 + TYPISTS))
        })
        .await
        .unwrap();
    network.narrow(64);
    for typist in 3..3 + TYPISTS {
        stage.tell(typist, "type").await.unwrap();
    }
    for writer in 0..3 {
        stage.tell(writer, "write").await.unwrap();
    }
    stage
        .until("messages", |board| {
            board[..3].iter().all(|status| status.written >= MESSAGES)
        })
        .await
        .unwrap();
    // They type on while the last messages are on their way.
    for writer in 0..3 {
        stage.tell(writer, "quiet").await.unwrap();
    }
    let begun = Instant::now();
    stage
        .until("the messages to arrive among the notices", |board| {
            let newest = board.iter().map(|status| status.shown).max();
            board
                .iter()
                .all(|status| status.is_quiet() && Some(status.shown) == newest)
        })
        .await
        .unwrap();
    println!(
        "all arrived {:.1} s after the last",
        begun.elapsed().as_secs_f64()
    );
    good(&stage.finish().await.unwrap());
}
