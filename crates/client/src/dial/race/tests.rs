//! The order and the times of a race, over a network that exists only here, on a clock that stands still between.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::*;

/// How an attempt goes.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It proves the room after so many milliseconds.
    Proves(u64),
    /// It fails after so many.
    Fails(u64),
    /// Nothing ever comes back.
    Swallowed,
}

/// Who is where, what names stand for, and which attempts began when, in milliseconds.
struct World {
    fates: HashMap<&'static str, Fate>,
    names: HashMap<&'static str, (u64, Vec<&'static str>)>,
    begun: Mutex<Vec<(String, u128)>>,
    start: Instant,
}

impl World {
    fn new(fates: &[(&'static str, Fate)]) -> Self {
        Self {
            fates: fates.iter().copied().collect(),
            names: HashMap::new(),
            begun: Mutex::new(Vec::new()),
            start: Instant::now(),
        }
    }

    fn begun(&self) -> Vec<(String, u128)> {
        self.begun.lock().unwrap().clone()
    }
}

async fn after(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

impl Course for World {
    type Won = String;
    type Lost = &'static str;

    async fn find(&self, address: &Address) -> Result<Vec<SocketAddr>, &'static str> {
        let (late, found) = self
            .names
            .get(address.host.as_str())
            .ok_or("no such name")?;
        after(*late).await;
        Ok(found.iter().map(|found| found.parse().unwrap()).collect())
    }

    async fn run(&self, lane: Lane) -> Result<String, &'static str> {
        let to = lane.to.to_string();
        let at = self.start.elapsed().as_millis();
        self.begun.lock().unwrap().push((to.clone(), at));
        match self.fates[to.as_str()] {
            Fate::Proves(late) => {
                after(late).await;
                Ok(to)
            }
            Fate::Fails(late) => {
                after(late).await;
                Err("failed")
            }
            Fate::Swallowed => {
                // As long as an attempt may last.
                after(3_000).await;
                Err("swallowed")
            }
        }
    }
}

fn addresses(texts: &[&str]) -> Vec<Address> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn at(begun: &[(&str, u128)]) -> Vec<(String, u128)> {
    let begun = begun.iter();
    begun.map(|(to, at)| ((*to).to_owned(), *at)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_black_hole_holds_up_nobody_behind_it() {
    let world = World::new(&[
        ("10.0.0.1:1", Fate::Swallowed),
        ("10.0.0.2:1", Fate::Swallowed),
        ("10.0.0.3:1", Fate::Proves(20)),
        ("10.0.0.4:1", Fate::Proves(0)),
    ]);
    let all = addresses(&["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"]);
    assert_eq!(stagger(&world, all).await, Ok("10.0.0.3:1".to_owned()));
    let expected = [("10.0.0.1:1", 0), ("10.0.0.2:1", 250), ("10.0.0.3:1", 500)];
    assert_eq!(world.begun(), at(&expected));
    assert_eq!(world.start.elapsed().as_millis(), 520);
}

#[tokio::test(start_paused = true)]
async fn what_fails_lets_the_next_one_begin_at_once() {
    let world = World::new(&[
        ("10.0.0.1:1", Fate::Fails(10)),
        ("10.0.0.2:1", Fate::Fails(10)),
        ("10.0.0.3:1", Fate::Fails(10)),
    ]);
    let all = addresses(&["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]);
    assert_eq!(stagger(&world, all).await, Err(vec!["failed"; 3]));
    let expected = [("10.0.0.1:1", 0), ("10.0.0.2:1", 10), ("10.0.0.3:1", 20)];
    assert_eq!(world.begun(), at(&expected));
}

#[tokio::test(start_paused = true)]
async fn a_better_address_that_is_slow_may_still_win() {
    let world = World::new(&[
        ("10.0.0.1:1", Fate::Proves(300)),
        ("10.0.0.2:1", Fate::Proves(100)),
    ]);
    let all = addresses(&["10.0.0.1:1", "10.0.0.2:1"]);
    assert_eq!(stagger(&world, all).await, Ok("10.0.0.1:1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn no_more_attempts_run_at_once_than_may() {
    let hosts: Vec<String> = (0..12).map(|last| format!("10.0.0.{last}:1")).collect();
    let hosts: Vec<&'static str> = hosts.into_iter().map(|host| &*host.leak()).collect();
    let fates: Vec<_> = hosts.iter().map(|host| (*host, Fate::Swallowed)).collect();
    let world = World::new(&fates);
    let lost = stagger(&world, addresses(&hosts)).await.unwrap_err();
    assert_eq!(lost.len(), hosts.len());
    let begun = world.begun();
    for (place, (_, at)) in begun.iter().enumerate().skip(RACE_AT_ONCE) {
        let gone = begun[place - RACE_AT_ONCE].1 + 3_000;
        assert!(*at >= gone, "{begun:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_looked_up_beside_the_numbers_and_takes_its_place_among_them() {
    let mut world = World::new(&[
        ("10.0.0.1:1", Fate::Swallowed),
        ("10.0.0.2:1", Fate::Swallowed),
        ("10.0.0.3:1", Fate::Proves(0)),
        ("10.0.0.4:1", Fate::Proves(0)),
    ]);
    world
        .names
        .insert("host.local", (100, vec!["10.0.0.2:1", "10.0.0.3:1"]));
    let all = addresses(&["nobody.local:1", "10.0.0.1:1", "host.local:1", "10.0.0.4:1"]);
    assert_eq!(stagger(&world, all).await, Ok("10.0.0.3:1".to_owned()));
    let expected = [("10.0.0.1:1", 0), ("10.0.0.2:1", 250), ("10.0.0.3:1", 500)];
    assert_eq!(world.begun(), at(&expected));
}

#[tokio::test(start_paused = true)]
async fn without_addresses_there_is_no_race() {
    let world = World::new(&[]);
    assert_eq!(stagger(&world, Vec::new()).await, Err(Vec::new()));
    let lost = stagger(&world, addresses(&["nobody.local:1"])).await;
    assert_eq!(lost, Err(vec!["no such name"]));
}

#[test]
fn where_it_was_last_is_first_and_each_address_is_there_once() {
    let addresses = addresses(&["172.17.0.1:1", "10.0.0.1:1", "127.0.0.1:1", "172.17.0.1:1"]);
    let ordered = order(&addresses, &Networks::default());
    assert_eq!(ordered.len(), 3);
    assert_eq!(ordered[0], addresses[0]);
    let nowhere = "0.0.0.0:1".parse().unwrap();
    assert_eq!(order(&[nowhere], &Networks::default()).len(), 1);
    assert_eq!(order(&[], &Networks::default()), []);
}

#[test]
fn f70_a_host_that_the_room_left_proves_it_no_more() {
    use chatspot_protocol::event::Admission;
    use chatspot_protocol::identity::{RelayName, RoomKey};
    use chatspot_protocol::ids::{Exporter, TlsKey};
    use chatspot_protocol::session::Line;
    use chatspot_protocol::text::RoomName;
    use chatspot_protocol::wire::{Hosted, RoomSummary};

    let (room, key) = (RoomKey::from_secret(&[1; 32]), TlsKey([5; 32]));
    let line = Line {
        exporter: Exporter([6; 32]),
        key,
        domain: None,
    };
    let hosted = Hosted {
        summary: RoomSummary {
            host: None,
            hidden: false,
            room: room.id(),
            name: RoomName::parse("Lab").unwrap(),
            online: 0,
            full: false,
            admission: Admission::Open,
            locked: false,
        },
        key: room.public(),
        warrants: vec![room.warrant(3, RelayName::Tls { key })],
    };
    assert!(is_proven(&hosted, &line, 3));
    assert!(!is_proven(&hosted, &line, 4), "a later term was seen");
    let elsewhere = Line {
        key: TlsKey([7; 32]),
        ..line
    };
    assert!(!is_proven(&hosted, &elsewhere, 0));
}

fn known(text: &str, learnt: Learnt, worked: Option<i64>) -> KnownAddress {
    KnownAddress {
        address: text.parse().unwrap(),
        worked,
        learnt,
    }
}

/// What is told where these addresses did so, the best one first.
fn told(home: &Home, said: &[(&str, Result<Answer, Trouble>)]) -> Verdict {
    let texts: Vec<&str> = said.iter().map(|(text, _)| *text).collect();
    let addresses = addresses(&texts);
    let said = said.iter().zip(&addresses).enumerate();
    let said = said.map(|(rank, ((_, said), address))| match said {
        Ok(answer) => Said::Answer(*answer, rank, address),
        Err(trouble) => Said::Trouble(*trouble),
    });
    verdict(home, &said.collect::<Vec<_>>())
}

const AWAY: Result<Answer, Trouble> = Err(Trouble::NobodyAnswers);

#[test]
fn f83_the_room_is_at_home_where_it_was_last_or_where_people_say_that_it_is() {
    let (named, found) = (Learnt::Named, Learnt::Sighted);
    let home = Home::of(&[
        known("10.0.0.1", named, None),
        known("10.0.0.2", found, None),
        known("10.0.0.3", named, None),
    ]);
    assert_eq!(home, Home::Named(addresses(&["10.0.0.1", "10.0.0.3"])));
    let last = known("10.0.0.9", named, Some(5));
    let home = Home::of(&[last, known("10.0.0.1", named, None)]);
    assert_eq!(home, Home::Named(addresses(&["10.0.0.9"])));
    let last = known("10.0.0.9", found, Some(5));
    let home = Home::of(&[last, known("10.0.0.1", named, Some(4))]);
    assert_eq!(home, Home::Last("10.0.0.9".parse().unwrap()));
    assert_eq!(Home::of(&[]), Home::Named(Vec::new()));
}

#[test]
fn f83_what_takes_the_rooms_place_is_told_where_the_room_is_at_home() {
    let home = Home::Named(addresses(&["10.0.0.1"]));
    for answer in [Answer::Claim, Answer::Elsewhere] {
        let said = [("10.0.0.2", AWAY), ("10.0.0.1", Ok(answer))];
        assert_eq!(told(&home, &said), Verdict::Instead(1));
    }
    // A claim says more than a relay without the room, and what proved to be it more than either.
    let mut said = [
        ("10.0.0.1", Ok(Answer::Elsewhere)),
        ("10.0.0.1", Ok(Answer::Claim)),
        ("10.0.0.7", Ok(Answer::Claim)),
    ];
    assert_eq!(told(&home, &said), Verdict::Instead(1));
    said[2].1 = Ok(Answer::Foreign);
    assert_eq!(told(&home, &said), Verdict::Instead(2));
    assert_eq!(told(&Home::Anywhere, &said[1..]), Verdict::Instead(1));
}

#[test]
fn f83_whoever_claims_the_room_elsewhere_is_as_if_nobody_answered() {
    let home = Home::Named(addresses(&["10.0.0.1"]));
    let claim = ("10.0.0.7", Ok(Answer::Claim));
    let nobody = Verdict::Nothing(Trouble::NobodyAnswers);
    assert_eq!(told(&home, &[claim, ("10.0.0.1", AWAY)]), nobody);
    assert_eq!(told(&home, &[claim]), nobody);
    assert_eq!(told(&Home::Named(Vec::new()), &[claim]), nobody);
    let without = ("10.0.0.8", Ok(Answer::Elsewhere));
    let none = Verdict::Nothing(Trouble::NoSuchRoom);
    assert_eq!(told(&home, &[claim, without, ("10.0.0.1", AWAY)]), none);
}

#[test]
fn f83_a_way_that_led_to_the_room_is_no_alarm_while_its_host_is_away() {
    // It was passed on to the room before, by a computer in between that nobody named.
    let between = ("10.0.0.7", Ok(Answer::Claim));
    let home = Home::Last("10.0.0.7".parse().unwrap());
    let nobody = Verdict::Nothing(Trouble::NobodyAnswers);
    assert_eq!(told(&home, &[between, ("10.0.0.1", AWAY)]), nobody);
    let lost = ("10.0.0.1", Err(Trouble::Lost));
    assert_ne!(told(&home, &[between, lost]), Verdict::Instead(0));
    // Nothing is left where the room may be.
    assert_eq!(told(&home, &[between]), Verdict::Instead(0));
    for other in [Ok(Answer::Elsewhere), Err(Trouble::NotChatspot)] {
        let said = [between, ("10.0.0.1", other)];
        assert_eq!(told(&home, &said), Verdict::Instead(0));
    }
}
