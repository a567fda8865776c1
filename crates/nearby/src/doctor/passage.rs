//! What the answers to a ping say: how datagrams fare, who else is there, and whose clock is off.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chatspot_protocol::beacon::Cast;
use chatspot_protocol::limits::{BEACON_PORT, DOCTOR_CLOCK_SECONDS};
use chatspot_protocol::view::{Finding, Level, Passage, Symptom};

use crate::{Echo, Echoes, Reach};

/// All that can be said of it. `open` says how many others take connections where rooms were, whether they answered or
/// not.
pub(super) fn judge(echoes: &Echoes, open: usize) -> Vec<Finding> {
    let refused = echoes.multicast_refused.as_deref();
    let way = |reach: Reach, cast, refused| {
        let passage = || passage(&echoes.echoes, cast, refused, open);
        (reach == Reach::Somewhere).then(passage)
    };
    let multicast = way(echoes.ways.multicast, Cast::Multicast, refused);
    let refused = echoes.broadcast_refused.as_deref();
    let broadcast = way(echoes.ways.broadcast, Cast::Broadcast, refused);
    let answered = peers(&echoes.echoes);
    let mut findings = Vec::new();
    if let Some(message) = &echoes.deaf {
        findings.push(Finding {
            // mDNS has a port of its own.
            level: Level::Doubtful,
            what: Symptom::Deaf {
                port: BEACON_PORT,
                message: message.clone(),
            },
        });
    }
    // Where there is nowhere to send to, as to all of a network of IPv6, there is nothing to say.
    if let Some(passage) = &multicast {
        findings.push(Finding {
            level: level(passage, broadcast.as_ref(), answered),
            what: Symptom::Multicast {
                passage: passage.clone(),
            },
        });
    }
    if let Some(passage) = &broadcast {
        findings.push(Finding {
            level: level(passage, multicast.as_ref(), answered),
            what: Symptom::Broadcast {
                passage: passage.clone(),
            },
        });
    }
    findings.push(Finding {
        level: if answered > 0 {
            Level::Good
        } else {
            Level::Note
        },
        what: Symptom::Peers { answered },
    });
    if let Some(ahead) = ahead(&echoes.echoes) {
        findings.push(Finding {
            level: if ahead.abs() > DOCTOR_CLOCK_SECONDS {
                Level::Doubtful
            } else {
                Level::Good
            },
            what: Symptom::Clock { ahead },
        });
    }
    findings
}

fn passage(echoes: &[Echo], cast: Cast, refused: Option<&str>, open: usize) -> Passage {
    if let Some(message) = refused {
        return Passage::Refused {
            message: message.to_owned(),
        };
    }
    let out = echoes.iter().any(|echo| echo.heard == cast);
    let back = echoes.iter().any(|echo| echo.by == cast);
    match (out, back) {
        (true, true) => Passage::Both,
        (true, false) => Passage::OutOnly,
        (false, true) => Passage::InOnly,
        (false, false) if echoes.is_empty() && open == 0 => Passage::Leaves,
        (false, false) => Passage::Blocked,
    }
}

/// How bad it is, given how the other way fares, where there is one: one of them is enough. Where nobody answered at all,
/// those who are there may only not want to be found.
fn level(passage: &Passage, other: Option<&Passage>, answered: u32) -> Level {
    let helped = other == Some(&Passage::Both);
    match passage {
        Passage::Both => Level::Good,
        Passage::Leaves => Level::Note,
        _ if helped => Level::Note,
        Passage::OutOnly | Passage::InOnly => Level::Doubtful,
        Passage::Blocked if answered == 0 => Level::Doubtful,
        Passage::Blocked | Passage::Refused { .. } => match other {
            None | Some(Passage::Blocked | Passage::Refused { .. }) => Level::Bad,
            Some(_) => Level::Doubtful,
        },
    }
}

/// How many others answered. Each may have addresses of both families, and is counted by the one that more have.
fn peers(echoes: &[Echo]) -> u32 {
    let from: BTreeSet<IpAddr> = echoes.iter().map(|echo| echo.from.ip()).collect();
    let v6 = from.iter().filter(|ip| ip.is_ipv6()).count();
    u32::try_from(v6.max(from.len() - v6)).unwrap_or(u32::MAX)
}

