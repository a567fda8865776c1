//! Asks an address which rooms are there: the greeting is read and proven, nothing is said.

use chatspot_protocol::address::Address;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::view::Trouble;
use chatspot_protocol::wire::RoomSummary;

use super::list::Answer;
use crate::dial;

/// What answers there. Takes as long as dialling does.
pub(super) async fn ask(address: &Address) -> Answer {
    let (greeting, line) = match dial::greeting(address).await {
        Ok(greeted) => greeted,
        Err(Trouble::NotChatspot) => return Answer::Stranger,
        Err(trouble) => {
            tracing::debug!(%address, ?trouble, "no room is proven there");
            return Answer::Nobody;
        }
    };
    let mut proven: Vec<RoomSummary> = Vec::new();
    let mut refused: Vec<RoomId> = Vec::new();
    for hosted in greeting.rooms {
        if dial::is_proven(&hosted, &line, 0) {
            proven.push(hosted.summary);
        } else {
            tracing::warn!(%address, room = %hosted.summary.room, "does not prove the room's key");
            refused.push(hosted.summary.room);
        }
    }
    Answer::Relay { proven, refused }
}
