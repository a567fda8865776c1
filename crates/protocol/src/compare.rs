//! Two people compare a short code on their screens, and know that nobody stands between them.
//!
//! Steps, sent through the relay: `ask` (with a commitment to A's share), `accept` (B's share), `reveal` (A's share).
//! The code is made of both shares, both member keys and the room key. A is bound before it sees B's share, and B
//! chooses before it sees A's: whoever stands between has one guess, however long they calculate. When both ask at the
//! same time, the one with the smaller key stays A and the other one accepts.

use std::time::Duration;

use ed25519_dalek::Digest;
use serde::{Deserialize, Serialize};

use crate::ids::{MemberId, RoomPublicKey, Share};
use crate::limits::COMPARE_FOR;
use crate::view::{CodeEmoji, CompareStage};

/// A step of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum CompareStep {
    /// Will you compare codes with me?
    Ask {
        /// The hash of A's share.
        commitment: Share,
    },
    /// Yes.
    Accept {
        /// B's share.
        share: Share,
    },
    /// Then this was mine.
    Reveal {
        /// A's share.
        share: Share,
    },
    /// Not now, or not any more.
    Stop,
    /// A step of a later version.
    #[serde(other)]
    Unknown,
}

/// What the person at a window wants of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum CompareWish {
    /// Compare codes with this member.
    Ask {
        /// Whom.
        member: MemberId,
    },
    /// Yes, to the one who asks.
    Accept,
    /// Both screens show the same.
    Match,
    /// They do not: nothing is to be trusted here.
    Differ,
    /// Not now, or close what is shown.
    Stop,
}

/// The pictures of a code and their names in English: the table of the Matrix specification ("SAS method: emoji"), whose
/// names are chosen to be told apart over a telephone.
pub const EMOJI: [(&str, &str); 64] = [
    ("🐶", "Dog"),
    ("🐱", "Cat"),
    ("🦁", "Lion"),
    ("🐎", "Horse"),
    ("🦄", "Unicorn"),
    ("🐷", "Pig"),
    ("🐘", "Elephant"),
    ("🐰", "Rabbit"),
    ("🐼", "Panda"),
    ("🐓", "Rooster"),
    ("🐧", "Penguin"),
    ("🐢", "Turtle"),
    ("🐟", "Fish"),
    ("🐙", "Octopus"),
    ("🦋", "Butterfly"),
    ("🌷", "Flower"),
    ("🌳", "Tree"),
    ("🌵", "Cactus"),
    ("🍄", "Mushroom"),
    ("🌏", "Globe"),
    ("🌙", "Moon"),
    ("☁️", "Cloud"),
    ("🔥", "Fire"),
    ("🍌", "Banana"),
    ("🍎", "Apple"),
    ("🍓", "Strawberry"),
    ("🌽", "Corn"),
    ("🍕", "Pizza"),
    ("🎂", "Cake"),
    ("❤️", "Heart"),
    ("😀", "Smiley"),
    ("🤖", "Robot"),
    ("🎩", "Hat"),
    ("👓", "Glasses"),
    ("🔧", "Spanner"),
    ("🎅", "Santa"),
    ("👍", "Thumbs Up"),
    ("☂️", "Umbrella"),
    ("⌛", "Hourglass"),
    ("⏰", "Clock"),
    ("🎁", "Gift"),
    ("💡", "Light Bulb"),
    ("📕", "Book"),
    ("✏️", "Pencil"),
    ("📎", "Paperclip"),
    ("✂️", "Scissors"),
    ("🔒", "Lock"),
    ("🔑", "Key"),
    ("🔨", "Hammer"),
    ("☎️", "Telephone"),
    ("🏁", "Flag"),
    ("🚂", "Train"),
    ("🚲", "Bicycle"),
    ("✈️", "Aeroplane"),
    ("🚀", "Rocket"),
    ("🏆", "Trophy"),
    ("⚽", "Ball"),
    ("🎸", "Guitar"),
    ("🎺", "Trumpet"),
    ("🔔", "Bell"),
    ("⚓", "Anchor"),
    ("🎧", "Headphones"),
    ("📁", "Folder"),
    ("📌", "Pin"),
];

/// What A's commitment is about.
const COMMITMENT_CONTEXT: &[u8] = b"chatspot compare commitment v1\0";
/// What a code is about.
const CODE_CONTEXT: &[u8] = b"chatspot compare code v1\0";

/// Between whom, and where: the same at both ends unless somebody stands between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// The room.
    pub room: RoomPublicKey,
    /// Who asked.
    pub a: MemberId,
    /// Who was asked.
    pub b: MemberId,
}

