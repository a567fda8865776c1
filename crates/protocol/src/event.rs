//! One entry of a room's log. The log is all that a room remembers; everything else is presence.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::ids::{ClientId, MemberId, Seq, WallMillis};
use crate::text::{DisplayName, MessageText, Reaction};

/// An entry of the log, as the relay committed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Event {
    /// Its place in the room's order.
    pub seq: Seq,
    /// The relay's clock when it was committed. A label, never an order.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at: WallMillis,
    /// Whose it is.
    pub author: MemberId,
    /// The author's name at that time, so that an old page needs no other to be read.
    pub name: DisplayName,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

impl Event {
    /// How many bytes of text it holds.
    pub fn text_bytes(&self) -> usize {
        match &self.body {
            Body::Message { text, .. } | Body::Edited { text, .. } => text.as_str().len(),
            Body::Deleted { .. }
            | Body::Reacted { .. }
            | Body::Joined
            | Body::Left { .. }
            | Body::Renamed { .. }
            | Body::Settings { .. }
            | Body::Moderated { .. }
            | Body::Unknown => 0,
        }
    }

    /// What makes it this event and no other of its author, in whatever log it stands: its client id, or 16 bytes of
    /// SHA-512 over place, time and content where it has none. A log that was restored from a backup repeats it.
    pub fn ident(&self) -> ClientId {
        use ed25519_dalek::Digest;
        if let Some(id) = self.body.id() {
            return id;
        }
        let body = serde_json::to_vec(&self.body).unwrap_or_default();
        let hash = ed25519_dalek::Sha512::new()
            .chain_update(b"chatspot event v1\0")
            .chain_update(self.seq.0.to_be_bytes())
            .chain_update(self.at.to_be_bytes())
            .chain_update(body)
            .finalize();
        let mut ident = [0; 16];
        ident.copy_from_slice(&hash[..16]);
        ClientId(ident)
    }
}

/// What an event says happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// The author said something.
    Message {
        /// The author's id for it: sending the same id again never makes a second event.
        id: ClientId,
        /// What was said.
        text: MessageText,
    },
    /// The author put another text in the place of one of their own messages.
    Edited {
        /// The author's id for this edit.
        id: ClientId,
        /// Which message.
        target: Target,
        /// What it says from now on.
        text: MessageText,
    },
    /// The author took one of their own messages back.
    Deleted {
        /// The author's id for this deletion.
        id: ClientId,
        /// Which message.
        target: Target,
    },
    /// The author reacted to a message, or took the reaction back.
    Reacted {
        /// The author's id for this reaction.
        id: ClientId,
        /// To which message.
        target: Target,
        /// With what.
        reaction: Reaction,
        /// False when it is taken back.
        active: bool,
    },
    /// The author came into the room.
    Joined,
    /// The author left the room.
    Left {
        /// How.
        how: Leaving,
    },
    /// The author took another name.
    Renamed {
        /// The name before.
        from: DisplayName,
    },
    /// The host set the room's rules.
    Settings {
        /// The author's id for this change.
        id: ClientId,
        /// The rules from now on.
        settings: RoomSettings,
    },
    /// The host changed what a member may do.
    Moderated {
        /// The author's id for this act.
        id: ClientId,
        /// Whom it is about.
        member: MemberId,
        /// What it does.
        action: Moderation,
    },
    /// A kind that a later version knows. It keeps its place in the order and is shown as not understood.
    #[serde(other)]
    Unknown,
}

impl Body {
    /// The author's id for it. None for what the relay itself writes down, and for what is not understood.
    pub fn id(&self) -> Option<ClientId> {
        match self {
            Body::Message { id, .. }
            | Body::Edited { id, .. }
            | Body::Deleted { id, .. }
            | Body::Reacted { id, .. }
            | Body::Settings { id, .. }
            | Body::Moderated { id, .. } => Some(*id),
            Body::Joined | Body::Left { .. } | Body::Renamed { .. } | Body::Unknown => None,
        }
    }

