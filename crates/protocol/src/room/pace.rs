//! How fast each member is, over however many connections: a reconnect makes nobody faster.

use std::collections::HashMap;
use std::time::Duration;

use crate::ids::{ClientId, MemberId};
use crate::limits::{
    MEMBER_COMPARE_EVERY, MEMBER_COMPARES, MEMBER_DIAL_BACK_EVERY, MEMBER_DIAL_BACKS,
    MEMBER_INTRODUCE_EVERY, MEMBER_INTRODUCTIONS, MEMBER_RENAME_EVERY, MEMBER_RENAMES,
    MEMBER_SUBMITS_BURST, MEMBER_SUBMITS_PER_SECOND, ROOM_PACES,
};

const SUBMIT_EVERY: Duration = Duration::from_secs(1)
    .checked_div(MEMBER_SUBMITS_PER_SECOND)
    .expect("the rate is no zero");

/// Not now, but after so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooFast {
    pub(super) wait: Duration,
}

/// What a submission used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paid {
    /// One of the member's share.
    One,
    /// Nothing: it is the member's newest once more, or nobody's.
    Nothing,
}

/// What a submission is, where speed matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// A message of somebody for whom this time has to pass between two.
    Message {
        /// It.
        slow: Duration,
    },
    /// Anything else.
    Other,
}

/// A share that fills up again at a steady rate, kept as the moment at which it is full (GCRA).
#[derive(Debug, Clone, Copy, Default)]
struct Share(Duration);

impl Share {
    fn take(&mut self, every: Duration, burst: u32, now: Duration) -> Result<(), TooFast> {
        let from = self.0.max(now);
        let ahead = every * burst.saturating_sub(1);
        let wait = from.saturating_sub(now + ahead);
        if wait > Duration::ZERO {
            return Err(TooFast { wait });
        }
        self.0 = from + every;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    submits: Share,
    compares: Share,
    renames: Share,
    introductions: Share,
    dial_backs: Share,
    /// The newest submission that was let through. Once more it is free: the log knows what it is.
    newest: Option<ClientId>,
    /// The newest message that is in the log, and when it was let through. It is free, too.
    spoke: Option<(ClientId, Duration)>,
    /// The newest message that the log has not answered, and when it was let through.
    speaking: Option<(ClientId, Duration)>,
    /// When this was last asked for.
    used: Duration,
}

impl Pace {
    fn spoke_at(&self) -> Option<Duration> {
        let spoke = [self.spoke, self.speaking].into_iter().flatten();
        spoke.map(|(_, at)| at).max()
    }

    fn is_known(&self, id: ClientId) -> bool {
        let messages = [self.spoke, self.speaking].into_iter().flatten();
        let mut known = messages.map(|(known, _)| known).chain(self.newest);
        known.any(|known| known == id)
    }
}

/// Of all members of a room, at most [`ROOM_PACES`].
#[derive(Debug)]
pub(super) struct Paces {
    members: HashMap<MemberId, Pace>,
    /// One more submission each time.
    submit_every: Duration,
    /// Submissions at once.
    submit_burst: u32,
}

impl Default for Paces {
    fn default() -> Self {
        Self {
            members: HashMap::new(),
            submit_every: SUBMIT_EVERY,
            submit_burst: MEMBER_SUBMITS_BURST,
        }
    }
}

impl Paces {
    /// Another rate than that of the limits.
    pub(super) fn set_submits(&mut self, every: Duration, burst: u32) {
        (self.submit_every, self.submit_burst) = (every, burst);
    }

