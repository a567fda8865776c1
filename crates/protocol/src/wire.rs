//! The frames of the wire and how a connection ends. PROTOCOL.md is the prose to this file.

use serde::{Deserialize, Deserializer, Serialize};

use crate::compare::CompareStep;
use crate::door::{DoorOrder, DoorView};
use crate::event::{Admission, Event, Role, RoomSettings, Signed};
use crate::identity::Warrant;
use crate::ids::{ClientId, Epoch, MemberId, Nonce, RoomId, RoomPublicKey, Seq, Signature, Token};
use crate::passcode::Blob;
use crate::text::{DisplayName, RoomName};

/// What a client says to a relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// First frame: which room, who, and proof of it.
    Hello(Box<Hello>),
    /// Please put this into the log. The same id again is the same event.
    Submit(Box<Signed>),
    /// Please send the events from `from` to `to`, both included.
    Fetch {
        /// First wanted.
        from: Seq,
        /// Last wanted.
        to: Seq,
    },
    /// Whether this member is typing.
    Typing {
        /// True while typing.
        active: bool,
    },
    /// From now on I am called this.
    Rename {
        /// The new name.
        name: DisplayName,
    },
    /// Goodbye: I leave the room, this is no broken connection.
    Leave,
    /// Answer to `challenge`: the first message of a passcode exchange. From here on it counts as an attempt.
    PasscodeStart {
        /// See [`crate::passcode`].
        message: Blob,
    },
    /// The last message of a passcode exchange.
    PasscodeFinish {
        /// See [`crate::passcode`].
        message: Blob,
    },
    /// What the owner or a moderator wants at the door.
    Door(DoorOrder),
    /// A step of comparing short codes with somebody who is present.
    Compare {
        /// With whom.
        member: MemberId,
        /// The step.
        step: CompareStep,
    },
    /// Rooms that this member knows of and that anybody may know of, to be told to the others: all of them, at most
    /// [`crate::limits::INTRODUCED_ROOMS`]. What was introduced before is replaced.
    Introduce {
        /// They.
        rooms: Vec<Introduced>,
    },
    /// Please have this member try to reach a room that I host.
    DialBack {
        /// Whom to ask.
        member: MemberId,
        /// The room; the answer names it.
        room: RoomId,
        /// The TCP port at the address that the relay sees of me.
        port: u16,
    },
    /// The answer to `dial_back`.
    DialledBack {
        /// Who asked.
        member: MemberId,
        /// For which room.
        room: RoomId,
        /// What came of it.
        outcome: Back,
    },
}

/// A room that somebody tells of. A hint: what it is, it proves by its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduced {
    /// Which room.
    pub room: RoomId,
    /// What it is called.
    pub name: RoomName,
    /// Where it is, best first, as `host:port`; at most [`crate::limits::NEARBY_ADDRESSES`].
    pub addresses: Vec<String>,
}

/// What came of dialling back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Back {
    /// The room is there.
    Reached,
    /// Nobody answered.
    NoAnswer,
    /// The connection was refused.
    Refused,
    /// Something else answered, or the room did not prove its key.
    NotItself,
    /// Not tried: too often, or the member that was asked does not do that.
    Declined,
    /// An outcome of a later version.
    #[serde(other)]
    Unknown,
}

/// The first frame of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the wire that the client chose from the greeting's range.
    pub protocol: u32,
    /// The room.
    pub room: RoomId,
    /// Who.
    pub member: MemberId,
    /// By which name.
    pub name: DisplayName,
    /// The member's signature over this connection and the room (see [`crate::identity::Identity::sign_hello`]).
    pub signature: Signature,
    /// An invite's secret. Only ever sent to a relay that proved that it hosts the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// Name and version of the client, for the relay's log.
    #[serde(default)]
    pub software: String,
}

