//! One entry of a room's log. The log is all that a room remembers; everything else is presence.

use serde::{Deserialize, Serialize};

use crate::identity::is_genuine;
use crate::ids::{ClientId, InviteId, MemberId, RoomId, Seq, Signature, WallMillis};
use crate::text::{DisplayName, MessageText, Reaction};

/// Many signatures at once.
mod proof;
mod settings;
mod submission;

pub use proof::proofs;
pub use settings::{Admission, Days, Retention, RoomSettings};
pub use submission::{Draft, NotSubmittable, Signed, Submission};

/// An entry of the log, as the relay committed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Event {
    /// Its place in the room's order.
    pub seq: Seq,
    /// The relay's clock when it was committed. A label, never an order.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    #[serde(deserialize_with = "crate::time::label")]
    pub at: WallMillis,
    /// Whose it is.
    pub author: MemberId,
    /// The author's name at that time, so that an old page needs no other to be read.
    pub name: DisplayName,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
    /// The author's signature over all of the above but `seq` and `at` (see [`said_bytes`]). None for what the relay
    /// itself writes down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(skip))]
    pub signature: Option<Signature>,
}

/// What a member's signature on an event says of who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The author signed it.
    Author,
    /// The relay wrote it down by itself, and nobody needs to have signed it.
    Relay,
    /// The author's signature is missing or does not fit: somebody else may have written or changed it.
    Missing,
}

/// What an author signs: who says what under which name in which room. Each part stands behind its length in bytes (32
/// bits, big-endian), so that no two of them can be taken for others.
///
/// Parts: `chatspot said v1`, room, author, name, kind, and the fields of the kind in the order of [`Body`]. Ids and
/// keys are their bytes, texts UTF-8, a truth value `1` or `0`, a number its decimal digits, a named value its name on
/// the wire; `retention` is `forever`, `days:` with the number, or `nothing`; a hidden room's settings have one
/// more part, `hidden`.
///
/// None for kinds that are not signed.
pub fn said_bytes(
    room: &RoomId,
    author: &MemberId,
    name: &DisplayName,
    body: &Body,
) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    let mut put = |part: &[u8]| {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    };
    put(b"chatspot said v1");
    put(&room.0);
    put(&author.0);
    put(name.as_str().as_bytes());
    match body {
        Body::Message { id, text } => {
            put(b"message");
            put(&id.0);
            put(text.as_str().as_bytes());
        }
        Body::Edited { id, target, text } => {
            put(b"edited");
            put(&id.0);
            put(&target.author.0);
            put(&target.id.0);
            put(text.as_str().as_bytes());
        }
        Body::Deleted { id, target } => {
            put(b"deleted");
            put(&id.0);
            put(&target.author.0);
            put(&target.id.0);
        }
        Body::Reacted {
            id,
            target,
            reaction,
            active,
        } => {
            put(b"reacted");
            put(&id.0);
            put(&target.author.0);
            put(&target.id.0);
            put(reaction.as_str().as_bytes());
            put(truth(*active));
        }
        Body::Settings { id, settings } => {
            let RoomSettings {
                retention,
                admission,
                locked,
                slow,
                hidden,
            } = settings;
            put(b"settings");
            put(&id.0);
            put(retention.signed().as_bytes());
            put(admission.name().as_bytes());
            put(truth(*locked));
            put(slow.to_string().as_bytes());
            // What was signed before there were hidden rooms stays signed.
            if *hidden {
                put(b"hidden");
            }
        }
        Body::Moderated { id, member, action } => {
            put(b"moderated");
            put(&id.0);
            put(&member.0);
            put(action.name().as_bytes());
        }
        Body::Role { id, member, role } => {
            put(b"role");
            put(&id.0);
            put(&member.0);
            put(role.name().as_bytes());
        }
        Body::Joined { .. } | Body::Left { .. } | Body::Renamed { .. } | Body::Unknown => {
            return None;
        }
    }
    Some(bytes)
}

fn truth(value: bool) -> &'static [u8] {
    if value { b"1" } else { b"0" }
}

impl Event {
    /// How many bytes of text it holds.
    pub fn text_bytes(&self) -> usize {
        match &self.body {
            Body::Message { text, .. } | Body::Edited { text, .. } => text.as_str().len(),
            Body::Deleted { .. }
            | Body::Reacted { .. }
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Renamed { .. }
            | Body::Settings { .. }
            | Body::Moderated { .. }
            | Body::Role { .. }
            | Body::Unknown => 0,
        }
    }