impl Sides {
    /// What binds A to a share without telling it: the first 32 bytes of SHA-512 over context, room key, both member
    /// keys and the share.
    pub fn commitment(&self, share: &Share) -> Share {
        let hash = self.hash(COMMITMENT_CONTEXT).chain_update(share.0);
        let mut commitment = [0; 32];
        commitment.copy_from_slice(&hash.finalize()[..32]);
        Share(commitment)
    }

    /// What both screens show: SHA-512 over context, room key, both member keys, A's share and B's share.
    pub fn code(&self, a: &Share, b: &Share) -> Code {
        let hash = self.hash(CODE_CONTEXT).chain_update(a.0).chain_update(b.0);
        let hash = hash.finalize();
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash[at..at + 8]);
            u64::from_be_bytes(bytes)
        };
        let bits = number(0);
        let emoji = std::array::from_fn(|place| {
            let six = (bits >> (58 - 6 * place)) & 63;
            u8::try_from(six).unwrap_or(0)
        });
        // 2^64 is so far above 10^9 that every number is as likely as any other.
        let nine = u32::try_from(number(8) % 1_000_000_000).unwrap_or(0);
        Code {
            emoji,
            digits: nine,
        }
    }

    fn hash(&self, context: &[u8]) -> ed25519_dalek::Sha512 {
        ed25519_dalek::Sha512::new()
            .chain_update(context)
            .chain_update(self.room.0)
            .chain_update(self.a.0)
            .chain_update(self.b.0)
    }
}

/// A short code, in two spellings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The first 36 bits of the hash, as six places in [`EMOJI`].
    emoji: [u8; 6],
    /// Other bits of it, as a number of nine digits.
    digits: u32,
}

impl Code {
    /// Six pictures.
    pub fn emoji(&self) -> Vec<CodeEmoji> {
        let emoji = self.emoji.iter().map(|place| {
            let (emoji, name) = EMOJI[usize::from(*place) % EMOJI.len()];
            CodeEmoji {
                emoji: emoji.to_owned(),
                name: name.to_owned(),
            }
        });
        emoji.collect()
    }

    /// Nine digits, in groups of three.
    pub fn digits(&self) -> String {
        let (high, low) = (self.digits / 1_000, self.digits % 1_000);
        format!("{:03} {:03} {low:03}", high / 1_000, high % 1_000)
    }
}

/// What a comparison wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Send a step to a member.
    Send(MemberId, CompareStep),
    /// Show how far it is. None: nothing any more.
    Show(Option<(MemberId, CompareStage)>),
    /// The person says that it is really this member.
    Verified(MemberId),
}

/// How far it is, as this side knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// They are A and wait for our accept.
    Asked { commitment: Share },
    /// We are A and wait for their accept.
    Asking { share: Share },
    /// We are B and wait for their reveal.
    Accepted { commitment: Share, share: Share },
    /// The code is shown.
    Codes,
}

#[derive(Debug, Clone, Copy)]
struct Going {
    with: MemberId,
    stage: Stage,
    until: Duration,
}

/// One side of at most one comparison. What came to an end is only shown, until somebody closes it.
#[derive(Debug)]
pub(crate) struct Compare {
    me: MemberId,
    going: Option<Going>,
    acts: Vec<Act>,
}

impl Compare {
    pub(crate) fn new(me: MemberId) -> Self {
        Self {
            me,
            going: None,
            acts: Vec::new(),
        }
    }

