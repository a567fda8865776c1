//! What the window is told when something cannot be done: codes that it has words for.

use chatspot_folder::store::StoreError;
use chatspot_folder::vault::Closed;
use chatspot_protocol::address::{Address, BadAddress};
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::invite::BadLink;
use chatspot_protocol::passcode::BadPasscode;
use chatspot_protocol::text::BadText;
use chatspot_protocol::view::{Failure, FailureCode, Trouble};

pub(crate) fn failure(code: FailureCode, message: impl Into<String>) -> Failure {
    Failure {
        code,
        message: message.into(),
    }
}

/// The window's code for a disk that does not do as it is told.
pub fn storage(error: &StoreError) -> Failure {
    let code = match error {
        StoreError::Full { .. } => FailureCode::DiskFull,
        StoreError::Newer { .. } => FailureCode::NewerData,
        StoreError::InUse { .. } => FailureCode::DataInUse,
        StoreError::Keychain { why, .. } => match why {
            Closed::Locked => FailureCode::KeychainLocked,
            Closed::Empty => FailureCode::KeychainEmpty,
        },
        StoreError::Io { .. }
        | StoreError::ReadOnly { .. }
        | StoreError::Damaged { .. }
        | StoreError::Sql { .. } => FailureCode::Storage,
    };
    failure(code, error.to_string())
}

pub(crate) fn not_open(room: RoomId) -> Failure {
    failure(FailureCode::NotOpen, format!("room {room} is not open"))
}

/// The window's code for a refused text.
pub fn bad_text(bad: &BadText) -> Failure {
    let code = match bad {
        BadText::Empty => FailureCode::Empty,
        BadText::TooLong => FailureCode::TooLong,
        BadText::Control => FailureCode::Control,
    };
    failure(code, bad.to_string())
}

/// The window's code for a refused passcode.
pub fn bad_passcode(bad: BadPasscode) -> Failure {
    let code = match bad {
        BadPasscode::TooShort => FailureCode::TooShort,
        BadPasscode::TooLong => FailureCode::TooLong,
    };
    failure(code, bad.to_string())
}

/// The window's code for a link that is none.
pub fn bad_link(bad: BadLink) -> Failure {
    let code = match bad {
        BadLink::TooLong | BadLink::NotALink | BadLink::Damaged => FailureCode::BadLink,
        BadLink::TooNew => FailureCode::LinkTooNew,
    };
    failure(code, bad.to_string())
}

pub(crate) fn parse_address(text: &str) -> Result<Address, Failure> {
    text.parse().map_err(|bad: BadAddress| {
        let code = match bad {
            BadAddress::NotAnAddress => FailureCode::NotAnAddress,
            BadAddress::WrongScheme(_) => FailureCode::WrongScheme,
        };
        failure(code, bad.to_string())
    })
}

pub(crate) fn unreachable(trouble: Trouble) -> Failure {
    let code = match trouble {
        Trouble::NameUnknown => FailureCode::NameUnknown,
        Trouble::NotChatspot => FailureCode::NotChatspot,
        Trouble::RelayTooOld => FailureCode::RelayTooOld,
        Trouble::ClientTooOld => FailureCode::ClientTooOld,
        Trouble::RoomFull => FailureCode::RoomFull,
        Trouble::NoSuchRoom => FailureCode::NoSuchRoom,
        Trouble::KeyChanged => FailureCode::KeyChanged,
        Trouble::NobodyAnswers
        | Trouble::Lost
        | Trouble::Silent
        | Trouble::TooSlow
        | Trouble::RelayStopping
        | Trouble::HostClosed
        | Trouble::Replaced
        | Trouble::Unauthenticated
        | Trouble::Stopped
        | Trouble::Banned
        | Trouble::Kicked
        | Trouble::Locked
        | Trouble::InviteNeeded
        | Trouble::BadInvite
        | Trouble::NotLocal
        | Trouble::Denied
        | Trouble::SlowDown
        | Trouble::NotSaved
        | Trouble::Protocol => FailureCode::NobodyAnswers,
    };
    failure(code, format!("{trouble:?}"))
}
