//! Why rooms are not found: what the doctor sees of this computer and its network, and what others see of it.

use std::net::SocketAddr;
use std::time::Duration;

use chatspot_nearby::doctor::{self, Questions};
use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::limits::{CHECKUP_ASKED, CHECKUP_PATIENCE, CHECKUP_PEERS};
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::view::{
    Checkup, Failure, FailureCode, Finding, Level, LinkState, RoomView, Symptom, View,
};
use chatspot_protocol::wire::Back;
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::{Order, Peers};
use crate::failure::failure;
use crate::{Client, wall_now};

/// Somebody who may try to reach this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Helper {
    /// The room in which we both are.
    room: RoomId,
    member: MemberId,
    name: DisplayName,
}

impl Client {
    /// Looks why rooms are not found; `hosting` is the port of the rooms that are hosted here.
    pub async fn check_up(&self, hosting: Option<u16>) -> Result<Checkup, Failure> {
        let Some(handle) = self.0.nearby.get() else {
            let message = "nothing looks for rooms nearby";
            return Err(failure(FailureCode::NoDiscovery, message));
        };
        let (at, began) = (wall_now(), Instant::now());
        let view = self.view().await;
        let peers = self.peers().await;
        let questions = Questions {
            hosting,
            met: peers.reached,
            known: self.known().await,
            heard: peers.heard,
        };
        let (mut findings, seen) = tokio::join!(
            // On the heap: it looks at many things at once.
            Box::pin(doctor::examine(&handle.nearby, questions)),
            self.dialled_back(&view, hosting)
        );
        findings.extend(seen);
        doctor::worst_first(&mut findings);
        let system = (std::env::consts::OS, std::env::consts::ARCH);
        Ok(Checkup {
            at,
            took: millis(began.elapsed()),
            software: format!("ChatSpot {} ({} {})", view.me.version, system.0, system.1),
            findings,
        })
    }

    /// Who was in reach since the app started: those whose rooms are proven, or were until they fell silent.
    async fn peers(&self) -> Peers {
        let (sender, peers) = oneshot::channel();
        self.order(Order::Peers(sender)).await;
        let mut peers = peers.await.unwrap_or_default();
        peers.reached.truncate(CHECKUP_PEERS);
        peers
    }

    /// Where each of the rooms that were joined before proved itself.
    async fn known(&self) -> Vec<Vec<SocketAddr>> {
        let remembered = self.0.store.remembered().await.unwrap_or_default();
        let rooms = remembered.iter().map(|room| {
            let worked = room.worked.iter().filter_map(|address| {
                let ip = address.host.parse().ok()?;
                Some(SocketAddr::new(ip, address.port))
            });
            worked.filter(|peer| !peer.ip().is_loopback()).collect()
        });
        let rooms = rooms.filter(|worked: &Vec<_>| !worked.is_empty());
        rooms.take(CHECKUP_PEERS).collect()
    }

    /// Has others try to reach a room that is hosted here.
    async fn dialled_back(&self, view: &View, hosting: Option<u16>) -> Vec<Finding> {
        let Some((port, hosted)) = hosting.and_then(|port| Some((port, hosted_at(view, port)?)))
        else {
            return Vec::new();
        };
        let about = hosted.room;
        let helpers = helpers(view);
        let asked = helpers.iter().map(|helper| async {
            let back = self.dial_back(helper.room, helper.member, about, port);
            let back = timeout(CHECKUP_PATIENCE, back).await;
            (helper.name.clone(), back.ok().and_then(Result::ok))
        });
        let answers = join_all(asked).await;
        judge(answers, visitor(view, hosted))
    }
}

/// A room that is hosted here at that port.
fn hosted_at(view: &View, port: u16) -> Option<&RoomView> {
    view.rooms.iter().find(|room| {
        let hosting = room.hosting.as_ref();
        hosting.is_some_and(|hosting| hosting.running && hosting.port == port)
    })
}

/// Members of rooms that others host and in which we are now, each once: those first whose computer hosts nothing, since
/// they come through other doors.
fn helpers(view: &View) -> Vec<Helper> {
    let rooms = view.rooms.iter();
    let rooms = rooms.filter(|room| room.hosting.is_none() && room.link == LinkState::Online);
    let members = rooms.flat_map(|room| room.members.iter().map(|member| (room.room, member)));
    let mut members: Vec<_> = members
        .filter(|(_, member)| member.member != view.me.member)
        .collect();
    members.sort_by_key(|(_, member)| member.host);
    let mut helpers: Vec<Helper> = Vec::new();
    for (room, member) in members {
        if helpers.iter().all(|known| known.member != member.member) {
            helpers.push(Helper {
                room,
                member: member.member,
                name: member.name.clone(),
            });
        }
    }
    helpers.truncate(CHECKUP_ASKED);
    helpers
}