    /// What is to be done now.
    pub(crate) fn take(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    /// When [`Compare::timeout`] is due.
    pub(crate) fn until(&self) -> Option<Duration> {
        self.going.map(|going| going.until)
    }

    /// The person at the window wants something. `share` is 32 random bytes.
    pub(crate) fn wish(
        &mut self,
        room: RoomPublicKey,
        wish: CompareWish,
        share: Share,
        now: Duration,
    ) {
        match (wish, self.going) {
            (CompareWish::Ask { member }, _) if member == self.me => {}
            (CompareWish::Ask { member }, going) => match going {
                Some(Going {
                    with,
                    stage: Stage::Asked { commitment },
                    ..
                }) if with == member => self.accept(with, commitment, share, now),
                _ => {
                    self.abandon();
                    let commitment = self.asked_by_us(room, member).commitment(&share);
                    self.go(member, Stage::Asking { share }, now);
                    self.send(member, CompareStep::Ask { commitment });
                    self.show(member, CompareStage::Waiting);
                }
            },
            (
                CompareWish::Accept,
                Some(Going {
                    with,
                    stage: Stage::Asked { commitment },
                    ..
                }),
            ) => self.accept(with, commitment, share, now),
            (
                CompareWish::Match,
                Some(Going {
                    with,
                    stage: Stage::Codes,
                    ..
                }),
            ) => {
                self.going = None;
                self.acts.push(Act::Verified(with));
                self.show(with, CompareStage::Matched);
            }
            (
                CompareWish::Differ,
                Some(Going {
                    with,
                    stage: Stage::Codes,
                    ..
                }),
            ) => self.end(with, CompareStage::Broken),
            (CompareWish::Stop, _) => {
                self.abandon();
                self.acts.push(Act::Show(None));
            }
            (CompareWish::Accept | CompareWish::Match | CompareWish::Differ, _) => {}
        }
    }

    /// A step of somebody who is present.
    pub(crate) fn step(
        &mut self,
        room: RoomPublicKey,
        from: MemberId,
        step: CompareStep,
        now: Duration,
    ) {
        if from == self.me {
            return;
        }
        let going = self.going.filter(|going| going.with == from);
        match (step, going.map(|going| going.stage)) {
            (CompareStep::Ask { commitment }, None) if self.going.is_none() => {
                self.go(from, Stage::Asked { commitment }, now);
                self.show(from, CompareStage::Asked);
            }
            // They began anew before we answered.
            (CompareStep::Ask { commitment }, Some(Stage::Asked { .. })) => {
                self.go(from, Stage::Asked { commitment }, now);
            }
            // Both asked at the same time. The smaller key stays the one who asks; the other one takes its own
            // commitment back, of which nobody has seen the share, and accepts, as its person wanted to.
            (CompareStep::Ask { commitment }, Some(Stage::Asking { share })) => {
                if from < self.me {
                    self.accept(from, commitment, share, now);
                }
            }
            (CompareStep::Ask { .. }, _) => self.send(from, CompareStep::Stop),
            (CompareStep::Accept { share: theirs }, Some(Stage::Asking { share })) => {
                self.send(from, CompareStep::Reveal { share });
                let code = self.asked_by_us(room, from).code(&share, &theirs);
                self.codes(from, &code);
            }
            (
                CompareStep::Reveal { share: theirs },
                Some(Stage::Accepted { commitment, share }),
            ) => {
                let sides = Sides {
                    room,
                    a: from,
                    b: self.me,
                };
                if sides.commitment(&theirs) == commitment {
                    self.codes(from, &sides.code(&theirs, &share));
                } else {
                    self.end(from, CompareStage::Broken);
                }
            }
            (CompareStep::Stop, Some(_)) => {
                self.going = None;
                self.show(from, CompareStage::Stopped);
            }
            // Steps out of turn: late ones of a comparison that is over, or of a later version.
            (
                CompareStep::Accept { .. }
                | CompareStep::Reveal { .. }
                | CompareStep::Stop
                | CompareStep::Unknown,
                _,
            ) => {}
        }
    }

    /// Somebody left the room.
    pub(crate) fn gone(&mut self, member: MemberId) {
        // Codes that are shown are shown at the other end, too: nothing more has to go over the wire.
        if let Some(Going { with, stage, .. }) = self.going
            && with == member
            && stage != Stage::Codes
        {
            self.going = None;
            self.show(member, CompareStage::Stopped);
        }
    }

    /// The connection is gone.
    pub(crate) fn disconnected(&mut self) {
        if let Some(going) = self.going {
            self.gone(going.with);
        }
    }

    /// Time went on.
    pub(crate) fn timeout(&mut self, now: Duration) {
        if let Some(Going { with, until, .. }) = self.going
            && until <= now
        {
            self.end(with, CompareStage::Stopped);
        }
    }

    fn asked_by_us(&self, room: RoomPublicKey, member: MemberId) -> Sides {
        Sides {
            room,
            a: self.me,
            b: member,
        }
    }

    fn accept(&mut self, with: MemberId, commitment: Share, share: Share, now: Duration) {
        self.go(with, Stage::Accepted { commitment, share }, now);
        self.send(with, CompareStep::Accept { share });
        self.show(with, CompareStage::Waiting);
    }

    fn go(&mut self, with: MemberId, stage: Stage, now: Duration) {
        let until = now + COMPARE_FOR;
        self.going = Some(Going { with, stage, until });
    }

    fn codes(&mut self, with: MemberId, code: &Code) {
        if let Some(going) = &mut self.going {
            going.stage = Stage::Codes;
        }
        let stage = CompareStage::Codes {
            emoji: code.emoji(),
            digits: code.digits(),
        };
        self.show(with, stage);
    }

    /// Tells the other side that it is over, if it does not know.
    fn abandon(&mut self) {
        if let Some(Going { with, .. }) = self.going.take() {
            self.send(with, CompareStep::Stop);
        }
    }

    fn end(&mut self, with: MemberId, stage: CompareStage) {
        self.abandon();
        self.show(with, stage);
    }

    fn send(&mut self, to: MemberId, step: CompareStep) {
        self.acts.push(Act::Send(to, step));
    }

    fn show(&mut self, with: MemberId, stage: CompareStage) {
        self.acts.push(Act::Show(Some((with, stage))));
    }
}

#[cfg(test)]
mod tests;
