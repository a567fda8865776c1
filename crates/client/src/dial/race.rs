//! Several addresses of one room: they are tried one after the other, a little apart, without waiting for the end of
//! each (RFC 8305). The first that proves the room's key wins, not the first that answers.

use std::collections::VecDeque;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};

use chatspot_nearby::networks::Networks;
use chatspot_nearby::rank;
use chatspot_protocol::address::Address;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::{RACE_AT_ONCE, RACE_EVERY, RACE_NAMES};
use chatspot_protocol::view::Trouble;
use chatspot_protocol::wire::Greeting;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use crate::store::{KnownAddress, Learnt};

use super::{Dialled, greet, is_proven, open, resolve, speaks_with_us};

/// What is raced for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goal {
    /// The room that has to prove itself.
    pub(crate) room: RoomId,
    /// The term that its warrant has at least.
    pub(crate) term: u64,
    /// Where another in its place is an alarm.
    pub(crate) home: Home,
}

/// Where the room is at home: what answers there without proving to be it has taken its place, and whoever was in is
/// alarmed. Anywhere else, anybody may say that they are the room, while its host is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Home {
    /// Wherever it is dialled: somebody asks once, and is told what is there.
    Anywhere,
    /// At these addresses, which people named.
    Named(Vec<Address>),
    /// At this one, where it proved itself last. Nobody named it, and it may lead there through somebody else's computer,
    /// who may answer in the room's place at any time: so only where all of its other addresses answer as well.
    Last(Address),
}

impl Home {
    /// That of a room which may be at these addresses, best first: where it proved itself last, and where people say that
    /// it is as long as it did so nowhere.
    pub(crate) fn of(known: &[KnownAddress]) -> Self {
        let is_named = |known: &&KnownAddress| known.learnt == Learnt::Named;
        match known.iter().find(|known| known.worked.is_some()) {
            Some(last) if !is_named(&last) => Self::Last(last.address.clone()),
            Some(last) => Self::Named(vec![last.address.clone()]),
            None => {
                let named = known.iter().filter(is_named);
                Self::Named(named.map(|known| known.address.clone()).collect())
            }
        }
    }

    /// Whether an answer at this address counts, where `others` is what the other addresses do.
    fn is_at(&self, address: &Address, others: Others) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Named(named) => named.contains(address),
            Self::Last(last) => last == address && others == Others::Answer,
        }
    }
}

/// What the addresses do at which the room did not prove itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Something answers at all of them.
    Answer,
    /// At some of them nothing does: the room may be there, and away.
    Silent,
}

/// Something that answered, and the connection that it answered over.
pub(crate) struct Reached {
    /// Where.
    pub(crate) address: Address,
    pub(crate) dialled: Dialled,
    /// What it said first.
    pub(crate) greeting: Greeting,
}

/// How a race ends.
pub(crate) enum Finish {
    /// The room.
    Won(Box<Reached>),
    /// What answers in its place, which says what is wrong.
    Instead(Box<Reached>),
    /// Nothing that says more than this.
    Nothing(Trouble),
}

/// The addresses in the order of dialling: the first one is where it was last, and stays; the others as they are ranked.
pub(crate) fn order(addresses: &[Address], networks: &Networks) -> Vec<Address> {
    let (first, others) = addresses.split_at(addresses.len().min(1));
    let mut ordered = rank(first, networks);
    if ordered.is_empty() {
        // Whoever typed it wants to hear what is wrong with it.
        ordered = first.to_vec();
    }
    for other in rank(others, networks) {
        if !ordered.contains(&other) {
            ordered.push(other);
        }
    }
    ordered
}

/// Dials these addresses, best first, until one of them proves to be the room.
pub(crate) async fn race(goal: Goal, addresses: Vec<Address>) -> Finish {
    match stagger(&goal, addresses).await {
        Ok(won) => Finish::Won(won),
        Err(lost) => judge(&goal, lost),
    }
}

/// One address to try.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    /// 0 for the best.
    rank: usize,
    pub(super) address: Address,
    pub(super) to: SocketAddr,
}

/// What a race is about.
pub(super) trait Course: Sync {
    /// What ends it.
    type Won: Send;
    /// What does not.
    type Lost: Send;

    /// What a name stands for.
    fn find(
        &self,
        address: &Address,
    ) -> impl Future<Output = Result<Vec<SocketAddr>, Self::Lost>> + Send;

    /// One attempt.
    fn run(&self, lane: Lane) -> impl Future<Output = Result<Self::Won, Self::Lost>> + Send;
}

/// Runs attempts [`RACE_EVERY`] apart, and at once after one that failed, until one has won or all have lost.
pub(super) async fn stagger<C: Course>(
    course: &C,
    addresses: Vec<Address>,
) -> Result<C::Won, Vec<C::Lost>> {
    let (mut lanes, mut lost) = (VecDeque::new(), Vec::new());
    let (mut lookups, mut running) = (FuturesUnordered::new(), FuturesUnordered::new());
    for (rank, address) in addresses.into_iter().enumerate() {
        match address.host.parse::<IpAddr>() {
            Ok(ip) => lanes.push_back(Lane {
                rank,
                to: SocketAddr::new(ip, address.port),
                address,
            }),
            Err(_) => lookups.push(async move {
                let found = course.find(&address).await;
                (rank, address, found)
            }),
        }
    }
    let mut next = Instant::now();
    loop {
        let ready = !lanes.is_empty() && running.len() < RACE_AT_ONCE;
        if lanes.is_empty() && running.is_empty() && lookups.is_empty() {
            return Err(lost);
        }
        tokio::select! {
            // An answer that is there counts before another attempt begins.
            biased;
            Some(end) = running.next(), if !running.is_empty() => match end {
                Ok(won) => return Ok(won),
                Err(no) => {
                    lost.push(no);
                    next = Instant::now();
                }
            },
            Some((rank, address, found)) = lookups.next(), if !lookups.is_empty() => match found {
                Ok(found) => {
                    let place = lanes.partition_point(|lane: &Lane| lane.rank < rank);
                    for to in found.into_iter().take(RACE_NAMES).rev() {
                        let address = address.clone();
                        lanes.insert(place, Lane { rank, address, to });
                    }
                }
                Err(no) => lost.push(no),
            },
            () = sleep_until(next), if ready => {
                if let Some(lane) = lanes.pop_front() {
                    // On the heap: handshakes take much room.
                    running.push(Box::pin(course.run(lane)));
                }
                next = Instant::now() + RACE_EVERY;
            }
        }
    }
}

