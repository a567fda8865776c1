//! What happens in a run and when, drawn from a seed before it begins.

use std::fmt;
use std::time::Duration;

use chatspot_proof::dice::Dice;

/// Everything that goes wrong, goes wrong within this time.
const TROUBLE: Duration = Duration::from_secs(100);
/// A disturbance is at most this long, well beyond the time after which a silent connection counts as dead...
const LONG: Duration = Duration::from_secs(60);
/// ...and mostly at most this long.
const SHORT: Duration = Duration::from_secs(4);
/// One of so many disturbances may be long.
const LONG_ONE_OF: usize = 4;
/// A member that is killed right after it wrote is killed within this time.
const AFTER_ENTER: Duration = Duration::from_millis(200);
/// The slowest packet of a healthy network.
const LATENCY: Duration = Duration::from_millis(60);
/// The slowest packet of a bad one: two of these are as long as a person waits.
const SLOW: Duration = Duration::from_millis(900);
/// A message comes at once behind the one before in so many of [`BURST_OF`] cases.
const BURST: usize = 2;
/// See [`BURST`].
const BURST_OF: usize = 5;

/// A simulated computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// The relay's.
    Relay,
    /// That of the member with this number.
    Member(usize),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Relay => write!(f, "relay"),
            Host::Member(number) => write!(f, "member-{number}"),
        }
    }
}

/// What is wrong for a while. Links are those between a member, by its number, and the relay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// Packets are dropped, both ways.
    Cut(usize),
    /// Packets from the member to the relay are dropped.
    Mute(usize),
    /// Packets from the relay to the member are dropped.
    Deafen(usize),
    /// Packets are kept, and arrive together in the end.
    Hold(usize),
    /// Packets are lost at times: one of this many.
    Lose(usize, u32),
    /// Packets take up to this long.
    Slow(usize, Duration),
    /// The program is killed: its system still closes its connections.
    Kill(Host),
    /// The computer is without power: nobody hears of it.
    PowerOff(Host),
}

/// What happens at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// It begins.
    Begin(Fault),
    /// It is over.
    End(Fault),
}

/// A member of the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Its name.
    pub name: String,
    /// When it comes for the first time.
    pub comes: Duration,
    /// What it writes, and when; if it cannot at that time, then as soon as it runs.
    pub writes: Vec<(Duration, String)>,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What it was drawn from.
    pub seed: u64,
    /// The slowest packet where nothing is wrong.
    pub latency: Duration,
    /// Who is in the room.
    pub writers: Vec<Writer>,
    /// What goes wrong, in the order of time.
    pub steps: Vec<(Duration, Step)>,
}

impl Plan {
    /// The same seed gives the same plan.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let members = 2 + dice.below(4);
        let latency = Duration::from_millis(1) + dice.pause(LATENCY);
        let mut writers: Vec<_> = (0..members)
            .map(|number| Writer {
                name: Host::Member(number).to_string(),
                comes: dice.pause(TROUBLE / 10),
                writes: Vec::new(),
            })
            .collect();
        let mut troubles = Vec::new();
        for _ in 0..2 + dice.below(8) {
            let fault = fault(&mut dice, members);
            let begin = dice.pause(TROUBLE);
            troubles.push((fault, begin, end(&mut dice, begin)));
        }
        let mut moments: Vec<_> = (0..30 + dice.below(31))
            .map(|_| {
                if dice.below(2) == 0 {
                    return dice.pause(TROUBLE);
                }
                // While something is wrong, so that it waits in an outbox, or is told and not heard.
                let (_, begin, end) = troubles[dice.below(troubles.len())];
                begin + dice.pause(end.saturating_sub(begin))
            })
            .collect();
        moments.sort();
        let mut last = (0, Duration::ZERO);
        for moment in moments {
            if dice.below(BURST_OF) >= BURST {
                last = (dice.below(members), moment);
            }
            let (number, moment) = last;
            let Writer { name, writes, .. } = &mut writers[number];
            let n = writes.len() + 1;
            let filler = "word ".repeat(dice.below(40));
            writes.push((moment, format!("{name} {n} {filler}.")));
        }
        for _ in 0..dice.below(4) {
            let number = dice.below(members);
            let Writer { writes, .. } = &writers[number];
            if writes.is_empty() {
                continue;
            }
            let (enter, _) = &writes[dice.below(writes.len())];
            let begin = (*enter + dice.pause(AFTER_ENTER)).min(TROUBLE);
            let fault = match dice.below(2) {
                0 => Fault::Kill(Host::Member(number)),
                _ => Fault::PowerOff(Host::Member(number)),
            };
            troubles.push((fault, begin, end(&mut dice, begin)));
        }
        let steps = troubles
            .into_iter()
            .flat_map(|(fault, begin, end)| [(begin, Step::Begin(fault)), (end, Step::End(fault))]);
        let mut steps: Vec<_> = steps.collect();
        // Stable: what begins and ends at one moment does so in this order.
        steps.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            latency,
            writers,
            steps,
        }
    }

    /// When nothing is wrong any more and everything is written.
    pub fn end() -> Duration {
        TROUBLE
    }

    /// How many messages are written.
    pub fn messages(&self) -> usize {
        self.writers.iter().map(|writer| writer.writes.len()).sum()
    }
}

/// When a trouble ends that begins then.
fn end(dice: &mut Dice, begin: Duration) -> Duration {
    let most = match dice.below(LONG_ONE_OF) {
        0 => LONG,
        _ => SHORT,
    };
    (begin + dice.pause(most)).min(TROUBLE)
}

fn fault(dice: &mut Dice, members: usize) -> Fault {
    let member = dice.below(members);
    let host = match dice.below(2) {
        0 => Host::Relay,
        _ => Host::Member(member),
    };
    match dice.below(10) {
        0 => Fault::Cut(member),
        1 => Fault::Mute(member),
        2 => Fault::Deafen(member),
        3 | 4 => Fault::Hold(member),
        5 => Fault::Lose(member, [10, 30, 100][dice.below(3)]),
        6 => Fault::Slow(member, dice.pause(SLOW)),
        7 | 8 => Fault::Kill(host),
        _ => Fault::PowerOff(host),
    }
}
