//! Events on their way into the log.

use serde::{Deserialize, Serialize};

use super::{Admission, Body, Event, Moderation, Role, RoomSettings, said_bytes};
use crate::identity::{Identity, is_genuine};
use crate::ids::{ClientId, MemberId, RoomId, Seq, Signature, WallMillis};
use crate::text::{DisplayName, MessageText};

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

    /// What the author, who bears this name now, sends for it.
    pub fn sign(self, author: &Identity, room: &RoomId, name: &DisplayName) -> Signed {
        let said = said_bytes(room, &author.member(), name, &self.body)
            .expect("what can be submitted can be signed");
        Signed {
            signature: author.sign(&said),
            submission: self,
        }
    }

    /// Any other body, if a member may submit it.
    pub fn of(body: Body) -> Result<Self, NotSubmittable> {
        body.try_into()
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
            // Written down, it would not even say what was meant.
            Body::Moderated {
                action: Moderation::Unknown,
                ..
            }
            | Body::Role {
                role: Role::Unknown,
                ..
            }
            | Body::Settings {
                settings:
                    RoomSettings {
                        admission: Admission::Unknown,
                        ..
                    },
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

/// A submission with its author's signature, as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// What is submitted.
    #[serde(flatten)]
    pub submission: Submission,
    /// See [`Event::signature`].
    pub signature: Signature,
}

impl Signed {
    /// Whether `author`, who bears this name now, signed this for this room.
    pub fn is_genuine(&self, room: &RoomId, author: &MemberId, name: &DisplayName) -> bool {
        said_bytes(room, author, name, self.submission.body())
            .is_some_and(|said| is_genuine(&author.0, &said, &self.signature))
    }
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
    /// See [`Event::signature`].
    pub signature: Option<Signature>,
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
            signature: self.signature,
        }
    }
}