/// What a relay says to a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// First frame: versions, rooms and the challenge.
    Greeting(Greeting),
    /// You are in.
    Welcome(Box<Welcome>),
    /// One new event. The author's own is the acknowledgement of its `submit`.
    Event(Event),
    /// The answer to `fetch`.
    Events {
        /// The first seq that the answer speaks for.
        from: Seq,
        /// The last. Below the asked one when the page was full: ask again from the next.
        to: Seq,
        /// All events from `from` to `to` that the log still has. One that this version cannot read is left out, and
        /// so shown as missing: it must not hide the others.
        #[serde(deserialize_with = "readable")]
        events: Vec<Event>,
    },
    /// A member's presence, name, role or right to speak changed.
    Presence(Member),
    /// A member types, or stopped.
    Typing {
        /// Who.
        member: MemberId,
        /// True while typing.
        active: bool,
    },
    /// The log's newest position, told now and then so that a lost tail is noticed.
    Head {
        /// The log it speaks of.
        epoch: Epoch,
        /// The newest position.
        seq: Seq,
    },
    /// A `submit` was not taken.
    Rejected {
        /// Which one.
        id: ClientId,
        /// Why.
        code: Reject,
        /// For people.
        message: String,
        /// With `slow_down`: submit it again after so many milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait: Option<u32>,
    },
    /// Answer to `hello`: this room wants its passcode. `passcode_start` comes next.
    Challenge,
    /// Answer to `passcode_start`.
    PasscodeReply {
        /// See [`crate::passcode`].
        message: Blob,
    },
    /// Answer to `hello`: wait here until somebody lets you in.
    Knocking,
    /// To the owner and moderators, after the welcome and whenever it changes: how the door is.
    Door(DoorView),
    /// A step of comparing short codes, by somebody who is present.
    Compare {
        /// By whom.
        member: MemberId,
        /// The step.
        step: CompareStep,
    },
    /// Rooms that a member tells of.
    Introduced {
        /// Who.
        member: MemberId,
        /// All that it tells of.
        rooms: Vec<Introduced>,
    },
    /// A member asks to be dialled back.
    DialBack {
        /// Who.
        member: MemberId,
        /// Which room is to be there.
        room: RoomId,
        /// Where, as `host:port`: the address that the relay sees of the member, never one that it names.
        address: String,
    },
    /// The answer to one's own `dial_back`.
    DialledBack {
        /// Who tried.
        member: MemberId,
        /// For which room.
        room: RoomId,
        /// Where it was tried; none where it was not.
        address: Option<String>,
        /// What came of it.
        outcome: Back,
    },
    /// A frame was not understood or not allowed. If the connection ends by it, the close frame follows.
    Error {
        /// Why.
        code: Problem,
        /// For people.
        message: String,
    },
    /// The room closes; the close frame follows.
    Closing {
        /// Why.
        reason: Closing,
    },
}

fn readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Event>, D::Error> {
    let events = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(events
        .into_iter()
        .filter_map(|event| serde_json::from_value(event).ok())
        .collect())
}

/// The first frame of a relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Which versions of the wire the relay speaks.
    pub protocol: Versions,
    /// Name and version of the relay.
    pub software: String,
    /// What the `hello` has to sign.
    pub nonce: Nonce,
    /// The rooms that this relay hosts.
    pub rooms: Vec<Hosted>,
}

/// A room in a greeting, with the proof that this relay hosts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosted {
    /// What everybody is told of it.
    #[serde(flatten)]
    pub summary: RoomSummary,
    /// The room's key; the id follows from it.
    pub key: RoomPublicKey,
    /// The room's statements that this relay hosts it, one for each name that the relay has.
    pub warrants: Vec<Warrant>,
}

/// A range of versions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The lowest.
    pub min: u32,
    /// The highest.
    pub max: u32,
}