    /// Whether its author said this, in this room. Costs a curve operation; [`proofs`] does many for less.
    pub fn proof(&self, room: &RoomId) -> Proof {
        match said_bytes(room, &self.author, &self.name, &self.body) {
            None => Proof::Relay,
            Some(said) => match &self.signature {
                Some(signature) if is_genuine(&self.author.0, &said, signature) => Proof::Author,
                Some(_) | None => Proof::Missing,
            },
        }
    }

    /// What makes it this event and no other of its author, in whatever log it stands: its client id, or 16 bytes of
    /// SHA-512 over place, time and content where it has none. A log that was restored from a backup repeats it.
    pub fn ident(&self) -> ClientId {
        use ed25519_dalek::Digest;
        if let Some(id) = self.body.id() {
            return id;
        }
        let body = match &self.body {
            // As it was before it said by which way: what is kept since then stays the same event.
            Body::Joined { .. } => br#"{"kind":"joined"}"#.to_vec(),
            body => serde_json::to_vec(body).unwrap_or_default(),
        };
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
    Joined {
        /// By which way.
        #[serde(default)]
        via: Via,
        /// As what. Only counts for somebody whose role the room does not know yet.
        #[serde(default)]
        role: Role,
    },
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
    /// A member has another role.
    Role {
        /// The author's id for this act.
        id: ClientId,
        /// Whom it is about.
        member: MemberId,
        /// The role from now on. [`Role::Owner`] hands the room on: who had it is a moderator from then on.
        role: Role,
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
            | Body::Moderated { id, .. }
            | Body::Role { id, .. } => Some(*id),
            Body::Joined { .. } | Body::Left { .. } | Body::Renamed { .. } | Body::Unknown => None,
        }
    }

    /// The message that it is about, if it is about one.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Body::Edited { target, .. }
            | Body::Deleted { target, .. }
            | Body::Reacted { target, .. } => Some(target),
            Body::Message { .. }
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Renamed { .. }
            | Body::Settings { .. }
            | Body::Moderated { .. }
            | Body::Role { .. }
            | Body::Unknown => None,
        }
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

/// What a member may do in a room, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything. There is one owner at a time.
    Owner,
    /// Keeps the door and the order, among members and guests.
    Moderator,
    /// Talks, and comes back.
    #[default]
    Member,
    /// Talks, and is let in anew each time.
    Guest,
    /// A role of a later version, which may do no more than a guest.
    #[serde(other)]
    Unknown,
}

impl Role {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Moderator => "moderator",
            Role::Member => "member",
            Role::Guest => "guest",
            Role::Unknown => "unknown",
        }
    }

    /// Whether it keeps the door and the order.
    pub fn is_staff(self) -> bool {
        matches!(self, Role::Owner | Role::Moderator)
    }
}

/// By which way somebody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Via {
    /// Was a member before.
    #[default]
    Membership,
    /// The room was open.
    Open,
    /// Knew the passcode.
    Passcode,
    /// Had an invite.
    Invite {
        /// Which.
        invite: InviteId,
    },
    /// Knocked and was let in.
    Knock {
        /// By whom.
        admitted_by: MemberId,
    },
    /// A way of a later version.
    #[serde(other)]
    Unknown,
}

/// What a moderation does to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Moderation {
    /// May read, and neither write nor react.
    Mute,
    /// May write again.
    Unmute,
    /// Is sent out, and is let in like anybody new.
    Kick,
    /// Is sent out, and may not come back.
    Ban,
    /// May come back.
    Unban,
    /// An act of a later version.
    #[serde(other)]
    Unknown,
}

impl Moderation {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Moderation::Mute => "mute",
            Moderation::Unmute => "unmute",
            Moderation::Kick => "kick",
            Moderation::Ban => "ban",
            Moderation::Unban => "unban",
            Moderation::Unknown => "unknown",
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const JOINED: Body = Body::Joined {
        via: Via::Open,
        role: Role::Member,
    };
    const DAY: WallMillis = 24 * 60 * 60 * 1000;

    fn event(body: Body) -> Event {
        Event {
            seq: Seq(7),
            at: 5,
            author: MemberId([1; 32]),
            name: DisplayName::parse("Ada").unwrap(),
            body,
            signature: None,
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
        let known = event(JOINED);
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
            JOINED,
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
        assert_eq!(event(JOINED).text_bytes(), 0);
    }
}