    /// The message that it is about, if it is about one.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Body::Edited { target, .. }
            | Body::Deleted { target, .. }
            | Body::Reacted { target, .. } => Some(target),
            Body::Message { .. }
            | Body::Joined
            | Body::Left { .. }
            | Body::Renamed { .. }
            | Body::Settings { .. }
            | Body::Moderated { .. }
            | Body::Unknown => None,
        }
    }
}

/// What a member puts into the log: a [`Body`] with an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(as = "Body"))]
#[serde(try_from = "Body", into = "Body")]
pub struct Submission {
    id: ClientId,
    body: Body,
}

/// A body that no member may submit, because the relay writes it down itself or this version does not know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this kind of event cannot be submitted")]
pub struct NotSubmittable;

impl Submission {
    /// A message.
    pub fn message(id: ClientId, text: MessageText) -> Self {
        let body = Body::Message { id, text };
        Self { id, body }
    }

    /// New rules for the room.
    pub fn settings(id: ClientId, settings: RoomSettings) -> Self {
        let body = Body::Settings { id, settings };
        Self { id, body }
    }

    /// Its identity.
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// What it says.
    pub fn body(&self) -> &Body {
        &self.body
    }
}

impl TryFrom<Body> for Submission {
    type Error = NotSubmittable;

    fn try_from(body: Body) -> Result<Self, NotSubmittable> {
        match body {
            // Written down, it would not even say which act was meant.
            Body::Moderated {
                action: Moderation::Unknown,
                ..
            } => Err(NotSubmittable),
            body => Ok(Self {
                id: body.id().ok_or(NotSubmittable)?,
                body,
            }),
        }
    }
}

impl From<Submission> for Body {
    fn from(submission: Submission) -> Self {
        submission.body
    }
}

/// A message, named in a way that outlives the log that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Target {
    /// Whose it is.
    pub author: MemberId,
    /// Its author's id for it.
    pub id: ClientId,
}

/// The rules of a room, set by its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RoomSettings {
    /// How long the room's history is kept, by the relay and by every member.
    pub retention: Retention,
}

/// How long a room's history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "keep", rename_all = "snake_case")]
pub enum Retention {
    /// Until somebody deletes it.
    #[default]
    Forever,
    /// What is older than that is deleted.
    Days {
        /// From 1 to [`crate::limits::RETENTION_DAYS`].
        days: Days,
    },
    /// Nothing that was said is written to a disk, but for own messages until they are sent.
    Nothing,
}

/// A number of days from 1 to [`crate::limits::RETENTION_DAYS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "number"))]
pub struct Days(u16);

impl Days {
    /// Takes a number within the bounds.
    pub fn new(days: u16) -> Option<Self> {
        (1..=crate::limits::RETENTION_DAYS)
            .contains(&days)
            .then_some(Self(days))
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = u16::deserialize(deserializer)?;
        Self::new(days).ok_or_else(|| de::Error::custom("days are from 1 to 3650"))
    }
}

impl Retention {
    /// What was committed before this moment is to be deleted, by the clock of whoever asks. None: nothing is.
    pub fn cutoff(self, now: WallMillis) -> Option<WallMillis> {
        match self {
            Retention::Forever => None,
            Retention::Days { days } => Some(now - i64::from(days.0) * 24 * 3_600_000),
            Retention::Nothing => Some(WallMillis::MAX),
        }
    }
}

/// What a moderation does to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Moderation {
    /// May read, not write.
    Mute,
    /// May write again.
    Unmute,
    /// Is sent out, and may come back.
    Kick,
    /// Is sent out, and may not come back.
    Ban,
    /// May come back.
    Unban,
    /// An act of a later version.
    #[serde(other)]
    Unknown,
}

/// How somebody left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// Said goodbye.
    Left,
    /// The connection broke and did not come back in time.
    Lost,
}

/// An event before the log gave it its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// See [`Event::at`].
    pub at: WallMillis,
    /// See [`Event::author`].
    pub author: MemberId,
    /// See [`Event::name`].
    pub name: DisplayName,
    /// See [`Event::body`].
    pub body: Body,
}