    /// Whether a member may submit this now.
    pub(super) fn submit(
        &mut self,
        member: MemberId,
        id: ClientId,
        speech: Speech,
        now: Duration,
    ) -> Result<Paid, TooFast> {
        let (every, burst) = (self.submit_every, self.submit_burst);
        let pace = self.of(member, now);
        if pace.is_known(id) {
            return Ok(Paid::Nothing);
        }
        if let (Speech::Message { slow }, Some(spoke)) = (speech, pace.spoke_at()) {
            let wait = (spoke + slow).saturating_sub(now);
            if wait > Duration::ZERO {
                return Err(TooFast { wait });
            }
        }
        pace.submits.take(every, burst, now)?;
        pace.newest = Some(id);
        if let Speech::Message { .. } = speech {
            pace.speaking = Some((id, now));
        }
        Ok(Paid::One)
    }

    /// Whether a member may order something now that leaves no trace in the log.
    pub(super) fn order(&mut self, member: MemberId, now: Duration) -> Result<(), TooFast> {
        let (every, burst) = (self.submit_every, self.submit_burst);
        self.of(member, now).submits.take(every, burst, now)
    }

    /// Whether a member may send a step of a comparison now.
    pub(super) fn compare(&mut self, member: MemberId, now: Duration) -> Result<(), TooFast> {
        let share = &mut self.of(member, now).compares;
        share.take(MEMBER_COMPARE_EVERY, MEMBER_COMPARES, now)
    }

    /// Another name.
    pub(super) fn rename(&mut self, member: MemberId, now: Duration) -> Result<(), TooFast> {
        let share = &mut self.of(member, now).renames;
        share.take(MEMBER_RENAME_EVERY, MEMBER_RENAMES, now)
    }

    /// Another introduction.
    pub(super) fn introduce(&mut self, member: MemberId, now: Duration) -> Result<(), TooFast> {
        let share = &mut self.of(member, now).introductions;
        share.take(MEMBER_INTRODUCE_EVERY, MEMBER_INTRODUCTIONS, now)
    }

    /// Whether a member may ask to be dialled back now.
    pub(super) fn dial_back(&mut self, member: MemberId, now: Duration) -> Result<(), TooFast> {
        let share = &mut self.of(member, now).dial_backs;
        share.take(MEMBER_DIAL_BACK_EVERY, MEMBER_DIAL_BACKS, now)
    }

    /// A submission is in the log.
    pub(super) fn taken(&mut self, member: MemberId, id: ClientId) {
        if let Some(pace) = self.members.get_mut(&member)
            && let Some(spoke) = pace.speaking.take_if(|(speaking, _)| *speaking == id)
        {
            pace.spoke = Some(spoke);
        }
    }

    /// The log did not take a submission, or had it before: it is as if it had never come.
    pub(super) fn refused(&mut self, member: MemberId, id: ClientId, paid: Paid) {
        if let (Some(pace), Paid::One) = (self.members.get_mut(&member), paid) {
            pace.submits.0 = pace.submits.0.saturating_sub(self.submit_every);
            pace.newest.take_if(|newest| *newest == id);
            pace.speaking.take_if(|(speaking, _)| *speaking == id);
        }
    }

    /// Forgets whom nothing would hold up.
    pub(super) fn forget_idle(&mut self, slow: Duration, now: Duration) {
        self.members.retain(|_, pace| {
            let shares = [
                pace.submits,
                pace.compares,
                pace.renames,
                pace.introductions,
                pace.dial_backs,
            ];
            shares.into_iter().any(|share| share.0 > now)
                || pace.speaking.is_some()
                || pace.spoke.is_some_and(|(_, at)| at + slow > now)
        });
    }

    fn of(&mut self, member: MemberId, now: Duration) -> &mut Pace {
        if self.members.len() >= ROOM_PACES && !self.members.contains_key(&member) {
            let oldest = self
                .members
                .iter()
                .min_by_key(|(id, pace)| (pace.used, **id));
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.members.remove(&oldest);
            }
        }
        let pace = self.members.entry(member).or_default();
        pace.used = now;
        pace
    }
}

#[cfg(test)]
impl Paces {
    /// Whether a member's speed is remembered.
    pub(super) fn knows(&self, member: &MemberId) -> bool {
        self.members.contains_key(member)
    }

    /// Of how many the speed is remembered.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }
}
