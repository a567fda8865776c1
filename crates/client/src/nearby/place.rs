//! One address at which a room may be: who says so, and what came of asking there.

use std::time::Duration;

use chatspot_protocol::address::Address;
use chatspot_protocol::limits::{
    PROBE_AGAIN_FIRST, PROBE_AGAIN_MOST, PROBE_EVERY, PROBE_SOON, SIGHTING_LASTS,
};
use chatspot_protocol::view::{Vanished, Way};

use super::told::Teller;

/// Checks after a room's last sign of life: one at once, and one when whoever said goodbye is surely gone.
const DOUBTS: u8 = 2;

/// Members whose word for one place is kept: more say nothing more, and each would be looked through with every word.
const TELLERS: usize = 16;

/// Somebody says that a room is at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// How it was heard.
    pub(super) way: Way,
    /// Who told it in a room, where somebody did.
    pub(super) teller: Option<Teller>,
    /// When it was heard last.
    pub(super) at: Duration,
}

impl Claim {
    /// Whether it alone says that the room is there at this moment: it is said again and again, and over when it is not.
    fn is_sign(&self) -> bool {
        is_beacon(&self.way) || self.way == Way::Mdns
    }
}

/// Whether it came in a datagram, so that whoever sent it is at the address itself.
pub(super) fn is_beacon(way: &Way) -> bool {
    matches!(way, Way::Multicast | Way::Broadcast | Way::Answer)
}

/// What came of asking at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not asked yet, or so long ago that it says nothing.
    Unchecked,
    /// Whoever is there has the room's key.
    Proven,
    /// The room is not there.
    Failed(Vanished),
}

/// What was found at an address, of one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// It has the key.
    Proven,
    /// Something claims to be the room and has not its key, or is no relay at all.
    NotItself,
    /// A relay that does not have the room.
    Elsewhere,
    /// Nobody answers.
    Nobody,
}

/// See the head of this file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) address: Address,
    pub(super) claims: Vec<Claim>,
    pub(super) verdict: Verdict,
    /// When it was first heard of.
    pub(super) since: Duration,
    /// When something was last asked here.
    pub(super) asked: Option<Duration>,
    /// When something may be asked here next.
    pub(super) due: Duration,
    /// The room was here once, since the app started.
    was_proven: bool,
    /// What is said of the room changed: to be asked, though it is there.
    changed: bool,
    /// A goodbye was heard, and nothing since.
    goodbye: bool,
    /// Checks to be made because the last sign of life is gone.
    doubts: u8,
    /// The connection to the room broke: whatever is heard, only an answer says that it is still here.
    shaken: bool,
    /// Times in a row that the room was not there.
    failures: u32,
}

impl Place {
    pub(super) fn new(address: Address, now: Duration) -> Self {
        Self {
            address,
            claims: Vec::new(),
            verdict: Verdict::Unchecked,
            since: now,
            asked: None,
            due: now,
            was_proven: false,
            changed: false,
            goodbye: false,
            doubts: 0,
            shaken: false,
            failures: 0,
        }
    }

    /// Somebody says that the room is here.
    pub(super) fn claimed(&mut self, claim: Claim) {
        if claim.is_sign() {
            self.goodbye = false;
            if self.doubts > 0 {
                self.doubts = 0;
            }
            // What came back after a while is asked soon; what keeps failing, less and less often.
            if matches!(self.verdict, Verdict::Failed(_)) && !self.is_heard() {
                self.ask_soon(claim.at);
            }
        }
        let same = |old: &&mut Claim| match claim.teller {
            Some(_) => old.teller == claim.teller,
            None => old.way == claim.way,
        };
        let tellers = || self.claims.iter().filter(|old| old.teller.is_some());
        let crowded = claim.teller.is_some() && tellers().count() >= TELLERS;
        match self.claims.iter_mut().find(same) {
            // Who tells may have another name by now.
            Some(old) => *old = claim,
            None if crowded => {}
            None => self.claims.push(claim),
        }
    }

    /// What is said of a room that is here differs from what it said itself.
    pub(super) fn differs(&mut self, now: Duration) {
        self.changed = true;
        self.ask_soon(now);
    }

    /// Whoever was connected to the room is not any more.
    pub(super) fn shaken(&mut self, now: Duration) {
        if self.verdict == Verdict::Proven {
            self.shaken = true;
            self.ask_soon(now);
        }
    }

    /// Somebody says that the room is not here any more; who else says that it is, is not touched.
    pub(super) fn goodbye(&mut self, ended: impl Fn(&Claim) -> bool, now: Duration) {
        let before = self.claims.len();
        self.claims.retain(|claim| !ended(claim));
        if self.claims.len() < before && !self.is_heard() {
            self.goodbye = true;
            self.doubt(now);
        }
    }

    /// Some claims are taken back, which says nothing of the room.
    pub(super) fn unclaim(&mut self, ended: impl Fn(&Claim) -> bool) {
        self.claims.retain(|claim| !ended(claim));
    }

    /// Forgets what was said too long ago.
    pub(super) fn tick(&mut self, now: Duration) {
        let heard = self.is_heard();
        self.claims
            .retain(|claim| !claim.is_sign() || now < claim.at + SIGHTING_LASTS);
        if heard && !self.is_heard() {
            self.doubt(now);
        }
    }

    /// The next time that [`Self::tick`] does something.
    pub(super) fn fades_at(&self) -> Option<Duration> {
        let spoken = self.claims.iter().filter(|claim| claim.is_sign());
        spoken.map(|claim| claim.at + SIGHTING_LASTS).min()
    }