/// An attempt that did not win.
pub(super) enum Lost {
    /// Something answered, and says so much of the room.
    Answer(Answer, usize, Box<Reached>),
    /// Nothing did.
    Trouble(Trouble),
}

/// What an answer that does not win says, what matters most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// It is the room, and speaks another language.
    Foreign,
    /// It says that it is the room, and does not prove it.
    Claim,
    /// It is a relay without the room.
    Elsewhere,
}

impl Course for Goal {
    type Won = Box<Reached>;
    type Lost = Lost;

    async fn find(&self, address: &Address) -> Result<Vec<SocketAddr>, Lost> {
        resolve(address).await.map_err(Lost::Trouble)
    }

    async fn run(&self, lane: Lane) -> Result<Box<Reached>, Lost> {
        let Lane { rank, address, to } = lane;
        let dialled = open(&address, to).await;
        let mut dialled = dialled.map_err(|unreached| Lost::Trouble(unreached.trouble()))?;
        let greeting = greet(&mut dialled).await.map_err(Lost::Trouble)?;
        let ours = || {
            let rooms = greeting.rooms.iter();
            rooms.filter(|hosted| hosted.summary.room == self.room)
        };
        let proven = ours().any(|hosted| is_proven(hosted, &dialled.line, self.term));
        let answer = match speaks_with_us(&greeting) {
            Ok(()) if proven => None,
            Err(_) if proven => Some(Answer::Foreign),
            _ if ours().next().is_some() => Some(Answer::Claim),
            _ => Some(Answer::Elsewhere),
        };
        let reached = Box::new(Reached {
            address,
            dialled,
            greeting,
        });
        match answer {
            None => Ok(reached),
            Some(answer) => {
                tracing::debug!(address = %reached.address, room = %self.room, ?answer, "passed over");
                Err(Lost::Answer(answer, rank, reached))
            }
        }
    }
}

/// What is told where nothing proved to be the room.
fn judge(goal: &Goal, mut lost: Vec<Lost>) -> Finish {
    let said: Vec<Said<'_>> = lost.iter().map(Said::of).collect();
    match verdict(&goal.home, &said) {
        Verdict::Instead(place) => match lost.swap_remove(place) {
            Lost::Answer(_, _, reached) => Finish::Instead(reached),
            Lost::Trouble(trouble) => Finish::Nothing(trouble),
        },
        Verdict::Nothing(trouble) => Finish::Nothing(trouble),
    }
}

/// What one attempt leaves to be judged.
enum Said<'a> {
    Answer(Answer, usize, &'a Address),
    Trouble(Trouble),
}

impl<'a> Said<'a> {
    fn of(lost: &'a Lost) -> Self {
        match lost {
            Lost::Answer(answer, rank, reached) => Self::Answer(*answer, *rank, &reached.address),
            Lost::Trouble(trouble) => Self::Trouble(*trouble),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// What this attempt reached is told as it is.
    Instead(usize),
    /// This is.
    Nothing(Trouble),
}

/// What proved to be the room and cannot be talked to is told first, wherever it is. What is not the room is told as what
/// it is only where the room is at home. Elsewhere a relay without the room is nothing but a sign that it is not there, and
/// one that claims to be the room not even that: it is as if nobody answered.
fn verdict(home: &Home, said: &[Said<'_>]) -> Verdict {
    let answers =
        |said: &Said<'_>| matches!(said, Said::Answer(..) | Said::Trouble(Trouble::NotChatspot));
    let others = if said.iter().all(answers) {
        Others::Answer
    } else {
        Others::Silent
    };
    let mut best: Option<(Answer, usize, usize)> = None;
    let mut told: Option<Trouble> = None;
    for (place, said) in said.iter().enumerate() {
        let trouble = match *said {
            Said::Answer(answer, rank, address)
                if answer == Answer::Foreign || home.is_at(address, others) =>
            {
                let this = (answer, rank, place);
                best = Some(best.map_or(this, |best| best.min(this)));
                continue;
            }
            Said::Answer(Answer::Foreign | Answer::Claim, ..) => Trouble::NobodyAnswers,
            Said::Answer(Answer::Elsewhere, ..) => Trouble::NoSuchRoom,
            Said::Trouble(trouble) => trouble,
        };
        if told.is_none_or(|told| weight(told) < weight(trouble)) {
            told = Some(trouble);
        }
    }
    match best {
        Some((_, _, place)) => Verdict::Instead(place),
        None => Verdict::Nothing(told.unwrap_or(Trouble::NobodyAnswers)),
    }
}

/// Which of several troubles is told: where the room may be and nobody answers just now, before an old place of it.
fn weight(trouble: Trouble) -> u8 {
    match trouble {
        Trouble::NameUnknown => 0,
        Trouble::NotChatspot => 1,
        Trouble::NobodyAnswers => 2,
        // A relay without the room is the surest sign of all that it is not there.
        Trouble::NoSuchRoom => 4,
        _ => 3,
    }
}

#[cfg(test)]
mod tests;