impl Draft {
    /// The event that this draft becomes at `seq`.
    pub fn at_seq(self, seq: Seq) -> Event {
        Event {
            seq,
            at: self.at,
            author: self.author,
            name: self.name,
            body: self.body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: WallMillis = 24 * 60 * 60 * 1000;

    fn event(body: Body) -> Event {
        Event {
            seq: Seq(7),
            at: 5,
            author: MemberId([1; 32]),
            name: DisplayName::parse("Ada").unwrap(),
            body,
        }
    }

    fn said(id: u8, text: &str) -> Body {
        Body::Message {
            id: ClientId([id; 16]),
            text: MessageText::parse(text).unwrap(),
        }
    }

    #[test]
    fn an_event_of_a_member_is_known_by_its_id() {
        let known = event(said(3, "x")).ident();
        assert_eq!(known, ClientId([3; 16]));
        assert_eq!(event(said(3, "another text")).ident(), known);
    }

    #[test]
    fn f63_a_notice_is_known_by_its_place_time_and_content() {
        let known = event(Body::Joined);
        let moved = Event {
            seq: Seq(90),
            ..known.clone()
        };
        let later = Event {
            at: 6,
            ..known.clone()
        };
        let others = [
            later,
            moved,
            event(Body::Left { how: Leaving::Left }),
            event(Body::Left { how: Leaving::Lost }),
            event(Body::Renamed {
                from: DisplayName::parse("Bob").unwrap(),
            }),
            event(Body::Renamed {
                from: DisplayName::parse("Eve").unwrap(),
            }),
        ];
        let mut idents: Vec<_> = others.iter().map(Event::ident).collect();
        idents.push(known.ident());
        let count = idents.len();
        idents.sort_unstable();
        idents.dedup();
        assert_eq!(idents.len(), count);
        // It is written down: another computation would make every notice another event.
        assert_eq!(known.ident().to_string(), "bzYMps9Y7tzWsj9l7puYaw");
    }

    /// **S5**
    #[test]
    fn only_what_has_an_id_and_is_understood_can_be_submitted() {
        let moderated = |action| Body::Moderated {
            id: ClientId([1; 16]),
            member: MemberId([2; 32]),
            action,
        };
        let from = DisplayName::parse("Bob").unwrap();
        for bad in [
            Body::Joined,
            Body::Left { how: Leaving::Left },
            Body::Renamed { from },
            Body::Unknown,
            moderated(Moderation::Unknown),
        ] {
            assert_eq!(Submission::try_from(bad), Err(NotSubmittable));
        }
        for good in [said(1, "x"), moderated(Moderation::Mute)] {
            let submission = Submission::try_from(good.clone()).unwrap();
            assert_eq!(
                (submission.id(), submission.body()),
                (ClientId([1; 16]), &good)
            );
        }
    }

    /// **K1**
    #[test]
    fn a_retention_says_what_is_too_old() {
        let now = 100 * DAY;
        let days = |days| Retention::Days {
            days: Days::new(days).unwrap(),
        };
        assert_eq!(Retention::Forever.cutoff(now), None);
        assert_eq!(days(1).cutoff(now), Some(99 * DAY));
        assert_eq!(days(30).cutoff(now), Some(70 * DAY));
        assert_eq!(days(3650).cutoff(0), Some(-3650 * DAY), "clocks may be odd");
        assert_eq!(Retention::Nothing.cutoff(now), Some(WallMillis::MAX));
        assert_eq!((Days::new(0), Days::new(3651)), (None, None));
    }

    #[test]
    fn what_fills_pages_is_text() {
        let target = Target {
            author: MemberId([1; 32]),
            id: ClientId([1; 16]),
        };
        let edited = Body::Edited {
            id: ClientId([2; 16]),
            target,
            text: MessageText::parse("four").unwrap(),
        };
        assert_eq!(event(said(1, "four")).text_bytes(), 4);
        assert_eq!(event(edited).text_bytes(), 4);
        assert_eq!(event(Body::Joined).text_bytes(), 0);
    }
}