/// Somebody else who is in a room that is hosted here, and where it can be reached: that somebody came in says more than
/// any attempt.
fn visitor(view: &View, hosted: &RoomView) -> Option<(DisplayName, String)> {
    let me = view.me.member;
    let mut members = hosted.members.iter();
    let visitor = members.find(|member| member.member != me)?;
    let addresses = hosted.hosting.as_ref().map(|hosting| &hosting.addresses);
    let address = addresses.and_then(|addresses| addresses.first());
    Some((
        visitor.name.clone(),
        address.map_or_else(String::new, |address| address.address.clone()),
    ))
}

type Tried = (DisplayName, Option<(Option<String>, Back)>);

fn judge(answers: Vec<Tried>, visitor: Option<(DisplayName, String)>) -> Vec<Finding> {
    let mut findings: Vec<(DisplayName, String, Back)> = answers
        .into_iter()
        .filter_map(|(by, answer)| {
            let (address, outcome) = answer?;
            Some((by, address?, outcome))
        })
        .filter(|(.., outcome)| !matches!(outcome, Back::Declined | Back::Unknown))
        .collect();
    if let Some((by, address)) = visitor
        && findings
            .iter()
            .all(|(.., outcome)| *outcome != Back::Reached)
    {
        findings.push((by, address, Back::Reached));
    }
    let reached = findings
        .iter()
        .any(|(.., outcome)| *outcome == Back::Reached);
    if findings.is_empty() {
        return vec![Finding {
            level: Level::Note,
            what: Symptom::NobodyToAsk,
        }];
    }
    let level = |outcome| match outcome {
        Back::Reached => Level::Good,
        // Some come through: it is something about the others.
        Back::NoAnswer | Back::Refused | Back::NotItself if reached => Level::Doubtful,
        Back::NoAnswer | Back::Refused | Back::NotItself => Level::Bad,
        Back::Declined | Back::Unknown => Level::Note,
    };
    findings
        .into_iter()
        .map(|(by, address, outcome)| Finding {
            level: level(outcome),
            what: Symptom::DialBack {
                by,
                address,
                outcome,
            },
        })
        .collect()
}

fn millis(took: Duration) -> u32 {
    u32::try_from(took.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> DisplayName {
        DisplayName::parse("Ada").unwrap()
    }

    fn tried(outcome: Back) -> Tried {
        (ada(), Some((Some("192.168.1.2:4470".to_owned()), outcome)))
    }

    #[track_caller]
    fn check(
        answers: Vec<Tried>,
        visitor: Option<(DisplayName, String)>,
        expected: &[(Level, Option<Back>)],
    ) {
        let found: Vec<_> = judge(answers, visitor)
            .into_iter()
            .map(|finding| match finding.what {
                Symptom::DialBack { outcome, .. } => (finding.level, Some(outcome)),
                Symptom::NobodyToAsk => (finding.level, None),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_others_saw_is_judged_together() {
        let nobody = [(Level::Note, None)];
        check(Vec::new(), None, &nobody);
        // Whoever does not try has seen nothing.
        check(vec![(ada(), None)], None, &nobody);
        check(vec![tried(Back::Declined)], None, &nobody);
        check(vec![(ada(), Some((None, Back::NoAnswer)))], None, &nobody);
        check(
            vec![tried(Back::Reached)],
            None,
            &[(Level::Good, Some(Back::Reached))],
        );
        check(
            vec![tried(Back::NoAnswer), tried(Back::Refused)],
            None,
            &[
                (Level::Bad, Some(Back::NoAnswer)),
                (Level::Bad, Some(Back::Refused)),
            ],
        );
        check(
            vec![tried(Back::NoAnswer), tried(Back::Reached)],
            None,
            &[
                (Level::Doubtful, Some(Back::NoAnswer)),
                (Level::Good, Some(Back::Reached)),
            ],
        );
        // Somebody is in the room already.
        let visitor = Some((ada(), "192.168.1.2".to_owned()));
        check(
            vec![tried(Back::NoAnswer)],
            visitor,
            &[
                (Level::Doubtful, Some(Back::NoAnswer)),
                (Level::Good, Some(Back::Reached)),
            ],
        );
    }
}