    fn doubt(&mut self, now: Duration) {
        if self.verdict == Verdict::Proven {
            self.doubts = DOUBTS;
            self.ask_soon(now);
        }
    }

    /// The computer is in other networks than before.
    pub(super) fn moved(&mut self, now: Duration) {
        match self.verdict {
            Verdict::Proven => self.doubt(now),
            Verdict::Unchecked => {}
            Verdict::Failed(_) => self.failures = 0,
        }
        self.due = self.due.min(now);
    }

    /// The network of this address is not there any more.
    pub(super) fn left_behind(&mut self) {
        self.claims.retain(|claim| !claim.is_sign());
        self.verdict = Verdict::Failed(Vanished::OtherNetwork);
        self.doubts = 0;
    }

    /// Whether something says at this moment that the room is here.
    pub(super) fn is_heard(&self) -> bool {
        self.claims.iter().any(Claim::is_sign)
    }

    pub(super) fn has_beacon(&self) -> bool {
        self.claims.iter().any(|claim| is_beacon(&claim.way))
    }

    /// Whether it is called out here, and nothing was ever asked.
    pub(super) fn is_new(&self) -> bool {
        self.has_beacon() && self.asked.is_none()
    }

    pub(super) fn is_remembered(&self) -> bool {
        let mut claims = self.claims.iter();
        claims.any(|claim| claim.way == Way::Remembered)
    }

    /// Whether the room was here at some time, for all that is known.
    pub(super) fn is_trusted(&self) -> bool {
        self.was_proven || self.is_remembered()
    }

    /// Whether only its being remembered speaks for it.
    pub(super) fn is_only_remembered(&self) -> bool {
        let mut claims = self.claims.iter();
        claims.all(|claim| claim.way == Way::Remembered)
    }

    /// Whether the room is here or may be.
    pub(super) fn is_alive(&self) -> bool {
        match self.verdict {
            Verdict::Proven => true,
            Verdict::Unchecked => self.is_heard(),
            Verdict::Failed(_) => false,
        }
    }

    /// Whether the room is here for all that is known.
    pub(super) fn is_sure(&self) -> bool {
        self.verdict == Verdict::Proven && !self.shaken
    }

    /// Whether nothing speaks for it any more.
    pub(super) fn is_over(&self) -> bool {
        self.claims.is_empty() && self.verdict != Verdict::Proven
    }

    /// Whether asking here would tell something. `looking`: somebody looks at the list or waits for the room. `needed`:
    /// the room is surely nowhere.
    pub(super) fn wants(&self, looking: bool, needed: bool) -> bool {
        match self.verdict {
            Verdict::Proven if self.changed || self.shaken || self.doubts > 0 => true,
            Verdict::Proven => looking && !self.is_heard(),
            Verdict::Unchecked | Verdict::Failed(_) => {
                self.has_beacon()
                    || (needed && (self.is_heard() || (looking && !self.claims.is_empty())))
            }
        }
    }

    /// Somebody came to look: what was asked a while ago is asked again.
    pub(super) fn looked_at(&mut self, now: Duration) {
        if !self.is_heard() {
            self.ask_soon(now);
        }
    }

    fn ask_soon(&mut self, now: Duration) {
        let soon = self.asked.map_or(now, |asked| now.max(asked + PROBE_SOON));
        self.due = self.due.min(soon);
    }

    /// Something was asked here. `jitter`: between 0 and 1,000 thousandths.
    pub(super) fn answered(&mut self, finding: Finding, now: Duration, jitter: u32) {
        self.asked = Some(now);
        self.changed = false;
        self.shaken = false;
        let wait = if finding == Finding::Proven {
            self.verdict = Verdict::Proven;
            self.was_proven = true;
            self.failures = 0;
            self.doubts = self.doubts.saturating_sub(1);
            if self.doubts > 0 {
                PROBE_SOON
            } else {
                PROBE_EVERY
            }
        } else {
            self.verdict = Verdict::Failed(self.why(finding));
            self.doubts = 0;
            self.failures = self.failures.saturating_add(1);
            // Where nobody says that it would be there now, nobody is in a hurry.
            let first = if self.is_heard() {
                PROBE_AGAIN_FIRST
            } else {
                PROBE_EVERY
            };
            let doubled = first * 2u32.saturating_pow((self.failures - 1).min(16));
            doubled.min(PROBE_AGAIN_MOST)
        };
        // Those who heard the same beacon do not all come at once.
        self.due = now + wait + wait * jitter / 4_000;
    }

    fn why(&self, finding: Finding) -> Vanished {
        match finding {
            Finding::Elsewhere | Finding::Nobody if self.goodbye => Vanished::Closed,
            Finding::Elsewhere if self.is_trusted() => Vanished::Moved,
            Finding::Proven | Finding::NotItself | Finding::Elsewhere => Vanished::NotItself,
            Finding::Nobody if self.is_heard() => Vanished::Unreachable,
            Finding::Nobody if self.was_proven => Vanished::Silent,
            Finding::Nobody if self.is_only_remembered() => Vanished::NotSeen,
            Finding::Nobody => Vanished::Unreachable,
        }
    }

    /// Why the room is not here, now that it is not.
    pub(super) fn vanished(&self) -> Option<Vanished> {
        match self.verdict {
            Verdict::Failed(why) => Some(why),
            Verdict::Unchecked if self.goodbye => Some(Vanished::Closed),
            Verdict::Unchecked if !self.is_heard() && !self.is_only_remembered() => {
                Some(Vanished::Silent)
            }
            Verdict::Unchecked | Verdict::Proven => None,
        }
    }
}