/// How many seconds this clock is ahead of the others' middle one: one other may be wrong itself.
fn ahead(echoes: &[Echo]) -> Option<i64> {
    let mut each: std::collections::BTreeMap<IpAddr, i64> = std::collections::BTreeMap::new();
    for echo in echoes {
        each.insert(echo.from.ip(), echo.now.saturating_sub(echo.at));
    }
    let mut each: Vec<i64> = each.into_values().collect();
    each.sort_unstable();
    let middle = each.get(each.len() / 2)?;
    Some(middle / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ways;

    fn echo(from: &str, heard: Cast, by: Cast) -> Echo {
        Echo {
            from: from.parse().unwrap(),
            heard,
            by,
            at: 1_000_000,
            now: 1_000_400,
        }
    }

    fn both_ways() -> Echoes {
        Echoes {
            ways: Ways {
                multicast: Reach::Somewhere,
                broadcast: Reach::Somewhere,
            },
            ..Echoes::default()
        }
    }

    #[test]
    fn where_there_is_nowhere_to_send_to_nothing_is_said_of_it() {
        let says = |echoes: &Echoes, wanted: fn(&Symptom) -> bool| {
            judge(echoes, 0).iter().any(|one| wanted(&one.what))
        };
        let multicast = |what: &Symptom| matches!(what, Symptom::Multicast { .. });
        let broadcast = |what: &Symptom| matches!(what, Symptom::Broadcast { .. });
        let mut v6 = both_ways();
        v6.ways.broadcast = Reach::Nowhere;
        assert!(says(&v6, multicast) && !says(&v6, broadcast));
        let nowhere = Echoes::default();
        assert!(!says(&nowhere, multicast) && !says(&nowhere, broadcast));
        // The only way that there is.
        v6.multicast_refused = Some("no".to_owned());
        assert_eq!(judge(&v6, 0)[0].level, Level::Bad);
    }

    fn levels(echoes: &Echoes, open: usize) -> [(Level, Passage); 2] {
        let mut found = judge(echoes, open)
            .into_iter()
            .filter_map(|finding| match finding.what {
                Symptom::Multicast { passage } | Symptom::Broadcast { passage } => {
                    Some((finding.level, passage))
                }
                _ => None,
            });
        [found.next().unwrap(), found.next().unwrap()]
    }

    /// How questions and answers came, and what is to be made of it.
    type Case<'a> = (&'a [(Cast, Cast)], [(Level, Passage); 2]);

    #[test]
    fn answers_say_how_datagrams_fare() {
        use Cast::{Broadcast, Multicast, Unicast};
        let a = "192.168.7.9:4470";
        let refused = || Passage::Refused {
            message: "no".to_owned(),
        };
        let cases: &[Case<'_>] = &[
            (
                &[],
                [
                    (Level::Note, Passage::Leaves),
                    (Level::Note, Passage::Leaves),
                ],
            ),
            (
                &[(Multicast, Multicast), (Broadcast, Broadcast)],
                [(Level::Good, Passage::Both), (Level::Good, Passage::Both)],
            ),
            (
                &[(Broadcast, Broadcast)],
                [
                    (Level::Note, Passage::Blocked),
                    (Level::Good, Passage::Both),
                ],
            ),
            (
                &[(Multicast, Unicast)],
                [
                    (Level::Doubtful, Passage::OutOnly),
                    (Level::Doubtful, Passage::Blocked),
                ],
            ),
            (
                &[(Unicast, Multicast)],
                [
                    (Level::Doubtful, Passage::InOnly),
                    (Level::Doubtful, Passage::Blocked),
                ],
            ),
            (
                &[(Unicast, Unicast)],
                [
                    (Level::Bad, Passage::Blocked),
                    (Level::Bad, Passage::Blocked),
                ],
            ),
        ];
        for (ways, expected) in cases {
            let echoes = ways.iter().map(|(heard, by)| echo(a, *heard, *by));
            let echoes = Echoes {
                echoes: echoes.collect(),
                ..both_ways()
            };
            assert_eq!(levels(&echoes, 0), *expected, "{ways:?}");
        }
        // Somebody is there, and does not answer.
        let blocked = || (Level::Doubtful, Passage::Blocked);
        assert_eq!(levels(&both_ways(), 1), [blocked(), blocked()]);
        let no = Some("no".to_owned());
        let one = Echoes {
            multicast_refused: no.clone(),
            ..both_ways()
        };
        assert_eq!(
            levels(&one, 0),
            [(Level::Doubtful, refused()), (Level::Note, Passage::Leaves)]
        );
        let both = Echoes {
            broadcast_refused: no,
            ..one
        };
        assert_eq!(
            levels(&both, 0),
            [(Level::Bad, refused()), (Level::Bad, refused())]
        );
    }

    #[test]
    fn f71_a_port_that_cannot_be_opened_is_told_of_before_what_comes_of_it() {
        let echoes = Echoes {
            deaf: Some("Address already in use".to_owned()),
            echoes: vec![echo("192.168.7.9:4470", Cast::Multicast, Cast::Unicast)],
            ..both_ways()
        };
        let findings = judge(&echoes, 0);
        let expected = Symptom::Deaf {
            port: 4470,
            message: "Address already in use".to_owned(),
        };
        assert_eq!(findings[0].what, expected);
        assert_eq!(findings[0].level, Level::Doubtful);
        assert_eq!(findings[1].level, Level::Doubtful);
        let heard = judge(&both_ways(), 0);
        let deaf = |finding: &Finding| matches!(finding.what, Symptom::Deaf { .. });
        assert!(!heard.iter().any(deaf));
    }

    #[test]
    fn somebody_with_two_addresses_is_one() {
        use Cast::{Multicast, Unicast};
        let echoes = [
            echo("192.168.7.9:4470", Multicast, Multicast),
            echo("192.168.7.9:4470", Multicast, Unicast),
            echo("[fe80::9%2]:4470", Multicast, Multicast),
            echo("192.168.7.10:4470", Multicast, Multicast),
        ];
        assert_eq!(peers(&echoes), 2);
        assert_eq!(peers(&[]), 0);
    }

    #[test]
    fn a_clock_far_off_is_told_of() {
        let clock = |off: &[i64]| {
            let echoes = off.iter().zip(1..).map(|(off, last): (&i64, u8)| Echo {
                from: ([192, 168, 7, last], 4470).into(),
                at: 10_000_000,
                now: 10_000_000 + off * 1_000,
                ..echo("192.168.7.9:4470", Cast::Multicast, Cast::Multicast)
            });
            let echoes = Echoes {
                echoes: echoes.collect(),
                ..Echoes::default()
            };
            let findings = judge(&echoes, 0);
            findings.into_iter().find_map(|finding| match finding.what {
                Symptom::Clock { ahead } => Some((finding.level, ahead)),
                _ => None,
            })
        };
        assert_eq!(clock(&[]), None);
        assert_eq!(clock(&[120]), Some((Level::Good, 120)));
        assert_eq!(clock(&[121]), Some((Level::Doubtful, 121)));
        assert_eq!(clock(&[-3_600]), Some((Level::Doubtful, -3_600)));
        // One of three is wrong itself.
        assert_eq!(clock(&[2, 9_000, 3]), Some((Level::Good, 3)));
    }
}