/// What a relay tells everybody of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RoomSummary {
    /// Which room.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// By which name its host is known in it, if a member hosts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<DisplayName>,
    /// How many members are present.
    pub online: u32,
    /// Whether it takes nobody more.
    pub full: bool,
    /// How somebody new comes in.
    #[serde(default)]
    pub admission: Admission,
    /// Nobody new comes in at all.
    #[serde(default)]
    pub locked: bool,
    /// It is not called out, and not to be listed for anybody who does not know it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// The answer to a good `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The room's name.
    pub name: RoomName,
    /// Which log the positions are of.
    pub epoch: Epoch,
    /// The room's rules.
    #[serde(default)]
    pub settings: RoomSettings,
    /// The oldest position that can be fetched.
    pub first: Seq,
    /// The newest position. Events after it come by themselves.
    pub head: Seq,
    /// Who is present, oneself included.
    pub members: Vec<Member>,
}

/// Somebody who is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub member: MemberId,
    /// By which name.
    pub name: DisplayName,
    /// Whether the room is on this member's computer.
    pub host: bool,
    /// What it may do.
    #[serde(default)]
    pub role: Role,
    /// Whether it may only read.
    #[serde(default)]
    pub muted: bool,
    /// How it is here.
    pub presence: Presence,
}

/// How a member is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Connected.
    Online,
    /// The connection broke a moment ago and may come back.
    Away,
    /// Not in the room any more.
    Gone,
}

/// Why a `submit` was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Reject {
    /// The id was used before for something else. Sending again cannot help.
    IdConflict,
    /// Not this member, or not this one's message. Sending again cannot help.
    NotAllowed,
    /// The message that it is about is not in the log. Sending again cannot help.
    NoSuchMessage,
    /// The signature does not fit. Sending again cannot help.
    BadSignature,
    /// This member may only read at the moment. Sending again helps once it may speak.
    Muted,
    /// Too fast for the relay or the room. Sending again helps after a while.
    SlowDown,
    /// The relay could not store it. Sending again may help.
    NotSaved,
    /// A reason of a later version. Sending again is not tried.
    #[serde(other)]
    Unknown,
}

impl Reject {
    /// Whether sending the same message again can help.
    pub fn retry_helps(self) -> bool {
        matches!(self, Reject::NotSaved | Reject::Muted | Reject::SlowDown)
    }
}

/// Why a frame was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Not a JSON object of the frame's shape.
    Malformed,
    /// A frame type that this side does not know.
    UnknownType,
    /// A binary message.
    NotText,
    /// A good frame at the wrong time.
    OutOfTurn,
    /// No common version of the wire.
    Version,
    /// The signature of the `hello` does not fit.
    Unauthenticated,
    /// The relay does not host that room.
    NoSuchRoom,
    /// The room takes nobody more.
    RoomFull,
    /// This member was sent out for good.
    Banned,
    /// Nobody new comes in.
    Locked,
    /// Who is new needs an invite.
    InviteNeeded,
    /// The invite is used up, too old, revoked, or none of this room.
    BadInvite,
    /// The passcode is another one.
    WrongPasscode,
    /// The room is open to the relay's own network only.
    NotLocal,
    /// Whoever keeps the door said no.
    Denied,
    /// Too many attempts or frames: come back later.
    SlowDown,
    /// Not this member's to do.
    NotAllowed,
    /// What it is about is not there.
    NoSuchThing,
    /// A problem of a later version.
    #[serde(other)]
    Unknown,
}

/// Why a room closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// Its host closed it.
    HostClosed,
    /// The relay stops, and may be back.
    RelayStopping,
    /// A reason of a later version.
    #[serde(other)]
    Unknown,
}

