//! Tells discovery which rooms are open here, so that it calls them out.

use std::sync::Arc;
use std::time::Duration;

use chatspot_nearby::{Announced, Nearby};
use chatspot_protocol::wire::RoomSummary;
use tokio::time::{MissedTickBehavior, interval};

use crate::hub::Hub;

/// How often is looked: a new room is called out before anybody has told others of it, and a count that changes with
/// every member who comes is told at most so often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs until the relay stops; then nothing is called out any more.
pub(crate) async fn run(hub: Arc<Hub>, port: u16, nearby: Nearby) {
    let mut rooms = Rooms::default();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = hub.stopping.cancelled() => break,
        }
        if let Some(changed) = rooms.changed(hub.summaries(), port) {
            nearby.announce(changed).await;
        }
    }
    if let Some(none) = rooms.changed(Vec::new(), port) {
        nearby.announce(none).await;
    }
}

/// What discovery was told last.
#[derive(Debug, Default)]
struct Rooms(Vec<Announced>);

impl Rooms {
    /// What it has to be told now, if that is anything else. Hidden rooms are never among it.
    fn changed(&mut self, open: Vec<RoomSummary>, port: u16) -> Option<Vec<Announced>> {
        let open = open.into_iter().filter(|room| !room.hidden);
        let now: Vec<Announced> = open.map(|room| Announced { room, port }).collect();
        if now == self.0 {
            return None;
        }
        self.0.clone_from(&now);
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use chatspot_protocol::event::Admission;
    use chatspot_protocol::ids::RoomId;
    use chatspot_protocol::text::RoomName;

    use super::*;

    fn room(number: u8) -> RoomSummary {
        RoomSummary {
            room: RoomId([number; 16]),
            name: RoomName::parse("Lab").unwrap(),
            host: None,
            online: 1,
            full: false,
            admission: Admission::Open,
            locked: false,
            hidden: false,
        }
    }

    fn hidden(number: u8) -> RoomSummary {
        RoomSummary {
            hidden: true,
            ..room(number)
        }
    }

    /// **G1**, **G2**
    #[test]
    fn only_what_changed_is_handed_on_and_hidden_rooms_never() {
        let mut rooms = Rooms::default();
        let numbers = |announced: Option<Vec<Announced>>| {
            let announced = announced?.into_iter();
            Some(announced.map(|a| a.room.room.0[0]).collect::<Vec<u8>>())
        };
        assert_eq!(rooms.changed(vec![], 1), None);
        assert_eq!(rooms.changed(vec![hidden(1)], 1), None);
        let open = || vec![room(1), hidden(2)];
        assert_eq!(numbers(rooms.changed(open(), 1)), Some(vec![1]));
        assert_eq!(rooms.changed(open(), 1), None);
        let mut more = open();
        more[0].online = 2;
        assert_eq!(numbers(rooms.changed(more.clone(), 1)), Some(vec![1]));
        assert_eq!(numbers(rooms.changed(more, 2)), Some(vec![1]), "its port");
        let hid = vec![hidden(1), hidden(2)];
        assert_eq!(numbers(rooms.changed(hid, 2)), Some(vec![]));
        assert_eq!(rooms.changed(vec![], 2), None);
    }
}
