//! Failed commands.

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::Trouble;

/// A failed command: a code that the window has words for, and a message for the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Failure {
    /// What the window acts on.
    pub code: FailureCode,
    /// For the log and the curious.
    pub message: String,
}

/// What can be wrong with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The text holds nothing that could be an address.
    NotAnAddress,
    /// A scheme that ChatSpot does not speak, such as `ftp://`.
    WrongScheme,
    /// See [`Trouble::NameUnknown`].
    NameUnknown,
    /// See [`Trouble::NobodyAnswers`].
    NobodyAnswers,
    /// See [`Trouble::NotChatspot`].
    NotChatspot,
    /// See [`Trouble::RelayTooOld`].
    RelayTooOld,
    /// See [`Trouble::ClientTooOld`].
    ClientTooOld,
    /// See [`Trouble::RoomFull`].
    RoomFull,
    /// See [`Trouble::NoSuchRoom`].
    NoSuchRoom,
    /// ChatSpot answers there, but hosts no room now.
    NoRooms,
    /// A name or message with nothing visible.
    Empty,
    /// A name or message that is too long.
    TooLong,
    /// A name with control characters.
    Control,
    /// No display name was chosen yet.
    NoName,
    /// That room is not open here.
    NotOpen,
    /// Too many unsent messages.
    OutboxFull,
    /// Too many rooms.
    TooManyRooms,
    /// No port could be opened.
    NoPort,
    /// Only the room's host may do that.
    NotHost,
    /// The data folder cannot be read or written.
    Storage,
    /// The disk is full.
    DiskFull,
    /// The data folder was written by a newer version.
    NewerData,
    /// Another ChatSpot uses the data folder now.
    DataInUse,
    /// It is no invite link, or a damaged one.
    BadLink,
    /// An invite link of a newer version.
    LinkTooNew,
    /// None of the link's addresses leads to its room.
    RoomNotThere,
    /// See [`Trouble::KeyChanged`].
    KeyChanged,
    /// A passcode or passphrase that is too short.
    TooShort,
    /// The passphrase does not open the file.
    WrongPassphrase,
    /// The file or text is no exported identity.
    NotAnIdentity,
    /// The system's keychain holds this installation's key and does not open.
    KeychainLocked,
    /// The system's keychain has lost this installation's key.
    KeychainEmpty,
    /// A link that must not be opened.
    UnsafeLink,
    /// Not what this member may do in the room.
    NotAllowed,
    /// There is no connection to the room to do that over.
    NotConnected,
    /// Nothing here looks for rooms nearby: it was turned off where ChatSpot was started.
    NoDiscovery,
    /// A defect.
    Internal,
}