/// WebSocket close codes. 4400 to 4499: dialling again cannot help. 4500 to 4599 and every other code: it may.
pub mod close {
    /// The first frame was not a good `hello`.
    pub const BAD_HELLO: u16 = 4400;
    /// The signature did not fit.
    pub const UNAUTHENTICATED: u16 = 4401;
    /// Not let in; the error before says why.
    pub const NOT_ADMITTED: u16 = 4402;
    /// Sent out for good.
    pub const BANNED: u16 = 4403;
    /// Sent out. Who comes back is let in like anybody new.
    pub const KICKED: u16 = 4405;
    /// The room is not hosted here.
    pub const NO_SUCH_ROOM: u16 = 4404;
    /// The same member connected again from elsewhere.
    pub const REPLACED: u16 = 4409;
    /// The host closed the room.
    pub const HOST_CLOSED: u16 = 4410;
    /// No common version of the wire.
    pub const VERSION: u16 = 4426;
    /// Something failed in the relay.
    pub const INTERNAL: u16 = 4500;
    /// The relay stops.
    pub const RELAY_STOPPING: u16 = 4503;
    /// No `hello` in time.
    pub const HELLO_TIMEOUT: u16 = 4508;
    /// Nothing heard for too long.
    pub const SILENT: u16 = 4509;
    /// Too many attempts or frames for now.
    pub const SLOW_DOWN: u16 = 4529;
    /// The room takes nobody more just now.
    pub const ROOM_FULL: u16 = 4530;
    /// RFC 6455: the goodbye after `leave`.
    pub const NORMAL: u16 = 1000;
    /// RFC 6455: a broken frame.
    pub const PROTOCOL: u16 = 1002;
    /// RFC 6455: binary where text is due.
    pub const NOT_TEXT: u16 = 1003;
    /// RFC 6455: text that is not UTF-8.
    pub const NOT_UTF8: u16 = 1007;
    /// RFC 6455: larger than [`crate::limits::MAX_FRAME_BYTES`].
    pub const TOO_BIG: u16 = 1009;
    /// Registered with IANA: try again later. Here: you read too slowly; resume by seq.
    pub const TRY_LATER: u16 = 1013;

    /// Whether dialling again after this code can help.
    pub fn retry_helps(code: u16) -> bool {
        !(4400..4500).contains(&code)
    }
}

/// Why a text is not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// An object with a `type` that this version does not know.
    #[error("unknown frame type {0:?}")]
    UnknownType(String),
    /// Anything else.
    #[error("{0}")]
    Malformed(String),
}

impl BadFrame {
    /// The code to answer it with.
    pub fn problem(&self) -> Problem {
        match self {
            BadFrame::UnknownType(_) => Problem::UnknownType,
            BadFrame::Malformed(_) => Problem::Malformed,
        }
    }
}

/// Frame types that a client may send.
const CLIENT_TYPES: &[&str] = &[
    "hello",
    "submit",
    "fetch",
    "typing",
    "rename",
    "leave",
    "passcode_start",
    "passcode_finish",
    "door",
    "compare",
    "introduce",
    "dial_back",
    "dialled_back",
];
/// Frame types that a relay may send.
const SERVER_TYPES: &[&str] = &[
    "greeting",
    "welcome",
    "event",
    "events",
    "presence",
    "typing",
    "head",
    "rejected",
    "error",
    "closing",
    "challenge",
    "passcode_reply",
    "knocking",
    "door",
    "compare",
    "introduced",
    "dial_back",
    "dialled_back",
];

fn decode<'a, T: Deserialize<'a>>(text: &'a str, types: &[&str]) -> Result<T, BadFrame> {
    // serde would take an array for an object, field by field.
    if !text.trim_start().starts_with('{') {
        return Err(BadFrame::Malformed("a frame is a JSON object".to_owned()));
    }
    serde_json::from_str(text).map_err(|error| {
        #[derive(Deserialize)]
        struct Typed {
            r#type: String,
        }
        match serde_json::from_str::<Typed>(text) {
            Ok(Typed { r#type }) if !types.contains(&r#type.as_str()) => {
                BadFrame::UnknownType(crate::text::cut(&r#type, 40).to_owned())
            }
            _ => BadFrame::Malformed(error.to_string()),
        }
    })
}

impl ClientFrame {
    /// Reads a client's text message.
    pub fn decode(text: &str) -> Result<Self, BadFrame> {
        decode(text, CLIENT_TYPES)
    }

    /// The text message of this frame.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("frames have string keys only, so they are always JSON")
    }
}

impl ServerFrame {
    /// Reads a relay's text message.
    pub fn decode(text: &str) -> Result<Self, BadFrame> {
        decode(text, SERVER_TYPES)
    }

    /// The text message of this frame.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("frames have string keys only, so they are always JSON")
    }
}
